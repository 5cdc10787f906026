"""The command writes the same bytes again on one day, reports clear errors and leaves other files alone."""

import io
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from sample.__main__ import main

pytestmark = pytest.mark.slow

SMALL = ["--until", "2026-06-30", "--creatives", "200", "--days", "30"]


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_same_arguments_give_the_same_bytes(small_out: Path, tmp_path: Path) -> None:
    assert main(["--out", str(tmp_path / "exports"), "--truth", str(tmp_path / "truth.parquet"), *SMALL]) == 0
    assert contents(tmp_path) == contents(small_out)


def test_the_default_world_is_interplay(small_out: Path, tmp_path: Path) -> None:
    written = ["--out", str(tmp_path / "exports"), "--truth", str(tmp_path / "truth.parquet"), *SMALL]
    assert main([*written, "--world", "interplay"]) == 0
    assert contents(tmp_path) == contents(small_out)


def test_another_seed_gives_other_numbers(small_out: Path, tmp_path: Path) -> None:
    out, truth = tmp_path / "exports", tmp_path / "truth.parquet"
    assert main(["--out", str(out), "--truth", str(truth), "--seed", "8", *SMALL]) == 0
    other, same = contents(out), contents(small_out / "exports")
    assert not {name for name in other if name in same and name.endswith((".json", "推直播", ".xlsx"))}
    assert other["素材标签表.csv"] != same["素材标签表.csv"]


def test_a_second_run_takes_the_first_one_away(tmp_path: Path) -> None:
    out, truth = tmp_path / "exports", tmp_path / "truth.parquet"
    for seed in ("1", "2"):
        arguments = ["--creatives", "60", "--days", "14", "--seed", seed]
        assert main(["--out", str(out), "--truth", str(truth), *arguments]) == 0
    listed = (out / ".sample-files").read_text("utf-8").split("\n")[:-1]
    assert {p.relative_to(out).as_posix() for p in out.rglob("*.*") if p.is_file()} == {
        *listed,
        ".sample-files",
    }


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "exports" / "my own report.csv"
    mine.parent.mkdir()
    mine.write_text("keep me")
    arguments = ["--creatives", "60", "--days", "14"]
    assert main(["--out", str(mine.parent), "--truth", str(tmp_path / "truth.parquet"), *arguments]) == 2
    assert "my own report.csv" in capsys.readouterr().err
    assert contents(tmp_path) == {"exports/my own report.csv": b"keep me"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--creatives", "0"], "0 is outside 50 to 50000"),
        (["--days", "-3"], "-3 is outside 14 to 180"),
        (["--seed", "x"], "'x' is not a whole number"),
        (["--world", "flat"], "invalid choice: 'flat'"),
        (["--out", "a", "--truth", "a/truth.parquet"], "--truth must lie outside --out"),
    ],
)
def test_nonsense_is_refused_with_its_reason(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_help_shows_the_defaults(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit):
        main(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    for default in ("var/sample-exports", "var/sample-truth.parquet", "4000", "90", "7"):
        assert f"(default: {default})" in text


def written(folder: Path, *more: str) -> dict[str, bytes]:
    out = folder / "exports"
    size = ["--creatives", "60", "--days", "20"]
    assert main(["--out", str(out), "--truth", str(folder / "truth.parquet"), *size, *more]) == 0
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def test_the_last_day_is_yesterday_unless_another_is_asked_for(tmp_path: Path) -> None:
    yesterday = datetime.now(ZoneInfo("Asia/Shanghai")).date() - timedelta(days=1)
    assert any(f"-{yesterday}.csv" in name for name in written(tmp_path / "a"))
    assert any("-2026-02-28.csv" in name for name in written(tmp_path / "b", "--until", "2026-02-28"))


def test_another_last_day_changes_the_dates_and_no_figure(tmp_path: Path) -> None:
    june, march = written(tmp_path / "a", "--until", "2026-06-30"), written(tmp_path / "b", "--until", "2026-03-31")
    assert [name.partition("/")[0] for name in june] == [name.partition("/")[0] for name in march]

    def figures(files: dict[str, bytes]) -> pd.DataFrame:
        tables = [
            pd.read_csv(io.BytesIO(content), encoding="gbk") for name, content in files.items() if "视频-" in name
        ]
        columns = ["素材ID", "整体消耗", "整体成交金额"]
        rows = pd.concat(tables, ignore_index=True)[columns].astype(str)
        rows = rows[rows["素材ID"].str.fullmatch(r"\d{19}")]  # no totals, no repeated headers
        return rows.sort_values(columns).reset_index(drop=True)

    pd.testing.assert_frame_equal(figures(june), figures(march))


def test_a_day_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--until", "30.6.2026"])
    assert "is no day; give one such as" in capsys.readouterr().err

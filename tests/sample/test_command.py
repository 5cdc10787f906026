"""The command writes the same bytes again, reports clear errors and leaves other files alone."""

from pathlib import Path

import pytest

from sample.__main__ import main
from sample.world import END

pytestmark = pytest.mark.slow

SMALL = ["--creatives", "200", "--days", "30"]


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


def test_the_last_day_is_fixed() -> None:
    assert f"{END:%Y-%m-%d}" == "2026-06-30"

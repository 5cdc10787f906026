"""From export files to the report, and errors for what is not usable."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from configs.settings import Settings
from features.bilingual import Words
from features.errors import InputError
from serving.__main__ import app
from serving.report.context import CreativeFilter
from serving.report.run import ReportRequest, evaluation_of, iso_time, model_of, write_report
from training.errors import BundleError
from training.mlflow_address import REGISTRY_URI, TRACKING_URI
from training.registry import mlflow_tracking as tracking
from training.workspace import Workspace, workspace

EXPORT = """素材ID,素材视频名称,日期,整体消耗,基础消耗,整体展现次数,整体点击次数,整体成交订单数,整体成交金额,净成交金额
7530001234567890123,<b>痛点直击</b>.mp4,2026-05-01,200.00,200.00,"1,000",80,4,400.00,360.00
7530001234567890123,<b>痛点直击</b>.mp4,2026-05-02,400.00,0.00,"2,000",150,7,700.00,650.00
7530001234567890999,结果前置.mp4,2026-05-02,400.00,0.00,"2,000",150,8,800.00,690.00
"""
SHEET = "素材ID,商品ID,开头类型,价格\n7530001234567890123,p1,痛点直击,99\n7530001234567890999,p2,没见过,\n"


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    account = tmp_path / "exports" / "1700000000000001"
    account.mkdir(parents=True)
    (account / "全域推广数据-视频-推直播.csv").write_bytes(EXPORT.encode("gbk"))
    (account / "标签.csv").write_text(SHEET, encoding="utf-8-sig")
    return tmp_path / "exports"


def test_from_export_files_to_one_html_file(exports: Path, bundle: Path, tmp_path: Path) -> None:
    settings = Settings.model_validate({"var": str(tmp_path / "var")})
    request = ReportRequest([str(exports)], tmp_path / "out" / "report.html", lang="en", bundle=bundle)
    data = write_report(request, settings)
    assert data.all_creatives == 2
    assert {card.name for card in data.cards} == {"<b>痛点直击</b>.mp4", "结果前置.mp4"}
    assert (data.model_quality.evaluated, data.model_quality.sentences) == (False, [])
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "No evaluation of this very model was found" in page
    assert "&lt;b&gt;痛点直击&lt;/b&gt;.mp4" in page
    assert '<html lang="en">' in page
    part = ReportRequest(
        [str(exports)],
        tmp_path / "part.html",
        CreativeFilter(product="p1", since=pd.Timestamp("2026-05-01")),
        bundle=bundle,
    )
    assert write_report(part, settings).all_creatives == 1
    assert evaluation_of(workspace([str(exports)], settings)) is None


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # MLflow's SQL store makes warnings of its own
def test_the_report_is_by_the_champion_of_its_data_else_by_the_newest_and_says_so(
    exports: Path, bundle: Path, tmp_path: Path, monkeypatch
) -> None:
    for name in (TRACKING_URI, REGISTRY_URI):
        monkeypatch.delenv(name, raising=False)
    settings = Settings.model_validate({"var": str(tmp_path / "var")})
    own = workspace([str(exports)], settings)

    def promoted(space: Workspace) -> None:
        with tracking.tracked_run(space) as run_id:
            tracking.promote(space, tracking.register(space, run_id, bundle, bundle, "a test"))

    notes: list[Words] = []

    def by(name: str = "") -> str:
        notes.clear()
        request = ReportRequest([str(exports)], tmp_path / "x.html", name=name)
        return model_of(request, settings, own, notes.append).name

    promoted(replace(own, name="one"))
    assert by() == "gpmcast-one"
    assert f"{own.registered_model} has no champion, so the report is by gpmcast-one version 1" in notes[0].en
    assert "报告用的是 gpmcast-one version 1" in notes[0].zh
    promoted(own)
    promoted(replace(own, name="two"))
    assert by() == own.registered_model
    assert notes == []
    assert by("two") == "gpmcast-two"


@pytest.mark.parametrize(("lang", "end", "phase"), [("zh", "2 条素材", "素材卡片"), ("en", "2 creatives, by", "cards")])
def test_the_command_tells_its_phases_and_ends_with_the_path(
    exports: Path, bundle: Path, tmp_path: Path, lang: str, end: str, phase: str
) -> None:
    config = tmp_path / "run.yaml"
    config.write_text(json.dumps({"var": str(tmp_path / "var")}), encoding="utf-8")
    out = tmp_path / "report.html"
    typed = ["report", "--data", str(exports), "--out", str(out), "--bundle", str(bundle), "--config", str(config)]
    found = CliRunner().invoke(app, [*typed, "--lang", lang], catch_exceptions=False)
    assert found.exit_code == 0
    assert end in " ".join(found.stdout.split())
    assert "".join(found.stdout.split()).startswith(str(out))
    assert phase in found.stderr
    assert out.exists()


def test_a_report_that_is_no_html_file_is_refused() -> None:
    with pytest.raises(InputError, match=r"name it report\.html"):
        ReportRequest(["data"], Path("report.pdf"))


@pytest.mark.parametrize(
    ("since", "message"),
    [
        ("June", "found “June”, which is no ISO date; expected YYYY-MM-DD.*2026-06-01"),
        ("yesterday", "is no ISO date"),
        ("", "found “”"),
        ("06-2026", "is no ISO date"),
        ("2026-06", "is no ISO date"),
        ("20260601", "is no ISO date"),
        ("2026-W23-1", "is no ISO date"),
        ("2026-6-1", "is no ISO date"),
        ("2026-06-01T00:00:00Z", "is no ISO date"),
        ("2026-13-01", "is no day or time of the calendar"),
        ("2026-02-30", "is no day or time of the calendar"),
        ("2026-06-01T25:00", "is no day or time of the calendar"),
    ],
)
def test_a_time_that_is_none_is_refused_with_what_is_expected(since: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        iso_time(since, "--since")


@pytest.mark.parametrize("since", ["2026-06-01", "2026-06-01T08:30", "2026-06-01 08:30:15"])
def test_since_takes_an_iso_date_with_or_without_a_time(since: str) -> None:
    assert iso_time(since, "--since") == pd.Timestamp(since)


def test_no_data_and_no_model_are_errors_and_nothing_is_written(exports: Path, tmp_path: Path) -> None:
    settings = Settings.model_validate({"var": str(tmp_path / "var")})
    out = tmp_path / "report.html"
    with pytest.raises(InputError, match="nowhere"):
        write_report(ReportRequest([str(tmp_path / "nowhere")], out), settings)
    with pytest.raises(BundleError, match="make train"):
        write_report(ReportRequest([str(exports)], out), settings)
    assert not out.exists()

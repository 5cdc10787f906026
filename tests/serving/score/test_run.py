"""`make score`, from exports and a ledger to a summary, a file and a run in MLflow; else from a backtest."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from benchmarks.score_speed import record
from benchmarks.score_world import PastWorld, past_world
from configs.errors import GpmcastError
from configs.settings import Settings
from features.errors import InputError
from serving.__main__ import app
from serving.score.run import ScoreRequest, record_of, score, write_score
from training.mlflow_address import mlflow_address
from training.workspace import Workspace

EXPORT = "素材ID,账户ID,时间-天,整体展示次数,整体点击次数,整体消耗,整体成交订单数,整体成交金额\n"


@pytest.fixture(scope="module")
def world() -> PastWorld:
    return past_world(2, "none", days=40, running=40)


@pytest.fixture(scope="module")
def ledger(world: PastWorld, tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('ledger')}/ledger.db"
    record(world, url, len(world.answers))
    return url


def test_the_ledger_s_answers_are_scored(world: PastWorld, ledger: str) -> None:
    found = record_of(ScoreRequest([], ledger=ledger), world.loaded, Settings())
    assert found.matured.given == len(world.answers)
    assert len(found.matured.table) > 100
    assert not found.of_backtest


def test_the_default_ledger_is_used_where_it_is_about_these_creatives(world: PastWorld, ledger: str) -> None:
    request = ScoreRequest([], default_ledger=ledger, backtest=None)
    assert record_of(request, world.loaded, Settings()).matured.given > 0
    nothing = record_of(ScoreRequest([], default_ledger="sqlite:///no.db", backtest=None), world.loaded, Settings())
    assert nothing.matured.given == 0
    assert nothing.matured.first_at > nothing.until


def test_only_answers_about_chosen_creatives_are_taken(world: PastWorld, ledger: str) -> None:
    chosen = world.loaded.creatives[world.loaded.creatives["account_id"] == "a1"]
    found = record_of(ScoreRequest([], ledger=ledger), world.loaded, Settings(), only=chosen)
    assert set(found.matured.table["account_id"]) == {"a1"}


def test_without_a_ledger_the_backtest_is_scored_and_called_one(world: PastWorld, tmp_path: Path) -> None:
    told = world.answers.rename(columns={"trained_until": "origin", "decision": "verdict"}).drop(columns=["unseen"])
    told.assign(origin=pd.Timestamp("2026-01-20"), cold=True).to_parquet(tmp_path / "backtest.parquet")
    found = record_of(ScoreRequest([], backtest=tmp_path / "backtest.parquet"), world.loaded, Settings())
    assert found.of_backtest
    assert set(found.matured.table["model"]) == {"backtest"}
    late = ScoreRequest([], backtest=tmp_path / "backtest.parquet", since="2026-01-28T00:00:00+08:00")
    fewer = record_of(late, world.loaded, Settings())
    assert 0 < fewer.matured.given < found.matured.given
    with pytest.raises(GpmcastError, match="--since yesterday: is no time") as refused:
        record_of(replace(late, since="yesterday"), world.loaded, Settings())
    assert refused.value.zh.startswith("--since yesterday：不是时间。")


def test_a_backtest_stands_in_for_answers_without_an_outcome(world: PastWorld, tmp_path: Path) -> None:
    told = world.answers.rename(columns={"trained_until": "origin", "decision": "verdict"}).drop(columns=["unseen"])
    backtest = tmp_path / "backtest.parquet"
    told.assign(origin=pd.Timestamp("2026-01-20"), cold=True).to_parquet(backtest)
    url = f"sqlite:///{tmp_path}/ledger.db"
    latest = world.answers[world.answers["at"] == world.answers["at"].max()]
    record(replace(world, answers=latest), url, len(latest))
    of_backtest = record_of(ScoreRequest([], default_ledger=url, backtest=backtest), world.loaded, Settings())
    assert of_backtest.of_backtest
    assert len(of_backtest.matured.table)
    for request in (ScoreRequest([], default_ledger=url, backtest=None), ScoreRequest([], url, backtest=backtest)):
        found = record_of(request, world.loaded, Settings())
        assert not found.of_backtest
        assert found.matured.given == len(latest)
        assert found.matured.table.empty


def test_the_result_is_a_file_and_a_run_of_its_own_in_mlflow(world: PastWorld, ledger: str, tmp_path: Path) -> None:
    found = record_of(ScoreRequest([], ledger=ledger), world.loaded, Settings())
    space = Workspace("shop", tmp_path / "work", mlflow_address(tmp_path / "mlflow.db"))
    space.folder.mkdir()
    run_id = write_score(found, space, tmp_path / "score.json")
    assert json.loads((tmp_path / "score.json").read_text(encoding="utf-8"))["answers_scored"] > 100
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as runs:
        tags = dict(runs.execute("SELECT key, value FROM tags WHERE run_uuid = ?", [run_id]))
        metrics = dict(runs.execute("SELECT key, value FROM metrics WHERE run_uuid = ?", [run_id]))
    assert tags["kind"] == "score"
    level = "product/all/net_roi/level"
    assert metrics[level] == pytest.approx(found.metrics()[level])


def test_a_registry_that_fails_leaves_the_file(world: PastWorld, ledger: str, tmp_path: Path) -> None:
    found = record_of(ScoreRequest([], ledger=ledger), world.loaded, Settings())
    space = Workspace("shop", tmp_path / "work", mlflow_address(tmp_path / "no" / "such" / "mlflow.db"))
    space.folder.mkdir()
    (tmp_path / "no").write_text("a file where the folder should be")
    assert write_score(found, space, tmp_path / "score.json") == ""
    assert (tmp_path / "score.json").is_file()


def test_the_command_says_when_there_will_be_something(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"c{n},a,2026-03-{day:02d},1000,50,100,2,200\n" for n in range(3) for day in range(1, 10))
    (tmp_path / "全域推广数据-视频-推直播.csv").write_text(EXPORT + rows, encoding="utf-8")
    (tmp_path / "run.yaml").write_text("basis: payment\n", encoding="utf-8")
    (tmp_path / "周报.csv").write_text("周,备注\n46,双11\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["score", "--data", str(tmp_path), "--config", "run.yaml", "--lang", "zh"])
    assert done.exit_code == 0, done.output
    assert "1 个文件未采用。例如 周报.csv：" in done.output
    assert "found no known layout" not in done.output
    assert "2026-03-19" in done.output  # nine days after the end of the data
    assert list(tmp_path.glob("var/work/*/score.json"))


def test_wrong_input_is_answered_in_words(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        score(ScoreRequest([str(tmp_path / "nothing")]), Settings(var=tmp_path))

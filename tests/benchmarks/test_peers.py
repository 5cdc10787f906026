"""Peers get the same rows without outcomes, and reports hold their results."""

import json
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from benchmarks.load_files import some_creatives
from benchmarks.pages import markdown, print_report, report_tables
from benchmarks.peers import FUNNEL, HEADS, PEERS, run, run_methods
from benchmarks.scores import OURS
from benchmarks.search import Library, PeerResult, deviance, search
from benchmarks.tasks import Task, make_task, target_data
from configs.settings import Settings
from features.schema import Loaded
from training.evaluation.metrics import ALL_AGES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def quick() -> Settings:
    return Settings.model_validate(
        {
            "open_days": 1,
            "trees": {"rounds": 12, "min_data_in_leaf": 20},
            "split": {"holdout_days": 10, "folds": 2},
            "evaluate": {"min_impressions": 50},
            "tags": {"min_creatives": 2},
            "text": {"components": 2, "buckets": 256},
        }
    )


@pytest.fixture(scope="module")
def task(small_world: Loaded, quick: Settings) -> Task:
    return make_task(small_world, quick)


@pytest.fixture(scope="module")
def report(task: Task):
    return run(task, ["GLM", "HistGradientBoosting", "LightGBM log1p"], 0.1, draws=20)


def test_every_method_is_evaluated_on_the_same_rows(report) -> None:
    figures = pd.DataFrame(report["figures"])
    known = figures[(figures["age_hours"] == ALL_AGES) & (figures["part"] == "all")]
    for target, rows in known.groupby("target"):
        assert rows["rows"].nunique() == 1, target
        expected = {
            OURS,
            FUNNEL,
            HEADS,
            "carry-forward",
            "empirical Bayes",
            "GLM",
            "HistGradientBoosting",
            "LightGBM log1p",
        }
        assert expected <= set(rows["method"])
    ours = known[known["method"] == OURS]
    assert (ours["difference"].dropna() == 0).all()
    spearman = known[known["figure"] == "spearman"]
    assert (spearman["low"] <= spearman["high"]).all()


def test_teams_rules_forecast_roi_alone_and_decide_beside_everyone_alike_and_the_oracle(report) -> None:
    figures = pd.DataFrame(report["figures"])
    teams = figures[figures["method"] == "teams: shrunk ROI"]
    assert set(teams["target"]) == {"roi", "net_roi"}
    decisions = pd.DataFrame(report["decisions"]).query("age_hours == @ALL_AGES").set_index("rule")
    assert decisions.loc["oracle", "captured_share"] == 1.0
    assert decisions["captured_share"].max() == 1.0
    assert decisions.loc[OURS, "apart_cny"] == 0.0
    assert {"everyone alike", "teams: all rules", "teams: stop without orders", "GLM"} <= set(decisions.index)


def test_a_report_is_json_and_every_table_can_be_shown(report, capsys) -> None:
    again = json.loads(json.dumps(report, allow_nan=False))
    text = markdown(again)
    assert "| gpmcast |" in text
    assert "alpha" in text  # the settings are listed
    assert sum(line.startswith("### ") for line in text.splitlines()) == len(report_tables(again)) + 1
    print_report(again, Console())
    assert "Replay: 30% of later spend by net_roi" in capsys.readouterr().out


def test_a_peer_gets_no_outcome_of_the_rows_it_predicts(task: Task) -> None:
    for data in target_data(task):
        assert len(data.holdout) == task.holdout.sum()
        for unknown in (data.holdout.ratio, data.holdout.weight):
            assert np.isnan(unknown).all()
        assert list(data.holdout.values) == list(data.full.values)
        assert data.full.weight.mean() == pytest.approx(1.0)


def test_data_without_offset_have_the_same_loss(task: Task) -> None:
    data = target_data(task)[0]
    with_offset, without = data.validation, data.without_offset().validation
    ratio = np.linspace(0.5, 2.0, len(with_offset))
    same = ratio * with_offset.baseline / without.baseline
    weight = (with_offset.weight / with_offset.baseline).sum() / with_offset.weight.sum()
    scale = without.baseline[0] * weight
    assert deviance(ratio, with_offset, False) == pytest.approx(deviance(same, without, False) * scale)


@pytest.mark.parametrize("offset", [True, False])
def test_log1p_data_give_the_outcome_back_and_no_outcome_of_the_holdout(task: Task, offset: bool) -> None:
    *rates, volume = target_data(task)
    data, logs = rates[0], rates[0].as_log1p(offset)
    assert (data.loss, logs.loss, volume.loss) == ("poisson", "squared", "tweedie")
    again = np.expm1(logs.fit.baseline + logs.fit.ratio)
    np.testing.assert_allclose(again, data.fit.ratio * data.fit.baseline, atol=1e-9)
    assert np.average(logs.full.ratio, weights=logs.full.weight) == pytest.approx(0.0, abs=1e-12)
    assert np.isnan(logs.holdout.ratio).all()
    assert bool(np.ptp(logs.holdout.baseline) > 0.0) == offset


@pytest.mark.parametrize("name", ["GLM", "HistGradientBoosting"])
def test_a_typical_value_estimates_the_mean_of_log1p(task: Task, name: str) -> None:
    """By the training rows themselves: the mean of log1p of typical values is that of the outcomes."""
    data = target_data(task)[-1]
    again = replace(data, holdout=replace(data.full, ratio=np.full(len(data.full), np.nan)))
    found = PEERS[name][1](again, 0.0)
    came, typical, expected = (
        float(np.average(np.log1p(values), weights=data.full.weight))
        for values in (data.full.ratio * data.full.baseline, found.typical, found.predicted)
    )
    assert typical == pytest.approx(came, rel=0.02)
    assert expected > typical + 0.02 * came


def test_creatives_held_out_do_not_train_and_alone_are_evaluated(small_world: Loaded, quick: Settings) -> None:
    task = make_task(small_world, quick, cold_share=0.4)
    assert task.cold.all()
    chosen = set(task.observed["creative_id"])
    for frame in (task.training.loaded.metrics, task.training.loaded.creatives, task.training.observed):
        assert not chosen & set(frame["creative_id"])
    assert task.training.observed.loc[task.train, "cutoff"].max() < task.until
    assert len(run_methods(task, [], 0.0, lambda line: None)[OURS].predicted) == task.holdout.sum()


def test_the_best_setting_on_the_last_fold_is_trained_on_all_rows(task: Task) -> None:
    data = target_data(task)[0]
    probed, trained, logs = [], [], []

    def probe(setting, variant):
        if variant.loss == "squared":
            return 9, np.zeros(len(variant.validation))
        probed.append(setting["level"])
        ratio = data.validation.baseline / variant.validation.baseline
        return 7, setting["level"] * ratio

    def train(setting, rounds, variant):
        (logs if variant.loss == "squared" else trained).append((setting["level"], rounds))
        return lambda rows: np.full(len(rows), 2.0)

    found = search(Library({"level": 40.0}, {"level": (0.5, 1.5, False)}, probe, train), data, 0.3)
    assert isinstance(found, PeerResult)
    assert probed[:2] == [40.0, 40.0]  # by hand, with and without the offset
    assert 0.5 <= trained[0][0] <= 1.5
    assert trained[0][1] == 7
    assert logs == [(trained[0][0], 9)]  # the chosen setting, for the typical value
    assert len(probed) == found.tried > 2


def test_a_peer_that_is_not_installed_is_named_with_the_reason(task: Task, monkeypatch) -> None:
    monkeypatch.setitem(PEERS, "Absent", ("no_such_module", PEERS["GLM"][1]))
    found = run_methods(task, ["Absent"], 0.1, lambda line: None)["Absent"]
    assert "no_such_module is not installed" in found.not_run
    assert found.predicted.empty


@pytest.mark.parametrize(("name", "module"), [("XGBoost", "xgboost"), ("CatBoost", "catboost"), ("GPBoost", "gpboost")])
def test_peers_of_the_bench_group_predict_every_row_where_they_are_installed(
    task: Task, name: str, module: str
) -> None:
    if find_spec(module) is None:
        pytest.skip(f"{module} is of the bench group")
    found = run_methods(task, [name], 0.1, lambda line: None)[name]
    assert not found.not_run
    assert set(found.predicted) == {*task.funnel.targets, *(f"typical_{target}" for target in task.funnel.targets)}
    assert (found.predicted >= 0).all(axis=None)


def test_each_nth_creative_is_taken_whole(small_world) -> None:
    some = some_creatives(small_world, 3)
    ids = sorted(small_world.creatives["creative_id"].unique())
    assert sorted(some.creatives["creative_id"].unique()) == ids[::3]
    mine = small_world.metrics["creative_id"].isin(ids[::3])
    assert len(some.metrics) == mine.sum()
    assert list(some.metrics.index) == list(range(len(some.metrics)))

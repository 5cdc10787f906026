"""The batch: one row per creative, with warnings."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from configs.decision_rules import VERDICTS
from configs.settings import Settings
from features.errors import InputError
from features.matrix.feature_matrix import FeatureMatrix
from features.schema import KEY, Loaded
from training.boosting.model import CreativeModel
from training.boosting.recipe import Recipe, out_of_fold, predict_out_of_sample
from training.data.metrics_source import InMemorySource
from training.decision.advice import VERDICT_COLUMNS, roi_targets
from training.decision.predict import predict_latest
from training.uncertainty import fit_uncertainty


@pytest.fixture(scope="module")
def table(small_world, model, quick) -> pd.DataFrame:
    return predict_latest(InMemorySource(small_world), model, quick)


def one_of(loaded: Loaded, place: int) -> pd.Series:
    return (loaded.metrics[KEY] == loaded.creatives[KEY].iloc[place]).all(axis=1)


def row_of(table: pd.DataFrame, creative: str) -> pd.Series:
    found = table[table["creative_id"] == creative]
    assert len(found) == 1
    return found.iloc[0]


def test_every_creative_has_one_row_with_its_evidence(small_world, table, model) -> None:
    assert len(table) == len(small_world.creatives)
    assert not table.duplicated(KEY).any()
    totals = small_world.metrics.groupby("creative_id")[["impressions", "spend_cny"]].sum()
    predictions = table.set_index("creative_id")
    np.testing.assert_allclose(predictions["early_impressions"], totals["impressions"].reindex(predictions.index))
    np.testing.assert_allclose(predictions["early_spend_cny"], totals["spend_cny"].reindex(predictions.index))
    assert np.isfinite(table[model.fitted.funnel.targets]).all().all()


def test_announced_creatives_are_predicted_at_age_0(small_world, model, quick) -> None:
    new = small_world.creatives.tail(2).assign(creative_id=["n1", "n2"], tag_hook=["悬念", "痛点直击"])
    loaded = Loaded(small_world.metrics, pd.concat([small_world.creatives, new], ignore_index=True))
    table = predict_latest(InMemorySource(loaded), model, quick)
    assert len(table) == len(small_world.creatives) + 2
    for creative in ("n1", "n2"):
        row = row_of(table, creative)
        assert row["age_hours"] == 0.0
        assert row["early_impressions"] == 0.0
        assert row["cutoff"] == small_world.metrics["period_end"].max()
        assert row["gpm"] > 0
    assert row_of(table, "n2")["click"] > row_of(table, "n1")["click"]


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("tag_hook", "没见过", "the value “没见过” of hook is not in the training data"),
        ("category", "新类目", "the value “新类目” of category is not in the training data"),
        ("tag_selling_point", "好用|没见过", "the value “没见过” of selling point is not in the training data"),
    ],
)
def test_an_unseen_value_warns_its_own_creative(small_world, model, quick, table, column, value, expected) -> None:
    creatives = small_world.creatives.copy()
    creatives.loc[3, column] = value
    predictions = predict_latest(InMemorySource(Loaded(small_world.metrics, creatives)), model, quick)
    assert expected in predictions["warnings"].iloc[3]
    assert not predictions["warnings"].drop(index=3).str.contains("not in the training data").any()
    assert not table["warnings"].str.contains("not in the training data").any()


def test_an_account_product_or_koc_that_the_model_does_not_know_warns_its_own_creatives(
    small_world, model, quick, table
) -> None:
    known = {"product_id": frozenset(small_world.creatives["product_id"].dropna()) - {"p1"}}
    predictions = predict_latest(InMemorySource(small_world), model, quick, known)
    of_product = small_world.creatives["product_id"].eq("p1").to_numpy()
    assert of_product.any()
    warned = predictions["warnings_zh"].str.contains("没有见过商品“p1”", regex=False).to_numpy()
    assert warned.tolist() == of_product.tolist()


def test_an_unseen_promotion_type_is_warned_about(small_world, model, quick) -> None:
    mine = one_of(small_world, 0)
    metrics = small_world.metrics.copy()
    creatives = small_world.creatives.copy()
    metrics.loc[mine, "promotion_type"] = "brand"
    creatives.loc[0, "promotion_type"] = "brand"
    loaded = Loaded(metrics.sort_values([*KEY, "period_start"], ignore_index=True), creatives)
    predictions = predict_latest(InMemorySource(loaded), model, quick).set_index("promotion_type")["warnings"]
    assert "the promotion type “brand” is not in the training data" in predictions["brand"]
    assert not predictions[["live", "product"]].str.contains("the promotion type").any()


@pytest.mark.parametrize(
    ("days", "expected"),
    [(0, None), (1, "no delivery for 1 day"), (7, "no delivery for 7 days: the predicted window has passed")],
)
def test_missing_delivery_is_warned_about(small_world, model, quick, days, expected) -> None:
    metrics = small_world.metrics.copy()
    last = metrics["period_end"].max()
    mine = one_of(small_world, 0)
    shift = last - pd.Timedelta(days=days) - metrics.loc[mine, "period_end"].max()
    for name in ("period_start", "period_end"):
        metrics.loc[mine, name] = metrics.loc[mine, name] + shift
    predictions = predict_latest(InMemorySource(Loaded(metrics, small_world.creatives)), model, quick)["warnings"].iloc[
        0
    ]
    if expected is None:
        assert "no delivery" not in predictions
    else:
        assert predictions.split("; ")[-1] == expected


def test_a_missing_column_is_warned_about_for_all_and_predictions_are_still_made(small_world, model, quick) -> None:
    loaded = Loaded(small_world.metrics.drop(columns="clicks"), small_world.creatives.drop(columns="tag_scene"))
    predictions = predict_latest(InMemorySource(loaded), model, quick)
    assert predictions["warnings"].str.contains("metrics without clicks: their stages do not use", regex=False).all()
    assert predictions["warnings"].str.contains("not given: scene", regex=False).all()
    assert np.isfinite(predictions[model.fitted.funnel.targets]).all().all()
    assert "early_clicks" not in predictions or predictions["early_clicks"].isna().all()
    assert predictions["early_impressions"].notna().all()


def test_without_anything_to_mind_there_are_no_warnings(small_world, table) -> None:
    now = small_world.metrics["period_end"].max()
    running = table["cutoff"] > now - pd.Timedelta(days=1)
    assert running.any()
    assert (table.loc[running, "warnings"] == "").all()


def test_without_metrics_there_is_no_moment_to_predict_from(small_world, model, quick) -> None:
    with pytest.raises(InputError, match="no metrics"):
        predict_latest(InMemorySource(Loaded(small_world.metrics.head(0), small_world.creatives)), model, quick)


def test_a_model_without_intervals_gives_an_empty_verdict_with_the_reason(table, model) -> None:
    assert model.uncertainty is None
    assert table[["gpm_low", "gpm_high", "net_roi_chance", "hit_chance"]].isna().all().all()
    assert (table["verdict"] == "").all()
    stopped = table["status"] == "stopped"
    assert table.loc[~stopped, "verdict_reason_zh"].str.startswith("无法判断").all()
    assert table.loc[stopped, "verdict_reason_zh"].str.startswith("已停").all()
    assert (table["stake_cny"].notna() == (table["status"] == "running")).all()
    assert table["test_cny"].isna().all()


def with_waiting(loaded: Loaded) -> Loaded:
    """The same data with four creatives that were not launched."""
    new = loaded.creatives.tail(4).assign(creative_id=[f"n{number}" for number in range(4)])
    return Loaded(loaded.metrics, pd.concat([loaded.creatives, new], ignore_index=True))


@pytest.fixture(scope="module")
def calibrated(model, dataset, cut, quick) -> tuple[CreativeModel, Settings]:
    settings = quick.model_copy(update={"interval": quick.interval.model_copy(update={"min_rows": 50})})
    uncertainty = fit_uncertainty(out_of_fold(dataset, cut[0], Recipe()), dataset.funnel, settings)
    return replace(model, uncertainty=uncertainty), settings


@pytest.fixture(scope="module")
def advised(small_world, calibrated) -> pd.DataFrame:
    return predict_latest(InMemorySource(with_waiting(small_world)), *calibrated)


def test_a_model_with_intervals_gives_every_creative_bounds_probabilities_and_a_verdict(advised, model) -> None:
    for target in model.fitted.funnel.targets:
        assert (advised[f"{target}_low"] <= advised[f"{target}_high"]).all()
    assert advised["net_roi_chance"].between(0, 1).all()
    assert (advised["asked_roi"] == 1.0).all()  # this world names no targets of its own
    for status, rows in advised.groupby("status"):
        assert set(rows["verdict"]) <= {*VERDICTS.get(status, ()), *([""] if status == "stopped" else [])}
        assert (rows["stake_cny"].notna() == (status == "running")).all()
        assert (rows["test_cny"] > 0).all() == (status == "waiting")
        if status != "stopped":
            assert rows["verdict_reason_zh"].str.startswith("净ROI达到 1.00 的概率").all()
            assert rows["verdict_reason_en"].str.contains("chance of net ROI 1.00").all()
    assert set(advised["status"]) == {"waiting", "running", "stopped"}


def test_the_stake_is_later_spend_times_what_is_predicted_beyond_the_target(advised) -> None:
    running = advised[advised["status"] == "running"]
    spend = running["later_impressions"] * running["cost"]
    np.testing.assert_allclose(running["stake_cny"], spend * (running["net_roi"] - running["asked_roi"]))


def test_a_stopped_creative_is_described_by_what_came(advised, small_world) -> None:
    row = advised[advised["status"] == "stopped"].iloc[0]
    own = small_world.metrics[small_world.metrics["creative_id"] == row["creative_id"]]
    assert f"消耗 {own['spend_cny'].sum():,.0f} 元" in row["verdict_reason_zh"]
    assert f"{own['orders'].sum():,.0f} orders" in row["verdict_reason_en"]


def test_the_decision_on_a_creative_does_not_depend_on_the_others_of_the_batch(
    small_world, calibrated, advised
) -> None:
    """The place of a waiting creative is that among launches stored with the model, not among the candidates."""
    everyone = with_waiting(small_world)
    known = everyone.creatives
    fewer = replace(everyone, creatives=known[~known["creative_id"].isin(["n0", "n2", "n3"])].reset_index(drop=True))
    columns = ["status", *VERDICT_COLUMNS, "stake_cny", "test_cny", "net_roi_chance", "hit_chance"]
    alone, among = (
        table.loc[table["creative_id"] == "n1", columns]
        for table in (predict_latest(InMemorySource(fewer), *calibrated), advised)
    )
    pd.testing.assert_frame_equal(alone.reset_index(drop=True), among.reset_index(drop=True), check_exact=True)


def test_a_creative_has_its_own_roi_target(small_world, model, dataset, cut, quick, advised) -> None:
    features = predict_out_of_sample(dataset, cut[1], model).features
    targets = np.resize([2.5, np.nan], (len(features.values), 1))
    values = FeatureMatrix((*features.values.names, "roi_target"), np.hstack([features.values.matrix, targets]))
    targets = roi_targets(replace(features, values=values), quick.verdict)
    assert targets[:2].tolist() == [2.5, quick.verdict.roi_target]

"""Fit, predict, explain."""

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from configs.settings import Trees
from features.matrix.feature_matrix import FeatureMatrix, Features, build_features
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.counts import observe_loaded
from features.point_in_time.snapshots import SNAPSHOT
from features.schema import Loaded
from training.boosting.model import Choice, CreativeModel, fit_model, lgb_dataset, parameters, stage_data
from training.boosting.stage_targets import stage_features
from training.data.dataset import fit_features, prepare, rows_of
from training.evaluation.holdout import evaluate_holdout
from training.evaluation.metrics import score
from training.explanation.contributions import stage_contributions
from training.labels.splits import holdout_split

TREES = Trees(min_data_in_leaf=20)


def test_a_model_predicts_every_stage_and_target(model, holdout_rows) -> None:
    features, _ = holdout_rows
    table = model.predict(features)
    assert list(table) == [
        *("promotion_type", "account_id", "creative_id", "age_hours", "cutoff"),
        *(stage.name for stage in model.fitted.funnel.stages),
        *model.fitted.funnel.targets,
    ]
    numbers = table[model.fitted.funnel.targets].to_numpy()
    assert np.isfinite(numbers).all()
    assert (numbers > 0).all()


def test_gpm_and_roi_never_contradict_each_other(model, holdout_rows) -> None:
    table = model.predict(holdout_rows[0])
    np.testing.assert_allclose(table["gpm"], 1000 * table["click"] * table["order"] * table["value"])
    np.testing.assert_allclose(table["net_gpm"], table["gpm"] * table["keep"])
    np.testing.assert_allclose(table["roi"], table["gpm"] / 1000 / table["cost"])
    np.testing.assert_allclose(table["net_roi"], table["roi"] * table["keep"])


def test_contributions_add_up_to_the_log_rate(model, holdout_rows) -> None:
    features, _ = holdout_rows
    rates = model.log_rates(features)
    for stage in model.stages:
        own = stage_contributions(model, features, stage)
        np.testing.assert_allclose(own.total, rates[stage], rtol=0, atol=1e-9)
        np.testing.assert_allclose(own.frame().sum(axis=1), rates[stage], rtol=0, atol=1e-9)
        effects = [] if stage == "volume" else [f"effect: {name}" for name in features.posteriors[stage].log_effects]
        trees = model.columns[stage] if stage in model.boosters else []
        assert list(own.frame()) == ["baseline", "own evidence", *effects, *trees, "clipped"]
        assert stage in model.shares or not own.clipped.any()


def test_trees_contribute(model, holdout_rows) -> None:
    parts = stage_contributions(model, holdout_rows[0], "click").frame()
    assert (parts.iloc[:, 2:].abs().sum() > 1e-4).sum() >= 3
    assert (parts["own evidence"] != 0).any()


def test_a_creative_alone_is_predicted_as_in_a_batch_bit_for_bit(model, dataset, cut, same_bits) -> None:
    rows = dataset.observed[cut[1]][SNAPSHOT].reset_index(drop=True)

    def featurise(some: pd.DataFrame) -> Features:
        observed = observe_loaded(some, dataset.loaded, model.fitted.funnel, model.fitted.entities, dataset.settings)
        return build_features(observed, model.fitted)

    features = featurise(rows)
    together, explained = model.predict(features), stage_contributions(model, features, "click").frame()
    for place in range(0, len(rows), 5):
        one = featurise(rows.iloc[[place]].reset_index(drop=True))
        same_bits(model.predict(one), together.iloc[[place]].reset_index(drop=True))
        same_bits(stage_contributions(model, one, "click").frame(), explained.iloc[[place]].reset_index(drop=True))


def test_without_rows_there_is_an_empty_table(model, dataset) -> None:
    features = build_features(ArrayFrame.of(dataset.observed.head(0)), model.fitted)
    assert len(model.predict(features)) == 0
    assert len(stage_contributions(model, features, "click").frame()) == 0


def test_no_trees_leave_every_stage_at_its_offset(train_rows, holdout_rows, fitted, same_bits) -> None:
    features, _ = holdout_rows
    bare = fit_model(*train_rows, fitted, {"click": Choice(TREES, 0)})
    assert bare.boosters == {}
    for stage, begin in features.posteriors.items():
        np.testing.assert_array_equal(bare.log_rates(features)[stage], begin.log_rate)
    same_bits(bare.predict(features), bare.predict(features, trees=False))


def test_the_trees_correct_the_offset_and_do_not_replace_it(train_rows, holdout_rows, fitted, dataset) -> None:
    """One slow tree moves a rate a little; the offset is kept."""
    features, _ = holdout_rows
    slow = Trees(min_data_in_leaf=20, learning_rate=0.01)
    moved = fit_model(*train_rows, fitted, {"click": Choice(slow, 1)}).log_rates(features)["click"]
    shift = moved - features.posteriors["click"].log_rate
    assert np.abs(shift).max() > 0
    assert np.abs(shift).max() < 0.02


def test_the_posterior_is_the_offset_of_the_trees(train_rows, fitted, model) -> None:
    """With a start that is off by a constant, the trees lean the other way."""
    features, outcome = train_rows
    data = next(found for found in stage_data(features, outcome, fitted, model.volume) if found.stage == "click")
    columns = stage_features(features, "click")
    trees = Trees(min_data_in_leaf=20, lambda_l2=0.0, learning_rate=1.0, num_leaves=2)

    def first_step(offset: np.ndarray) -> np.ndarray:
        shifted = lgb_dataset(type(data)(**{**vars(data), "offset": offset}), features, columns)
        booster = lgb.train(parameters(trees, "click"), shifted, num_boost_round=1)
        return booster.predict(features.values.select(columns)[data.rows], raw_score=True)

    assert first_step(data.offset - 0.5).mean() > first_step(data.offset).mean() + 0.1
    assert first_step(data.offset + 0.5).mean() < first_step(data.offset).mean() - 0.1


def test_too_few_rows_for_a_leaf_leave_the_stage_at_its_offset(train_rows, fitted) -> None:
    many = Trees(min_data_in_leaf=10_000)
    assert fit_model(*train_rows, fitted, {"click": Choice(many, 10)}).boosters == {}


def test_the_same_rows_give_the_same_model(train_rows, holdout_rows, fitted, model, dataset, same_bits) -> None:
    chosen = {stage: Choice(dataset.settings.trees, 12) for stage in model.boosters}
    same_bits(fit_model(*train_rows, fitted, chosen).predict(holdout_rows[0]), model.predict(holdout_rows[0]))


def test_trees_improve_on_the_offset_where_residuals_have_a_pattern(train_rows, fitted) -> None:
    """On its own rows, more trees always fit better: the loss is the one that is evaluated."""
    features, outcome = train_rows

    def loss(model: CreativeModel) -> float:
        rate = model.predict(features)["click"].to_numpy()
        clicks, seen = (outcome[f"later:{name}"].to_numpy() for name in ("clicks", "impressions"))
        return float(np.sum(rate * seen - clicks * np.log(rate)))

    losses = [loss(fit_model(*train_rows, fitted, {"click": Choice(TREES, rounds)})) for rounds in (0, 5, 40)]
    assert losses[0] > losses[1] > losses[2]


def test_columns_in_another_order_are_predicted_the_same(model, holdout_rows, same_bits) -> None:
    """LightGBM would not notice: features are taken by name."""
    features, _ = holdout_rows
    turned = FeatureMatrix(features.values.names[::-1], features.values.matrix[:, ::-1].copy())
    turned = type(features)(**{**vars(features), "values": turned})
    same_bits(model.predict(turned), model.predict(features))


@pytest.mark.parametrize(("stage", "objective"), [("click", "poisson"), ("value", "poisson"), ("volume", "tweedie")])
def test_parameters_are_one_threaded_and_of_the_stages_own_loss(stage, objective) -> None:
    found = parameters(TREES, stage)
    assert found["objective"] == objective
    assert found["num_threads"] == 1
    assert found["boost_from_average"] is False
    assert "rounds" not in found


def test_a_creative_with_unseen_categories_is_predicted(model, dataset) -> None:
    rows = dataset.observed.head(5).assign(tag_hook="没见过", category="没见过", promotion_type="product")
    table = model.predict(build_features(ArrayFrame.of(rows), model.fitted))
    assert np.isfinite(table[model.fitted.funnel.targets]).all().all()
    assert isinstance(table, pd.DataFrame)


@pytest.mark.parametrize(
    ("dropped", "targets"),
    [
        (["clicks"], ["gpm", "net_gpm", "roi", "net_roi", "later_impressions"]),
        (["orders"], ["gpm", "net_gpm", "roi", "net_roi", "later_impressions"]),
        (["impressions", "clicks"], ["roi", "net_roi", "later_spend_cny"]),
        (["impressions", "gmv_cny"], ["net_roi", "later_spend_cny"]),
        (["gmv_cny"], ["net_roi", "later_impressions"]),
        (["spend_cny", "boost_spend_cny"], ["gpm", "net_gpm", "later_impressions"]),
        (["net_gmv_cny", "plays", "likes"], ["gpm", "roi", "later_impressions"]),
    ],
    ids=lambda value: "+".join(value),
)
def test_every_funnel_is_fitted_predicted_explained_and_evaluated(small_world, quick, dropped, targets) -> None:
    """All steps with fewer columns."""
    dataset = prepare(Loaded(small_world.metrics.drop(columns=dropped), small_world.creatives), quick)
    train, holdout, starts = holdout_split(dataset.rows, 7)
    fitted = fit_features(dataset, train, starts)
    chosen = {stage: Choice(quick.trees, 3) for stage in (*(stage.name for stage in fitted.funnel.stages), "volume")}
    model = fit_model(*rows_of(dataset, train, fitted), fitted, chosen)
    features, _ = rows_of(dataset, holdout, fitted)
    table = model.predict(features)
    assert fitted.funnel.targets == targets
    assert np.isfinite(table[targets]).all().all()
    for stage in model.stages:
        total = stage_contributions(model, features, stage).total
        np.testing.assert_allclose(total, model.log_rates(features)[stage], rtol=0, atol=1e-9)
    figures, _ = evaluate_holdout(dataset, holdout, set(), model)
    assert list(figures["target"].unique()) == targets
    assert np.isfinite(score(figures))

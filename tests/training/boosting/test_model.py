"""Fit and predict."""

from dataclasses import replace

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from configs.settings import Trees
from features.funnel import build_funnel
from features.matrix.feature_matrix import FeatureMatrix, Features, build_features
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.counts import observe_loaded
from features.point_in_time.snapshots import SNAPSHOT
from features.schema import VALUES, Loaded
from training.boosting.heads import head_level, head_rows, lgb_dataset, parameters
from training.boosting.model import Choice, CreativeModel, fit_model, targets_of_heads
from training.boosting.recipe import Recipe, fit_on, out_of_fold, recipe_by_hand
from training.boosting.rolling_fits import plan_refits, with_refits
from training.boosting.stack import Stack
from training.data.dataset import Dataset, fit_features, prepare, rows_of
from training.evaluation.holdout import evaluate_holdout
from training.evaluation.metrics import score
from training.explanation.contributions import all_contributions
from training.labels.splits import holdout_split

TREES = Trees(min_data_in_leaf=20, learning_rate=0.1, lambda_l2=1.0)
TREES_ALONE = Stack(funnel=0.0, trees=1.0)

NET = "net_gmv_cny"
FULL = ["impressions", "clicks", "orders", "spend_cny", "gmv_cny", NET]
RATES = {
    "click": 0.05,
    "order": 0.2,
    "value": 60.0,
    "earn": 3.0,
    "keep": 0.8,
    "cost": 0.3,
    "return": 2.0,
    "net_return": 1.6,
}


def without(*names: str) -> list[str]:
    return [name for name in FULL if name not in names]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            FULL,
            {"gpm": 1000 * 0.05 * 0.2 * 60, "net_gpm": 1000 * 0.05 * 0.2 * 60 * 0.8, "roi": 0.6 / 0.3, "net_roi": 1.6},
        ),
        (without("clicks"), {"gpm": 1000 * 0.2 * 60, "roi": 12 / 0.3}),
        (without("orders"), {"gpm": 1000 * 0.05 * 3.0, "net_roi": 0.15 * 0.8 / 0.3}),
        (without("orders", "clicks"), {"gpm": 3000.0, "roi": 10.0}),
        (without("impressions"), {"roi": 2.0, "net_roi": 1.6}),
        (without("impressions", "gmv_cny"), {"net_roi": 1.6}),
        (without("spend_cny"), {"gpm": 600.0, "net_gpm": 480.0}),
        (without(NET), {"gpm": 600.0, "roi": 2.0}),
    ],
    ids=["full", "no clicks", "no orders", "no orders and clicks", "no impressions", "net only", "no spend", "no net"],
)
def test_targets_are_products_of_heads_which_are_products_of_stages(columns, expected) -> None:
    funnel = build_funnel(columns, NET)
    logs = {name: np.log([rate]) for name, rate in RATES.items()}
    heads = {head.name: head.log_product(logs) for head in funnel.heads}
    table = targets_of_heads(heads | {"volume": np.log([5000.0])}, funnel)
    assert list(table) == funnel.targets
    for target, value in expected.items():
        assert table[target][0] == pytest.approx(value), target
    assert table["later_" + funnel.volume_of][0] == pytest.approx(5000.0)


def test_a_model_predicts_every_stage_and_target(model, holdout_rows) -> None:
    features, _ = holdout_rows
    table = model.predict(features)
    assert list(table) == [
        *("promotion_type", "account_id", "creative_id", "age_hours", "cutoff"),
        *(stage.name for stage in model.fitted.funnel.stages),
        "typical_volume",
        *model.fitted.funnel.targets,
    ]
    typical = np.expm1(model.volume.log1p_typical(features))
    np.testing.assert_allclose(table["typical_volume"], typical, rtol=1e-9, atol=1e-8)
    numbers = table[model.fitted.funnel.targets].to_numpy()
    assert np.isfinite(numbers).all()
    assert (numbers > 0).all()


def test_gpm_and_roi_never_contradict_each_other(model, holdout_rows) -> None:
    features, _ = holdout_rows
    table, logs = model.predict(features), model.log_heads(features)
    cost = np.exp(logs["cost"])
    np.testing.assert_allclose(table["roi"] * cost * 1000, table["gpm"], rtol=1e-12)
    np.testing.assert_allclose(table["net_roi"] * cost * 1000, table["net_gpm"], rtol=1e-12)
    np.testing.assert_allclose(table["net_roi"] / table["roi"], table["net_gpm"] / table["gpm"], rtol=1e-12)
    assert (table["net_gpm"] <= table["gpm"]).all()


def test_stage_rates_are_those_of_the_funnel_model_and_value_is_in_cny(model, holdout_rows) -> None:
    features, _ = holdout_rows
    table = model.predict(features)
    for name, posterior in features.posteriors.items():
        price = features.reference_price if name == "value" else 1.0
        np.testing.assert_allclose(table[name], np.exp(posterior.log_rate) * price)
    assert table["value"].between(30, 400).all()
    assert (table[["hold", "keep"]] <= 1.0).all().all()


def test_a_head_is_the_stack_of_its_members(model, holdout_rows, choices) -> None:
    features, _ = holdout_rows
    funnel = model.fitted.funnel
    rates, bayes = (dict(zip(features.posteriors.stages, logs)) for logs in features.log_rates)
    logs = model.log_heads(features)
    for head in funnel.heads:
        stack, booster = choices[head.name].stack, model.boosters.get(head.name)
        assert model.heads[head.name].stack == stack
        assert (booster is None) == (head.name == "cost")
        trees = 0.0 if booster is None else booster.predict(features.values.matrix, raw_score=True)
        if booster is not None:
            assert booster.num_trees() == 12
            assert np.abs(trees).max() > 0.01
        expected = stack.bayes * (head.log_product(bayes) + stack.log_bayes_level)
        expected = expected + stack.funnel * head.log_product(rates) + stack.trees * (head.log_product(rates) + trees)
        np.testing.assert_allclose(logs[head.name], np.minimum(expected, 0.0) if head.share else expected, rtol=1e-12)


def test_a_creative_alone_is_predicted_as_in_a_batch_bit_for_bit(model, dataset, cut, same_bits) -> None:
    rows = dataset.observed[cut[1]][SNAPSHOT].reset_index(drop=True)

    def featurise(some: pd.DataFrame) -> Features:
        observed = observe_loaded(some, dataset.loaded, model.fitted.funnel, model.fitted.entities, dataset.settings)
        return build_features(observed, model.fitted)

    def explained(features: Features) -> dict[str, pd.DataFrame]:
        stages, targets = all_contributions(model, features)
        return {name: own.frame() for name, own in (stages | targets).items()}

    features = featurise(rows)
    together, parts = model.predict(features), explained(features)
    for place in range(0, len(rows), 5):
        one = featurise(rows.iloc[[place]].reset_index(drop=True))
        same_bits(model.predict(one), together.iloc[[place]].reset_index(drop=True))
        for name, frame in explained(one).items():
            same_bits(frame, parts[name].iloc[[place]].reset_index(drop=True))


def test_without_rows_there_is_an_empty_table(model, dataset) -> None:
    features = build_features(ArrayFrame.of(dataset.observed.head(0)), model.fitted)
    assert len(model.predict(features)) == 0
    assert {len(own.frame()) for part in all_contributions(model, features) for own in part.values()} == {0}


def test_a_model_without_choices_is_the_funnel_alone(train_rows, holdout_rows, fitted, model, quick, same_bits) -> None:
    features, _ = holdout_rows
    bare = fit_model(*train_rows, fitted, {}, quick)
    assert bare.boosters == {}
    logs, rates = bare.log_heads(features), features.log_stage_rates()
    for head in fitted.funnel.heads:
        np.testing.assert_array_equal(logs[head.name], head.log_product(rates))
    same_bits(bare.predict(features), bare.predict(features, trees=False))
    of_rates = fitted.funnel.rate_targets
    same_bits(model.predict(features, trees=False)[of_rates], bare.predict(features)[of_rates])
    assert not model.predict(features)["gpm"].equals(bare.predict(features)["gpm"])


def test_the_trees_correct_the_funnel_and_do_not_replace_it(train_rows, holdout_rows, fitted, quick) -> None:
    """One slow tree moves a rate a little."""
    features, _ = holdout_rows
    slow = TREES.model_copy(update={"learning_rate": 0.01})
    moved = fit_model(*train_rows, fitted, {"gmv": Choice(slow, 1, TREES_ALONE)}, quick)
    shift = moved.log_heads(features)["gmv"] - moved.log_heads(features, trees=False)["gmv"]
    assert 0 < np.abs(shift).max() < 0.02


def test_the_level_of_the_funnels_product_is_not_the_trees(train_rows, fitted) -> None:
    """With a start that is off by a constant the trees are the same, and the level takes the constant back."""
    features, outcome = train_rows
    data = head_rows(fitted.funnel.heads[0], features, outcome, fitted.funnel, 50.0)
    trees = Trees(min_data_in_leaf=20, lambda_l2=0.0, learning_rate=1.0, num_leaves=2)

    def first_step(shift: float) -> np.ndarray:
        shifted = lgb_dataset(replace(data, log_funnel=data.log_funnel + shift), features)
        booster = lgb.train(parameters(trees), shifted, num_boost_round=1)
        return booster.predict(features.values.matrix[data.rows], raw_score=True)

    np.testing.assert_allclose(first_step(-0.5), first_step(0.0), atol=1e-5)
    levels = [head_level(replace(data, log_funnel=data.log_funnel + shift)) for shift in (-3.0, 3.0)]
    assert levels[0] == pytest.approx(3.0, abs=0.5)
    assert levels[1] == pytest.approx(-3.0, abs=0.5)


def test_the_label_over_the_product_is_lightgbms_offset(train_rows, fitted) -> None:
    """Ratio as label and weight · product^(2 − power) give the trees that `init_score` = log product gives."""
    features, outcome = train_rows
    data = head_rows(fitted.funnel.heads[0], features, outcome, fitted.funnel, 50.0)
    trees = TREES.model_copy(update={"extra_trees": False, "feature_fraction": 1.0, "tweedie_power": 1.5})
    ours = lgb.train(parameters(trees), lgb_dataset(data, features), num_boost_round=5)
    label = data.ratio / np.exp(data.log_funnel)
    weight = data.training_weight / data.training_weight.mean() / np.exp(data.log_funnel) ** (2 - 1.5)
    weight = weight / np.average(label, weights=data.training_weight) ** (2 - 1.5)
    table = features.values.matrix[data.rows]
    offset = lgb.Dataset(
        table,
        label=data.ratio,
        weight=weight,
        init_score=data.log_funnel + np.log(np.average(label, weights=data.training_weight)),
        categorical_feature=[place for place, feature in enumerate(features.catalogue) if feature.categorical],
        params={"feature_pre_filter": False, "max_bin": 63, "verbosity": -1},
    )
    theirs = lgb.train(parameters(trees), offset, num_boost_round=5)
    np.testing.assert_allclose(ours.predict(table, raw_score=True), theirs.predict(table, raw_score=True), atol=1e-4)


def test_too_few_rows_for_two_leaves_leave_a_head_without_trees(train_rows, fitted, quick) -> None:
    many = Trees(min_data_in_leaf=10_000)
    assert fit_model(*train_rows, fitted, {"gmv": Choice(many, 10, TREES_ALONE)}, quick).boosters == {}


def test_the_same_rows_give_the_same_model(train_rows, holdout_rows, fitted, model, choices, quick, same_bits) -> None:
    again = fit_model(*train_rows, fitted, choices, quick)
    same_bits(again.predict(holdout_rows[0]), model.predict(holdout_rows[0]))


def test_more_trees_fit_their_own_rows_better(train_rows, fitted, quick) -> None:
    """The loss is the one that is evaluated."""
    features, outcome = train_rows

    def loss(model: CreativeModel) -> float:
        gmv = model.predict(features)["gpm"].to_numpy() / 1000
        came, seen = (outcome[f"later:{name}"].to_numpy() for name in ("gmv_cny", "impressions"))
        return float(np.sum(gmv * seen - came * np.log(gmv)))

    losses = [
        loss(fit_model(*train_rows, fitted, {"gmv": Choice(TREES, rounds, TREES_ALONE)}, quick))
        for rounds in (0, 5, 40)
    ]
    assert losses[0] > losses[1] > losses[2]


def test_columns_of_another_order_are_refused(model, holdout_rows) -> None:
    """LightGBM would not notice."""
    features, _ = holdout_rows
    turned = FeatureMatrix(features.values.names[::-1], features.values.matrix[:, ::-1].copy())
    with pytest.raises(ValueError, match="not those that the model was trained on"):
        model.predict(replace(features, values=turned))


def test_a_creative_with_unseen_categories_is_predicted(model, dataset) -> None:
    rows = dataset.observed.head(5).assign(tag_hook="没见过", category="没见过", promotion_type="product")
    table = model.predict(build_features(ArrayFrame.of(rows), model.fitted))
    assert np.isfinite(table[model.fitted.funnel.targets]).all().all()


def made_from(dataset: Dataset, train: np.ndarray, until: pd.Timestamp):
    """Recipe, model, and predictions out of fold, with refits, as a run makes them."""
    trainings, moments = plan_refits(dataset, [(train, until)])
    dataset = with_refits(dataset, moments)
    rows, until = trainings[0]
    recipe = recipe_by_hand(dataset, rows)
    return recipe, fit_on(dataset, rows, until, recipe), out_of_fold(dataset, rows, recipe), dataset


@pytest.fixture(scope="module")
def eager(small_world, quick):
    """The small world's dataset, with settings under which every head takes trees and is calibrated."""
    trees = {"trees": TREES.model_copy(update={"rounds": 20})}
    interval = {"interval": quick.interval.model_copy(update={"min_rows": 50})}
    return prepare(small_world, quick.model_copy(update={**trees, **interval}))


@pytest.fixture(scope="module")
def made(eager, cut):
    return made_from(eager, cut[0], cut[2])


def test_outcomes_of_the_holdout_are_not_read(eager, made, cut, same_bits) -> None:
    """Shuffled among the holdout rows, they change no choice, no model, and no out-of-fold prediction."""
    places = np.flatnonzero(cut[1])
    outcome = eager.outcome.copy()
    outcome.iloc[places] = eager.outcome.iloc[np.random.default_rng(1).permutation(places)].to_numpy()
    assert not outcome["later:gmv_cny"].equals(eager.outcome["later:gmv_cny"])
    recipe, model, parts, _ = made_from(replace(eager, outcome=outcome.astype(eager.outcome.dtypes)), cut[0], cut[2])
    before_recipe, before, before_parts, dataset = made
    assert recipe == before_recipe
    assert any(choice.rounds for choice in recipe.choices.values())
    features = rows_of(dataset, cut[1], before.fitted)[0]
    same_bits(model.predict(rows_of(dataset, cut[1], model.fitted)[0]), before.predict(features))
    assert len(parts) == len(before_parts) > 0
    for one, other in zip(parts, before_parts):
        same_bits(one.predicted, other.predicted)


def test_metrics_after_the_training_period_are_not_read(small_world, eager, made, cut, same_bits) -> None:
    """The whole history planted anew after the last training outcome: the same choices, the same model."""
    metrics = small_world.metrics.copy()
    after = metrics["period_end"] > cut[2]
    for name in [name for name in VALUES if name in metrics and name != "impressions"]:
        metrics.loc[after, name] = (metrics.loc[after, name] * 3).round(4)
    metrics.loc[after, "impressions"] *= 9
    planted = prepare(Loaded(metrics, small_world.creatives), eager.settings)
    recipe, model, _, _ = made_from(planted, cut[0], cut[2])
    before_recipe, before, _, dataset = made
    assert recipe == before_recipe
    rows = cut[0]
    same_bits(
        model.predict(rows_of(dataset, rows, model.fitted)[0]), before.predict(rows_of(dataset, rows, before.fitted)[0])
    )


def test_a_refresh_with_stored_choices_gives_the_model_again(eager, made, cut, same_bits) -> None:
    recipe, before, _, dataset = made
    again = fit_on(dataset, cut[0] & (dataset.observed["cutoff"] >= dataset.funnel_models[0].origin), cut[2], recipe)
    features = rows_of(dataset, cut[1], before.fitted)[0]
    same_bits(again.predict(rows_of(dataset, cut[1], again.fitted)[0]), before.predict(features))
    other = fit_on(dataset, cut[0], cut[2], Recipe())
    assert not other.predict(features)["gpm"].equals(before.predict(features)["gpm"])


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
        (["clicks", "spend_cny", "boost_spend_cny", "net_gmv_cny", "plays"], ["gpm", "later_impressions"]),
    ],
    ids=lambda value: "+".join(value),
)
def test_every_funnel_is_fitted_predicted_explained_and_evaluated(small_world, quick, dropped, targets) -> None:
    """All steps with fewer columns."""
    dataset = prepare(Loaded(small_world.metrics.drop(columns=dropped), small_world.creatives), quick)
    train, holdout, starts = holdout_split(dataset.rows, 7)
    fitted = fit_features(dataset, train, starts)
    chosen = {head.name: Choice(TREES, 3, Stack(0.2, 0.3, 0.5)) for head in fitted.funnel.heads}
    model = fit_model(*rows_of(dataset, train, fitted), fitted, chosen, quick)
    assert set(model.boosters) == set(chosen)
    features, _ = rows_of(dataset, holdout, fitted)
    table = model.predict(features)
    assert fitted.funnel.targets == targets
    assert np.isfinite(table[targets]).all().all()
    stages, explained = all_contributions(model, features)
    for name, own in (stages | explained).items():
        np.testing.assert_allclose(own.total, np.log(table[name]), rtol=0, atol=1e-9)
    bayes = fit_features(dataset, train, starts, empirical_bayes_only=True)
    figures, _ = evaluate_holdout(dataset, holdout, set(), model, bayes)
    assert list(figures["target"].unique()) == targets
    assert np.isfinite(score(figures))

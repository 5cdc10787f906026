"""Rows, labels and weights of the heads, on funnels of every form."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from configs.settings import Settings, Trees
from features.funnel import build_funnel
from features.schema import KEY, Loaded
from training.boosting.heads import (
    EXPOSURE_CAP,
    HALF_WEIGHT,
    HeadRows,
    can_train,
    head_level,
    head_rows,
    lgb_dataset,
    parameters,
)
from training.data.dataset import fit_features, prepare, rows_of
from training.labels.splits import holdout_split

LEAST = 50.0
"""Later impressions from which a row is evaluated."""
YOUTUBE = ["clicks", "spend_cny", "boost_spend_cny", "net_gmv_cny", "plays", "plays_3s"]
"""Columns that public readings of videos lack."""
FUNNELS = {
    "everything": [],
    "no orders": ["orders"],
    "no orders and clicks": ["orders", "clicks"],
    "no impressions": ["impressions", "clicks"],
    "net money only": ["impressions", "clicks", "orders", "gmv_cny"],
    "no net money": ["net_gmv_cny"],
    "videos": YOUTUBE,
}
"""Name → columns that are not there."""


@pytest.fixture(scope="module")
def rows_without(small_world: Loaded, quick: Settings):
    """Funnel, features and outcomes of the training rows of the small world without some columns."""
    made = {}

    def make(name: str):
        if name not in made:
            loaded = Loaded(small_world.metrics.drop(columns=FUNNELS[name]), small_world.creatives)
            dataset = prepare(loaded, quick)
            train, _, until = holdout_split(dataset.rows, 7)
            made[name] = (dataset.funnel, *rows_of(dataset, train, fit_features(dataset, train, until)))
        return made[name]

    return make


def all_rows(funnel, features, outcome, least: float = LEAST) -> dict[str, HeadRows]:
    return {head.name: head_rows(head, features, outcome, funnel, least) for head in funnel.heads}


@pytest.fixture(scope="module")
def rows(rows_without) -> dict[str, HeadRows]:
    return all_rows(*rows_without("everything"))


def at(data: HeadRows, outcome: pd.DataFrame, name: str) -> np.ndarray:
    return outcome[f"later:{name}"].to_numpy(np.float64)[data.rows]


@pytest.mark.parametrize(
    ("name", "heads"),
    [
        ("everything", {"gmv": "gmv_cny impressions", "cost": "spend_cny impressions",
                        "keep": "settled_net_cny settled_gmv_cny"}),
        ("no orders", {"gmv": "gmv_cny impressions", "cost": "spend_cny impressions",
                       "keep": "settled_net_cny settled_gmv_cny"}),
        ("no orders and clicks", {"gmv": "gmv_cny impressions", "cost": "spend_cny impressions",
                                  "keep": "settled_net_cny settled_gmv_cny"}),
        ("no impressions", {"gmv": "gmv_cny spend_cny", "keep": "settled_net_cny settled_gmv_cny"}),
        ("net money only", {"gmv": "settled_net_cny settled_spend_cny"}),
        ("no net money", {"gmv": "gmv_cny impressions", "cost": "spend_cny impressions"}),
        ("videos", {"gmv": "gmv_cny impressions"}),
    ],
)  # fmt: skip
def test_the_label_is_the_outcome_over_the_funnels_product(rows_without, name, heads) -> None:
    funnel, features, outcome = rows_without(name)
    found = all_rows(funnel, features, outcome)
    assert {head: f"{data.head.numerator} {data.head.exposure}" for head, data in found.items()} == heads
    posteriors = features.log_stage_rates()
    for data in found.values():
        assert len(data) > 100
        exposure = at(data, outcome, data.head.exposure)
        assert (exposure > 0).all()
        np.testing.assert_allclose(data.ratio, at(data, outcome, data.head.numerator) / exposure)
        product = sum(posteriors[stage] for stage in data.head.stages)
        np.testing.assert_allclose(data.log_funnel, np.minimum(product, 0.0 if data.head.share else np.inf)[data.rows])
        dataset = lgb_dataset(data, features).construct()
        label, weight = data.ratio / np.exp(data.log_funnel), data.training_weight
        centred = label / np.average(label, weights=weight)  # the level is not the trees'
        np.testing.assert_allclose(np.asarray(dataset.get_label()), centred.astype(np.float32), rtol=1e-5)
        assert np.isfinite(data.training_weight).all()
        assert ((data.training_weight >= 0) & (data.training_weight < 1)).all()


@pytest.mark.parametrize("name", FUNNELS)
def test_the_funnels_product_is_gmv_per_exposure_on_average(rows_without, name) -> None:
    """The product is in the unit of the ratio: money per impression, or per CNY of spend."""
    funnel, features, outcome = rows_without(name)
    for data in all_rows(funnel, features, outcome).values():
        exposure = at(data, outcome, data.head.exposure)
        came, expected = (data.ratio * exposure).sum(), (np.exp(data.log_funnel) * exposure).sum()
        assert 0.7 < expected / came < 1.4, data.head.name


def test_a_row_without_exposure_or_with_an_unknown_outcome_is_left_out(rows_without) -> None:
    funnel, features, outcome = rows_without("everything")
    whole = all_rows(funnel, features, outcome)["gmv"]
    gap = outcome.copy()
    gap.loc[whole.rows[:3], "later:impressions"] = 0.0
    gap.loc[whole.rows[3:5], "later:gmv_cny"] = np.nan
    found = all_rows(funnel, features, gap)
    assert found["gmv"].rows.tolist() == whole.rows[5:].tolist()
    np.testing.assert_array_equal(found["gmv"].training_weight, whole.training_weight[5:])
    np.testing.assert_array_equal(found["gmv"].creative, whole.creative[5:])
    gap.loc[found["keep"].rows[:2], "later:settled_orders"] = np.nan  # a period that misses its orders
    assert all_rows(funnel, features, gap)["keep"].rows.tolist() == found["keep"].rows[2:].tolist()
    # An unknown gmv does not hide what the row says of its cost.
    assert found["cost"].rows.tolist() == [row for row in whole.rows if row not in whole.rows[:3]]


def test_the_training_weight_is_half_at_ten_orders_and_saturates(rows_without) -> None:
    funnel, features, outcome = rows_without("everything")
    logs = features.log_stage_rates()
    rate = np.exp(logs["click"] + logs["order"])  # orders expected of an impression

    def weight(orders: float) -> np.ndarray:
        given = outcome.assign(**{"later:impressions": orders / rate})
        return all_rows(funnel, features, given)["gmv"].training_weight

    np.testing.assert_allclose(weight(10.0), 0.5)
    np.testing.assert_allclose(weight(1.0), 1 / 11)
    np.testing.assert_allclose(weight(1e6), 1.0, atol=2e-5)
    assert HALF_WEIGHT * next(s for s in funnel.stages if s.name == "value").half_weight_events == 10.0


def test_heads_of_one_stage_weigh_by_the_events_that_inform_it(rows, rows_without) -> None:
    _, _, outcome = rows_without("everything")
    seen = at(rows["cost"], outcome, "impressions")
    np.testing.assert_allclose(rows["cost"].training_weight, seen / (seen + 10 * 50))
    orders = at(rows["keep"], outcome, "settled_orders")
    np.testing.assert_allclose(rows["keep"].training_weight, orders / (orders + 10 * 2))


def test_a_deviance_weighs_exposure_up_to_a_cap_and_leaves_small_rows_out(rows_without) -> None:
    funnel, features, outcome = rows_without("everything")
    huge = outcome.copy()
    huge.loc[outcome["later:impressions"].idxmax(), "later:impressions"] *= 1e6
    huge.loc[outcome.index[:4], "later:impressions"] = [1.0, LEAST - 1, LEAST, LEAST + 1]
    data = all_rows(funnel, features, huge)["gmv"]
    seen = at(data, huge, "impressions")
    evaluated = seen >= LEAST
    cap = EXPOSURE_CAP * np.median(seen[evaluated])
    np.testing.assert_array_equal(data.deviance_weight, np.where(evaluated, np.minimum(seen, cap), 0.0))
    assert data.deviance_weight.max() == cap
    assert data.deviance_weight[:4].tolist() == [0.0, 0.0, LEAST, LEAST + 1]


def test_a_share_is_never_expected_above_1(rows_without) -> None:
    """Cross-stage evidence can push the posterior log rate of a share above 0."""
    funnel, features, outcome = rows_without("everything")
    lifted = replace(features.posteriors, log_prior=features.posteriors.log_prior + 0.2)
    above = replace(features, posteriors=lifted)
    assert (lifted["keep"].log_rate > 0).any()
    data = all_rows(funnel, above, outcome)["keep"]
    assert (data.log_funnel <= 0).all()
    assert (data.log_funnel == 0).any()


def test_rows_of_one_creative_have_one_hash(rows, rows_without) -> None:
    _, features, _ = rows_without("everything")
    keys = features.keys.select(KEY).frame().iloc[rows["gmv"].rows]
    pairs = keys.assign(hash=rows["gmv"].creative).drop_duplicates()
    assert len(pairs) == pairs["hash"].nunique() == len(keys.drop_duplicates())
    assert rows["gmv"].creative.dtype == np.uint64


def test_training_rows_weigh_by_sample_size_and_validation_rows_as_in_the_deviance(rows, rows_without) -> None:
    _, features, _ = rows_without("everything")
    data = rows["gmv"]
    train = lgb_dataset(data, features)
    validation = lgb_dataset(data, features, reference=train).construct()
    own = np.asarray(train.construct().get_weight())
    np.testing.assert_allclose(own, data.training_weight / data.training_weight.mean(), rtol=1e-6)
    weight = data.deviance_weight * np.exp(data.log_funnel)
    np.testing.assert_allclose(np.asarray(validation.get_weight()), weight / weight.mean(), rtol=1e-6)


def test_trees_need_rows_for_two_leaves_and_an_outcome_above_0(rows) -> None:
    """LightGBM refuses labels that are all 0."""
    data = rows["gmv"]
    assert can_train(data, Trees(min_data_in_leaf=len(data) // 2))
    assert not can_train(data, Trees(min_data_in_leaf=len(data) // 2 + 1))
    assert not can_train(replace(data, ratio=np.zeros(len(data))), Trees(min_data_in_leaf=20))


def test_parameters_are_one_threaded_and_of_the_heads_loss() -> None:
    found = parameters(Trees(tweedie_power=1.3, num_leaves=5), seed=3)
    assert (found["objective"], found["tweedie_variance_power"]) == ("tweedie", 1.3)
    assert (found["num_leaves"], found["num_threads"], found["seed"]) == (5, 1, 3)
    assert found["boost_from_average"] is False
    assert not {"rounds", "tweedie_power"} & set(found)


def timed(log_ratios: list[float], noise: float = 0.0, count: int = 600) -> HeadRows:
    """Rows whose outcome is off the funnel's product by these log ratios in equal stretches of time."""
    draw = np.random.default_rng(5)
    log = np.repeat(log_ratios, count // len(log_ratios)) + draw.normal(0.0, noise, count)
    weight = np.ones(count)
    return HeadRows(
        head=build_funnel(["impressions", "gmv_cny"], None).heads[0],
        rows=np.arange(count),
        ratio=np.exp(log - 3.0),
        log_funnel=np.full(count, -3.0),
        log_bayes=np.full(count, -3.0),
        training_weight=weight,
        deviance_weight=weight,
        creative=np.arange(count, dtype=np.uint64),
        cutoff=np.datetime64("2026-05-01", "us") + np.arange(count) * np.timedelta64(1, "h"),
    )


def test_a_level_that_lasts_is_met_and_one_that_comes_and_goes_is_left_out() -> None:
    steady = head_level(timed([-0.6] * 6, noise=0.3))
    assert steady == pytest.approx(-0.6 + 0.3**2 / 2, abs=0.03)
    assert head_level(timed([-0.6, 0.5, -0.5, 0.6, -0.6, 0.5])) == 0.0
    assert head_level(timed([0.0] * 6)) == 0.0
    slight = head_level(timed([0.02, 0.10, 0.02, 0.11, 0.01, 0.10]))
    assert 0.0 < slight < 0.06  # seen, but not steady enough to be met in full


def test_there_is_no_level_without_an_outcome() -> None:
    nothing = timed([0.0] * 6)
    assert head_level(replace(nothing, ratio=np.zeros(len(nothing)))) == 0.0
    assert head_level(replace(nothing, deviance_weight=np.zeros(len(nothing)))) == 0.0

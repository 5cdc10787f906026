"""The tables give LightGBM's own TreeSHAP values, whatever the trees."""

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from training.explanation.treeshap_tables import NotTabulable, TreeTables, agrees

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def data(seed: int, rows: int, missing: float, whole: bool) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    table = draw.normal(size=(rows, 6))
    if whole:
        table = np.rint(table)
    table[:, 4] = draw.integers(0, 9, rows)
    table[:, 5] = draw.integers(0, 3, rows)
    signal = np.where(table[:, 4] > 4, 0.7, 0.0) + 0.5 * table[:, 0] * (table[:, 1] > 0) + 0.3 * table[:, 2]
    table[draw.random(table.shape) < missing] = np.nan
    return table, signal + draw.normal(0, 0.3, rows)


def rows_to_try(seed: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    rows = draw.normal(0, 2, (30, 6))
    rows[:, 4] = draw.integers(-2, 14, 30)  # unseen codes, and negative ones
    rows[:, 5] = draw.choice([0.0, 1.0, 2.0, 0.5, 1e12], 30)
    rows[draw.random(rows.shape) < 0.2] = np.nan
    rows[0] = 0.0
    rows[1] = 1e-36
    return rows


@QUICK
@given(
    seed=st.integers(0, 10**6),
    objective=st.sampled_from(["poisson", "tweedie", "regression", "gamma", "binary", "quantile"]),
    leaves=st.integers(2, 15),
    rounds=st.integers(1, 12),
    missing=st.sampled_from([0.0, 0.2]),
    whole=st.booleans(),
    extra=st.booleans(),
    zero=st.booleans(),
    weights=st.booleans(),
)
@pytest.mark.slow
def test_contributions_equal_those_of_lightgbm(seed, objective, leaves, rounds, missing, whole, extra, zero, weights):
    table, signal = data(seed, 300, missing, whole)
    label = {"binary": (signal > 0).astype(float), "gamma": np.exp(signal)}.get(objective, np.maximum(signal, 0.0))
    if objective in ("regression", "quantile"):
        label = signal
    weight = np.random.default_rng(seed).random(300) + 0.1 if weights else None
    dataset = lgb.Dataset(table, label, weight=weight, categorical_feature=[4, 5], params={"verbosity": -1})
    booster = lgb.train(
        {
            "objective": objective,
            "num_leaves": leaves,
            "min_data_in_leaf": 5,
            "min_data_per_group": 5,
            "cat_smooth": 1.0,
            "extra_trees": extra,
            "zero_as_missing": zero,
            "use_missing": True,
            "num_threads": 1,
            "verbosity": -1,
            "seed": seed,
        },
        dataset,
        num_boost_round=rounds,
    )
    named = {"a": (booster, list(range(6)))}
    try:
        tables = TreeTables(named)
    except NotTabulable:  # paths too long
        assert leaves > 14
        return
    rows = rows_to_try(seed)
    tabulated, expected = tables.contributions(rows)["a"], booster.predict(rows, pred_contrib=True)
    np.testing.assert_allclose(tabulated, expected, rtol=0, atol=1e-9 * max(1.0, np.abs(expected).max()))
    np.testing.assert_allclose(tabulated.sum(axis=1), booster.predict(rows, raw_score=True), atol=1e-9 * 1e3)


def booster_of(columns: list[int], seed: int, rounds: int = 8, **more: object) -> lgb.Booster:
    table, signal = data(seed, 400, 0.1, False)
    settings_ = {"objective": "regression", "num_leaves": 7, "verbosity": -1, "num_threads": 1, **more}
    params = {"verbosity": -1, **({"linear_tree": True} if more.get("linear_tree") else {})}
    return lgb.train(settings_, lgb.Dataset(table[:, columns], signal, params=params), num_boost_round=rounds)


def test_boosters_with_columns_of_their_own_are_evaluated_together_and_alone() -> None:
    columns_of = {"a": [3, 1, 0], "none": [2], "b": [5, 0]}
    named = {name: (booster_of(columns, len(name)), columns) for name, columns in columns_of.items()}
    tables = TreeTables(named)
    rows = rows_to_try(4)
    assert agrees(tables, named, rows)
    together = tables.contributions(rows)
    for place in range(0, 30, 7):
        alone = tables.contributions(rows[[place]])
        for name, own in alone.items():
            assert (own[0] == together[name][place]).all()


def test_without_boosters_or_rows_there_are_no_contributions() -> None:
    assert TreeTables({}).contributions(rows_to_try(1)) == {}
    assert TreeTables({"a": (booster_of([0, 1], 1), [0, 1])}).contributions(np.empty((0, 6)))["a"].shape == (0, 3)


def test_a_tree_that_splits_nothing_is_its_value() -> None:
    booster = booster_of([0, 1], 1, 2, min_data_in_leaf=390)
    rows = rows_to_try(1)
    np.testing.assert_allclose(
        TreeTables({"a": (booster, [0, 1])}).contributions(rows)["a"], booster.predict(rows[:, :2], pred_contrib=True)
    )


def test_linear_leaves_and_endless_paths_are_refused() -> None:
    with pytest.raises(NotTabulable, match="linear"):
        TreeTables({"a": (booster_of([0, 1], 1, linear_tree=True), [0, 1])})
    chain = {"num_leaves": 60, "min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 0, "min_data_in_bin": 1}
    rows = lgb.Dataset(np.arange(60.0)[:, None], np.exp(np.arange(60.0)), params={**chain, "verbosity": -1})
    deep = lgb.train({"objective": "regression", "verbosity": -1, **chain}, rows, num_boost_round=1)
    with pytest.raises(NotTabulable, match="splits"):
        TreeTables({"a": (deep, [0])})


def test_tables_of_other_trees_do_not_agree() -> None:
    one, other = booster_of([0, 1, 2], 1), booster_of([0, 1, 2], 9)
    columns = [0, 1, 2]
    assert not agrees(TreeTables({"a": (one, columns)}), {"a": (other, columns)}, rows_to_try(1))

"""What is known of others at one moment, from the rows of metrics and from the as-of table of a bundle."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.point_in_time.array_frame import ArrayFrame, Categories
from features.point_in_time.as_of_history import AsOfHistory
from features.point_in_time.as_of_table import as_of_table
from features.point_in_time.counts import SumsInMemory, columns_of_others, data_funnel, entities_of, observe
from features.point_in_time.metric_rows import MetricRows
from features.point_in_time.snapshots import latest_snapshots
from features.schema import KEY, Loaded


@pytest.fixture(scope="module")
def moment(small_world: Loaded) -> pd.Timestamp:
    """A moment at which many creatives run."""
    return small_world.metrics["period_end"].max() - pd.Timedelta(days=35)


@pytest.fixture(scope="module")
def known(small_world: Loaded, moment: pd.Timestamp) -> Loaded:
    metrics = small_world.metrics
    return replace(small_world, metrics=metrics[metrics["period_end"] <= moment].reset_index(drop=True))


@pytest.fixture
def world(known: Loaded, settings, moment):
    """Rows, funnel, entities, as-of table."""
    rows, funnel, shared = MetricRows.of(known), data_funnel(known, settings), entities_of(known.creatives, settings)
    return rows, funnel, shared, as_of_table(rows, funnel, shared, settings, moment)


def from_rows(rows: MetricRows, funnel, shared, settings, moment: pd.Timestamp) -> dict[str, np.ndarray]:
    """Columns of others of every creative, from all rows of metrics."""
    everyone = np.arange(len(rows.creatives))
    moments = np.full(len(everyone), int(moment.timestamp()), dtype=np.int64)
    return columns_of_others(SumsInMemory.of(rows, everyone, moments, funnel, shared, settings))


def equal_to_the_bit(left: dict[str, np.ndarray], right: dict[str, np.ndarray]) -> None:
    assert list(left) == list(right) or set(left) == set(right)
    for name, column in left.items():
        assert (column.view(np.int64) == right[name].view(np.int64)).all(), name


def test_the_table_and_the_rows_give_the_same_sums_of_others(world, settings, moment, monkeypatch) -> None:
    rows, funnel, shared, table = world
    expected = from_rows(rows, funnel, shared, settings, moment)
    assert (expected["live_siblings"] > 0).any()
    history = AsOfHistory(table, shared, moment)
    equal_to_the_bit(columns_of_others(history.of(rows.creatives)), expected)
    monkeypatch.setattr("features.point_in_time.as_of_history.MANY_CREATIVES", 10)  # one entity at a time
    equal_to_the_bit(columns_of_others(AsOfHistory(table, shared, moment).of(rows.creatives)), expected)


def test_a_creative_alone_has_the_counts_that_it_has_in_a_batch(world, settings, moment) -> None:
    rows, funnel, shared, table = world
    history = AsOfHistory(table, shared, moment)
    together = observe(
        latest_snapshots(rows, moment), rows, columns_of_others(history.of(rows.creatives)), funnel, settings
    ).frame()
    assert (together["age_hours"] == 0).sum() > 10
    assert (together["early:orders"] > 0).sum() > 30
    for place in range(0, len(together), 7):
        mine = np.flatnonzero(rows.units == place)
        one = MetricRows(
            creatives=rows.creatives.take([place]),
            units=np.zeros(len(mine), dtype=np.int64),
            grains=rows.grains[mine],
            starts=rows.starts[mine],
            ends=rows.ends[mine],
            values={name: column[mine] for name, column in rows.values.items()},
        )
        others = columns_of_others(history.of(one.creatives))
        alone = observe(latest_snapshots(one, moment), one, others, funnel, settings).frame()
        expected = together.iloc[[place]].reset_index(drop=True)
        # Whether a launch was observed depends on the account's first day, which one creative does not show.
        pd.testing.assert_frame_equal(
            alone.drop(columns="launch_observed"), expected.drop(columns="launch_observed"), check_exact=True
        )


def test_creatives_new_to_the_table_have_the_history_of_those_they_share_something_with(
    known, world, settings, moment
) -> None:
    """Also one with a value that nobody has, one of another account, one without a product, one without a hook."""
    _, funnel, shared, table = world
    new = known.creatives.iloc[:6].assign(creative_id=[f"new{n}" for n in range(6)])
    new.loc[new.index[0], "tag_hook"] = None
    new.loc[new.index[1], "tag_hook"] = "从未见过"
    new.loc[new.index[2], "account_id"] = "another"
    new.loc[new.index[3], "product_id"] = None
    more = replace(known, creatives=pd.concat([known.creatives, new]).sort_values(KEY, ignore_index=True))
    rows = MetricRows.of(more)
    is_new = more.creatives["creative_id"].isin(new["creative_id"]).to_numpy()
    expected = {name: column[is_new] for name, column in from_rows(rows, funnel, shared, settings, moment).items()}
    equal_to_the_bit(columns_of_others(AsOfHistory(table, shared, moment).of(rows.creatives.take(is_new))), expected)


def test_a_creative_whose_tag_changed_since_has_the_history_of_its_new_one(known, world, settings, moment) -> None:
    _, funnel, shared, table = world
    creatives = known.creatives.copy()
    creatives.loc[5, "tag_hook"] = creatives.loc[6, "tag_hook"]
    rows = MetricRows.of(replace(known, creatives=creatives))
    expected = from_rows(rows, funnel, shared, settings, moment)
    found = columns_of_others(AsOfHistory(table, shared, moment).of(rows.creatives.take([5])))
    hook = [name for name in expected if "hook" in name]
    equal_to_the_bit({name: found[name] for name in hook}, {name: expected[name][[5]] for name in hook})


def test_a_table_survives_a_file(world, tmp_path, moment) -> None:
    rows, _, shared, table = world
    table.to_parquet(tmp_path / "asof.parquet")
    again = AsOfHistory(pd.read_parquet(tmp_path / "asof.parquet"), shared, moment)
    equal_to_the_bit(
        columns_of_others(again.of(rows.creatives)),
        columns_of_others(AsOfHistory(table, shared, moment).of(rows.creatives)),
    )


def test_a_creative_that_nobody_shares_anything_with_has_no_history(world, moment) -> None:
    _, _, shared, table = world
    unknown = pd.DataFrame({"promotion_type": ["new"], "account_id": ["new"], "creative_id": ["new"]})
    columns = dict(columns_of_others(AsOfHistory(table, shared, moment).of(ArrayFrame.of(unknown))))
    assert np.isnan(columns.pop("tag_overlap_share")).all()
    assert all((column == 0).all() for column in columns.values())


def test_the_table_knows_until_when_each_account_has_reported(world, moment) -> None:
    rows, _, shared, table = world
    history = AsOfHistory(table, shared, moment)
    assert (history.reported_until(rows.creatives) == rows.account_until).all()
    unknown = rows.creatives.take([0]).assign({"account_id": Categories.of(["nobody"])})
    assert history.reported_until(unknown)[0] == np.datetime64(moment.to_pydatetime(), "us")

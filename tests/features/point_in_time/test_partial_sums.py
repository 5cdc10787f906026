"""Histories of parts, from the partial sums that they exchange, are those of one frame to the last bit."""

import numpy as np
import pandas as pd
import pytest

from features.point_in_time.availability import counted_rows
from features.point_in_time.counts import SumsInMemory, columns_of_others, data_funnel, entities_of
from features.point_in_time.entity_history import Entity, history_columns
from features.point_in_time.market import Market, market_tables
from features.point_in_time.metric_rows import MetricRows
from features.point_in_time.partial_sums import (
    KEY,
    BucketSums,
    bucket_of,
    partial_sums,
    requested_sums,
    resolved_entities,
    shared_codes,
)
from features.point_in_time.windowed_sums import seconds
from features.schema import Loaded

BUCKETS = 3


@pytest.fixture
def one_market(small_world: Loaded) -> Loaded:
    """Both accounts of the small world under one promotion type, so that they share everything."""
    metrics, creatives = (frame.assign(promotion_type="live") for frame in (small_world.metrics, small_world.creatives))
    return Loaded(metrics.astype({"promotion_type": "str"}), creatives.astype({"promotion_type": "str"}))


def test_parts_that_exchange_partial_sums_have_the_history_of_one_frame(one_market, quick, snapshots_of) -> None:
    funnel, shared = data_funnel(one_market, quick), entities_of(one_market.creatives, quick)
    rows, frame = MetricRows.of(one_market), snapshots_of(one_market, (0, 24, 72))
    keys = pd.MultiIndex.from_frame(one_market.creatives[["account_id", "creative_id"]])
    units = keys.get_indexer(pd.MultiIndex.from_frame(frame[["account_id", "creative_id"]])).astype(np.int64)
    moments = seconds(frame["cutoff"])
    expected = columns_of_others(SumsInMemory.of(rows, units, moments, funnel, shared, quick))
    assert (expected["hist:creator_id:click:weight"] > 0).any()

    codes = shared_codes(one_market.creatives, shared)
    tables = market_tables(
        counted_rows(rows, funnel, quick), rows.creatives.categories("promotion_type"), funnel.stages
    )
    parts = {}
    for account in ("acc0", "acc1"):
        mine, snapshots = ((table["account_id"] == account).to_numpy() for table in (one_market.creatives, frame))
        part = Loaded(one_market.metrics[one_market.metrics["account_id"] == account], one_market.creatives[mine])
        own_units = units[snapshots] - np.flatnonzero(mine)[0]
        sums = SumsInMemory.of(
            MetricRows.of(part), own_units, moments[snapshots], funnel, shared, quick, Market(tables)
        )
        parts[account] = snapshots, sums, codes[mine]

    for snapshots, sums, own_codes in parts.values():
        resolved = []
        for bucket in range(BUCKETS):
            partial = [partial_sums(other, other_codes) for _, other, other_codes in parts.values()]
            together = {name: pd.concat([one[name] for one in partial], ignore_index=True) for name in partial[0]}
            requested = in_bucket(requested_sums(sums, own_codes), bucket)
            here = {name: in_bucket(table, bucket) for name, table in together.items()}
            resolved.append(BucketSums(here).resolve(requested))
        blocks = resolved_entities(pd.concat(resolved, ignore_index=True), sums.own, shared)
        for name, column in history_columns(blocks, sums.own).items():
            np.testing.assert_array_equal(column, expected[name][snapshots], err_msg=name)


def in_bucket(table: pd.DataFrame, bucket: int) -> pd.DataFrame:
    return table[bucket_of(table[KEY].to_numpy(np.int64), BUCKETS) == bucket].reset_index(drop=True)


def test_a_value_has_one_code_over_all_parts_and_none_where_it_is_missing() -> None:
    creatives = pd.DataFrame({"promotion_type": ["live"] * 3, "tag_hook": ["x", None, "x"]})
    codes = shared_codes(creatives, [Entity("hook", ("promotion_type", "tag_hook")), Entity("none", ("tag_none",))])
    assert codes.tolist() == [[0, -1], [-1, -1], [0, -1]]

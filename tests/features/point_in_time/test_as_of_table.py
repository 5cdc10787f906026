"""What the service knows of others equals what the store tells at the same moment, bit for bit."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.point_in_time.as_of_table import Standing, standing_table
from features.point_in_time.counts import data_entities, data_funnel, measure, observe
from features.point_in_time.request_counts import Told, observe_given
from features.point_in_time.snapshots import latest_snapshots
from features.schema import KEY, PERIOD, VALUES, Loaded


@pytest.fixture(scope="module")
def moment(small_world: Loaded) -> pd.Timestamp:
    """A moment at which many creatives run."""
    return small_world.metrics["period_end"].max() - pd.Timedelta(days=35)


@pytest.fixture(scope="module")
def known(small_world: Loaded, moment: pd.Timestamp) -> Loaded:
    metrics = small_world.metrics
    return replace(small_world, metrics=metrics[metrics["period_end"] <= moment].reset_index(drop=True))


@pytest.fixture
def parts(known: Loaded, settings, moment):
    funnel, shared = data_funnel(known, settings), data_entities(known, settings)
    table = standing_table(measure(known, funnel, settings), funnel, shared, settings, moment)
    return funnel, shared, table, Standing(table, funnel, shared, moment)


def equal_to_the_bit(left: pd.DataFrame, right: pd.DataFrame) -> None:
    assert set(left) <= set(right)
    for name in left:
        a, b = left[name].to_numpy(), right[name].to_numpy()
        if a.dtype.kind == "f":
            assert (a.view(np.int64) == b.astype(np.float64).view(np.int64)).all(), name
        else:
            assert (pd.Series(a).isna() == pd.Series(b).isna()).all(), name
            assert (pd.Series(a).dropna() == pd.Series(b).dropna()).all(), name


def alone(loaded: Loaded, rows: pd.DataFrame, standing, funnel, settings) -> pd.DataFrame:
    """Counts of these rows from what a caller would tell of their creatives."""
    figures = [name for name in VALUES if name in loaded.metrics]
    about = loaded.creatives.set_index(KEY).astype(object)
    told = []
    for key in rows[KEY].itertuples(index=False, name=None):
        known = about.loc[key]
        mine = loaded.metrics[(loaded.metrics[KEY] == list(key)).all(axis=1)]
        periods = [tuple(row) for row in mine[PERIOD].itertuples(index=False, name=None)]
        words = {name: None if pd.isna(value) else value for name, value in known.items()}
        told.append(Told(key, words, periods, mine[figures].to_numpy().tolist()))
    tags = [name for name in loaded.creatives if name.startswith("tag_")]
    return observe_given(told, figures, tags, standing, funnel, settings).frame()


def test_every_creative_alone_has_the_counts_it_has_in_the_store(known, parts, settings, moment) -> None:
    funnel, shared, _, standing = parts
    rows = latest_snapshots(known.metrics, known.creatives, moment)
    told = observe(rows, known, funnel, shared, settings, as_of=moment)
    assert (told["age_hours"] == 0).sum() > 10
    assert (told["early:orders"] > 0).sum() > 30
    assert (told["live_siblings"] > 0).any()
    equal_to_the_bit(told.drop(columns="launch_observed"), alone(known, rows, standing, funnel, settings))
    for place in range(0, len(rows), 7):
        row = rows.iloc[[place]].reset_index(drop=True)
        expected = told.iloc[[place]].reset_index(drop=True).drop(columns="launch_observed")
        equal_to_the_bit(expected, alone(known, row, standing, funnel, settings))


def test_a_creative_nobody_knew_is_told_as_the_store_would_tell_it(known, parts, settings, moment) -> None:
    funnel, shared, _, standing = parts
    new = known.creatives.iloc[:6].assign(creative_id=[f"new{n}" for n in range(6)])
    new.loc[new.index[0], "tag_hook"] = None
    new.loc[new.index[1], "tag_hook"] = "从未见过"
    new.loc[new.index[2], "account_id"] = "another"
    new.loc[new.index[3], "product_id"] = None
    more = replace(known, creatives=pd.concat([known.creatives, new]).sort_values(KEY, ignore_index=True))
    rows = latest_snapshots(known.metrics, more.creatives, moment)
    rows = rows[rows["creative_id"].isin(new["creative_id"])].reset_index(drop=True)
    told = observe(rows, more, funnel, shared, settings, as_of=moment)
    given = alone(more, rows, standing, funnel, settings)
    equal_to_the_bit(told.drop(columns="launch_observed"), given)


def test_a_creative_whose_tags_changed_since_is_told_under_its_new_ones(known, parts, settings, moment) -> None:
    funnel, shared, _, standing = parts
    creatives = known.creatives.copy()
    creatives.loc[5, "tag_hook"] = creatives.loc[6, "tag_hook"]
    changed = replace(known, creatives=creatives)
    rows = latest_snapshots(known.metrics, creatives, moment).iloc[[5]].reset_index(drop=True)
    told = observe(rows, changed, funnel, shared, settings, as_of=moment)
    given = alone(changed, rows, standing, funnel, settings)
    hook = [name for name in told if "hook" in name]
    equal_to_the_bit(told[hook], given[hook])


def test_a_table_survives_a_file(parts, tmp_path, moment) -> None:
    funnel, shared, table, standing = parts
    table.to_parquet(tmp_path / "asof.parquet")
    again = Standing(pd.read_parquet(tmp_path / "asof.parquet"), funnel, shared, moment)
    about = table[[name for name in table if ":" not in name]]
    for name, values in standing.around(about).items():
        np.testing.assert_array_equal(values, again.around(about)[name])

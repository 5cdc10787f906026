"""What was known of others: the same figures computed a second time, in SQL."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from configs.settings import BASES
from features.funnel import build_funnel
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.counts import entities_of, observe_loaded
from features.point_in_time.entity_history import MARKET, Entity, entities, entity_codes
from features.schema import KEY, Loaded

TIED = 1.001e-4
"""Both sides round each creative's share to 1e-4; a tie may fall either way."""

HISTORY = """
with known as (
    select m.creative_id as id, m.promotion_type as promo, epoch(m.period_end)::bigint + 3600 * greatest(
            case m.grain when 'hour' then 1 else 8 end, {wait}) as moment, {count} as c, {exposure} as e, {events} as n
    from metrics m join creatives using (promotion_type, account_id, creative_id)
), lives as (
    select id, promo, moment,
        (select sum(c) from known o where o.id = k.id and o.moment <= k.moment) as c,
        (select sum(e) from known o where o.id = k.id and o.moment <= k.moment) as e,
        (select sum(n) from known o where o.id = k.id and o.moment <= k.moment) as n,
        (select sum(c) / nullif(sum(e), 0) from known o where o.promo = k.promo and o.moment < k.moment) as rate
    from (select distinct id, promo, moment from known) k
), shares as (
    select id, moment, coalesce({sure} / ({sure} + {half}), 0) as weight, coalesce(c / nullif(e * rate, 0), 1) as ratio
    from lives
), shared as (
    select creative_id as id, {entity} as entity from creatives
)
select coalesce(sum(w), 0) as weight, coalesce(sum(r), 0) as ratio
from wanted left join (
    select wanted.place, other.id, round(arg_max(shares.weight, shares.moment), 4) as w,
        round(arg_max(shares.weight * shares.ratio, shares.moment), 4) as r
    from wanted
    join shared mine on mine.id = wanted.creative_id
    join shared other on other.entity = mine.entity and other.id <> mine.id
    join shares on shares.id = other.id and shares.moment < epoch(wanted.cutoff)::bigint - {back}
    group by wanted.place, other.id
) using (place)
group by place order by place
"""
STAGES = {
    "click": {
        "count": "clicks",
        "exposure": "impressions",
        "events": "0",
        "sure": "if(e * rate > 0, e * rate, 0)",
        "half": 3,
    },
    "order": {
        "count": "orders",
        "exposure": "clicks",
        "events": "0",
        "sure": "if(e * rate > 0, e * rate, 0)",
        "half": 3,
    },
    "value": {
        "count": "gmv_cny",
        "exposure": "orders * price_cny",
        "events": "orders",
        "sure": "if(e * rate > 0, n, 0)",
        "half": 1,
    },
    "keep": {
        "count": "net_gmv_cny",
        "exposure": "gmv_cny",
        "events": "orders",
        "sure": "if(e * rate > 0, n, 0)",
        "half": 2,
    },
}
ENTITIES = {
    "market": "promotion_type",
    "hook": "promotion_type || tag_hook",
    "account_id": "promotion_type || account_id",
    "creator_id*product_id": "promotion_type || creator_id || '/' || product_id",
}


@pytest.fixture(scope="module")
def wanted(observed: pd.DataFrame) -> pd.DataFrame:
    """A few snapshots of all ages."""
    return observed.iloc[:: max(len(observed) // 60, 1)].reset_index(drop=True)


@pytest.fixture(scope="module")
def sql(small_world, wanted):
    connection = duckdb.connect()
    connection.register("metrics", small_world.metrics)
    connection.register("creatives", small_world.creatives)
    connection.register(
        "wanted", wanted[["creative_id", "promotion_type", "account_id", "cutoff"]].assign(place=wanted.index)
    )
    yield lambda query: connection.sql(query).df()
    connection.close()


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("entity", ENTITIES)
def test_history_equals_the_same_again_in_sql(sql, wanted, quick, stage, entity) -> None:
    def in_sql(back: int) -> pd.DataFrame:
        wait = 1 if stage == "keep" else 0
        return sql(HISTORY.format(**STAGES[stage], wait=wait, entity=ENTITIES[entity], back=back))

    expected = in_sql(0)
    assert (expected["weight"] > 0).mean() > 0.3
    tied = TIED
    if entity == "market":  # of the market, only what was added of late
        expected = (expected - in_sql(quick.history_days * 86_400)).clip(lower=0)
        tied = 2 * TIED * len(wanted)  # one tie for each of the many creatives
    for name in ("weight", "ratio"):
        np.testing.assert_allclose(wanted[f"hist:{entity}:{stage}:{name}"], expected[name], rtol=0, atol=tied)


def test_the_market_so_far_equals_the_same_again_in_sql(sql, wanted) -> None:
    expected = sql("""
        select place, coalesce(sum(clicks), 0) as clicks, coalesce(sum(spend_cny), 0) as spend_cny
        from wanted left join (
            select *, period_end + to_hours(case grain when 'hour' then 1 else 8 end) as moment from metrics
        ) m on m.promotion_type = wanted.promotion_type and m.creative_id <> wanted.creative_id
            and m.moment < wanted.cutoff
        group by place order by place""")
    for stage, name in (("click", "clicks"), ("cost", "spend_cny")):
        np.testing.assert_allclose(wanted[f"market:{stage}:{name}"], expected[name], rtol=0, atol=1e-6)


def test_crowding_equals_the_same_again_in_sql(sql, wanted) -> None:
    expected = sql("""
        with m as (select *, period_end + to_hours(case grain when 'hour' then 1 else 8 end) as moment from metrics),
        starts as (select account_id, creative_id, min(moment) as began from m group by all)
        select place,
            (select count(distinct creative_id) from m where m.account_id = wanted.account_id
                and m.creative_id <> wanted.creative_id
                and m.moment < cutoff and m.moment >= cutoff - interval 3 day) as live,
            (select count(*) from starts f where f.account_id = wanted.account_id
                and f.creative_id <> wanted.creative_id
                and f.began < cutoff and f.began >= cutoff - interval 14 day) as recent
        from wanted order by place""")
    np.testing.assert_array_equal(wanted["live_siblings"], expected["live"])
    np.testing.assert_array_equal(wanted["recent_launches"], expected["recent"])


# A world of two: what the second may know of the first.


@pytest.fixture
def two(checked):
    """`first` has one row of this grain that ends at 10:00; `second` launches at the given time."""

    def make(launch: str, grain: str = "hour"):
        length = pd.Timedelta(hours=1 if grain == "hour" else 24)
        end = pd.Timestamp("2026-03-10 10:00")
        periods = [("zero", end - 30 * length, 40), ("first", end - length, 80), ("second", pd.Timestamp(launch), 10)]
        metrics = pd.DataFrame(
            {
                "promotion_type": "live",
                "account_id": "a",
                "creative_id": [name for name, _, _ in periods],
                "grain": grain,
                "period_start": [start for _, start, _ in periods],
                "period_end": [start + length for _, start, _ in periods],
                "impressions": 100.0,
                "clicks": [float(clicks) for _, _, clicks in periods],
                "spend_cny": 1.0,
                "gmv_cny": 10.0,
                "net_gmv_cny": 5.0,
                "orders": 1.0,
            }
        )
        creatives = pd.DataFrame(
            {"promotion_type": "live", "account_id": "a", "creative_id": ["first", "second", "zero"], "tag_hook": "x"}
        )
        return checked(metrics, creatives)

    return make


def second_at_launch(loaded, settings, snapshots_of) -> pd.Series:
    basis = BASES[settings.basis][0]
    rows = snapshots_of(loaded, (0,))
    held = [name for name in loaded.metrics if name not in KEY]
    shared = entities_of(loaded.creatives, settings)
    table = observe_loaded(rows, loaded, build_funnel(held, basis), shared, settings).frame()
    return table.set_index("creative_id").loc["second"]


@pytest.mark.parametrize(
    ("grain", "launch", "seen"),
    [
        ("hour", "2026-03-10 10:30", 1),  # ended half an hour ago: not yet to be had
        ("hour", "2026-03-10 11:00", 1),  # to be had at this very moment: not strictly before
        ("hour", "2026-03-10 11:01", 2),
        ("day", "2026-03-10 18:00", 1),
        ("day", "2026-03-10 18:01", 2),
    ],
)
def test_a_row_counts_once_it_can_be_had_strictly_before_the_cutoff(
    two, quick, snapshots_of, grain, launch, seen
) -> None:
    row = second_at_launch(two(launch, grain), quick, snapshots_of)
    assert row["launched:hook"] == seen
    assert row["hist:hook:impressions"] == 100.0 * seen
    assert row["live_siblings"] == seen - 1 if grain == "day" else row["live_siblings"] == seen


def test_settled_money_is_known_later_than_the_rest(two, quick, snapshots_of) -> None:
    """Seven days after its payment: until then the first creative has no settled net money."""
    slow = quick.model_copy(update={"basis": "settled_7d"})
    for launch, creatives in (("2026-03-17 09:59", 0), ("2026-03-17 10:01", 1)):
        loaded = two(launch)
        metrics = loaded.metrics.rename(columns={"net_gmv_cny": "settled_gmv_7d_cny"})
        row = second_at_launch(type(loaded)(metrics, loaded.creatives), slow, snapshots_of)
        assert row["hist:hook:click:weight"] > 0
        assert (row["hist:hook:keep:weight"] > 0) == bool(creatives)


def test_a_figure_that_rows_miss_costs_only_its_own_stage_its_history(
    small_world, funnel, taken, observed, quick
) -> None:
    """An account whose export has no plays still counts for clicks; nothing missing counts as 0."""
    metrics = small_world.metrics.assign(plays=np.nan)
    less = observe_loaded(
        taken, Loaded(metrics, small_world.creatives), funnel, entities_of(small_world.creatives, quick), quick
    ).frame()
    history = [name for name in less if name.startswith(("hist:", "market:", "launched:")) and ":hold:" not in name]
    pd.testing.assert_frame_equal(less[history], observed[history])
    silent = less.filter(regex="^(hist:.*|market):hold:")
    assert silent.shape[1] > 4
    assert (silent == 0).all().all()


def test_a_creative_is_no_history_of_its_own(checked, quick, snapshots_of) -> None:
    """Alone in the world, a creative of any age has no others."""
    days = pd.date_range("2026-03-01", periods=6)
    metrics = pd.DataFrame(
        {
            "promotion_type": "live",
            "account_id": "a",
            "creative_id": "c",
            "grain": "day",
            "period_start": days,
            "period_end": days + pd.Timedelta(days=1),
            "impressions": 1000.0,
            "clicks": 50.0,
            "spend_cny": 10.1234,
            "gmv_cny": 30.0,
            "orders": 2.0,
            "net_gmv_cny": 20.0,
        }
    )
    loaded = checked(metrics, pd.DataFrame({"promotion_type": ["live"], "account_id": ["a"], "creative_id": ["c"]}))
    rows = snapshots_of(loaded, (24, 72))
    shared = entities_of(loaded.creatives, quick)
    table = observe_loaded(rows, loaded, build_funnel(list(metrics), "net_gmv_cny"), shared, quick).frame()
    others = table.filter(regex="^(hist:|market:|launched:|live_siblings|recent_launches)")
    assert others.shape[1] > 20
    assert (others == 0).all().all()
    assert table["tag_overlap_share"].isna().all()


def test_entities_are_the_market_what_is_known_and_the_crosses_asked_for() -> None:
    creatives = pd.DataFrame(
        {
            "promotion_type": ["live"],
            "account_id": ["a"],
            "product_id": pd.Series([None], dtype="str"),
            "tag_hook": ["x"],
            "tag_scene": ["y"],
            "tag_selling_point": ["u|v"],
        }
    )
    found = entities(creatives, ["selling_point"], [("hook", "scene"), ("hook", "face")])
    assert [entity.name for entity in found] == ["market", "account_id", "hook", "scene", "hook*scene"]
    assert all(entity.columns[0] == "promotion_type" for entity in found)


def test_a_tag_named_like_something_else_keeps_its_own_history() -> None:
    """A team may call a tag of its own “market” or “category”; it is neither."""
    creatives = pd.DataFrame(
        {
            "promotion_type": ["live"],
            "category": ["食品"],
            "tag_market": ["北方"],
            "tag_category": ["甲"],
            "tag_a*b": ["z"],
        }
    )
    found = entities(creatives, [], [])
    assert found[0] == MARKET
    assert [entity.name for entity in found] == ["market", "category", "tag_market", "tag_category", "tag_a*b"]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (("promotion_type",), [0, 0, 1, 1]),
        (("promotion_type", "tag_hook"), [0, -1, 1, 2]),
        (("promotion_type", "tag_absent"), [-1, -1, -1, -1]),
    ],
)
def test_a_code_is_one_value_of_one_promotion_type(columns, expected) -> None:
    creatives = pd.DataFrame(
        {"promotion_type": ["live", "live", "product", "product"], "tag_hook": ["x", None, "x", "y"]}
    )
    codes = entity_codes(ArrayFrame.of(creatives), Entity("e", columns))
    assert codes.tolist() == expected

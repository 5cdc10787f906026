"""From the store to the two frames everything after it is built from."""

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings as trials, strategies as st

from configs.settings import Settings, Tags
from features.schema import KEY, VALUES, ExportRead
from features.store.duckdb_store import open_store
from features.store.load import load, resolve_metrics


def metrics(*rows, account="a1", promotion="live"):
    """Rows from (creative, grain, start, end, impressions, orders)."""
    frame = pd.DataFrame(rows, columns=["creative_id", "grain", "start", "end", "impressions", "orders"])
    return pd.DataFrame(
        {
            "promotion_type": promotion,
            "account_id": account,
            "creative_id": frame["creative_id"],
            "grain": frame["grain"],
            "period_start": pd.to_datetime(frame["start"], format="mixed").astype("datetime64[us]"),
            "period_end": pd.to_datetime(frame["end"], format="mixed").astype("datetime64[us]"),
            "impressions": frame["impressions"].astype(float),
            "orders": frame["orders"].astype(float),
            "row": range(2, len(frame) + 2),
        }
    )


def attribute_rows(*rows):
    """Attribute rows from (promotion type, account, creative, name, value, origin)."""
    return pd.DataFrame(rows, columns=[*KEY, "name", "value", "origin"], dtype="str")


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "store.duckdb") as opened:
        yield opened


def test_a_day_with_hours_a_reading_and_tags_becomes_two_checked_frames(store):
    exported = metrics(
        ("c1", "day", "2025-07-01", "2025-07-02", 240, 3),
        *[
            ("c1", "hour", f"2025-07-01 {h:02}:00", pd.Timestamp("2025-07-01") + pd.Timedelta(hours=h + 1), 10, 0)
            for h in range(24)
        ],
        ("c2", "reading", "2025-07-01 12:00", "2025-07-01 12:00", 50, 1),
        ("c2", "reading", "2025-07-02 12:00", "2025-07-02 12:00", 80, 2),
    )
    sheet = attribute_rows(
        ("live", "a1", "c2", "launched_at", "2025-07-01 08:00:00", "sheet"),
        ("live", "a1", "c2", "hook", "悬念", "sheet"),
        ("live", "a1", "c2", "price_cny", "99.5", "sheet"),
    )
    store.add(ExportRead("a.csv", "s1", "daily", exported, sheet))
    loaded = load(store, Settings())
    by_grain = loaded.metrics.groupby(["creative_id", "grain"])["impressions"].agg(["size", "sum"])
    assert by_grain.loc[("c1", "hour")].tolist() == [24, 240]
    assert by_grain.loc[("c2", "gap")].tolist() == [2, 80]
    assert list(loaded.metrics.columns) == [*KEY, "grain", "period_start", "period_end", "impressions", "orders"]
    assert loaded.creatives["creative_id"].tolist() == ["c1", "c2"]
    assert loaded.creatives["tag_hook"].tolist()[1] == "悬念"
    assert loaded.creatives["price_cny"].tolist()[1] == 99.5
    assert loaded.creatives["tag_hook"].isna().tolist() == [True, False]
    assert loaded.notes == {"days_replaced_by_hours": 1, "readings_counted_from_launch": 1}


def test_an_empty_store_loads_as_empty_frames(store):
    loaded = load(store, Settings())
    assert loaded.metrics.empty
    assert loaded.creatives.empty


def test_totals_per_creative_are_those_of_plain_sql(store):
    days = pd.date_range("2025-07-01", periods=20)
    rows = [
        (f"c{n}", "day", day, day + pd.Timedelta(days=1), (n * 7 + i * 3) % 50, (n + i) % 4)
        for n in range(30)
        for i, day in enumerate(days)
    ]
    store.add(ExportRead("a.csv", "s1", "daily", metrics(*rows), attribute_rows()))
    loaded = load(store, Settings())
    expected = store.select(
        "SELECT creative_id, sum(impressions) AS impressions, sum(orders) AS orders FROM metrics "
        "GROUP BY creative_id ORDER BY creative_id"
    )
    with duckdb.connect() as plain:
        plain.register("loaded", loaded.metrics)
        found = plain.execute(
            "SELECT creative_id, sum(impressions) AS impressions, sum(orders) AS orders FROM loaded "
            "GROUP BY creative_id ORDER BY creative_id"
        ).df()
    pd.testing.assert_frame_equal(found, expected)


ROW = st.tuples(
    st.sampled_from(["a1", "a2", "a3"]),
    st.sampled_from(["c1", "c2"]),
    st.sampled_from([("hour", 1), ("day", 24), ("range", 72), ("range", 48), ("reading", 0)]),
    st.integers(0, 5 * 24),
    st.none() | st.integers(0, 30),
    st.none() | st.floats(0, 9, allow_nan=False).map(lambda value: round(value, 2)),
)


@given(st.lists(ROW, max_size=60, unique_by=lambda row: (row[0], row[1], row[2], row[3])))
@trials(max_examples=60)
@pytest.mark.slow
def test_an_account_alone_comes_to_what_it_comes_to_among_all(drawn):
    start = pd.Timestamp("2026-01-29")
    frame = pd.DataFrame(drawn, columns=["account_id", "creative_id", "grain", "first", "impressions", "spend_cny"])
    grain, hours = frame["grain"].str[0].astype("str"), frame["grain"].str[1].astype(float)
    first = start + pd.to_timedelta(frame["first"].astype(float) // hours.clip(1, 24) * hours.clip(1, 24), unit="h")
    frame = frame.assign(promotion_type="live", grain=grain, period_start=first.astype("datetime64[us]"))
    frame["period_end"] = frame["period_start"] + pd.to_timedelta(hours, unit="h").astype("timedelta64[us]")
    frame = frame.drop_duplicates([*KEY, "grain", "period_start", "period_end"], ignore_index=True)
    frame = frame.reindex(columns=[*KEY, "grain", "period_start", "period_end", *VALUES])
    frame = frame.astype(dict.fromkeys([*KEY, "grain"], "str") | dict.fromkeys(VALUES, float))
    units = frame[KEY].drop_duplicates(ignore_index=True).assign(launched_at=start.as_unit("us"))
    together, notes = resolve_metrics(frame, units)
    counted: dict[str, int] = {}
    alone = [together.iloc[:0]]
    for account in ["a1", "a2", "a3"]:
        own, found = resolve_metrics(frame[frame["account_id"] == account], units[units["account_id"] == account])
        alone.append(own.reindex(columns=together.columns))
        counted = {name: counted.get(name, 0) + found.get(name, 0) for name in counted | found}
    pd.testing.assert_frame_equal(pd.concat(alone, ignore_index=True), together, check_exact=True)
    assert counted == notes


def test_own_tags_of_a_team_are_left_out_where_the_settings_say_so(store):
    tags = attribute_rows(
        ("live", "a1", "c1", "hook", "悬念", "sheet"), ("live", "a1", "c1", "weather", "rain", "sheet")
    )
    store.add(ExportRead("a.csv", "s1", "tags", metrics(), tags))
    assert "tag_weather" in load(store, Settings()).creatives
    few = load(store, Settings(tags=Tags(extra=False))).creatives
    assert "tag_weather" not in few
    assert "tag_hook" in few


@pytest.mark.parametrize("name", ["'; DROP TABLE metrics; --", "<script>", "a\nb", "unit", "name", "duration_s2"])
def test_a_tag_can_have_any_name(store, name):
    store.add(ExportRead("a.csv", "s1", "t", metrics(), attribute_rows(("live", "a1", "c1", name, name, "sheet"))))
    assert load(store, Settings()).creatives[f"tag_{name}"].tolist() == [name]

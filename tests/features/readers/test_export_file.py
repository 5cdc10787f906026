"""Whole files: a good row, the sample world and the public data."""

import time

import pandas as pd
import pytest

from configs.settings import Settings
from features.readers.export_file import read_export
from features.readers.find_files import find_files
from features.schema import KEY, PERIOD

ONE, TWO = "7345678901234567891", "7345678901234567892"


def test_a_good_row_is_read_whole(read, live, as_csv):
    found = read(as_csv(live()))
    assert found.problems == []
    assert found.source == "qianchuan_export"
    row = found.metrics.iloc[0]
    assert row[["promotion_type", "account_id", "creative_id", "grain"]].tolist() == [
        "live", "1635078296873626", ONE, "day",
    ]  # fmt: skip
    assert (row["period_start"], row["period_end"]) == (pd.Timestamp(2026, 7, 1), pd.Timestamp(2026, 7, 2))
    assert row["row"] == 2
    assert row["spend_cny"] == 1234.56
    assert row["impressions"] == 10_000
    assert row["plays_3s"] == 3600
    assert row["watch_s"] == 78_000
    texts = found.attributes.set_index(["origin", "name"])["value"]
    assert texts["export", "duration_s"] == "65"
    assert texts["name"].to_dict() == {"style": "混剪", "hook": "悬念", "scene": "居家"}


def test_frames_have_the_promised_types(read, live, as_csv):
    for found in (read(as_csv(live())), read(b"", name="empty.csv")):
        kinds = found.metrics.dtypes.astype(str)
        assert set(kinds[["promotion_type", "account_id", "creative_id", "grain"]]) == {"str"}
        assert set(kinds[["period_start", "period_end"]]) == {"datetime64[us]"}
        assert kinds["row"] == "int64"
        assert set(kinds.iloc[7:]) <= {"float64"}
        assert set(found.attributes.dtypes.astype(str)) == {"str"}


@pytest.mark.slow
def test_every_file_of_the_sample_world_is_read_with_totals_as_the_only_finding(sample_exports, sources):
    for path in find_files([str(sample_exports)]):
        found = read_export(path, Settings(), sources)
        assert all("totals" in str(problem) for problem in found.problems), path
        assert len(found.metrics) + len(found.attributes) > 0
        assert not found.metrics.duplicated([*KEY, *PERIOD]).any()
        assert not found.attributes.duplicated([*KEY, "name", "origin"]).any()


def test_the_workbook_of_an_account_agrees_with_its_csv(sample_exports, sources):
    [book] = sample_exports.glob("*/*.xlsx")
    [text] = book.parent.glob("*推直播*.csv")
    one, two = (read_export(path, Settings(), sources).metrics for path in (book, text))
    both = one.merge(two, on=[*KEY, *PERIOD], suffixes=("", "_csv"))
    assert len(both) == len(one)
    for name in ("spend_cny", "base_spend_cny", "gmv_cny", "net_gmv_cny", "orders", "net_orders"):
        pd.testing.assert_series_equal(both[name], both[f"{name}_csv"], check_names=False)


def test_hours_of_the_report_api_add_up_to_the_days_of_the_csv(sample_exports, sources):
    pages = sorted(sample_exports.glob("*/SITE_PROMOTION_POST_*.json"))
    folder = pages[0].parent
    hours = pd.concat([read_export(p, Settings(), sources).metrics for p in pages if p.parent == folder])
    [text] = folder.glob("*推直播*.csv")
    days = read_export(text, Settings(), sources).metrics.set_index([*KEY, "period_start"])
    hours["period_start"] = hours["period_start"].dt.normalize()
    sums = hours.groupby([*KEY, "period_start"])[["impressions", "clicks", "gmv_cny", "orders"]].sum()
    assert (sums - days.loc[sums.index, sums.columns]).abs().max().max() < 1e-6


def test_display_ads_are_read_whole(public_data, sources):
    found = read_export(public_data / "display_ads_daily.csv.gz", Settings(), sources)
    assert len(found.metrics) == 15_403
    assert found.metrics["creative_id"].nunique() == 244
    assert "platform_revenue" not in found.metrics
    assert set(found.attributes["name"]) == {"campaign", "user_engagement", "banner", "placement"}
    assert not [problem for problem in found.problems if problem.severity != "note"]


def test_running_totals_are_read_on_our_clock_within_seconds(public_data, sources):
    began = time.process_time()  # of this process alone: others on the machine do not count
    found = read_export(public_data / "youtube_snapshots.parquet", Settings(), sources)
    assert time.process_time() - began < 15
    assert len(found.metrics) == 327_274
    assert found.problems == []
    first = found.metrics.iloc[0]
    assert first["period_start"] == first["period_end"] == pd.Timestamp("2026-08-16 10:07:07")
    assert first["orders"] == first["gmv_cny"] == first["likes"] == 2555


def test_what_the_videos_are_belongs_to_the_same_creatives(public_data, sources):
    found = read_export(public_data / "youtube_videos.parquet", Settings(), sources)
    assert found.problems == []
    assert found.metrics.empty
    names = found.attributes.groupby("name")["creative_id"].nunique()
    assert names["copy_text"] == names["launched_at"] == names["creator_id"] == 39_800
    launched = found.attributes.query("name == 'launched_at' and creative_id == '--BYVtRqBFI'")["value"]
    assert launched.tolist() == ["2026-08-15T18:11:16"]
    assert found.attributes[["promotion_type", "account_id"]].drop_duplicates().values.tolist() == [
        ["video", "youtube"]
    ]

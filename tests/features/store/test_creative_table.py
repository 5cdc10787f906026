"""Of several values of one attribute the strongest origin wins, then the most exact key."""

import pandas as pd

from features.schema import ANY, KEY
from features.store.creative_table import creative_table

UNITS = pd.DataFrame([("live", "a1", "c1"), ("live", "a2", "c1"), ("product", "a1", "c1")], columns=KEY, dtype="str")


def described(*rows, units=UNITS):
    attributes = pd.DataFrame(rows, columns=[*KEY, "name", "value", "origin"], dtype="str")
    creatives, notes = creative_table(attributes, units)
    return creatives.set_index(KEY), notes


def test_the_sheet_beats_the_export_and_the_export_the_file_name():
    creatives, _ = described(
        ("live", "a1", "c1", "hook", "name", "name"),
        (ANY, ANY, "c1", "hook", "sheet", "sheet"),
        ("live", "a1", "c1", "hook", "export", "export"),
        ("live", "a1", "c1", "scene", "export", "export"),
        ("live", "a1", "c1", "scene", "name", "name"),
    )
    assert set(creatives["tag_hook"]) == {"sheet"}
    assert creatives.loc[("live", "a1", "c1"), "tag_scene"] == "export"
    assert creatives["tag_scene"].isna().sum() == 2


def test_at_one_origin_the_more_exact_row_stands():
    creatives, _ = described(
        (ANY, ANY, "c1", "hook", "any", "sheet"),
        ("product", ANY, "c1", "hook", "type", "sheet"),
        (ANY, "a1", "c1", "hook", "account", "sheet"),
        ("live", "a1", "c1", "hook", "exact", "sheet"),
    )
    assert creatives["tag_hook"].to_dict() == {
        ("live", "a1", "c1"): "exact",
        ("live", "a2", "c1"): "any",
        ("product", "a1", "c1"): "account",
    }


def test_an_announced_creative_is_added_where_account_and_type_can_only_be_one():
    one = pd.DataFrame([("live", "a1", "c1")], columns=KEY, dtype="str")
    creatives, notes = described((ANY, ANY, "new", "hook", "悬念", "sheet"), units=one)
    assert creatives.loc[("live", "a1", "new"), "tag_hook"] == "悬念"
    assert notes == {}


def test_an_announced_creative_without_an_account_is_left_out_and_counted():
    creatives, notes = described(
        (ANY, ANY, "new", "hook", "悬念", "sheet"),
        (ANY, ANY, "new", "scene", "居家", "sheet"),
        ("live", "a9", "known", "hook", "悬念", "sheet"),
        (ANY, ANY, "known", "scene", "居家", "sheet"),
    )
    assert notes == {"announced_without_account": 1}
    assert creatives.loc[("live", "a9", "known"), "tag_scene"] == "居家"
    assert "new" not in creatives.index.get_level_values("creative_id")


def test_what_cannot_be_read_is_missing_and_counted():
    creatives, notes = described(
        ("live", "a1", "c1", "duration_s", "31.5", "export"),
        ("live", "a2", "c1", "duration_s", "half a minute", "export"),
        ("product", "a1", "c1", "duration_s", "-3", "export"),
        ("live", "a1", "c1", "created_at", "2025-07-01T08:30:00", "export"),
        ("live", "a2", "c1", "created_at", "someday", "export"),
        ("live", "a1", "c1", "price_cny", "inf", "sheet"),
        ("live", "a1", "c1", "category", "", "sheet"),
    )
    assert creatives["duration_s"].tolist()[0] == 31.5
    assert creatives["duration_s"].isna().sum() == 2
    assert creatives["created_at"].dtype == "datetime64[us]"
    assert "price_cny" not in creatives
    assert "category" not in creatives
    assert notes == {"attribute_values_unusable": 4}

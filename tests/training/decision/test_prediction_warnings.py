"""Warnings: one threshold and one text for the batch and the service."""

from datetime import datetime
from types import SimpleNamespace

import pandas as pd
import pytest

from features.schema import VALUE_LABELS, VALUES
from training.decision import prediction_warnings
from training.decision.prediction_warnings import (
    SEPARATOR,
    PredictionWarning,
    known_without_metrics,
    missing_attributes,
    missing_metrics,
    no_delivery,
    outside_range,
    pace_unknown,
    stale_history,
    unseen_categories,
    unseen_promotion_type,
    unseen_value,
    unused_metrics,
)


@pytest.mark.parametrize(
    ("days", "en"),
    [
        (0.9, None),
        (1.0, "no delivery for 1 day"),
        (1.6, "no delivery for 2 days"),
        (7.0, "no delivery for 7 days: the predicted window has passed"),
    ],
)
def test_a_whole_day_without_delivery_is_warned_about(days, en) -> None:
    assert [warning.en for warning in no_delivery(days, 7)] == ([] if en is None else [en])
    assert all(warning.code == "no_delivery" for warning in no_delivery(days, 7))


def test_unseen_categories_are_single_values_of_their_own_creative() -> None:
    encoder = SimpleNamespace(
        seen={"tag_hook": ("悬念",), "tag_point": ("便宜", "好用"), "promotion_type": ("live",), "tag_absent": ("x",)},
        multi={"tag_point"},
    )
    creatives = pd.DataFrame(
        {
            "promotion_type": ["product", "live", "live"],
            "tag_hook": ["新", "悬念", None],
            "tag_point": ["好用|很好用", "便宜|好用", "没见过|另一"],
        },
        index=[5, 6, 7],
    )
    assert unseen_categories(creatives, encoder) == [
        [("tag_hook", "新"), ("tag_point", "很好用")],
        [],
        [("tag_point", "没见过"), ("tag_point", "另一")],
    ]


def test_what_is_in_order_gives_no_warning() -> None:
    assert no_delivery(float("nan"), 7) == []
    assert stale_history(3.0, pd.Timestamp("2026-06-01")) == []
    assert unseen_promotion_type("live", {"live"}) == []
    assert missing_attributes([]) == missing_metrics([]) == unused_metrics([]) == []
    assert outside_range("price_cny", 5.0, 1.0, 9.0) == []


def test_no_english_text_contains_the_separator_of_the_csv_column() -> None:
    every = [
        *no_delivery(9.0, 7), *stale_history(4.0, pd.Timestamp("2026-06-01")), *unseen_promotion_type("x", ()),
        unseen_value("tag_hook", "y"), *missing_attributes(["tag_hook", "price_cny"]), *missing_metrics(["clicks"]),
        *unused_metrics(["likes"]), *outside_range("price_cny", 5.0, 1.0, 2.0), pace_unknown(),
        known_without_metrics(datetime(2026, 6, 1)),
    ]  # fmt: skip
    assert all(isinstance(warning, PredictionWarning) for warning in every)
    assert not any(SEPARATOR in warning.en or warning.en.endswith(".") for warning in every)
    assert len({warning.code for warning in every}) == len(every)
    assert all(warning.zh.endswith("。") for warning in every)
    assert prediction_warnings.NO_DELIVERY_DAYS == 1.0


def test_warnings_call_metrics_by_names_that_people_know() -> None:
    assert set(VALUE_LABELS) == set(VALUES)
    (found,) = missing_metrics(["plays_3s", "net_gmv_cny"])
    assert "3秒播放数、净成交金额" in found.zh
    assert "3-s plays, net GMV" in found.en
    for warning in (
        *unused_metrics(VALUES),
        *outside_range("spend_cny", 5.0, 1.0, 2.0),
        *outside_range("age_hours", 9, 0, 1),
    ):
        assert "_" not in warning.zh + warning.en

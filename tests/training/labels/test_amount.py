"""The holdout of a small model is as long as its rates need to be judged, and no longer than training can bear."""

import numpy as np
import pandas as pd
import pytest

from configs.settings import Settings
from features.funnel import build_funnel
from training.errors import TooThinError
from training.labels.amount import TrainingAmount, holdout_lengths, supported
from training.labels.judged import MIN_GROUP_ROWS, judged_a_day
from training.labels.outcomes import MATURE

FUNNEL = build_funnel(["impressions", "clicks", "orders", "gmv_cny", "spend_cny"], None)
GAP = pd.Timedelta(days=9)


def world(days: int, per_day: int, impressions: float = 1000.0):
    """So many rows a day, each of a creative of its own, with outcomes of so many impressions."""
    cutoffs = pd.Timestamp("2026-04-01") + pd.to_timedelta(np.repeat(np.arange(days), per_day), unit="D")
    rows = pd.DataFrame({"cutoff": cutoffs, "closed_at": cutoffs + GAP, "state": MATURE})
    later = {f"later:{name}": np.full(len(rows), impressions) for name in [*FUNNEL.counted_columns, "spend_cny"]}
    return rows, pd.DataFrame({**later, "covered_share": 1.0})


def found(days: int, per_day: int, impressions: float = 1000.0, **thin: int):
    settings = Settings(basis="payment").model_copy(update={"thin": Settings().thin.model_copy(update=thin)})
    rows, outcome = world(days, per_day, impressions)
    return supported(rows, outcome, FUNNEL, settings, lambda train: TrainingAmount(int(train.sum()), None))


def test_a_full_model_keeps_the_holdout_of_the_settings() -> None:
    one = found(60, 10)
    assert (one.amount, one.settings.split.holdout_days, one.judged) == ("full", 14, 140)


def test_a_small_model_holds_out_as_many_days_as_it_needs_to_be_judged() -> None:
    one = found(150, 5, min_creatives=1000)
    assert one.amount == "small"
    assert one.settings.split.holdout_days == 42
    assert one.judged == 5 * 42 >= MIN_GROUP_ROWS
    assert found(60, 30, min_creatives=10_000).settings.split.holdout_days == 7


def test_training_keeps_what_it_needs() -> None:
    """At least what a small model needs, and half of what has closed."""
    one = found(150, 5, min_creatives=1000, small_creatives=600)
    assert one.settings.split.holdout_days < 42
    assert one.found.creatives >= 600
    assert found(70, 5, min_creatives=1000).settings.split.holdout_days < 42


def test_where_rates_cannot_be_judged_volume_decides() -> None:
    one = found(60, 10, impressions=50.0, min_creatives=1000)
    assert one.judged == 0
    assert one.settings.split.holdout_days == 21
    assert found(60, 1, impressions=50.0, min_creatives=1000, small_creatives=10).settings.split.holdout_days == 7


def test_a_shorter_holdout_makes_a_small_model_possible() -> None:
    one = found(24, 10)
    assert one.amount == "small"
    assert one.settings.split.holdout_days == 7
    with pytest.raises(TooThinError):
        found(14, 10)
    assert found(20, 10, small_creatives=100).amount == "none"


def test_settings_that_ask_for_a_shorter_holdout_are_tried_first() -> None:
    assert holdout_lengths(Settings()) == [7, 14, 21, 28, 42, 56]
    assert holdout_lengths(Settings.model_validate({"split": {"holdout_days": 5}}))[:2] == [5, 14]


def test_the_pace_counts_recent_days() -> None:
    rows, _ = world(60, 5)
    assert judged_a_day(rows, np.ones(len(rows), np.bool_), 28) == pytest.approx(5.0)
    assert judged_a_day(rows, np.zeros(len(rows), np.bool_), 28) == 0.0

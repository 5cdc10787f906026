"""Past answers meet the outcomes of their own windows, and those that cannot say why."""

import pandas as pd
import pytest

from features.point_in_time.counts import data_funnel
from training.track_record.matured import (
    ABSENT,
    AFTERWARDS,
    LEARNT,
    OPEN,
    WAITING,
    WITHOUT_METRICS,
    matured,
)


@pytest.fixture
def join(world, settings):
    def joined(answers: pd.DataFrame):
        return matured(answers, world, data_funnel(world, settings), settings)

    return joined


def test_the_outcome_is_that_of_the_seven_days_after_the_cutoff(join, answer, frame) -> None:
    row = join(frame([answer("c01", 10)])).table.iloc[0]
    assert row["actual_net_roi"] == pytest.approx(0.9)
    assert row["spend_cny"] == 700
    assert row["exposure_net_roi"] == 700
    assert (row["state"], row["share"]) == ("mature", 1.0)


def test_an_answer_before_launch_is_about_the_days_after_the_launch(join, answer, frame) -> None:
    row = join(frame([answer("c04", 2, age_hours=0.0)])).table.iloc[0]
    assert row["opens"] == pd.Timestamp("2026-03-05")
    assert row["spend_cny"] == 700


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"creative_id": "nobody"}, ABSENT),
        ({"age_hours": 0.0}, WITHOUT_METRICS),
        ({"at": pd.Timestamp("2026-03-20")}, AFTERWARDS),
        ({"trained_until": pd.Timestamp("2026-03-31")}, LEARNT),
        ({"cutoff": pd.Timestamp("2026-03-28"), "at": pd.Timestamp("2026-03-28")}, OPEN),
    ],
)
def test_what_cannot_be_scored_says_why(join, answer, frame, more, reason) -> None:
    found = join(frame([answer("c00", 10) | more]))
    assert found.left_out == {reason: 1}
    assert found.table.empty


def test_a_creative_without_any_delivery_waits(world, settings, answer, frame, checked) -> None:
    extra = pd.concat([world.creatives, world.creatives.iloc[:1].assign(creative_id="new")], ignore_index=True)
    loaded = checked(world.metrics.copy(), extra)
    rows = frame([answer("new", 20, age_hours=0.0)])
    assert matured(rows, loaded, data_funnel(loaded, settings), settings).left_out == {WAITING: 1}


def test_open_answers_name_the_day_of_their_outcome(join, answer, frame) -> None:
    found = join(frame([answer("c00", 27), answer("c02", 26)]))
    assert found.next_at == pd.Timestamp("2026-03-27") + pd.Timedelta(days=7 + 1)
    assert len(found.live) == 2


def test_simple_rules_know_what_a_person_could_read_at_the_cutoff(world, settings, answer, frame, checked) -> None:
    changed = world.metrics.copy()
    yesterday = (changed["creative_id"] == "c00") & (changed["period_start"] == pd.Timestamp("2026-03-10"))
    changed.loc[yesterday, "net_gmv_cny"] = 50.0
    loaded = checked(changed, world.creatives.copy())
    row = matured(frame([answer("c00", 10)]), loaded, data_funnel(loaded, settings), settings).table.iloc[0]
    assert row["rule_yesterday"] == pytest.approx(0.5)
    assert row["rule_so_far"] == pytest.approx((9 * 180 + 50) / 1000)
    assert row["spent_cny"] == 1000


def test_values_that_were_first_launched_with_after_training_are_unseen(join, answer, frame) -> None:
    rows = [answer("c04", 10, trained_until=pd.Timestamp("2026-02-20")), answer("c04", 10, version="2")]
    assert join(frame(rows)).table["unseen"].tolist() == [True, False]

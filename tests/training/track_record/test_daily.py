"""Each day of a creative stands beside the newest answer whose window holds it, stage by stage."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.point_in_time.counts import data_funnel
from training.track_record.daily import daily
from training.track_record.matured import matured


@pytest.fixture
def series(world, settings):
    def of(answers: pd.DataFrame) -> pd.DataFrame:
        funnel = data_funnel(world, settings)
        live = matured(answers, world, funnel, settings).live
        table = daily(live, world, funnel, settings, funnel.main_roi)
        return table.pivot(index="day", columns="cause", values="value")

    return of


def test_right_answers_leave_nothing_between_observed_and_expected(series, answers) -> None:
    found = series(answers)
    assert np.abs(found[["click", "cost"]].to_numpy()).max() == pytest.approx(0.0, abs=1e-9)


def test_the_size_of_a_change_is_its_log(series, answers) -> None:
    found = series(answers.assign(stage_cost=0.08))
    assert found["cost"].mean() == pytest.approx(np.log(0.1 / 0.08), rel=0.12)  # damped by a tenth of a day


def test_days_are_compared_from_the_day_after_the_first_cutoff_to_the_end_of_the_last_window(series, answers) -> None:
    days = series(answers).index
    assert days.min() == pd.Timestamp("2026-03-07")  # cutoff of day 6 is its midnight
    assert days.max() == pd.Timestamp("2026-03-27")


def test_the_newest_answer_stands_for_a_day(series, answers) -> None:
    late = answers["cutoff"] >= pd.Timestamp("2026-03-15")
    found = series(answers.assign(stage_cost=np.where(late, 0.2, 0.1)))["cost"]
    assert found[found.index < pd.Timestamp("2026-03-15")].abs().max() == pytest.approx(0.0, abs=1e-9)
    assert (found[found.index >= pd.Timestamp("2026-03-15")] < -0.3).all()


def test_answers_whose_outcome_is_open_are_watched_already(series, answers) -> None:
    late = answers.assign(cutoff=answers["cutoff"] + pd.Timedelta(days=8), at=answers["at"] + pd.Timedelta(days=8))
    assert series(late).index.max() == pd.Timestamp("2026-03-30")


def test_money_that_moves_to_the_better_product_is_a_mix_for_as_many_days_as_it_is_compared_with(
    world, answers, settings
) -> None:
    even = world.creatives["creative_id"].str[1:].astype(int) % 2 == 0
    creatives = world.creatives.assign(product_id=np.where(even, "good", "poor"))
    metrics = world.metrics.copy()
    moved = metrics["creative_id"].str[1:].astype(int).mod(2).eq(0)
    moved &= metrics["period_start"] >= pd.Timestamp("2026-03-15")
    metrics.loc[moved, "spend_cny"] *= 3.0
    changed, funnel = replace(world, metrics=metrics, creatives=creatives), data_funnel(world, settings)
    table = daily(matured(answers, changed, funnel, settings).live, changed, funnel, settings, funnel.main_roi)
    mix = table[table["cause"] == "mix"].set_index("day")["value"]
    during = (mix.index >= pd.Timestamp("2026-03-15")) & (mix.index < pd.Timestamp("2026-03-22"))
    assert mix[~during].abs().max() == pytest.approx(0.0, abs=1e-9)
    assert mix[during].to_numpy() == pytest.approx(np.log(1.575 / 1.35))


def test_no_answers_no_series(series, answers) -> None:
    assert series(answers.iloc[:0]).empty

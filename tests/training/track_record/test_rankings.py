"""Answered rankings are compared with what came, list by list."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from features.funnel import Funnel
from features.point_in_time.counts import data_funnel
from training.track_record.rankings import RANKING, last_lists, rankings
from training.track_record.resampling import Figure, figures_of

LEAST = 100.0


@pytest.fixture
def funnel(world, settings) -> Funnel:
    return data_funnel(world, settings)


@pytest.fixture
def ranked(answer, frame) -> Callable[..., pd.DataFrame]:
    """Lists of ten creatives each, every third day: the better ones (even numbers) first, or last."""

    def made(better_first: bool = True, days: range = range(6, 21, 3), told: float = 1.8) -> pd.DataFrame:
        rows = []
        for day in days:
            for begin in range(0, 40, 10):
                numbers = sorted(range(begin, begin + 10), key=lambda number: (number % 2 == 0) != better_first)
                for place, number in enumerate(numbers, start=1):
                    about = {"list": f"r{day}-{begin}", "by": "net_roi", "top": 5, "place": place}
                    rows.append(answer(f"c{number:02d}", day, value=told if place <= 5 else told / 2, **about))
        return frame(rows)[RANKING]

    return made


def scored(table: pd.DataFrame, world, funnel, settings) -> tuple[dict[str, Figure], pd.DataFrame]:
    found, _ = rankings(table, world, funnel, settings, LEAST)
    return figures_of(found), found


def test_the_right_order_is_told_from_the_wrong_one(ranked, world, funnel, settings) -> None:
    right, table = scored(ranked(), world, funnel, settings)
    wrong, _ = scored(ranked(better_first=False), world, funnel, settings)
    assert right["rank"].value == pytest.approx(-wrong["rank"].value)
    assert right["rank"].value == pytest.approx(0.87, abs=0.01)  # two outcomes alone, ten places
    assert set(table["lists"]) == {20}
    assert set(table["by"]) == {"net_roi"}


def test_the_first_are_worth_what_they_brought_over_the_whole_list(ranked, world, funnel, settings) -> None:
    found, _ = scored(ranked(), world, funnel, settings)
    assert found["came"].value == pytest.approx(1.8)
    assert found["others"].value == pytest.approx(0.9)
    assert found["lift"].value == pytest.approx(1.8 / 1.35)
    assert found["lift"].answers == 100


def test_a_promise_that_is_twice_too_high_is_corrected(ranked, world, funnel, settings) -> None:
    found, _ = scored(ranked(told=3.6), world, funnel, settings)
    assert found["told"].value == pytest.approx(3.6)
    assert found["corrected"].value == pytest.approx(1.8, rel=0.01)


def test_of_the_same_list_asked_twice_a_day_the_last_counts(ranked) -> None:
    table = ranked(days=range(6, 7))
    later = table.assign(list=table["list"] + "b", at=table["at"] + pd.Timedelta(hours=2))
    found = last_lists(pd.concat([later, table], ignore_index=True))
    assert set(found["list"]) == set(later["list"])
    next_day = table.assign(list=table["list"] + "c", at=table["at"] + pd.Timedelta(days=1))
    assert last_lists(pd.concat([table, next_day], ignore_index=True))["list"].nunique() == 8


def test_short_lists_and_open_outcomes_say_nothing(ranked, world, funnel, settings) -> None:
    assert rankings(ranked()[lambda table: table["place"] <= 4], world, funnel, settings, LEAST)[0].empty
    late, given = rankings(ranked(days=range(28, 29)), world, funnel, settings, LEAST)
    assert (len(late), given) == (0, 4)
    nothing, none = rankings(pd.DataFrame(columns=RANKING), world, funnel, settings, LEAST)
    assert (len(nothing), none) == (0, 0)
    assert np.isfinite(rankings(ranked(), world, funnel, settings, LEAST)[0]["value"]).all()

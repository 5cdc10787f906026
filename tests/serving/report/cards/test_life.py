"""The days of a creative, and whether it rises, runs or fades."""

import numpy as np
import pandas as pd
import pytest

from features.schema import Loaded
from serving.inference.loaded_model import LoadedModel
from serving.report.cards.life import MOST_DAYS, daily_sums, lives, phase
from serving.report.context import CreativeFilter, ReportContext, build_context
from serving.report.data import ReportData
from training.decision.status import RUNNING


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([10.0, 10.0, 10.0], "new"),
        ([10.0, 10.0, 10.0, 20.0, 20.0, 20.0], "rising"),
        ([10.0, 10.0, 10.0, 12.0, 12.0, 12.0], "steady"),
        ([100.0, 100.0, 100.0, 40.0, 40.0, 40.0], "fading"),
        ([100.0, 100.0, 100.0, 60.0, 60.0, 60.0], "steady"),
        ([100.0] * 10 + [20.0] * 3 + [30.0] * 3, "fading"),  # grows again after RISING_DAYS, far below its best
        ([0.0, 0.0, 0.0, 0.0], "rising"),
    ],
)
def test_the_phase_follows_the_rule_that_the_card_states(days: list[float], expected: str) -> None:
    assert phase(np.array(days)) == expected


def test_days_are_the_sums_of_the_metrics(data: ReportData, small_world: Loaded) -> None:
    metrics = small_world.metrics
    for card in data.cards[::17]:
        mine = metrics[metrics["creative_id"] == card.creative_id]
        by_day = mine.groupby(mine["period_start"].dt.date)["spend_cny"].sum()
        first = pd.Timestamp(card.life.first_day)
        days = pd.Series(
            card.life.daily, index=[(first + pd.Timedelta(days=n)).date() for n in range(len(card.life.daily))]
        )
        assert sum(card.life.daily) == pytest.approx(by_day.sum())
        assert days[days > 0].to_dict() == pytest.approx(by_day[by_day > 0].to_dict())
        assert len(card.life.daily) <= MOST_DAYS
        if len(days) >= 3:
            spans = days.rolling(3).mean().dropna()
            assert card.life.peak == pytest.approx(spans.max())
            assert days.index[card.life.peak_end] == spans.idxmax()
            assert card.life.recent == pytest.approx(days.iloc[-3:].mean())


def test_a_running_creative_goes_on_until_its_accounts_last_day(context: ReportContext, small_world: Loaded) -> None:
    found = lives(context)
    ends = small_world.metrics.groupby("account_id")["period_end"].max()
    for row in [row for row, status in enumerate(context.status) if status == RUNNING]:
        life = found[row]
        last = pd.Timestamp(life.first_day) + pd.Timedelta(days=len(life.daily))
        assert last == ends[context.observed["account_id"].iat[row]].normalize()


def test_a_period_of_several_days_counts_evenly_on_them(loaded: LoadedModel, small_world: Loaded) -> None:
    metrics = small_world.metrics
    longer = metrics.index[(metrics["grain"] == "day") & (metrics["account_id"] == "acc1")][0]
    changed = metrics.copy()
    changed.loc[longer, "grain"] = "range"
    changed.loc[longer, "period_start"] -= pd.Timedelta(days=3)
    data = Loaded(changed.sort_values([*changed.columns[:3], "period_start"], ignore_index=True), small_world.creatives)
    context = build_context(loaded, data, CreativeFilter())
    row = int(np.flatnonzero(context.observed["creative_id"] == metrics.loc[longer, "creative_id"])[0])
    daily = daily_sums(context)
    own = daily.values[daily.begins[row] : daily.begins[row + 1]]
    assert own[:4].tolist() == pytest.approx([metrics.loc[longer, "spend_cny"] / 4] * 4)

"""Sums by day, against the metrics themselves."""

from dataclasses import replace

import pandas as pd
import pytest

from features.schema import KEY
from serving.report.context import ReportContext
from serving.report.daily import DAYS, EARNED, SPEND, daily
from training.decision.status import RUNNING


def test_the_last_days_add_up_to_the_metrics(context: ReportContext) -> None:
    found = daily(context)
    metrics = context.loaded.metrics
    assert found.days[-1] == "2026-05-06"
    assert len(found.days) == DAYS
    for measure, column in ((SPEND, "spend_cny"), (EARNED, "net_gmv_cny")):
        for day, place in ((found.days[-1], DAYS - 1), (found.days[5], 5)):
            of_day = metrics[metrics["period_start"].dt.strftime("%Y-%m-%d") == day][column].sum()
            assert sum(row[place] for row in found.series[measure]) == pytest.approx(of_day, abs=0.5)


def test_a_period_of_several_days_counts_in_equal_parts(context: ReportContext) -> None:
    metrics = context.loaded.metrics
    last = metrics[metrics["period_end"] == context.now].iloc[[0]]
    stretched = last.assign(
        grain="range", period_start=context.now - pd.Timedelta(days=4), spend_cny=400.0, impressions=8.0
    )
    alone = replace(context, loaded=replace(context.loaded, metrics=stretched))
    found = daily(alone)
    (row,) = found.series[SPEND]
    assert row[-5:] == [0.0, 100.0, 100.0, 100.0, 100.0]
    key = tuple(context.observed.iloc[context.order[found.creatives[0]]][KEY])
    assert key == tuple(last[KEY].iloc[0])


def test_who_ran_some_days_ago_is_found_by_the_rule_of_the_status(context: ReportContext) -> None:
    found = daily(context)
    metrics = context.loaded.metrics.assign(
        until=context.loaded.metrics.groupby(KEY[:2])["period_end"].transform("max")
    )
    cut = metrics[metrics["period_end"] <= metrics["until"] - pd.Timedelta(days=7)]
    last = cut.groupby(KEY).agg(end=("period_end", "max"), until=("until", "max")).reset_index()
    running = last[last["until"] - pd.Timedelta(days=7) - last["end"] <= pd.Timedelta(days=2)]
    expected = {tuple(row) for row in running[KEY].to_numpy().tolist()}
    keys = context.observed[KEY].iloc[context.order].to_numpy().tolist()
    assert {tuple(keys[index]) for index in found.ran[7]} == expected
    assert {index for index, row in enumerate(context.order) if context.status[row] == RUNNING}

"""Rows of metrics with the moment each could be had."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.funnel import Stage
from features.point_in_time.measures import SETTLED
from features.point_in_time.windowed_sums import Codes, Seconds, TimedSums

Floats = npt.NDArray[np.float64]

Wait = Literal["known", "settled"]
"""What a figure waits for: its row's report, or also the refund window of the ROI basis."""
WAITS: tuple[Wait, ...] = ("known", "settled")


@dataclass(frozen=True)
class Reported:
    """Rows of metrics with the moment each could be had.

    Attributes:
        units: Row position of each row's creative.
        known: Moment from which the row is known.
        settled: Moment from which its settled figures are known.
        figures: Counts and sums of each row; NaN where it misses one.
    """

    units: Codes
    known: Seconds
    settled: Seconds
    figures: pd.DataFrame

    def moments(self, wait: Wait) -> Seconds:
        """When figures that wait for this are known, of each row."""
        return self.settled if wait == "settled" else self.known

    def of_stage(self, stage: Stage) -> pd.DataFrame:
        """The figures of a stage, 0 in a row that misses one: a numerator without its exposure would mislead."""
        figures = self.figures[stage.columns]
        return figures.where(figures.notna().all(axis=1), 0.0)


def reported_measures(
    metrics: pd.DataFrame, figures: pd.DataFrame, units: Codes, delay_hours: Mapping[str, int], settle_hours: int
) -> Reported:
    """When each row of metrics could be had.

    Args:
        metrics: Checked metrics.
        figures: Their measures, in the same order.
        units: Their creatives.
        delay_hours: By grain: hours from a period's end until its row can be had.
        settle_hours: Hours from a payment until the basis' net money stands.
    """
    ends = metrics["period_end"].to_numpy("datetime64[s]").astype(np.int64)
    delay = metrics["grain"].map(delay_hours).to_numpy(np.int64) * 3600
    return Reported(
        units=units,
        known=ends + delay,
        settled=ends + np.maximum(delay, settle_hours * 3600),
        figures=figures.reset_index(drop=True),
    )


def wait_of(stage: Stage) -> Wait:
    """What the figures of a stage wait for."""
    return "settled" if stage.numerator in SETTLED else "known"


def waits_of(stages: Sequence[Stage]) -> list[Wait]:
    """What the figures of these stages wait for, each once."""
    found = {wait_of(stage) for stage in stages}
    return [wait for wait in WAITS if wait in found]


def stage_tables(reported: Reported, stages: Sequence[Stage]) -> dict[Wait, pd.DataFrame]:
    """`<stage>:<figure>` of each row, by what they wait for."""
    tables: dict[Wait, pd.DataFrame] = {}
    for wait in WAITS:
        parts = [reported.of_stage(s).add_prefix(f"{s.name}:") for s in stages if wait_of(s) == wait]
        if parts:
            tables[wait] = pd.concat(parts, axis=1)
    return tables


def own_sums(reported: Reported, stages: Sequence[Stage]) -> dict[Wait, TimedSums]:
    """`<stage>:<figure>` of each creative until any moment, by what they wait for."""
    return {
        wait: TimedSums(reported.units, reported.moments(wait), reported.moments(wait), table)
        for wait, table in stage_tables(reported, stages).items()
    }


def first_reported(reported: Reported, count: int) -> pd.Series:
    """When each of so many creatives was first known of; NaT for never."""
    first = pd.Series(reported.known).groupby(reported.units).min().reindex(range(count))
    return pd.to_datetime(first, unit="s").astype("datetime64[s]")

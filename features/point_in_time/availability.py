"""Rows of metrics with the moment from which each was available, and sums until any moment of what was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from configs.settings import BASES, Settings
from features.arrays import Codes, Floats, Seconds
from features.funnel import Funnel
from features.point_in_time.metric_rows import GRAINS, SETTLED, MetricRows, split_settled
from features.point_in_time.windowed_sums import HOUR, TimedSums, seconds
from features.stages import Stage

Availability = Literal["known", "settled"]
"""When a figure becomes available: with its row's report, or after the refund window of the ROI basis too."""
AVAILABILITIES: tuple[Availability, ...] = ("known", "settled")

NEVER = np.iinfo(np.int64).max
"""Moment of what has not happened."""


@dataclass(frozen=True)
class ReportedRows:
    """Rows of metrics with the moments from which they were available.

    Attributes:
        units: (rows,) position of each row's creative.
        known: (rows,) moment from which the row is known, in seconds.
        settled: (rows,) moment from which its settled figures are known.
        figures: Name → (rows,) counts and sums; NaN where a row misses one.
    """

    units: Codes
    known: Seconds
    settled: Seconds
    figures: Mapping[str, Floats]

    def moments(self, availability: Availability) -> Seconds:
        """(rows,) from when figures of this availability are known."""
        return self.settled if availability == "settled" else self.known

    def of_stage(self, stage: Stage) -> dict[str, Floats]:
        """The figures of a stage, 0 in a row that misses one: a numerator without its exposure would mislead."""
        missing = np.zeros(len(self.units), dtype=np.bool_)
        for name in stage.columns:
            missing |= np.isnan(self.figures[name])
        if not missing.any():
            return {name: self.figures[name] for name in stage.columns}
        return {name: np.where(missing, 0.0, self.figures[name]) for name in stage.columns}


def reported_rows(rows: MetricRows, figures: Mapping[str, Floats], settings: Settings) -> ReportedRows:
    """When each row of metrics was available: its period's end, the report delay of its grain, the refund window."""
    ends = rows.end_seconds
    delays = np.array([settings.report_delay_hours[grain] for grain in GRAINS], dtype=np.int64)
    delay = delays[rows.grains] * HOUR
    settled = ends + np.maximum(delay, BASES[settings.basis][1] * HOUR)
    return ReportedRows(rows.units, ends + delay, settled, figures)


def counted_rows(rows: MetricRows, funnel: Funnel, settings: Settings) -> ReportedRows:
    """Every row with the figures that the funnel counts, NaN where the data lack one."""
    found = rows.measures(funnel, settings)
    nothing = np.broadcast_to(np.nan, len(rows))
    return reported_rows(rows, {name: found.get(name, nothing) for name in funnel.counted_columns}, settings)


def availability_of(stage: Stage) -> Availability:
    """When the figures of a stage become available."""
    return "settled" if stage.numerator in SETTLED else "known"


def availabilities_of(stages: Sequence[Stage]) -> list[Availability]:
    """Those that some of these stages have."""
    found = {availability_of(stage) for stage in stages}
    return [availability for availability in AVAILABILITIES if availability in found]


def stage_tables(reported: ReportedRows, stages: Sequence[Stage]) -> dict[Availability, dict[str, Floats]]:
    """`<stage>:<figure>` of each row, by availability."""
    tables: dict[Availability, dict[str, Floats]] = {}
    for stage in stages:
        figures = reported.of_stage(stage)
        table = tables.setdefault(availability_of(stage), {})
        table |= {f"{stage.name}:{name}": values for name, values in figures.items()}
    return {availability: tables[availability] for availability in AVAILABILITIES if availability in tables}


def own_sums(reported: ReportedRows, stages: Sequence[Stage]) -> dict[Availability, TimedSums]:
    """`<stage>:<figure>` of each creative until any moment, by availability."""
    return {
        availability: TimedSums(reported.units, reported.moments(availability), reported.moments(availability), table)
        for availability, table in stage_tables(reported, stages).items()
    }


def first_known(reported: ReportedRows, count: int) -> Seconds:
    """(creatives,) when each was first known of, in seconds; NEVER where it was not."""
    first = np.full(count, NEVER, dtype=np.int64)
    inside = reported.units >= 0
    np.minimum.at(first, reported.units[inside], reported.known[inside])
    return first


class TotalsUntil:
    """Every measure of each creative until any moment: sorted once, summed for many moments."""

    def __init__(self, rows: MetricRows, funnel: Funnel, settings: Settings) -> None:
        """Sort the rows of metrics by creative and by the moment from which they were available."""
        figures = rows.measures(funnel, settings)
        reported = reported_rows(rows, figures, settings)
        self._count = len(rows.creatives)
        self._sums = [
            TimedSums(rows.units, moments, moments, {name: figures[name] for name in names})
            for names, moments in zip(split_settled(tuple(figures)), (reported.known, reported.settled))
        ]

    def at(self, moment: pd.Timestamp) -> pd.DataFrame:
        """One row per creative, one column per measure: sums of the rows that were available by a moment.

        What refunds change counts once it was final by then.
        """
        everyone = np.arange(self._count, dtype=np.int64)
        moments = np.full(self._count, seconds(pd.Series([moment]))[0], dtype=np.int64)
        found: dict[str, Floats] = {}
        for sums in self._sums:
            found |= sums.until(everyone, moments)
        return pd.DataFrame(found)

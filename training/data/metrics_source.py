"""The metrics that training reads: all in memory, or part by part (`training.sharded`)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Protocol

import numpy as np
import pandas as pd

from configs.settings import Settings
from features.funnel import Funnel
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.as_of_history import AsOfHistory
from features.point_in_time.as_of_table import AsOf, as_of, as_of_table
from features.point_in_time.availability import TotalsUntil
from features.point_in_time.counts import columns_of_others, held_values, observe, observe_loaded
from features.point_in_time.entity_history import Entity
from features.point_in_time.metric_rows import MetricRows
from features.point_in_time.snapshots import Launches, latest_snapshots, launches, snapshot_frame, snapshots
from features.schema import Loaded
from training.engine import Engine, LocalEngine
from training.labels.outcomes import outcomes
from training.workspace import data_fingerprint

LatestFunction = Callable[[ArrayFrame, Loaded, pd.Timestamp], pd.DataFrame]
"""Takes the latest snapshots of some creatives with their counts (`features.point_in_time.counts.observe`), the metrics
and creatives of their accounts, and the end of all data; returns a row per creative."""


class MetricsSource(Protocol):
    """Everything that training computes from metrics.

    Creatives are few compared with rows of metrics: they, and what is computed for each, are frames in memory. Frames
    with a row per creative are in the order of `creatives`, frames with a row per snapshot in that of the snapshots.
    """

    @property
    def engine(self) -> Engine:
        """Where its tasks are computed."""
        ...

    @property
    def creatives(self) -> pd.DataFrame:
        """Checked creatives, sorted by KEY."""
        ...

    @property
    def until(self) -> pd.Timestamp:
        """End of the last period; NaT without metrics."""
        ...

    @property
    def notes(self) -> Mapping[str, int]:
        """Reason → rows that loading corrected or left out."""
        ...

    @property
    def fingerprint(self) -> str:
        """Hash of the metrics and the creatives."""
        ...

    def value_columns(self) -> Mapping[str, Sequence[str]]:
        """Promotion type → value columns that are not empty."""
        ...

    def launches(self) -> pd.DataFrame:
        """Launch of each creative (`features.point_in_time.snapshots.launches`)."""
        ...

    def snapshots(self, settings: Settings) -> pd.DataFrame:
        """Every creative at every age that its data cover (`features.point_in_time.snapshots.snapshots`)."""
        ...

    def observe(self, rows: pd.DataFrame, funnel: Funnel, shared: Sequence[Entity], settings: Settings) -> pd.DataFrame:
        """Counts of these snapshots as known at their cutoffs (`features.point_in_time.counts.observe_loaded`)."""
        ...

    def outcomes(self, rows: pd.DataFrame, funnel: Funnel, settings: Settings) -> pd.DataFrame:
        """Outcomes of these snapshots (`training.labels.outcomes.outcomes`)."""
        ...

    def totals(self, moments: Sequence[pd.Timestamp], funnel: Funnel, settings: Settings) -> Iterator[pd.DataFrame]:
        """Totals of each creative as known at each moment, one frame per moment (`TotalsUntil`)."""
        ...

    def as_of_table(self, funnel: Funnel, shared: Sequence[Entity], settings: Settings) -> AsOf:
        """The as-of table of all creatives, which the service needs (`features.point_in_time.as_of_table.as_of`)."""
        ...

    def apply_latest(
        self, function: LatestFunction, funnel: Funnel, shared: Sequence[Entity], settings: Settings
    ) -> pd.DataFrame:
        """Apply a function to the latest snapshots of all creatives; the rows that it returns, one per creative.

        Histories of other creatives are those at the end of the data, as in the service. Workers elsewhere may call the
        function, once per part: it must be picklable.
        """
        ...


class InMemorySource:
    """All metrics as one frame."""

    def __init__(self, loaded: Loaded) -> None:
        """Keep loaded metrics."""
        self.loaded = loaded
        self.engine: Engine = LocalEngine()
        self.creatives = loaded.creatives.reset_index(drop=True)
        self._totals: tuple[Funnel, Settings, TotalsUntil] | None = None

    @property
    def until(self) -> pd.Timestamp:
        return self.loaded.metrics["period_end"].max()

    @property
    def notes(self) -> Mapping[str, int]:
        return self.loaded.notes

    @cached_property
    def fingerprint(self) -> str:
        return data_fingerprint(self.loaded)

    def value_columns(self) -> Mapping[str, Sequence[str]]:
        return {str(name): held_values(rows) for name, rows in self.loaded.metrics.groupby("promotion_type")}

    @cached_property
    def rows(self) -> MetricRows:
        """The metrics as arrays."""
        return MetricRows.of(self.loaded)

    @cached_property
    def _launches(self) -> Launches:
        return launches(self.rows)

    def launches(self) -> pd.DataFrame:
        return self._launches.frame(self.rows.creatives)

    def snapshots(self, settings: Settings) -> pd.DataFrame:
        table = snapshots(self.rows, settings.ages_hours, weekly=settings.weekly, launched=self._launches)
        return snapshot_frame(table, self.rows.creatives)

    def observe(self, rows: pd.DataFrame, funnel: Funnel, shared: Sequence[Entity], settings: Settings) -> pd.DataFrame:
        return observe_loaded(rows, self.rows, funnel, shared, settings).frame()

    def outcomes(self, rows: pd.DataFrame, funnel: Funnel, settings: Settings) -> pd.DataFrame:
        return outcomes(rows, self.rows, funnel, settings)

    def totals(self, moments: Sequence[pd.Timestamp], funnel: Funnel, settings: Settings) -> Iterator[pd.DataFrame]:
        if self._totals is None or self._totals[:2] != (funnel, settings):
            self._totals = funnel, settings, TotalsUntil(self.rows, funnel, settings)
        yield from map(self._totals[2].at, moments)

    def as_of_table(self, funnel: Funnel, shared: Sequence[Entity], settings: Settings) -> AsOf:
        return as_of(self.rows, funnel, shared, settings)

    def apply_latest(
        self, function: LatestFunction, funnel: Funnel, shared: Sequence[Entity], settings: Settings
    ) -> pd.DataFrame:
        rows, now = self.rows, self.until
        history = AsOfHistory(as_of_table(rows, funnel, shared, settings, now), shared, now)
        others = columns_of_others(history.of(rows.creatives, np.arange(len(rows.creatives), dtype=np.int64)))
        observed = observe(latest_snapshots(rows, now), rows, others, funnel, settings)
        return function(observed, self.loaded, now)

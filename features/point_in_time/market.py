"""Sums over all creatives of a promotion type, by the moment from which they were known."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from features.arrays import Codes, Floats, Seconds
from features.point_in_time.array_frame import ArrayFrame, Categories
from features.point_in_time.availability import Availability, ReportedRows, stage_tables
from features.point_in_time.windowed_sums import TimedSums, summed_by
from features.stages import Stage

TYPE, MOMENT = "promotion_type", "moment"


class Market:
    """Figures of every stage, `<stage>:<figure>`, summed over the creatives of each promotion type until any moment."""

    def __init__(self, tables: Mapping[Availability, pd.DataFrame]) -> None:
        """Sum `market_tables`; those of several parts of the data one below the other are those of the whole."""
        seen = sorted({str(name) for table in tables.values() for name in table[TYPE].unique()})
        self._types = {name: place for place, name in enumerate(seen)}
        self._sums: dict[Availability, TimedSums] = {}
        for availability, table in tables.items():
            columns = ArrayFrame.of(table)
            codes, moments = columns.categories(TYPE).map(self._types), columns[MOMENT]
            figures = {name: columns[name] for name in columns if name not in (TYPE, MOMENT)}
            self._sums[availability] = TimedSums(codes.astype(np.int64), moments, moments, figures)

    def codes(self, types: Categories) -> Codes:
        """(rows,) code of each promotion type; −1 of one without figures."""
        return types.map(self._types).astype(np.int64)

    def until(self, types: Codes, moments: Seconds) -> dict[str, Floats]:
        """Each figure, (rows,), known at or before `moments`; `types` and `moments` are (rows,)."""
        found: dict[str, Floats] = {}
        for sums in self._sums.values():
            found |= sums.until(types, moments)
        return found

    def rates(
        self, availability: Availability, stages: Sequence[Stage], types: Codes, moments: Seconds
    ) -> Iterator[Floats]:
        """Rate of each stage of this availability, (rows,), known at or before the `moments`; 0 without exposure."""
        sums = self._sums[availability]
        span = sums.span(types, moments)
        for stage in stages:
            count, exposure = (sums.total(f"{stage.name}:{name}", span) for name in (stage.numerator, stage.exposure))
            yield np.divide(count, exposure, out=np.zeros(len(moments)), where=exposure > 0)


def market_tables(
    reported: ReportedRows, types: Categories, stages: Sequence[Stage]
) -> dict[Availability, pd.DataFrame]:
    """The figures of some creatives, summed by promotion type and the moment from which they are known.

    Args:
        reported: Rows of metrics.
        types: (creatives,) promotion type of each.
        stages: The funnel.

    Returns:
        By availability: `promotion_type`, `moment` (seconds) and `<stage>:<figure>`; one row per moment, however
        many rows of metrics there are.
    """
    tables: dict[Availability, pd.DataFrame] = {}
    for availability, table in stage_tables(reported, stages).items():
        keys, moments, summed = summed_by(types.codes[reported.units], reported.moments(availability), table)
        promotion_types = Categories(keys, types.values)
        tables[availability] = ArrayFrame({TYPE: promotion_types, MOMENT: moments, **summed}, len(keys)).frame()
    return tables

"""What all creatives of a promotion type did, by the moment it was known: what each one is measured against."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from features.funnel import Stage
from features.point_in_time.availability import Floats, Reported, Wait, stage_tables
from features.point_in_time.windowed_sums import Codes, Seconds, TimedSums
from features.schema import MONEY_DECIMALS

TYPE, MOMENT = "promotion_type", "moment"
UNITS = 10.0**MONEY_DECIMALS


class Market:
    """Figures of every stage, `<stage>:<figure>`, summed over the creatives of each promotion type until any moment."""

    def __init__(self, tables: Mapping[Wait, pd.DataFrame]) -> None:
        """Of `market_tables`; those of several parts of the data one below the other are those of the whole."""
        seen: list[str] = sorted({kind for table in tables.values() for kind in table[TYPE].unique()})
        self._types = pd.Index(seen, dtype="str")
        self._sums: dict[Wait, TimedSums] = {}
        for wait, table in tables.items():
            moments = table[MOMENT].to_numpy(np.int64)
            codes = np.asarray(self._types.get_indexer(table[TYPE]), dtype=np.int64)
            self._sums[wait] = TimedSums(codes, moments, moments, table.drop(columns=[TYPE, MOMENT]))

    def codes(self, types: pd.Series) -> Codes:
        """Code of each promotion type; -1 of one without figures."""
        return np.asarray(self._types.get_indexer(types), dtype=np.int64)

    def until(self, types: Codes, moments: Seconds) -> dict[str, Floats]:
        """Every figure of these types, known at or before the moments."""
        found: dict[str, Floats] = {}
        for sums in self._sums.values():
            found |= sums.until(types, moments)
        return found

    def rates(self, wait: Wait, stages: Sequence[Stage], types: Codes, moments: Seconds) -> Iterator[Floats]:
        """Of each stage that waits for this: its rate, known at or before the moments; 0 without exposure."""
        span = self._sums[wait].span(types, moments)
        for stage in stages:
            count, exposure = (
                self._sums[wait].total(f"{stage.name}:{name}", span) for name in (stage.numerator, stage.exposure)
            )
            yield np.divide(count, exposure, out=np.zeros(len(moments)), where=exposure > 0)


def market_tables(reported: Reported, types: pd.Series, stages: Sequence[Stage]) -> dict[Wait, pd.DataFrame]:
    """The figures of some creatives, summed by promotion type and the moment from which they are known.

    Args:
        reported: Rows of metrics.
        types: Promotion type of each creative.
        stages: The funnel.

    Returns:
        By what they wait for: `promotion_type`, `moment` (seconds) and `<stage>:<figure>`: a row per moment, however
        many rows of metrics there are.
    """
    codes, names = pd.factorize(types)
    tables: dict[Wait, pd.DataFrame] = {}
    for wait, table in stage_tables(reported, stages).items():
        keys, moments, summed = summed_by(codes[reported.units], reported.moments(wait), table)
        tables[wait] = pd.DataFrame({TYPE: names.to_numpy(dtype=object)[keys], MOMENT: moments, **summed})
        tables[wait][TYPE] = tables[wait][TYPE].astype("str")
    return tables


def summed_by(codes: Codes, moments: Seconds, table: pd.DataFrame) -> tuple[Codes, Seconds, dict[str, Floats]]:
    """Rows of one code and moment as one: exact, in whole units of 1e-4 (see `features.point_in_time.windowed_sums`).

    Returns:
        Codes and moments, in no order, and the sums of each column; rows with a negative code are left out.
    """
    if codes.min(initial=0) < 0:
        kept = np.flatnonzero(codes >= 0)
        codes, moments, table = codes[kept], moments[kept], table.iloc[kept]
    first = int(moments.min()) if len(moments) else 0
    reach = int(moments.max(initial=first)) - first + 1
    place, keys = pd.factorize(codes * reach + (moments - first))  # by hashing: in order of time or not is all the same
    summed = {
        str(name): np.bincount(place, np.rint(table[name].to_numpy(np.float64) * UNITS), len(keys)) / UNITS
        for name in table
    }
    return keys // reach, keys % reach + first, summed


def market_history(
    market: Market, own: Mapping[Wait, TimedSums], types: Codes, units: Codes, cutoffs: Seconds
) -> Iterator[tuple[str, Floats]]:
    """Each stage's figures of the whole market, known strictly before each cutoff, the creative's own left out.

    Args:
        market: Of all creatives.
        own: Of each creative (`features.point_in_time.availability.own_sums`).
        types: Code of each creative's promotion type.
        units: Creative of each snapshot.
        cutoffs: Cutoff of each snapshot.

    Yields:
        `market:<stage>:<figure>` and its values, one a snapshot.
    """
    before = cutoffs - 1
    totals = market.until(types[units], before)
    for sums in own.values():
        for name, mine in sums.until(units, before).items():
            yield f"market:{name}", np.maximum(exact(totals[name] - mine), 0.0)


def exact(difference: Floats) -> Floats:
    """A difference of two sums to the last bit: sums are exact in units of 1e-4; so is this, once told in them."""
    return np.rint(difference * UNITS) / UNITS

"""Counts of creatives that someone describes, without the store: their own rows, and the others as they stood.

Few rows, each in a hurry: plain arrays instead of frames. What is computed is what
`features.point_in_time.snapshots` and
`features.point_in_time.counts` compute, to the last bit (`tests/features/point_in_time/test_as_of_table.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from configs.settings import BASES, Settings
from features.attributes import names_of
from features.funnel import Funnel, counted_columns
from features.point_in_time.array_frame import Table
from features.point_in_time.as_of_table import Standing
from features.point_in_time.counts import DAY, HOUR, RECENT_DAYS
from features.point_in_time.measures import SETTLED, measured
from features.schema import KEY, NUMBERS, TIMES

Floats = npt.NDArray[np.float64]

TIMED_GRAINS = ("hour", "gap")
"""Of these, the start of a period tells the hour of launch."""
TEXTS = tuple(names_of("text", requested=True))


@dataclass(frozen=True)
class Told:
    """One creative.

    Attributes:
        key: Promotion type, account, creative.
        about: Attributes and tags by column (`tag_…`); None where not known.
        periods: Grain, start and end of each row of metrics, naive times; they do not overlap.
        figures: One array a row of metrics, in the order of the columns told beside; NaN where not known.
    """

    key: tuple[str, str, str]
    about: Mapping[str, Any]
    periods: Sequence[tuple[str, datetime, datetime]] = ()
    figures: Sequence[Sequence[float]] = ()


def observe_given(
    told: Sequence[Told],
    columns: Sequence[str],
    tags: Sequence[str],
    standing: Standing,
    funnel: Funnel,
    settings: Settings,
) -> Table:
    """Counts of each creative at the end of its last period, before launch at age 0.

    Args:
        told: The creatives.
        columns: Value columns of metrics, in the order of the figures told.
        tags: Columns of tags that the model knows.
        standing: The others.
        funnel: The funnel in use.
        settings: Of the run.

    Returns:
        As `features.point_in_time.counts.observe` at the standing's moment, in the order told.
    """
    lives = [_life(one, columns, standing.moment.to_pydatetime()) for one in told]
    count = len(told)
    table: dict[str, npt.NDArray[Any]] = {
        name: _words([one.key[place] for one in told]) for place, name in enumerate(KEY)
    }
    table |= {name: np.array([life[name] for life in lives], dtype=kind) for name, kind in LIFE.items()}
    for name in (*TEXTS, *tags):
        table[name] = _words([one.about.get(name) for one in told])
    for name in NUMBERS:
        table[name] = np.array([one.about.get(name) for one in told], dtype=np.float64)
    created = [one.about.get("created_at") for one in told]
    table[TIMES[0]] = np.array([np.datetime64("NaT") if at is None else at for at in created], dtype="datetime64[us]")
    prices = reference_of(table["price_cny"], funnel)
    table |= _own_counts(told, columns, table, prices, funnel, settings)
    table["reference_price"] = prices
    return Table(table | standing.around(Table(table, count)), count)


LIFE = {
    "launched_at": "datetime64[us]",
    "cutoff": "datetime64[us]",
    "elapsed_hours": "float64",
    "age_hours": "float64",
    "launch_hour": "float64",
}


def reference_of(prices: Floats, funnel: Funnel) -> Floats:
    """What an order is measured against (`features.point_in_time.measures.reference_prices`)."""
    if funnel.typical_price is None:
        return np.ones(len(prices))
    return np.where(prices > 0, prices, funnel.typical_price)


def _life(one: Told, columns: Sequence[str], now: datetime) -> dict[str, Any]:
    """When it was launched, and how old it is (`features.point_in_time.snapshots.latest_snapshots`)."""
    planned = one.about.get("launched_at")
    delivered = [period for period, row in zip(one.periods, one.figures) if _delivered(dict(zip(columns, row)))]
    if not delivered:
        hour = float(planned.hour) if planned is not None else np.nan
        launched = np.datetime64("NaT") if planned is None else planned
        return {"launched_at": launched, "cutoff": now, "elapsed_hours": 0.0, "age_hours": 0.0, "launch_hour": hour}
    grain, start, end = min(delivered, key=lambda period: period[1])
    cutoff = max(period[2] for period in one.periods)
    if planned is not None and start <= planned < end:
        hour = float(planned.hour)
    else:
        hour = float(start.hour) if grain in TIMED_GRAINS else np.nan
    hours = (cutoff - start) / timedelta(hours=1)
    return {"launched_at": start, "cutoff": cutoff, "elapsed_hours": hours, "age_hours": hours, "launch_hour": hour}


def _delivered(row: Mapping[str, float]) -> bool:
    for name in ("impressions", "spend_cny"):
        value = row.get(name, np.nan)
        if value == value:
            return value > 0
    return False


def _own_counts(
    told: Sequence[Told],
    columns: Sequence[str],
    table: Mapping[str, npt.NDArray[Any]],
    prices: Floats,
    funnel: Funnel,
    settings: Settings,
) -> dict[str, Floats]:
    """Sums of each creative's own rows (`features.point_in_time.counts.own_counts`)."""
    basis_column, settle_hours = BASES[settings.basis]
    lengths = [len(one.periods) for one in told]
    held = np.array([row for one in told for row in one.figures], dtype=np.float64).reshape(sum(lengths), len(columns))
    known = measured(dict(zip(columns, held.T)), np.repeat(prices, lengths), basis_column)
    names = list(dict.fromkeys([*known, *counted_columns(funnel)]))
    figures = np.array([known.get(name, np.full(len(held), np.nan)) for name in names])
    missing = np.isnan(figures)
    units = np.rint(np.where(missing, 0.0, figures) * 1e4)  # exact, as in features.window
    settled = np.array([name in SETTLED for name in names])[:, None]
    starts = np.array([p[1] for one in told for p in one.periods], dtype="datetime64[s]").astype(np.int64)
    ends = np.array([p[2] for one in told for p in one.periods], dtype="datetime64[s]").astype(np.int64)
    cutoffs = table["cutoff"].astype("datetime64[s]").astype(np.int64)
    middles = cutoffs - (table["elapsed_hours"] * HOUR / 2).astype(np.int64)

    volume, since_ever = names.index(funnel.volume_of), np.iinfo(np.int64).min
    sums, paces = np.zeros((2, len(names), len(told))), np.zeros((2, len(told)))
    first = 0
    for place, length in enumerate(lengths):
        if length:
            rows, cutoff = slice(first, first + length), cutoffs[place]
            stands = np.where(settled, ends[rows] + settle_hours * HOUR, ends[rows]) <= cutoff
            since = np.array([since_ever, cutoff - RECENT_DAYS * DAY])[:, None, None]
            sums[:, :, place] = _summed(units[:, rows], missing[:, rows], stands & (starts[rows] >= since))
            inside = (starts[rows] >= np.array([[cutoff - DAY], [middles[place]]])) & (ends[rows] <= cutoff)
            paces[:, place] = _summed(units[volume, rows], missing[volume, rows], inside)
        first += length
    counted = {f"{part}:{name}": s for part, of in zip(("early", "last_days"), sums) for name, s in zip(names, of)}
    return counted | {f"{part}:{funnel.volume_of}": line for part, line in zip(("last_day", "late_half"), paces)}


def _summed(units: Floats, missing: npt.NDArray[np.bool_], inside: npt.NDArray[np.bool_]) -> Floats:
    total = np.where(inside, units, 0.0).sum(axis=-1) / 1e4
    return np.where((missing & inside).any(axis=-1), np.nan, total)


def _words(values: Sequence[str | None]) -> npt.NDArray[Any]:
    words = np.empty(len(values), dtype=object)
    words[:] = values
    return words

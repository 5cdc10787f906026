"""Are counts and features the same when they are made from nothing but what was there at the cutoff?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.settings import BASES, Settings
from features.funnel import Funnel
from features.matrix.feature_matrix import Fitted, build_features
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.entity_history import Entity
from features.point_in_time.metric_rows import MetricRows, unit_codes
from features.point_in_time.snapshots import SNAPSHOT, snapshot_frame, snapshots
from features.schema import KEY, VALUES, Loaded
from training.data.dataset import Dataset
from training.leaks.findings import NOTHING, Finding, listed

Observe = Callable[[pd.DataFrame, Loaded, Funnel, Sequence[Entity], Settings], pd.DataFrame]
"""`features.point_in_time.counts.observe_loaded`, as a frame,, or what is to take its place."""

MOMENTS = 6
ROWS_A_MOMENT = 40


@dataclass(frozen=True)
class Moment:
    """A cutoff and the rows of the dataset looked at there, by position."""

    at: pd.Timestamp
    rows: npt.NDArray[np.int64]


def moments_to_try(dataset: Dataset, draw: np.random.Generator) -> list[Moment]:
    """A few cutoffs, each drawn from another age: what a first hour may know differs from what a third week may."""
    observed = dataset.observed
    ages = np.sort(observed["age_hours"].unique())
    ages = ages[np.unique(np.linspace(0, len(ages) - 1, MOMENTS).astype(np.int64))]
    found: dict[pd.Timestamp, npt.NDArray[np.int64]] = {}
    for age in np.resize(ages, MOMENTS):
        of_age = np.flatnonzero(observed["age_hours"] == age)
        at = observed["cutoff"].iloc[int(draw.choice(of_age))]
        there = np.flatnonzero(observed["cutoff"] == at)
        found[at] = np.sort(draw.choice(there, min(len(there), ROWS_A_MOMENT), replace=False))
    return [Moment(at, rows) for at, rows in found.items()]


def rebuilt(dataset: Dataset, fitted: Fitted | None, moments: Sequence[Moment], observe: Observe) -> Finding:
    """Check 1: from periods that had ended by the cutoff, and from those that had been reported and settled by then."""
    changed: dict[str, None] = {}
    basis = BASES[dataset.settings.basis][0]
    for moment in moments:
        held = dataset.observed.iloc[moment.rows].reset_index(drop=True)
        ended = ended_by(dataset.loaded, moment.at, held)
        changed |= dict.fromkeys(_launches_that_differ(held, ended, dataset.settings))
        changed |= dict.fromkeys(_differing(dataset, fitted, held, ended, observe))
        reported = reported_by(ended, moment.at, held, dataset.settings)
        # The creative's own net money as it stood is counted too, but only its settled part is an input.
        names = _differing(dataset, fitted, held, reported, observe)
        changed |= dict.fromkeys(name for name in names if name.split(":")[-1] != basis)
    rows = sum(len(moment.rows) for moment in moments)
    looked = f"{rows} snapshots at {len(moments)} cutoffs, made again from what had ended and been reported by then"
    if changed:
        return Finding(
            "rebuilt at the cutoff",
            "FAIL",
            f"{looked}: {len(changed)} columns differ: {listed(list(changed))}",
            "These columns read what came after the cutoff: make them from rows known by it, or take them out.",
        )
    width = dataset.observed.shape[1]
    also = " and every feature" if fitted is not None else "; features were not compared, too little to fit them on"
    return Finding("rebuilt at the cutoff", "PASS", f"{looked}: {width} counts{also} identical to the bit", NOTHING)


def shuffled(
    dataset: Dataset, fitted: Fitted | None, moments: Sequence[Moment], observe: Observe, draw: np.random.Generator
) -> Finding:
    """Check 2: rows that end after the cutoff change places and sizes."""
    changed: dict[str, None] = {}
    moved = 0
    for moment in moments:
        held = dataset.observed.iloc[moment.rows].reset_index(drop=True)
        later = np.flatnonzero(dataset.loaded.metrics["period_end"] > moment.at)
        moved += len(later)
        metrics = dataset.loaded.metrics.copy()
        order, size = draw.permutation(later), draw.integers(0, 3, len(later)).astype(np.float64)
        for name in [name for name in VALUES if name in metrics]:
            metrics.iloc[later, metrics.columns.get_loc(name)] = metrics[name].to_numpy()[order] * size
        future = Loaded(metrics, dataset.loaded.creatives)
        changed |= dict.fromkeys(_differing(dataset, fitted, held, future, observe))
    if not moved:
        return Finding("future shuffled", "SKIPPED", "no cutoff has a row after it", "Add later exports.")
    looked = f"{moved:,} rows after {len(moments)} cutoffs were shuffled and resized"
    if changed:
        return Finding(
            "future shuffled",
            "FAIL",
            f"{looked}: {len(changed)} columns changed: {listed(list(changed))}",
            "These columns read the future: make them from rows known by the cutoff, or take them out.",
        )
    return Finding("future shuffled", "PASS", f"{looked}: nothing changed", NOTHING)


def ended_by(loaded: Loaded, at: pd.Timestamp, held: pd.DataFrame) -> Loaded:
    """Periods that ended by a moment, and the creatives that had one, or that are asked about."""
    metrics = loaded.metrics[loaded.metrics["period_end"] <= at].reset_index(drop=True)
    known = pd.MultiIndex.from_frame(pd.concat([metrics[KEY], held[KEY]]).drop_duplicates())
    there = pd.MultiIndex.from_frame(loaded.creatives[KEY]).isin(known)
    return Loaded(metrics, loaded.creatives[there].reset_index(drop=True))


def reported_by(ended: Loaded, at: pd.Timestamp, held: pd.DataFrame, settings: Settings) -> Loaded:
    """Of ended periods those that others could read before a moment; net money that did not stand is not known.

    A creative's own periods count up to their end: the cutoff is the end of the last of them.
    """
    metrics = ended.metrics
    own = unit_codes(metrics, held[KEY].drop_duplicates()) >= 0
    delays = {str(grain): hours for grain, hours in settings.report_delay_hours.items()}
    delay = pd.to_timedelta(metrics["grain"].map(delays).astype(np.int64), unit="h")
    metrics = metrics[own | (metrics["period_end"] + delay < at)].reset_index(drop=True)
    column, hours = BASES[settings.basis]
    if column in metrics:
        stands = metrics["period_end"] + pd.Timedelta(hours=hours) <= at
        metrics = metrics.assign(**{str(column): metrics[column].where(stands)})
    return Loaded(metrics, ended.creatives)


def columns_that_differ(left: pd.DataFrame, right: pd.DataFrame) -> list[str]:
    """Columns of either frame that the other has not, or has with other bits; missing equals missing."""
    absent = [name for name in left if name not in right] + [name for name in right if name not in left]
    return absent + [name for name in left if name in right and not _same_bits(left[name], right[name])]


def _same_bits(left: pd.Series, right: pd.Series) -> bool:
    if left.dtype == np.float64 and right.dtype == np.float64:
        a, b = left.to_numpy(), right.to_numpy()
        return bool(((a.view(np.int64) == b.view(np.int64)) | (np.isnan(a) & np.isnan(b))).all())
    return bool(((left == right).fillna(False) | (left.isna() & right.isna())).all())


def _differing(
    dataset: Dataset, fitted: Fitted | None, held: pd.DataFrame, known: Loaded, observe: Observe
) -> list[str]:
    again = observe(held[SNAPSHOT], known, dataset.funnel, dataset.entities, dataset.settings)
    names = columns_that_differ(held, again)
    if names and fitted is not None:  # features are made of these counts alone
        left, right = (build_features(ArrayFrame.of(counts), fitted) for counts in (held, again))
        names += columns_that_differ(left.values.frame(), right.values.frame())
        rates = (pd.DataFrame({f"start of {s}": b.log_rate for s, b in x.posteriors.items()}) for x in (left, right))
        names += columns_that_differ(*rates)
    return names


def _launches_that_differ(held: pd.DataFrame, ended: Loaded, settings: Settings) -> list[str]:
    """Columns of a snapshot that the data up to its cutoff would not give; at age 0 there is nothing yet."""
    on = [*KEY, "age_hours"]
    running = held.loc[held["age_hours"] > 0, SNAPSHOT].reset_index(drop=True)
    rows = MetricRows.of(ended)
    again = snapshot_frame(snapshots(rows, settings.ages_hours, weekly=settings.weekly), rows.creatives)
    return columns_that_differ(running, running[on].merge(again, on=on, how="left")[SNAPSHOT])

"""Checks 1, 2 and 4: counts and features recomputed from less data must stay the same to the bit.

Check 1 uses only what had ended, and what had been reported, by the cutoff. Check 2 permutes the rows after the cutoff.
Check 4 removes the creative's own rows, which must not change its history of other creatives.
"""

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
"""`training.leaks.suite.observe_counts`, or a replacement in tests."""

RECOMPUTED, PERMUTED, OWN_ROWS = "recomputed at the cutoff", "future rows permuted", "own rows not in history"
MOMENTS = 6
ROWS_PER_MOMENT = 40
ALONE = 5
"""Creatives recomputed in a data set of their own."""
WITHOUT = 2
"""Cutoffs, and creatives, recomputed without their own rows; each costs as much as all snapshots together."""
SIBLINGS = ["live_siblings", "recent_launches"]


@dataclass(frozen=True)
class Moment:
    """A cutoff, and the positions of the dataset's rows that are recomputed there."""

    at: pd.Timestamp
    rows: npt.NDArray[np.int64]


def moments_to_try(dataset: Dataset, draw: np.random.Generator) -> list[Moment]:
    """Draw MOMENTS cutoffs of different ages, with up to ROWS_PER_MOMENT rows each."""
    observed = dataset.observed
    ages = np.sort(observed["age_hours"].unique())
    ages = ages[np.unique(np.linspace(0, len(ages) - 1, MOMENTS).astype(np.int64))]
    found: dict[pd.Timestamp, npt.NDArray[np.int64]] = {}
    for age in np.resize(ages, MOMENTS):
        of_age = np.flatnonzero(observed["age_hours"] == age)
        at = observed["cutoff"].iloc[int(draw.choice(of_age))]
        there = np.flatnonzero(observed["cutoff"] == at)
        found[at] = np.sort(draw.choice(there, min(len(there), ROWS_PER_MOMENT), replace=False))
    return [Moment(at, rows) for at, rows in found.items()]


def check_recomputed(dataset: Dataset, fitted: Fitted | None, moments: Sequence[Moment], observe: Observe) -> Finding:
    """Check 1: recompute from periods that had ended by the cutoff, and from those reported and settled by then."""
    changed: dict[str, None] = {}
    basis = BASES[dataset.settings.basis][0]
    for moment in moments:
        stored = dataset.observed.iloc[moment.rows].reset_index(drop=True)
        ended = ended_by(dataset.loaded, moment.at, stored)
        changed |= dict.fromkeys(_launches_that_differ(stored, ended, dataset.settings))
        changed |= dict.fromkeys(_differing(dataset, fitted, stored, ended, observe))
        reported = reported_by(ended, moment.at, stored, dataset.settings)
        # The creative's own net money before settlement is counted too, but only its settled part is a feature.
        names = _differing(dataset, fitted, stored, reported, observe)
        changed |= dict.fromkeys(name for name in names if name.split(":")[-1] != basis)
    rows = sum(len(moment.rows) for moment in moments)
    scope = f"{rows} snapshots at {len(moments)} cutoffs, recomputed from what had ended and been reported by then"
    if changed:
        return Finding(
            RECOMPUTED,
            "FAIL",
            f"{scope}: {len(changed)} columns differ: {listed(list(changed))}",
            "These columns use data from after the cutoff: compute them from rows known by it, or remove them.",
        )
    width = dataset.observed.shape[1]
    also = " and every feature" if fitted is not None else "; features were not compared, too few rows to fit them on"
    return Finding(RECOMPUTED, "PASS", f"{scope}: {width} counts{also} identical to the bit", NOTHING)


def check_future_permuted(
    dataset: Dataset, fitted: Fitted | None, moments: Sequence[Moment], observe: Observe, draw: np.random.Generator
) -> Finding:
    """Check 2: permute the values of rows that end after the cutoff and multiply them by 0, 1 or 2."""
    changed: dict[str, None] = {}
    moved = 0
    for moment in moments:
        stored = dataset.observed.iloc[moment.rows].reset_index(drop=True)
        later = np.flatnonzero(dataset.loaded.metrics["period_end"] > moment.at)
        moved += len(later)
        metrics = dataset.loaded.metrics.copy()
        order, size = draw.permutation(later), draw.integers(0, 3, len(later)).astype(np.float64)
        for name in [name for name in VALUES if name in metrics]:
            values = metrics[name].to_numpy(copy=True)
            values[later] = values[order] * size
            metrics[name] = values
        future = Loaded(metrics, dataset.loaded.creatives)
        changed |= dict.fromkeys(_differing(dataset, fitted, stored, future, observe))
    if not moved:
        return Finding(PERMUTED, "SKIPPED", "no cutoff has a row after it", "Add later exports.")
    scope = f"{moved:,} rows after {len(moments)} cutoffs were permuted and rescaled"
    if changed:
        return Finding(
            PERMUTED,
            "FAIL",
            f"{scope}: {len(changed)} columns changed: {listed(list(changed))}",
            "These columns use the future: compute them from rows known by the cutoff, or remove them.",
        )
    return Finding(PERMUTED, "PASS", f"{scope}: nothing changed", NOTHING)


def check_own_rows(dataset: Dataset, moments: Sequence[Moment], observe: Observe, draw: np.random.Generator) -> Finding:
    """Check 4: recompute the history of other creatives without the creative's own rows, in three ways.

    In a data set of one creative, every sum over others is 0. Without its rows after the cutoff, its history stays the
    same. Without all its rows, sums over others stay the same; ratios to the market are not compared there, because the
    creative's earlier sales are part of the market.
    """
    running = np.flatnonzero(dataset.observed["age_hours"] > 0)
    if not len(running):
        return Finding(OWN_ROWS, "SKIPPED", "no snapshot has rows of its own", "Add later or finer exports.")
    changed: dict[str, None] = {}
    for place in draw.choice(running, min(ALONE, len(running)), replace=False):
        changed |= dict.fromkeys(_history_when_alone(dataset, int(place), observe))
    for moment in moments[:WITHOUT]:
        stored = dataset.observed.iloc[moment.rows].reset_index(drop=True)
        own = unit_codes(dataset.loaded.metrics, stored[KEY].drop_duplicates()) >= 0
        outcome = own & (dataset.loaded.metrics["period_end"] > moment.at).to_numpy(np.bool_)
        changed |= dict.fromkeys(_changed_without(dataset, stored, outcome, observe, history_columns(stored)))
    for place in draw.choice(running, min(WITHOUT, len(running)), replace=False):
        stored = dataset.observed.iloc[[int(place)]].reset_index(drop=True)
        own = unit_codes(dataset.loaded.metrics, stored[KEY]) >= 0
        columns = sums_of_others(stored, dataset.funnel.volume_of)
        changed |= dict.fromkeys(_changed_without(dataset, stored, own, observe, columns))
    if changed:
        return Finding(
            OWN_ROWS,
            "FAIL",
            f"{len(changed)} columns of history contain the creative itself or its outcome: {listed(list(changed))}",
            "Subtract the creative's own rows from these columns, and count others strictly before the cutoff.",
        )
    scope = f"{min(ALONE, len(running))} creatives alone and {WITHOUT} cutoffs and creatives without their own rows"
    return Finding(OWN_ROWS, "PASS", f"{scope}: {len(history_columns(dataset.observed))} columns unchanged", NOTHING)


def history_columns(observed: pd.DataFrame) -> list[str]:
    """Return the columns that are computed from other creatives."""
    names = [str(name) for name in observed]
    return [name for name in names if name.startswith(("market:", "hist:", "launched:")) or name in SIBLINGS]


def sums_of_others(observed: pd.DataFrame, volume: str) -> list[str]:
    """Return the history columns that are plain sums, without a ratio to the market."""
    names = history_columns(observed)
    return [name for name in names if not name.startswith("hist:") or name.endswith(f":{volume}")]


def ended_by(loaded: Loaded, at: pd.Timestamp, stored: pd.DataFrame) -> Loaded:
    """Return the periods that ended by a moment, and the creatives that have one or are recomputed."""
    metrics = loaded.metrics[loaded.metrics["period_end"] <= at].reset_index(drop=True)
    known = pd.MultiIndex.from_frame(pd.concat([metrics[KEY], stored[KEY]]).drop_duplicates())
    there = pd.MultiIndex.from_frame(loaded.creatives[KEY]).isin(known)
    return Loaded(metrics, loaded.creatives[there].reset_index(drop=True))


def reported_by(ended: Loaded, at: pd.Timestamp, stored: pd.DataFrame, settings: Settings) -> Loaded:
    """Return, of ended periods, those reported before a moment, with net money only where it had settled.

    A creative's own periods count up to their end, because the cutoff is the end of the last of them.
    """
    metrics = ended.metrics
    own = unit_codes(metrics, stored[KEY].drop_duplicates()) >= 0
    delays = {str(grain): hours for grain, hours in settings.report_delay_hours.items()}
    delay = pd.to_timedelta(metrics["grain"].map(delays).astype(np.int64), unit="h")
    metrics = metrics[own | (metrics["period_end"] + delay < at)].reset_index(drop=True)
    column, hours = BASES[settings.basis]
    if column in metrics:
        settled = metrics["period_end"] + pd.Timedelta(hours=hours) <= at
        metrics = metrics.assign(**{str(column): metrics[column].where(settled)})
    return Loaded(metrics, ended.creatives)


def columns_that_differ(left: pd.DataFrame, right: pd.DataFrame) -> list[str]:
    """Return the columns that only one frame has, or that differ in a bit; NaN equals NaN."""
    mine, theirs = ([str(name) for name in frame] for frame in (left, right))
    absent = [name for name in mine if name not in theirs] + [name for name in theirs if name not in mine]
    return absent + [name for name in mine if name in theirs and not _same_bits(left[name], right[name])]


def _same_bits(left: pd.Series, right: pd.Series) -> bool:
    if left.dtype == np.float64 and right.dtype == np.float64:
        a, b = left.to_numpy(np.float64), right.to_numpy(np.float64)
        return bool(((a.view(np.int64) == b.view(np.int64)) | (np.isnan(a) & np.isnan(b))).all())
    return bool(((left == right).fillna(False) | (left.isna() & right.isna())).all())


def _differing(
    dataset: Dataset, fitted: Fitted | None, stored: pd.DataFrame, known: Loaded, observe: Observe
) -> list[str]:
    again = observe(stored[SNAPSHOT], known, dataset.funnel, dataset.entities, dataset.settings)
    names = columns_that_differ(stored, again)
    if names and fitted is not None:  # features are functions of these counts alone
        left, right = (build_features(ArrayFrame.of(counts), fitted) for counts in (stored, again))
        names += columns_that_differ(left.values.frame(), right.values.frame())
        rates = (pd.DataFrame({f"prior of {s}": p.log_rate for s, p in x.posteriors.items()}) for x in (left, right))
        names += columns_that_differ(*rates)
    return names


def _launches_that_differ(stored: pd.DataFrame, ended: Loaded, settings: Settings) -> list[str]:
    """Columns of a snapshot that the data up to its cutoff would not give; at age 0 there are no data yet."""
    on = [*KEY, "age_hours"]
    running = stored.loc[stored["age_hours"] > 0, SNAPSHOT].reset_index(drop=True)
    rows = MetricRows.of(ended)
    again = snapshot_frame(snapshots(rows, settings.ages_hours, weekly=settings.weekly), rows.creatives)
    return columns_that_differ(running, running[on].merge(again, on=on, how="left")[SNAPSHOT])


def _history_when_alone(dataset: Dataset, place: int, observe: Observe) -> list[str]:
    stored = dataset.observed.iloc[[place]].reset_index(drop=True)
    own_metrics = unit_codes(dataset.loaded.metrics, stored[KEY]) >= 0
    own_creative = unit_codes(dataset.loaded.creatives, stored[KEY]) >= 0
    alone = Loaded(
        dataset.loaded.metrics[own_metrics].reset_index(drop=True),
        dataset.loaded.creatives[own_creative].reset_index(drop=True),
    )
    again = observe(stored[SNAPSHOT], alone, dataset.funnel, dataset.entities, dataset.settings)
    return [name for name in history_columns(again) if again[name].fillna(0.0).ne(0.0).any()]


def _changed_without(
    dataset: Dataset, stored: pd.DataFrame, removed: npt.NDArray[np.bool_], observe: Observe, compared: list[str]
) -> list[str]:
    rest = Loaded(dataset.loaded.metrics[~removed].reset_index(drop=True), dataset.loaded.creatives)
    again = observe(stored[SNAPSHOT], rest, dataset.funnel, dataset.entities, dataset.settings)
    return columns_that_differ(stored[compared], again.reindex(columns=compared))

"""Outcomes of creatives as ranks, and how well one column predicts them, cross-validated forward in time.

One row per creative, before delivery where possible. Outcomes are ranks among creatives of the same promotion type,
account and week of launch (a *cell*), so that neither account size nor season counts as knowledge. A column is an array
of integer levels; the mean outcome of each level is fitted on creatives whose outcome was known before the fold that
evaluates it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from features.arrays import Floats, Ints, Mask
from features.funnel_model.empirical_bayes import safe_rate
from features.schema import KEY
from training.data.dataset import Dataset
from training.labels.outcomes import MATURE
from training.labels.splits import folds

MIN_CREATIVES = 60
"""Evaluated creatives below which an outcome is skipped: on fewer, chance alone gives correlations of 0.4."""
MAX_CREATIVES = 8000
"""Creatives used; a random subsample where there are more. On this many, chance gives correlations of 0.05."""
MIN_CELL = 8
"""Creatives below which a cell is merged with its account's, then its promotion type's other weeks."""
FOLDS = 3
REPLICATES = 1000
"""Permutations of the outcomes; a quarter as many bootstrap samples."""
FALSE_ALARMS = 0.01
"""Probability that a check reports a column although none predicts anything, over all outcomes and columns."""
Z_SCORE = 3.1
"""Standard errors above 0 from which a difference is significant: one in a thousand by chance."""
SHRINKAGE = 5.0
"""Creatives of a level that weigh as much as the overall mean."""
MIN_EXPECTED_ORDERS = 3.0
"""Orders expected from a creative's later spend, below which its return on spend is left out."""


@dataclass(frozen=True)
class LaterOutcome:
    """One outcome of each creative; axis 0 of all arrays: creatives.

    Attributes:
        values: The outcome; NaN where sampling variance dominates it.
        halves: For a rate, the same from two random halves of its events: their agreement measures what is not
            sampling variance. None for a total.
    """

    values: Floats
    halves: tuple[Floats, Floats] | None = None


@dataclass(frozen=True)
class OutcomeRanks:
    """Creatives with their ranked outcomes; axis 0 of all arrays: creatives.

    Attributes:
        places: Positions of their youngest rows in the dataset.
        before_delivery: All of these rows are at age 0.
        folds: Masks of the creatives that fit and that evaluate, per fold.
        cells: Cell of each creative: promotion type, account and week of launch, see `cells_of`.
        outcomes: Name → centred rank inside the cell, −½ to ½; NaN where sampling variance dominates.
        halves: For rates, the same from two halves of their events (`LaterOutcome`).
    """

    places: Ints
    before_delivery: bool
    folds: list[tuple[Mask, Mask]]
    cells: Ints
    outcomes: dict[str, Floats]
    halves: dict[str, tuple[Floats, Floats]]

    def evaluated(self, outcome: str) -> Mask:
        """Return the creatives on which columns are evaluated for this outcome."""
        in_a_fold = np.any([evaluated for _, evaluated in self.folds], axis=0)
        return in_a_fold & np.isfinite(self.outcomes[outcome])


def outcome_ranks(dataset: Dataset, draw: np.random.Generator) -> OutcomeRanks | None:
    """Rank the outcomes of mature rows, one per creative; None where fewer than MIN_CREATIVES can be evaluated."""
    mature = (dataset.rows["state"] == MATURE).to_numpy(np.bool_)
    at_age_0 = mature & (dataset.observed["age_hours"] == 0).to_numpy(np.bool_)
    before_delivery = int(at_age_0.sum()) >= 2 * MIN_CREATIVES
    places = np.flatnonzero(at_age_0 if before_delivery else mature)
    youngest = ~dataset.observed.iloc[places].duplicated(KEY).to_numpy(np.bool_)
    places = places[youngest]
    if len(places) > MAX_CREATIVES:
        places = np.sort(draw.choice(places, MAX_CREATIVES, replace=False))
    rows = dataset.rows.iloc[places].reset_index(drop=True)
    if len(rows) < MIN_CREATIVES:
        return None
    cells = cells_of(dataset.observed.iloc[places])
    parts = [(fit, evaluated) for fit, evaluated, _ in folds(rows, np.ones(len(rows), dtype=bool), FOLDS)]
    later = later_outcomes(dataset, places, draw)
    outcomes = {name: ranks_in(found.values, cells) for name, found in later.items()}
    halves = {n: (ranks_in(f.halves[0], cells), ranks_in(f.halves[1], cells)) for n, f in later.items() if f.halves}
    found = OutcomeRanks(places, before_delivery, parts, cells, outcomes, halves)
    kept = {name: y for name, y in outcomes.items() if parts and int(found.evaluated(name).sum()) >= MIN_CREATIVES}
    return replace(found, outcomes=kept) if kept else None


def later_outcomes(dataset: Dataset, places: Ints, draw: np.random.Generator) -> dict[str, LaterOutcome]:
    """Compute later volume, later money, each rate of the funnel and return on spend, as the columns allow.

    Args:
        dataset: All rows.
        places: Positions of the rows to use, one per creative.
        draw: Splits the events of rates into halves.
    """
    outcome, funnel = dataset.outcome.iloc[places], dataset.funnel
    found = {funnel.volume_of: LaterOutcome(_later(outcome, funnel.volume_of))}
    money = "settled_net_cny" if funnel.net_only else "gmv_cny"
    if f"later:{money}" in outcome:
        found[money] = LaterOutcome(_later(outcome, money))
    for stage in funnel.stages:
        count, exposure = _later(outcome, stage.numerator), _later(outcome, stage.exposure)
        if stage.events == "expected":
            found[stage.name] = _rate(
                count, exposure, count, _expected(count, exposure) >= stage.half_weight_events, draw
            )
        else:
            events = _later(outcome, stage.events)
            found[stage.name] = _rate(count, exposure, events, events >= stage.half_weight_events, draw)
    if {f"later:{name}" for name in ("spend_cny", "orders", money)} <= set(outcome) and not funnel.net_only:
        spend, orders = _later(outcome, "spend_cny"), _later(outcome, "orders")
        enough = _expected(orders, spend) >= MIN_EXPECTED_ORDERS
        found["roi"] = _rate(_later(outcome, money), spend, orders, enough, draw)
    return found


def cells_of(rows: pd.DataFrame) -> Ints:
    """Return the cell of each row: promotion type, account and week; coarser where it has fewer than MIN_CELL rows."""
    table = rows[KEY[:2]].assign(week=rows["launched_at"].dt.strftime("%G-%V"))
    codes = np.full(len(rows), -1, dtype=np.int64)
    for keys in ([*KEY[:2], "week"], KEY[:2], KEY[:1]):
        groups = table.groupby(keys)
        number = groups.ngroup().to_numpy(np.int64)
        large = (groups[KEY[0]].transform("size") >= MIN_CELL).to_numpy(np.bool_)
        unassigned = (codes < 0) & (large | (keys == KEY[:1]))
        codes[unassigned] = number[unassigned] + codes.max() + 1
    return codes


def ranks_in(values: Floats, cells: Ints) -> Floats:
    """Return the centred rank (−½ to ½) of each value in its cell, (creatives,); ties share their mean rank."""
    known = pd.Series(values)
    groups = known.groupby(cells)
    return ((groups.rank() - 0.5) / groups.transform("count") - 0.5).to_numpy(np.float64)


def predict_by_level(levels: Ints, y: Floats, parts: list[tuple[Mask, Mask]]) -> Floats:
    """Predict outcomes from one column by the shrunken mean outcome of its levels, fitted on earlier creatives.

    Args:
        levels: (creatives,) level of each; 0 is missing.
        y: (creatives,) outcome ranks; NaN where not known.
        parts: Per fold, masks (creatives,) of those that are fitted on and of those that are predicted.

    Returns:
        (creatives,) predictions; 0 for those in no fold.
    """
    predicted = np.zeros(len(levels))
    known = np.isfinite(y)
    for fit, evaluated in parts:
        rows = fit & known
        size = int(levels.max()) + 1
        count = np.bincount(levels[rows], minlength=size)
        total = np.bincount(levels[rows], weights=y[rows], minlength=size)
        predicted[evaluated] = (total / (count + SHRINKAGE))[levels[evaluated]]
    return predicted


def correlation(left: Floats, right: Floats) -> float:
    """Return Pearson's correlation of two arrays (rows,); 0 where one does not vary."""
    a, b = left - left.mean(), right - right.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else 0.0


def chance_correlation(predicted: Floats, y: Floats, cells: Ints, outcomes: int, draw: np.random.Generator) -> float:
    """Return the correlation that the best of several columns exceeds by chance with probability FALSE_ALARMS.

    A permutation test of the maximum (Westfall and Young, 1993): outcomes are permuted inside their cells.

    Args:
        predicted: Predictions; axis 0: evaluated creatives, axis 1: columns.
        y: Outcomes of these creatives.
        cells: Cells inside which outcomes are permuted.
        outcomes: Number of outcomes that share FALSE_ALARMS.
        draw: Random generator.
    """
    centred = predicted - predicted.mean(axis=0)
    size = np.sqrt((centred**2).sum(axis=0))
    centred = centred[:, size > 0] / size[size > 0]
    if not centred.shape[1]:
        return 1.0
    by_cell = np.argsort(cells, kind="stable")
    permuted = np.empty((len(y), REPLICATES))
    for number in range(REPLICATES):
        permuted[by_cell, number] = y[np.lexsort((draw.random(len(y)), cells))]
    permuted -= permuted.mean(axis=0)
    permuted /= np.sqrt((permuted**2).sum(axis=0))
    best = (centred.T @ permuted).max(axis=0)
    return float(np.quantile(best, 1.0 - FALSE_ALARMS / outcomes))


def significantly_positive(difference: Callable[[Ints], float], count: int, draw: np.random.Generator) -> bool:
    """Return whether a statistic of `count` creatives is more than Z_SCORE bootstrap standard errors above 0.

    Args:
        difference: Positions of creatives (with repetitions) → the statistic.
        count: Number of creatives.
        draw: Random generator.
    """
    drawn = [difference(draw.integers(0, count, count)) for _ in range(REPLICATES // 4)]
    return difference(np.arange(count)) > Z_SCORE * max(float(np.std(drawn)), 1e-9)


def reliability_limit(halves: tuple[Floats, Floats]) -> float:
    """Return the correlation with a rate of a perfect predictor that does not know the sampling of its events.

    Split-half reliability (Spearman, 1910; Brown, 1910): √(2r / (1 + r)) of the correlation r of the halves.
    """
    agreed = max(correlation(*halves), 0.0)
    return float(np.sqrt(2 * agreed / (1 + agreed)))


def _later(outcome: pd.DataFrame, name: str) -> Floats:
    return outcome[f"later:{name}"].to_numpy(np.float64)


def _expected(count: Floats, exposure: Floats) -> Floats:
    """(creatives,) count expected at the common rate."""
    known = np.isfinite(count) & np.isfinite(exposure)
    return exposure * safe_rate(float(count[known].sum()), float(exposure[known].sum()))


def _rate(count: Floats, exposure: Floats, events: Floats, enough: Mask, draw: np.random.Generator) -> LaterOutcome:
    """Observed rate, and its parts from two random halves of the events; arrays are (creatives,)."""
    known = enough & (exposure > 0) & np.isfinite(count) & np.isfinite(events)
    rate = np.divide(count, exposure, out=np.full(len(count), np.nan), where=known)
    whole = np.where(known, np.rint(events), 0.0).astype(np.int64)
    first = draw.binomial(whole, 0.5) / np.maximum(whole, 1)
    return LaterOutcome(rate, (rate * first, rate * (1.0 - first)))

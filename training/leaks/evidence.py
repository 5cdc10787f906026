"""How well does one column tell, on later creatives, what became of them, and is that more than luck?

One row per creative, before it has run. Outcomes are ranks among creatives of the same promotion type, account and
week of launch, so that neither the size of an account nor a season counts as knowledge. A column is read as levels;
what each level is worth is learned on creatives whose outcome stood before the fold that judges it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.schema import KEY
from training.data.dataset import Dataset
from training.labels.outcomes import MATURE
from training.labels.splits import folds
from training.leaks.later import Floats, Ints, later_outcomes

Mask = npt.NDArray[np.bool_]

LEAST_ROWS = 60
"""Judged creatives under which an outcome is not looked at: of fewer, luck alone correlates by .4."""
MOST_ROWS = 8000
"""Creatives looked at, drawn where there are more: of so many, luck alone correlates by .05."""
LEAST_CELL = 8
FOLDS = 3
DRAWS = 1000
FALSE_ALARMS = 0.01
"""How often a check may speak though nothing is there, all outcomes and columns together."""
SURE = 3.1
"""Standard errors of a difference: one in a thousand by luck."""
SHRINK = 5.0
"""Creatives of a level that count as much as the mean of all."""


@dataclass(frozen=True)
class OutcomeRanks:
    """Creatives and what became of them.

    Attributes:
        places: Of their youngest rows in the dataset.
        unborn: All of these rows are at age 0.
        folds: Creatives that teach, creatives that judge.
        cells: Promotion type, account and week of launch, as far as they hold enough creatives.
        outcomes: By name: centred rank inside the cell, −½ to ½; NaN where it would be luck alone.
        halves: Of those that are rates, the same from two halves of their events (`training.leaks.later`).
    """

    places: Ints
    unborn: bool
    folds: list[tuple[Mask, Mask]]
    cells: Ints
    outcomes: dict[str, Floats]
    halves: dict[str, tuple[Floats, Floats]]

    def judged(self, outcome: str) -> Mask:
        """Creatives that judge a column at this outcome."""
        held = np.any([judged for _, judged in self.folds], axis=0)
        return held & np.isfinite(self.outcomes[outcome])


def gather(dataset: Dataset, draw: np.random.Generator) -> OutcomeRanks | None:
    """The evidence that mature rows give; None where they are too few."""
    mature = (dataset.rows["state"] == MATURE).to_numpy()
    unborn = mature & (dataset.observed["age_hours"] == 0).to_numpy()
    use_unborn = int(unborn.sum()) >= 2 * LEAST_ROWS
    places = np.flatnonzero(unborn if use_unborn else mature)
    youngest = ~dataset.observed.iloc[places].duplicated(KEY).to_numpy()
    places = places[youngest]
    if len(places) > MOST_ROWS:
        places = np.sort(draw.choice(places, MOST_ROWS, replace=False))
    rows = dataset.rows.iloc[places].reset_index(drop=True)
    if len(rows) < LEAST_ROWS:
        return None
    cells = cells_of(dataset.observed.iloc[places])
    parts = [(fit, judged) for fit, judged, _ in folds(rows, np.ones(len(rows), dtype=bool), FOLDS)]
    later = later_outcomes(dataset, places, draw)
    outcomes = {name: ranks_in(found.values, cells) for name, found in later.items()}
    halves = {n: (ranks_in(f.halves[0], cells), ranks_in(f.halves[1], cells)) for n, f in later.items() if f.halves}
    found = OutcomeRanks(places, use_unborn, parts, cells, outcomes, halves)
    kept = {name: y for name, y in outcomes.items() if parts and int(found.judged(name).sum()) >= LEAST_ROWS}
    return replace(found, outcomes=kept) if kept else None


def cells_of(rows: pd.DataFrame) -> Ints:
    """Promotion type, account and week; without the week, then without the account, where a cell would be small."""
    table = rows[KEY[:2]].assign(week=rows["launched_at"].dt.strftime("%G-%V"))
    codes = np.full(len(rows), -1, dtype=np.int64)
    for keys in ([*KEY[:2], "week"], KEY[:2], KEY[:1]):
        groups = table.groupby(keys)
        number = groups.ngroup().to_numpy()
        large = (groups[KEY[0]].transform("size") >= LEAST_CELL).to_numpy()
        open_ = (codes < 0) & (large | (keys == KEY[:1]))
        codes[open_] = number[open_] + codes.max() + 1
    return codes


def ranks_in(values: Floats, cells: Ints) -> Floats:
    """Centred rank of each known value among the known ones of its cell; ties share their mean."""
    known = pd.Series(values)
    groups = known.groupby(cells)
    return ((groups.rank() - 0.5) / groups.transform("count") - 0.5).to_numpy(np.float64)


def told(levels: Ints, y: Floats, parts: list[tuple[Mask, Mask]]) -> Floats:
    """What a column says of those that judge: the shrunk mean outcome of their level among those that taught."""
    said = np.zeros(len(levels))
    known = np.isfinite(y)
    for fit, judged in parts:
        taught = fit & known
        size = int(levels.max()) + 1
        count = np.bincount(levels[taught], minlength=size)
        total = np.bincount(levels[taught], weights=y[taught], minlength=size)
        said[judged] = (total / (count + SHRINK))[levels[judged]]
    return said


def correlation(said: Floats, y: Floats) -> float:
    """Pearson correlation; 0 where a side does not vary."""
    a, b = said - said.mean(), y - y.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else 0.0


def luck(said: Floats, y: Floats, cells: Ints, outcomes: int, draw: np.random.Generator) -> float:
    """The correlation that the best of these columns reaches by luck: outcomes permuted inside their cells.

    Args:
        said: One column per column tried, judged creatives only.
        y: Their outcomes.
        cells: Inside which outcomes change places.
        outcomes: Among so many the false alarms are shared.
        draw: Of random numbers.
    """
    centred = said - said.mean(axis=0)
    size = np.sqrt((centred**2).sum(axis=0))
    centred = centred[:, size > 0] / size[size > 0]
    if not centred.shape[1]:
        return 1.0
    by_cell = np.argsort(cells, kind="stable")
    permuted = np.empty((len(y), DRAWS))
    for number in range(DRAWS):
        permuted[by_cell, number] = y[np.lexsort((draw.random(len(y)), cells))]
    permuted -= permuted.mean(axis=0)
    permuted /= np.sqrt((permuted**2).sum(axis=0))
    best = (centred.T @ permuted).max(axis=0)
    return float(np.quantile(best, 1.0 - FALSE_ALARMS / outcomes))


def surely(gap: Callable[[Ints], float], count: int, draw: np.random.Generator) -> bool:
    """Whether a gap between two figures of these creatives is above 0 beyond the luck of which of them judged."""
    drawn = [gap(draw.integers(0, count, count)) for _ in range(DRAWS // 4)]
    return gap(np.arange(count)) > SURE * max(float(np.std(drawn)), 1e-9)


def most_knowable(halves: tuple[Floats, Floats]) -> float:
    """The correlation with a rate that someone reaches who knows all but the luck of its events.

    Split-half reliability, after Spearman and Brown: the square root of 2r/(1 + r).
    """
    agreed = max(correlation(*halves), 0.0)
    return float(np.sqrt(2 * agreed / (1 + agreed)))

"""Figures of a track record with their intervals: a bootstrap that draws whole creatives."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Floats, Mask
from features.schema import KEY
from training.evaluation.metrics import BAND_LEVEL, band, drawn_spearman, ratio

DRAWS = 200
SEED = 7
TAIL = (1.0 - BAND_LEVEL) / 2.0
"""Probability outside each end of an interval (Clopper and Pearson 1934)."""
RANK_DRAWS = 40
"""Replicates ranked at a time: ranks need a matrix of replicates and rows."""
LEAST_CREATIVES = 10
"""Creatives below which a figure has no interval and is not shown as one."""


class Figure(NamedTuple):
    """One number with its 90 % interval; NaN where it is not known.

    Attributes:
        value: The number.
        low, high: Ends of the interval; NaN below LEAST_CREATIVES creatives.
        answers: Answers behind it.
        creatives: Creatives of these.
    """

    value: float
    low: float
    high: float
    answers: int
    creatives: int


@dataclass(frozen=True)
class Resampling:
    """Bootstrap replicates of the creatives of a table: its rows are drawn together by creative.

    Attributes:
        codes: (rows,) code of each row's creative.
        counts: (replicates + 1, creatives) how often each creative is drawn; the first line is the table as it is.
    """

    codes: npt.NDArray[np.int64]
    counts: npt.NDArray[np.float32]

    @classmethod
    def of(cls, table: pd.DataFrame, draws: int = DRAWS, seed: int = SEED) -> "Resampling":
        """Draw for the rows of a table with KEY."""
        codes = table.groupby(KEY, sort=True).ngroup().to_numpy().astype(np.int64)
        count = int(codes.max(initial=-1)) + 1
        if not count:
            return cls(codes, np.zeros((draws + 1, 0), dtype=np.float32))
        drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1.0 / count), size=draws)
        return cls(codes, np.vstack([np.ones((1, count)), drawn]).astype(np.float32))

    def total(self, values: Floats, rows: Mask) -> Floats:
        """(replicates + 1,) sums of a value over some rows."""
        return self.totals(values[:, None], rows)[:, 0]

    def totals(self, values: Floats, rows: Mask) -> Floats:
        """(replicates + 1, columns) sums of (rows, columns) values over some rows."""
        size = self.counts.shape[1]
        sums = np.stack([np.bincount(self.codes[rows], column[rows], minlength=size) for column in values.T], axis=1)
        return np.asarray(self.counts @ sums, dtype=np.float64)

    def figure(self, drawn: Floats, rows: Mask) -> Figure:
        """The number of the table as it is, with the band of the replicates."""
        creatives = len(np.unique(self.codes[rows]))
        low, high = band(drawn[1:]) if creatives >= LEAST_CREATIVES else (np.nan, np.nan)
        return Figure(float(drawn[0]), low, high, int(rows.sum()), creatives)

    def share(self, drawn: Floats, rows: Mask) -> Figure:
        """`figure` of a share. At 0 or 1 no replicate differs: there the exact bound for so many creatives stands."""
        found = self.figure(drawn, rows)
        if found.low == found.high == 1.0:
            return found._replace(low=TAIL ** (1.0 / found.creatives))
        if found.low == found.high == 0.0:
            return found._replace(high=1.0 - TAIL ** (1.0 / found.creatives))
        return found

    def quotient(self, top: Floats, below: Floats, rows: Mask) -> Figure:
        """Σ top / Σ below over some rows."""
        return self.figure(self.ratios(top, below, rows), rows)

    def ratios(self, top: Floats, below: Floats, rows: Mask) -> Floats:
        """(replicates + 1,) Σ top / Σ below over some rows."""
        sums = self.totals(np.stack([top, below], axis=1), rows)
        return ratio(sums[:, 0], sums[:, 1])

    def sum(self, values: Floats, rows: Mask) -> Figure:
        """Σ values over some rows."""
        return self.figure(self.total(values, rows), rows)

    def rank(self, guess: Floats, truth: Floats, weight: Floats, rows: Mask) -> tuple[Floats, Figure]:
        """Spearman's correlation over some rows with weights; also of every replicate, to compare two guesses."""
        if len(np.unique(self.codes[rows])) < LEAST_CREATIVES:
            unknown = np.full(len(self.counts), np.nan)
            return unknown, self.figure(unknown, rows)
        codes, parts = self.codes[rows], []
        for first in range(0, len(self.counts), RANK_DRAWS):
            drawn = self.counts[first : first + RANK_DRAWS][:, codes] * weight[rows]
            parts.append(drawn_spearman(guess[rows], truth[rows], drawn))
        found = np.concatenate(parts)
        return found, self.figure(found, rows)


def figures_of(rows: pd.DataFrame) -> dict[str, Figure]:
    """Figures of rows of one table of results, by their name in the column `figure`."""
    values = zip(*(rows[name].tolist() for name in Figure._fields))
    return dict(zip(rows["figure"].tolist(), map(Figure._make, values)))

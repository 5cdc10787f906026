"""Does one column, an id or a gap in the sheet tell more of the outcome than can be known before a creative runs?"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import lightgbm as lgb
import numpy as np
import pandas as pd

from features.matrix.feature_matrix import Features, Fitted
from features.schema import KEY
from training.data.dataset import Dataset
from training.leaks.columns import (
    BLENDS,
    OWN_LIFE,
    CandidateColumn,
    attributes,
    family_of,
    filled_in,
    orders_of_ids,
    single_features,
)
from training.leaks.evidence import LEAST_ROWS, OutcomeRanks, correlation, luck, most_knowable, ranks_in, surely, told
from training.leaks.later import Floats, Ints

ALIKE = 0.9
"""Correlation of what two columns say from which one is the other's double."""
FIRST_DAY_HOURS = 24
TRIED = 3
"""Columns of one check and outcome that are looked at closely, best first."""

TREES = {
    "objective": "regression",
    "num_leaves": 8,
    "learning_rate": 0.1,
    "feature_fraction": 0.5,
    "lambda_l2": 20.0,
    "num_threads": 1,
    "seed": 7,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}
ROUNDS = 60


@dataclass(frozen=True)
class Suspect:
    """A column that tells more of an outcome than luck would.

    Attributes:
        column: Its name.
        outcome: What it tells.
        alone: Correlation with it, on later creatives.
        rest: That of everything else known before, together.
        most: Of a total: that of the best of the creative's own first-day counts, which are part of it. Of a rate:
            that of someone who knows all but the luck of its events.
        above_rest: Alone it tells surely more than the rest.
        above_most: Alone it tells surely more than can be known.
        rate: The outcome is a rate.
        dated: The column is counted from rows with a date (`training.leaks.columns`).
    """

    column: str
    outcome: str
    alone: float
    rest: float
    most: float
    above_rest: bool
    above_most: bool
    rate: bool
    dated: bool

    @property
    def impossible(self) -> bool:
        """Knows luck, or more of a total than its own first day and all else do; and no date proves it innocent."""
        return self.above_most and (self.rate or self.above_rest) and not self.dated

    def __str__(self) -> str:
        return (
            f"{self.column} → later {self.outcome}: {self.alone:.2f} alone, all else {self.rest:.2f}, "
            f"at most {self.most:.2f}"
        )


class Judge:
    """What columns are held against: the evidence, features of its rows, and first-day counts."""

    def __init__(self, dataset: Dataset, features: Features, fitted: Fitted, evidence: OutcomeRanks, seed: int) -> None:
        self.evidence, self.features, self.fitted = evidence, features, fitted
        self.draw = np.random.default_rng(seed)
        keys = pd.MultiIndex.from_frame(dataset.loaded.creatives[KEY])
        mine = dataset.observed.iloc[evidence.places]
        self.creatives = dataset.loaded.creatives.iloc[keys.get_indexer(pd.MultiIndex.from_frame(mine[KEY]))]
        self.creatives = self.creatives.reset_index(drop=True)
        self.launched = mine["launched_at"].reset_index(drop=True)
        self.singles = [*single_features(features, fitted, evidence), *attributes(self.creatives, evidence.cells)]
        self.early = _first_day_counts(dataset, evidence)
        self._rest: dict[tuple[str, frozenset[str]], Floats] = {}

    def single_columns(self) -> list[Suspect]:
        """Check 7's columns above luck."""
        return self._above_luck(self.singles)

    def ids(self) -> list[Suspect]:
        """Check 8's."""
        return self._above_luck(orders_of_ids(self.creatives, self.launched, self.evidence.cells))

    def gaps(self) -> list[Suspect]:
        """Check 9's."""
        return self._above_luck(filled_in(self.creatives))

    def _above_luck(self, columns: Sequence[CandidateColumn]) -> list[Suspect]:
        found = []
        for outcome, y in self.evidence.outcomes.items() if columns else []:
            judged = self.evidence.judged(outcome)
            said = np.column_stack([told(column.levels, y, self.evidence.folds) for column in columns])[judged]
            alone = np.array([correlation(part, y[judged]) for part in said.T])
            by_luck = luck(said, y[judged], self.evidence.cells[judged], len(self.evidence.outcomes), self.draw)
            best = [int(place) for place in np.argsort(-alone) if alone[place] > by_luck]
            found += self._held_against([columns[place] for place in best], outcome, said[:, best])
        return found

    def _held_against(self, columns: Sequence[CandidateColumn], outcome: str, said: Floats) -> list[Suspect]:
        """The best column of each family against all else; then the best two, three … against all but these.

        Two columns that know the outcome would hide behind each other. If the weakest of a few is above all else, so
        are those before it.
        """
        families: set[frozenset[str]] = set()
        met: set[tuple[frozenset[str], bool]] = set()
        found: list[Suspect] = []
        for place, column in enumerate(columns):
            families.add(column.family)
            if len(families) > TRIED:
                break
            if (column.family, column.dated) not in met:
                met.add((column.family, column.dated))
                found.append(self._suspect(column, outcome, said[:, place], frozenset[str]().union(*families)))
                if found[-1].above_rest:
                    found = [replace(suspect, above_rest=True) for suspect in found]
        return found

    def _suspect(self, column: CandidateColumn, outcome: str, said: Floats, family: frozenset[str]) -> Suspect:
        judged = self.evidence.judged(outcome)
        y = self.evidence.outcomes[outcome][judged]
        rest = self._all_else(family, outcome, said)
        known, most = self._most(outcome)
        everyone = np.arange(len(y))

        def alone(at: Ints) -> float:
            return correlation(said[at], y[at])

        return Suspect(
            column=column.name,
            outcome=outcome,
            alone=alone(everyone),
            rest=correlation(rest, y),
            most=most(known),
            above_rest=surely(lambda at: alone(at) - correlation(rest[at], y[at]), len(y), self.draw),
            above_most=surely(lambda at: alone(known[at]) - most(known[at]), len(known), self.draw),
            rate=outcome in self.evidence.halves,
            dated=column.dated,
        )

    def _most(self, outcome: str) -> tuple[Ints, Callable[[Ints], float]]:
        """Which of those that judge show what can be known of an outcome at most, and how much that is of some of them.

        Where too few have been counted on their first day (readings may begin later), everything can be known.
        """
        judged = self.evidence.judged(outcome)
        y = self.evidence.outcomes[outcome][judged]
        if outcome in self.evidence.halves:
            one, other = (half[judged] for half in self.evidence.halves[outcome])
            return np.arange(len(y)), lambda at: most_knowable((one[at], other[at]))
        seen = np.flatnonzero(np.isfinite(next(iter(self.early.values()))[judged]))
        if len(seen) < LEAST_ROWS:
            return np.arange(len(y)), lambda at: 1.0
        counts = [early[judged] for early in self.early.values()]
        day = max(counts, key=lambda early: correlation(early[seen], y[seen]))
        return seen, lambda at: correlation(day[at], y[at])

    def _all_else(self, family: frozenset[str], outcome: str, said: Floats) -> Floats:
        """The best that is said without this family and doubles of `said`: by trees of all, or by one other column."""
        judged = self.evidence.judged(outcome)
        y = self.evidence.outcomes[outcome]
        shut = set(family)
        best, best_told = np.zeros(int(judged.sum())), -1.0
        for other in self.singles:
            if other.family & family:
                continue
            says = told(other.levels, y, self.evidence.folds)[judged]
            if abs(correlation(says, said)) >= ALIKE:
                shut |= other.family
            elif (tells := correlation(says, y[judged])) > best_told:
                best, best_told = says, tells
        trees = self._trees(outcome, frozenset(shut))[judged]
        return trees if correlation(trees, y[judged]) > best_told else best

    def _trees(self, outcome: str, shut: frozenset[str]) -> Floats:
        if (outcome, shut) in self._rest:
            return self._rest[outcome, shut]
        declared = [
            feature
            for feature in self.features.catalogue
            if not feature.name.startswith(BLENDS)
            and (self.evidence.unborn or feature.group not in OWN_LIFE)
            and not family_of(feature.name, self.fitted) & shut
        ]
        said = np.zeros(len(self.evidence.places))
        if declared:
            said = self._grown(outcome, [f.name for f in declared], [f.name for f in declared if f.categorical])
        self._rest[outcome, shut] = said
        return said

    def _grown(self, outcome: str, names: list[str], categorical: Collection[str]) -> Floats:
        y = self.evidence.outcomes[outcome]
        table = self.features.values.select(names)
        places = [place for place, name in enumerate(names) if name in categorical]
        said = np.zeros(len(y))
        for fit, judged in self.evidence.folds:
            taught = fit & np.isfinite(y)
            if not taught.any():
                continue
            leaf = max(5, int(taught.sum()) // 50)
            held = lgb.Dataset(table[taught], y[taught], categorical_feature=places)
            grown = lgb.train({**TREES, "min_data_in_leaf": leaf}, held, ROUNDS)
            said[judged] = grown.predict(table[judged], num_threads=1)
        return said


def _first_day_counts(dataset: Dataset, evidence: OutcomeRanks) -> dict[str, Floats]:
    """Every count of each creative's own first day, ranked inside its cell; NaN where its first day was not counted.

    What no row of a day tells is 0 of that day.
    """
    observed = dataset.observed
    age = observed["elapsed_hours"]
    young = observed[(age > 0) & (age <= FIRST_DAY_HOURS)].drop_duplicates(KEY, keep="last")
    mine = observed.iloc[evidence.places][KEY].merge(young, on=KEY, how="left")
    counted = mine["elapsed_hours"].notna()
    figures = [name for name in mine if name.startswith("early:")]
    return {
        name: ranks_in(mine[name].fillna(0.0).where(counted).to_numpy(np.float64), evidence.cells) for name in figures
    }

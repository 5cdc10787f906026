"""Checks 7 to 9: columns, ids and missing-value patterns that predict later outcomes better than is possible before
delivery.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import lightgbm as lgb
import numpy as np
import pandas as pd

from features.arrays import Floats, Ints
from features.matrix.feature_matrix import Features, Fitted
from features.schema import KEY
from training.data.dataset import Dataset
from training.leaks.columns import (
    OWN_GROUPS,
    CandidateColumn,
    attributes,
    family_of,
    is_blend,
    missing_patterns,
    orders_of_ids,
    single_features,
)
from training.leaks.outcome_ranks import (
    MIN_CREATIVES,
    OutcomeRanks,
    chance_correlation,
    correlation,
    predict_by_level,
    ranks_in,
    reliability_limit,
    significantly_positive,
)

DUPLICATE_CORRELATION = 0.9
"""Correlation of two columns' predictions from which one is treated as a duplicate of the other."""
FIRST_DAY_HOURS = 24
MAX_FAMILIES = 3
"""Families of columns per check and outcome that are compared with the rest, best first."""
PROBE_PARAMETERS = {
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
PROBE_ROUNDS = 60


@dataclass(frozen=True)
class Suspect:
    """A column that predicts an outcome better than chance.

    Attributes:
        column: Its name.
        outcome: The later outcome.
        alone: Correlation of its predictions with the outcome, on later creatives.
        rest: The same for all other columns together.
        limit: For a total, the correlation of the creative's best first-day count, which is part of the total. For a
            rate, that of a perfect predictor without knowledge of the sampling of its events.
        above_rest: `alone` is significantly above `rest`.
        above_limit: `alone` is significantly above `limit`.
        rate: The outcome is a rate.
        dated: The column is counted from rows with a date (`training.leaks.columns`).
    """

    column: str
    outcome: str
    alone: float
    rest: float
    limit: float
    above_rest: bool
    above_limit: bool
    rate: bool
    dated: bool

    @property
    def impossible(self) -> bool:
        """Above the limit of a rate, or above limit and rest of a total; columns with dates are checks 1 to 4's."""
        return self.above_limit and (self.rate or self.above_rest) and not self.dated

    def __str__(self) -> str:
        return (
            f"{self.column} → later {self.outcome}: {self.alone:.2f} alone, all else {self.rest:.2f}, "
            f"at most {self.limit:.2f}"
        )


class AssociationTests:
    """Tests candidate columns against later outcomes; holds the outcomes, features and first-day counts."""

    def __init__(self, dataset: Dataset, features: Features, fitted: Fitted, ranks: OutcomeRanks, seed: int) -> None:
        """Prepare the tests.

        Args:
            dataset: All rows.
            features: Of the rows at `ranks.places`.
            fitted: What the features were fitted on.
            ranks: Outcomes of these creatives.
            seed: Of permutations and bootstrap samples.
        """
        self.ranks, self.features, self.fitted = ranks, features, fitted
        self.draw = np.random.default_rng(seed)
        keys = pd.MultiIndex.from_frame(dataset.loaded.creatives[KEY])
        rows = dataset.observed.iloc[ranks.places]
        self.creatives = dataset.loaded.creatives.iloc[keys.get_indexer(pd.MultiIndex.from_frame(rows[KEY]))]
        self.creatives = self.creatives.reset_index(drop=True)
        self.launched = rows["launched_at"].reset_index(drop=True)
        self.singles = [*single_features(features, fitted, ranks), *attributes(self.creatives, ranks.cells)]
        self.early = _first_day_counts(dataset, ranks)
        self._rest: dict[tuple[str, frozenset[str]], Floats] = {}

    def single_columns(self) -> list[Suspect]:
        """Test features and attributes (check 7)."""
        return self._above_chance(self.singles)

    def ids(self) -> list[Suspect]:
        """Test orders and parts of ids (check 8)."""
        return self._above_chance(orders_of_ids(self.creatives, self.launched, self.ranks.cells))

    def missing_values(self) -> list[Suspect]:
        """Test missing-value patterns (check 9)."""
        return self._above_chance(missing_patterns(self.creatives))

    def _above_chance(self, columns: Sequence[CandidateColumn]) -> list[Suspect]:
        found = []
        for outcome, y in self.ranks.outcomes.items() if columns else []:
            rows = self.ranks.evaluated(outcome)
            # Axis 0: evaluated creatives, axis 1: columns.
            predicted = np.column_stack([predict_by_level(c.levels, y, self.ranks.folds) for c in columns])[rows]
            alone = np.array([correlation(one, y[rows]) for one in predicted.T])
            chance = chance_correlation(predicted, y[rows], self.ranks.cells[rows], len(self.ranks.outcomes), self.draw)
            best = [int(place) for place in np.argsort(-alone) if alone[place] > chance]
            found += self._compared_with_rest([columns[place] for place in best], outcome, predicted[:, best])
        return found

    def _compared_with_rest(self, columns: Sequence[CandidateColumn], outcome: str, predicted: Floats) -> list[Suspect]:
        """Compare the best column of each family with all columns outside the families so far.

        Two leaked columns would otherwise hide each other. If a later one is above the rest, so are those before it.
        """
        families: set[frozenset[str]] = set()
        met: set[tuple[frozenset[str], bool]] = set()
        found: list[Suspect] = []
        for place, column in enumerate(columns):
            families.add(column.family)
            if len(families) > MAX_FAMILIES:
                break
            if (column.family, column.dated) not in met:
                met.add((column.family, column.dated))
                excluded = frozenset[str]().union(*families)
                found.append(self._suspect(column, outcome, predicted[:, place], excluded))
                if found[-1].above_rest:
                    found = [replace(suspect, above_rest=True) for suspect in found]
        return found

    def _suspect(self, column: CandidateColumn, outcome: str, predicted: Floats, excluded: frozenset[str]) -> Suspect:
        rows = self.ranks.evaluated(outcome)
        y = self.ranks.outcomes[outcome][rows]
        rest = self._all_else(excluded, outcome, predicted)
        known, limit = self._limit(outcome)
        everyone = np.arange(len(y))

        def alone(at: Ints) -> float:
            return correlation(predicted[at], y[at])

        return Suspect(
            column=column.name,
            outcome=outcome,
            alone=alone(everyone),
            rest=correlation(rest, y),
            limit=limit(known),
            above_rest=significantly_positive(lambda at: alone(at) - correlation(rest[at], y[at]), len(y), self.draw),
            above_limit=significantly_positive(lambda at: alone(known[at]) - limit(known[at]), len(known), self.draw),
            rate=outcome in self.ranks.halves,
            dated=column.dated,
        )

    def _limit(self, outcome: str) -> tuple[Ints, Callable[[Ints], float]]:
        """Return the creatives on which the limit of an outcome can be computed, and the limit of some of them.

        Where too few creatives have first-day counts (readings may begin later), the limit of a total is 1.
        """
        rows = self.ranks.evaluated(outcome)
        y = self.ranks.outcomes[outcome][rows]
        if outcome in self.ranks.halves:
            one, other = (half[rows] for half in self.ranks.halves[outcome])
            return np.arange(len(y)), lambda at: reliability_limit((one[at], other[at]))
        seen = np.flatnonzero(np.isfinite(next(iter(self.early.values()))[rows]))
        if len(seen) < MIN_CREATIVES:
            return np.arange(len(y)), lambda at: 1.0
        counts = [early[rows] for early in self.early.values()]
        day = max(counts, key=lambda early: correlation(early[seen], y[seen]))
        return seen, lambda at: correlation(day[at], y[at])

    def _all_else(self, excluded: frozenset[str], outcome: str, predicted: Floats) -> Floats:
        """Return the best prediction without these attributes and duplicates: of trees, or of one other column."""
        rows = self.ranks.evaluated(outcome)
        y = self.ranks.outcomes[outcome]
        left_out = set(excluded)
        best, best_correlation = np.zeros(int(rows.sum())), -1.0
        for other in self.singles:
            if other.family & excluded:
                continue
            others = predict_by_level(other.levels, y, self.ranks.folds)[rows]
            if abs(correlation(others, predicted)) >= DUPLICATE_CORRELATION:
                left_out |= other.family
            elif (found := correlation(others, y[rows])) > best_correlation:
                best, best_correlation = others, found
        trees = self._trees(outcome, frozenset(left_out))[rows]
        return trees if correlation(trees, y[rows]) > best_correlation else best

    def _trees(self, outcome: str, left_out: frozenset[str]) -> Floats:
        if (outcome, left_out) in self._rest:
            return self._rest[outcome, left_out]
        used = [
            feature
            for feature in self.features.catalogue
            if not is_blend(feature)
            and (self.ranks.before_delivery or feature.group not in OWN_GROUPS)
            and not family_of(feature.name, self.fitted) & left_out
        ]
        predicted = np.zeros(len(self.ranks.places))
        if used:
            predicted = self._fit_trees(outcome, [f.name for f in used], [f.name for f in used if f.categorical])
        self._rest[outcome, left_out] = predicted
        return predicted

    def _fit_trees(self, outcome: str, names: list[str], categorical: Collection[str]) -> Floats:
        y = self.ranks.outcomes[outcome]
        table = self.features.values.select(names)
        places = [place for place, name in enumerate(names) if name in categorical]
        predicted = np.zeros(len(y))
        for fit, evaluated in self.ranks.folds:
            rows = fit & np.isfinite(y)
            if not rows.any():
                continue
            leaf = max(5, int(rows.sum()) // 50)
            data = lgb.Dataset(table[rows], y[rows], categorical_feature=places)
            booster = lgb.train({**PROBE_PARAMETERS, "min_data_in_leaf": leaf}, data, PROBE_ROUNDS)
            predicted[evaluated] = booster.predict(table[evaluated], num_threads=1)
        return predicted


def _first_day_counts(dataset: Dataset, ranks: OutcomeRanks) -> dict[str, Floats]:
    """Return every count of each creative's first day, ranked inside its cell; NaN where it was not observed.

    A metric without a row on an observed first day is 0.
    """
    observed = dataset.observed
    age = observed["elapsed_hours"]
    young = observed[(age > 0) & (age <= FIRST_DAY_HOURS)].drop_duplicates(KEY, keep="last")
    rows = observed.iloc[ranks.places][KEY].merge(young, on=KEY, how="left")
    counted = rows["elapsed_hours"].notna()
    return {
        name: ranks_in(rows[name].fillna(0.0).where(counted).to_numpy(np.float64), ranks.cells)
        for name in map(str, rows)
        if name.startswith("early:")
    }

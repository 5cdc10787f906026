"""Screening of interactions: which pairs of categorical terms get joint effects in the funnel model.

Each candidate pair is tested on the residuals of the fit without interactions, by a moment estimate of the variance of
its joint effects and a z statistic against no effect.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import sparse

from features.arrays import Codes, Floats, Mask
from features.funnel_model.terms import Terms, category_code_table
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.entity_history import GROUPS

MIN_Z = 2.0
"""Standard errors by which the statistic of an interaction must exceed 0."""
MIN_INTERACTION_VARIANCE = 0.05**2
"""Interactions whose effects have a smaller variance are dropped, by the screening and after the fit."""
MAX_INTERACTIONS = 12
"""Most interactions per stage: those with the largest z."""
MIN_MEAN_VARIANCE = 1e-4


@dataclass(frozen=True)
class Interaction:
    """A pair of categorical terms as it occurs among N creatives.

    Attributes:
        name: `a*b`.
        cells: (C,) int64 rising, codes of the pairs of categories that occur (`Terms.interactions`).
        cell_of: (N,) int64, index of each creative's pair in `cells`; −1 where one of its values is missing.
    """

    name: str
    cells: Codes
    cell_of: Codes

    @property
    def matrix(self) -> sparse.csr_matrix:
        """(N, C) indicator matrix: one column per pair."""
        rows = np.flatnonzero(self.cell_of >= 0)
        return sparse.csr_matrix(
            (np.ones(len(rows)), (rows, self.cell_of[rows])), shape=(len(self.cell_of), len(self.cells))
        )


@dataclass(frozen=True)
class ScreeningResult:
    """Outcome of a screening.

    Attributes:
        kept: Interactions that stand out, with the moment estimate of the variance of their effects.
        mean_variance: The same estimate pooled over all candidates.
    """

    kept: list[tuple[Interaction, float]]
    mean_variance: float


def candidate_pairs(terms: Terms, extra: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Pairs of single-valued categorical terms to screen, each once, in the order of `terms.categories`.

    All pairs among promotion type, category, source and tags, and the `extra` pairs (`tags.crosses` in the settings)
    as far as both terms exist.
    """
    single = [name for name in terms.categories if name not in terms.multi]
    plain = [name for name in single if name not in GROUPS or name == "category"]
    pairs = [*combinations(plain, 2), *(pair for pair in extra if set(pair) <= set(single))]
    ordered = [(left, right) if single.index(left) < single.index(right) else (right, left) for left, right in pairs]
    return list(dict.fromkeys(ordered))


def category_codes(frame: ArrayFrame, terms: Terms) -> dict[str, Codes]:
    """Single-valued categorical term → (N,) category code of each row; −1 for missing or new values."""
    return dict(zip(terms.arrays.single, category_code_table(frame, terms)))


def pair_code(codes: Mapping[str, Codes], terms: Terms, pair: tuple[str, str]) -> Codes:
    """(N,) code of each row's pair of categories, as in `Terms.interactions`; −1 where one of the two is −1."""
    left, right = (codes[name] for name in pair)
    return np.where((left >= 0) & (right >= 0), left * len(terms.categories[pair[1]]) + right, -1)


def build_interactions(creatives: ArrayFrame, terms: Terms, pairs: Sequence[tuple[str, str]]) -> list[Interaction]:
    """The pairs as they occur among N creatives; left out where there is one cell or one creative per cell."""
    codes = category_codes(creatives, terms)
    found = []
    for pair in pairs:
        code = pair_code(codes, terms, pair)
        known = code >= 0
        cells, within = np.unique(code[known], return_inverse=True)
        cell = np.full(len(code), -1, dtype=np.int64)
        cell[known] = within
        if 1 < len(cells) < known.sum():
            found.append(Interaction("*".join(pair), cells, cell))
    return found


def screen_interactions(
    interactions: Sequence[Interaction], rows: Mask, residual: Floats, weight: Floats
) -> ScreeningResult:
    """Select the interactions whose effects stand out from chance.

    Without a joint effect the residuals e of two creatives of one cell are independent, so E[e_i e_j] = 0; with
    joint effects of variance σ² it is σ². Hence, over all pairs i ≠ j within a cell,

        σ̂² = Σ w_i w_j e_i e_j / Σ w_i w_j

    estimates σ² whatever the variance of a single residual. Under σ² = 0 the numerator has variance
    2 Σ w_i² w_j² e_i² e_j²; z is the numerator over the root of that. The sums over pairs follow from sums per cell:
    Σ_{i≠j} a_i a_j = (Σ a)² − Σ a².

    Args:
        interactions: Candidates, each over all N creatives.
        rows: (N,) bool, the M creatives with counts at this stage.
        residual: (M,) working response minus linear predictor, on the log scale.
        weight: (M,) inverse variance of each residual.
    """
    weighted = weight * residual
    parts = (weighted, weighted**2, weighted**4, weight, weight**2)
    known = np.flatnonzero(rows)
    found, numerators, denominators = [], 0.0, 0.0
    for interaction in interactions:
        cell = interaction.cell_of[known] + 1  # bin 0 takes the creatives without a pair, and is dropped
        sum_we, sum_we2, sum_we4, sum_w, sum_w2 = (
            np.bincount(cell, part, len(interaction.cells) + 1)[1:] for part in parts
        )
        numerator, denominator = float((sum_we**2 - sum_we2).sum()), float((sum_w**2 - sum_w2).sum())
        error = float(np.sqrt(2.0 * max(float((sum_we2**2 - sum_we4).sum()), 0.0)))
        if denominator > 0 and error > 0:
            numerators, denominators = numerators + numerator, denominators + denominator
            found.append((numerator / error, interaction, numerator / denominator))
    clear = [entry for entry in found if entry[0] >= MIN_Z and entry[2] >= MIN_INTERACTION_VARIANCE]
    kept = sorted(clear, key=lambda entry: -entry[0])[:MAX_INTERACTIONS]
    pooled = max(numerators / denominators, MIN_MEAN_VARIANCE) if denominators > 0 else MIN_MEAN_VARIANCE
    return ScreeningResult([(interaction, variance) for _, interaction, variance in kept], pooled)

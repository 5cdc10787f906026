"""Fits the mixed model of every stage on each creative's counts so far.

Penalised quasi-likelihood with an effect of each creative's own (`features.funnel_model.working_response`);
variances by the fixed point of
restricted maximum likelihood (MacKay 1992), each drawn towards that of all words together, because a dozen values say
little about how much values differ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from features.funnel import Funnel, Stage
from features.funnel_model.design_matrix import Columns, term_columns
from features.funnel_model.empirical_bayes import LEAST_SPREAD, MOST_SPREAD, safe_rate, stage_figures
from features.funnel_model.interactions import Cross, make_crosses, screen
from features.funnel_model.model import FunnelModel, StageModel, unknown_price
from features.funnel_model.solver import solve
from features.funnel_model.terms import KIND, TIME, Terms, candidates, is_slope, is_word
from features.funnel_model.working_response import Counts, weigh
from features.point_in_time.windowed_sums import Seconds

Floats = npt.NDArray[np.float64]

KIND_VARIANCE = 25.0
"""Of intercepts: as good as flat."""
FIRST_SPREAD = 0.01
POOLED_WORTH = 4.0
"""Values that what is told by all words, and by the other stages, is worth against a word's own at a stage."""
LEAST_CROSS_SPREAD = 0.05**2
"""A cross whose effects differ less is dropped."""
ITERATIONS, MORE_ITERATIONS = 30, 8
STILL = 5e-3
"""Change of log rates, and of standard deviations of effects and of own luck, at which iterations end."""
LONGEST_STEP = 2.0
"""Of any log rate in one iteration."""


@dataclass(frozen=True)
class _Fit:
    """Where the iterations of a stage stand (see `features.funnel_model.model.StageModel`).

    `learned` tells of each random term how many of its effects the data decide, the prior the rest.
    """

    effects: dict[str, Floats]
    variances: dict[str, Floats]
    spreads: dict[str, float]
    learned: dict[str, float]
    own: float
    dispersion: float

    def without(self, names: set[str]) -> "_Fit":
        """The same where some terms have left."""
        effects = {name: effect for name, effect in self.effects.items() if name not in names}
        return replace(
            self, effects=effects, spreads={n: spread for n, spread in self.spreads.items() if n not in names}
        )

    def told(self, intercept: float) -> StageModel:
        """As a stage of the model, whose rate is the mean of creatives like this: half of s² above the middle one's."""
        above = intercept + self.own / 2.0
        return StageModel(above, self.own, self.dispersion, self.effects, self.variances, self.spreads)


def fit_funnel_model(
    totals: pd.DataFrame,
    creatives: pd.DataFrame,
    moments: Seconds,
    funnel: Funnel,
    terms: Terms,
    wanted: Sequence[tuple[str, str]],
    origin: pd.Timestamp,
    before: FunnelModel | None = None,
) -> FunnelModel:
    """The model of every stage.

    Args:
        totals: Figures of each creative as known at the origin.
        creatives: Their attributes, with `launch_hour`; same order.
        moments: When each was launched.
        funnel: The funnel.
        terms: Columns, without crosses.
        wanted: Pairs whose joint effects are looked at beside those of promotion type, category and tags.
        origin: The moment.
        before: An earlier fit, whose variances are a better place to begin.
    """
    columns = term_columns(creatives, moments, terms)
    crosses = make_crosses(creatives, terms, candidates(terms, wanted))
    priced = unknown_price(creatives, terms) == 0.0  # what is sold at a price unknown says nothing of discounts
    relative: Mapping[str, float] = before.relative if before else {}
    stages: Mapping[str, StageModel] = before.stages if before else {}
    problems = {stage.name: _problem(stage, totals, priced) for stage in funnel.stages}
    for _ in range(1 if before else 2):  # the second time, stages know of each other
        fits = {
            name: _fit_stage(*problem, columns, crosses, stages.get(name), relative)
            for name, problem in problems.items()
        }
        relative = _relative(list(fits.values()))
        stages = {name: fit.told(problems[name][0].intercept) for name, fit in fits.items()}
    used = {name for stage in stages.values() for name in stage.effects}
    kept = {cross.name: tuple(cross.levels.tolist()) for cross in crosses if cross.name in used}
    return FunnelModel(origin, terms.model_copy(update={"crosses": kept}), stages, relative)


def _problem(stage: Stage, totals: pd.DataFrame, priced: npt.NDArray[np.bool_]) -> tuple[Counts, npt.NDArray[np.bool_]]:
    """What a stage learns from, and which creatives these are."""
    count, exposure, events = stage_figures(stage, totals)
    known = np.isfinite(count) & np.isfinite(exposure) & (exposure > 0) & np.isfinite(events) & (events > 0)
    known &= priced if stage.priced else True
    intercept = float(np.log(safe_rate(count[known].sum(), exposure[known].sum())))
    return Counts(
        count[known], exposure[known], None if stage.events == "expected" else events[known], intercept
    ), known


def _fit_stage(
    rows: Counts,
    known: npt.NDArray[np.bool_],
    columns: Columns,
    crosses: Sequence[Cross],
    earlier: StageModel | None,
    relative: Mapping[str, float],
) -> _Fit:
    held = {name: column[known] for name, column in columns.items()}
    guessed = earlier.spreads if earlier else {}
    fit = _Fit(
        effects={name: np.zeros(column.shape[1]) for name, column in held.items()},
        variances={},
        spreads={name: guessed.get(name, FIRST_SPREAD) for name in held if name != KIND},
        learned={},
        own=earlier.own if earlier else 0.1,
        dispersion=earlier.dispersion if earlier else 1.0,
    )
    if not known.any():
        return replace(
            fit, variances={name: np.full(len(e), _variance(name, fit.spreads)) for name, e in fit.effects.items()}
        )
    fit = _iterate(rows, held, fit, ITERATIONS, relative)
    log_rate = sum((held[name] @ effect for name, effect in fit.effects.items()), np.zeros(len(rows.count)))
    off, weight, _ = weigh(rows, log_rate, fit.own, fit.dispersion)
    screened = screen(crosses, known, off, weight)
    wider = {**held, **{cross.name: cross.columns[known] for cross, _ in screened.kept}}
    fit = replace(
        fit,
        effects={**fit.effects, **{cross.name: np.zeros(len(cross.levels)) for cross, _ in screened.kept}},
        spreads={**fit.spreads, **{cross.name: max(spread, screened.typical) for cross, spread in screened.kept}},
    )
    weak = set(wider) - set(held)
    while weak:
        fit = _iterate(rows, wider, fit, MORE_ITERATIONS, relative, screened.typical)
        weak = {name for name in wider if name not in held and fit.spreads[name] < LEAST_CROSS_SPREAD}
        wider, fit = {name: column for name, column in wider.items() if name not in weak}, fit.without(weak)
    return fit


def _iterate(
    rows: Counts,
    held: Columns,
    fit: _Fit,
    most: int,
    relative: Mapping[str, float],
    typical: float = FIRST_SPREAD,
) -> _Fit:
    names = list(held)
    whole = sparse.hstack([held[name] for name in names], format="csr")
    squared = whole.multiply(whole).tocsr()
    sizes = [held[name].shape[1] for name in names]
    edges = np.cumsum(sizes)[:-1]
    effects = np.concatenate([fit.effects[name] for name in names])
    for _ in range(most):
        told = whole @ effects
        off, weight, _ = weigh(rows, told, fit.own, fit.dispersion)
        ridge = np.repeat([1.0 / _variance(name, fit.spreads) for name in names], sizes)
        solved, variance = solve(whole, sizes, weight, told + off, ridge, effects)
        step = whole @ (solved - effects)
        length = float(np.abs(step).max(initial=0.0))
        effects = effects + (solved - effects) * min(1.0, LONGEST_STEP / max(length, LONGEST_STEP))
        decided = 1.0 - ridge * variance
        variance, leverage = _of_rows(squared, weight, variance, ridge, float(decided.sum()))
        parts = dict(zip(names, np.split(effects, edges)))
        learned = {name: float(part.sum()) for name, part in zip(names, np.split(decided, edges))}
        spreads = _spreads(parts, learned, fit.spreads, relative, typical)
        own, dispersion = _luck(rows, whole @ effects, fit, leverage)
        moved = [abs(np.sqrt(spreads[name]) - np.sqrt(fit.spreads[name])) for name in spreads]
        moved += [length, abs(np.sqrt(own) - np.sqrt(fit.own))]
        fit = _Fit(parts, dict(zip(names, np.split(variance, edges))), spreads, learned, own, dispersion)
        if max(moved) < STILL:
            break
    return fit


def _of_rows(
    squared: sparse.csr_matrix, weight: Floats, variance: Floats, ridge: Floats, learned: float
) -> tuple[Floats, Floats]:
    """Variances of effects that give rows theirs when added up, and each row's leverage.

    A row's own covariances would cost as much as the fit. So the diagonal alone is told, scaled until the leverages
    add up to the effective number of coefficients, as they do.
    """
    scaled = variance * learned / max(float(weight @ (squared @ variance)), 1e-12)
    scaled = np.minimum(scaled, 1.0 / ridge)
    return scaled, np.minimum(weight * (squared @ scaled), 0.98)


def _spreads(
    effects: Mapping[str, Floats],
    learned: Mapping[str, float],
    before: Mapping[str, float],
    relative: Mapping[str, float],
    typical: float,
) -> dict[str, float]:
    """σ² of every random term: Σ effect² over what was learned of them, drawn towards what the others say.

    Of words the others are all words, each as much more or less as it counts at the other stages (`relative`); of
    crosses all crosses; of slopes all slopes. Bumps of time are alone.
    """
    squares = {name: float(effects[name] @ effects[name]) for name in before}
    words, slopes = [name for name in before if is_word(name)], [name for name in before if is_slope(name)]
    common = _common(squares, {name: learned[name] * relative.get(name, 1.0) for name in words})
    of_slopes = _common(squares, {name: learned[name] for name in slopes})
    found = {}
    for name in before:
        if is_word(name):
            towards = common * relative.get(name, 1.0)
        else:
            towards = typical if "*" in name else before[name] if name == TIME else of_slopes
        spread = (squares[name] + POOLED_WORTH * towards) / (max(learned[name], 1e-3) + POOLED_WORTH)
        found[name] = float(np.clip(spread, LEAST_SPREAD / 100, MOST_SPREAD))
    return found


def _common(squares: Mapping[str, float], learned: Mapping[str, float]) -> float:
    known = sum(learned.values())
    return max(sum(squares[name] for name in learned) / known, LEAST_SPREAD) if known > 0 else FIRST_SPREAD


def _relative(fits: Sequence[_Fit]) -> dict[str, float]:
    """How much more a word's effects spread than those of all words, over all stages together.

    A word that says nothing where much is counted will hardly say much where little is.
    """
    squares: dict[str, float] = {}
    known: dict[str, float] = {}
    for fit in fits:
        words = [name for name in fit.spreads if is_word(name) and name in fit.learned]
        stage_squares = {name: float(fit.effects[name] @ fit.effects[name]) for name in words}
        common = _common(stage_squares, {name: fit.learned[name] for name in words})
        for name in words:
            squares[name] = squares.get(name, 0.0) + stage_squares[name] / common
            known[name] = known.get(name, 0.0) + fit.learned[name]
    return {name: (squares[name] + POOLED_WORTH) / (known[name] + POOLED_WORTH) for name in squares}


def _luck(rows: Counts, log_rate: Floats, fit: _Fit, leverage: Floats) -> tuple[float, float]:
    """s² and, where it is not 1 by nature, φ: fixed points of restricted maximum likelihood."""
    off, weight, events = weigh(rows, log_rate, fit.own, fit.dispersion)
    square, left = (weight * off) ** 2, weight * (1.0 - leverage)
    own = fit.own * float(square.sum() / left.sum())
    dispersion = fit.dispersion
    if rows.events is not None:
        dispersion *= float((square / events).sum() / (left / events).sum())
    return float(np.clip(own, LEAST_SPREAD, MOST_SPREAD)), float(np.clip(dispersion, 1e-6, 1e6))


def _variance(name: str, spreads: Mapping[str, float]) -> float:
    return KIND_VARIANCE if name == KIND else spreads[name]

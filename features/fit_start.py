"""What the training period teaches the start: spreads, how much each entity counts, own luck and drift."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import PoissonRegressor

from features.funnel import Plan, Stage
from features.history import CHAIN, Entity, entity_codes
from features.observe import observed_entities
from features.priors import (
    DRIFT,
    FLUTTER,
    LEAST_SPREAD,
    MOST_SPREAD,
    OWN,
    Floats,
    StagePrior,
    moments,
    ratio_and_events,
    safe_rate,
    shrink,
    stage_figures,
)
from features.schema import KEY
from features.start import entity_factor, market_and_steps, own_evidence

RIDGE = 0.01
LEAST_ROWS = 50
"""Training outcomes under which entities off the chain are given no weight."""


def fit_priors(
    totals: pd.DataFrame, lives: pd.DataFrame, creatives: pd.DataFrame, plan: Plan, found: Sequence[Entity]
) -> dict[str, StagePrior]:
    """Priors of every stage.

    Args:
        totals: Figures of each creative when the training period ended, in the order of `creatives`.
        lives: Training snapshots: counts at the cutoff (`features.observe`) and `later:f`, what came after.
        creatives: Checked creatives.
        plan: The funnel.
        found: Entities whose spread is wanted.
    """
    groups = {entity.name: entity_codes(creatives, entity) for entity in found}
    kinds = creatives["promotion_type"]
    return {stage.name: _fit_stage(stage, totals, lives, kinds, groups) for stage in plan.stages}


def _fit_stage(
    stage: Stage,
    totals: pd.DataFrame,
    lives: pd.DataFrame,
    kinds: pd.Series,
    groups: Mapping[str, npt.NDArray[np.int64]],
) -> StagePrior:
    prior = _fit_spreads(stage, totals, kinds, groups, _fit_dispersion(stage, lives))
    prior = replace(prior, weights=_fit_weights(stage, lives, prior))
    market, steps = market_and_steps(stage, lives, prior)
    rate = market * np.exp(sum(steps.values(), np.zeros_like(market)))
    last = ~lives.duplicated(KEY, keep="last").to_numpy()
    figures = stage_figures(stage, lives, "early:")
    ratio, events = ratio_and_events(stage, *figures, rate)
    _, own = moments(stage, ratio[last], events[last], prior.dispersion)
    prior = replace(prior, spread={**prior.spread, OWN: own})
    return replace(prior, spread={**prior.spread, **_fit_drift(stage, lives, prior, rate)})


def _fit_dispersion(stage: Stage, lives: pd.DataFrame) -> float | None:
    """φ from how the same creative's last days and later days differ; None where too few have both.

    Creatives differ from each other for good, so only a creative's difference from itself shows the luck of the draw.
    """
    if stage.events == "expected":
        return 1.0
    last, later = stage_figures(stage, lives, "last_days:"), stage_figures(stage, lives, "later:")
    both = (last[1] > 0) & (later[1] > 0) & (last[0] + later[0] > 0) & (last[2] > 0) & (later[2] > 0)
    if both.sum() < LEAST_ROWS:
        return None
    (seen, exposed, sure), (came, open_to, sure_later) = ([part[both] for part in parts] for parts in (last, later))
    pooled = (seen + came) / (exposed + open_to)
    apart = seen / exposed / pooled - came / open_to / pooled
    return moments(stage, 1.0 + apart, 1.0 / (1.0 / sure + 1.0 / sure_later), None)[0]


def _fit_spreads(
    stage: Stage,
    totals: pd.DataFrame,
    kinds: pd.Series,
    groups: Mapping[str, npt.NDArray[np.int64]],
    known_dispersion: float | None,
) -> StagePrior:
    count, exposure, events = stage_figures(stage, totals)
    usable = np.isfinite(count) & np.isfinite(exposure) & (exposure > 0)
    count, exposure, events = (np.where(usable, part, 0.0) for part in (count, exposure, events))
    rate = {
        str(kind): safe_rate(count[rows].sum(), exposure[rows].sum())
        for kind, rows in ((kind, (kinds == kind).to_numpy()) for kind in kinds.unique())
    }
    market = kinds.map(rate).to_numpy(np.float64)
    dispersion, own = moments(stage, *ratio_and_events(stage, count, exposure, events, market), known_dispersion)

    def spread(group: npt.NDArray[np.int64], expected_rate: Floats) -> tuple[float, Floats]:
        member = group >= 0
        size = int(group.max(initial=-1)) + 1
        expected, seen, sure = (
            np.bincount(group[member], part[member], size).astype(np.float64)
            for part in (exposure * expected_rate, count, events)
        )
        ratio, sureness = ratio_and_events(stage, seen, expected, sure, np.ones(size))
        _, variance = moments(stage, ratio, sureness, dispersion)
        factor = shrink(ratio, sureness, dispersion / variance)
        return variance, np.where(member, factor[group], 1.0) if size else np.ones_like(exposure)

    spreads = {name: spread(group, market)[0] for name, group in groups.items()}
    base = market.copy()
    for name in CHAIN:
        if name in groups:
            spreads[name], factor = spread(groups[name], base)
            base = base * factor
    return StagePrior(rate=rate, dispersion=dispersion, spread={**spreads, OWN: own}, weights={})


def _fit_weights(stage: Stage, lives: pd.DataFrame, prior: StagePrior) -> dict[str, float]:
    """Ridge Poisson regression of later rates on the log factors of the entities off the chain."""
    names = [name for name in observed_entities(lives) if name in prior.spread and name not in (*CHAIN, "market")]
    market, steps = market_and_steps(stage, lives, prior)
    rate = market * np.exp(sum(steps.values(), np.zeros_like(market)))
    ratio, events = ratio_and_events(stage, *stage_figures(stage, lives, "later:"), rate)
    known = events > 0
    if not names or known.sum() < LEAST_ROWS:
        return {}
    factors = np.column_stack([np.log(entity_factor(stage, lives, prior, name, market)) for name in names])
    worth = 1.0 / (prior.dispersion / events[known] + prior.spread[OWN])
    model = PoissonRegressor(alpha=RIDGE, fit_intercept=False, max_iter=500)
    model.fit(factors[known], ratio[known], sample_weight=worth / worth.mean())
    return {name: float(weight) for name, weight in zip(names, model.coef_) if abs(weight) > 1e-6}


def _fit_drift(stage: Stage, lives: pd.DataFrame, prior: StagePrior, rate: Floats) -> dict[str, float]:
    """How much a creative's last days leave its life before them: for good, and for the moment.

    What lasts is the covariance of the last days' and the later days' deviation from the life before them (luck of the
    draw is independent in the two); the rest of the last days' variance, beyond luck, flutters.
    """
    still = replace(prior, spread={**prior.spread, DRIFT: 0.0, FLUTTER: 0.0})
    life, last = stage_figures(stage, lives, "early:"), stage_figures(stage, lives, "last_days:")
    before = lives.assign(
        **{f"early:{name}": part - end for name, part, end in zip(_figure_names(stage), life, last)},
        **{f"last_days:{name}": 0.0 for name in _figure_names(stage)},
    )
    factor, older_events, variance = own_evidence(stage, before, still, rate)
    level = rate * factor
    recent, recent_events = ratio_and_events(stage, *last, level)
    later, later_events = ratio_and_events(stage, *stage_figures(stage, lives, "later:"), level)
    known = (older_events > 0) & (recent_events > 0) & (later_events > 0)
    if known.sum() < LEAST_ROWS:
        return {DRIFT: LEAST_SPREAD, FLUTTER: LEAST_SPREAD}
    luck = prior.dispersion / recent_events[known] + variance[known]
    weight = 1.0 / (luck + prior.dispersion / later_events[known] + prior.spread[OWN])
    deviation = recent[known] - 1.0
    lasting = float(np.average(deviation * (later[known] - 1.0) - variance[known], weights=weight))
    whole = float(np.average(deviation**2 - luck, weights=weight))
    lasting = float(np.clip(lasting, LEAST_SPREAD, MOST_SPREAD))
    return {DRIFT: lasting, FLUTTER: float(np.clip(whole - lasting, LEAST_SPREAD, MOST_SPREAD))}


def _figure_names(stage: Stage) -> list[str]:
    return [stage.numerator, stage.exposure, *([] if stage.events == "expected" else [stage.events])]

"""Fit predictive distributions on out-of-fold rows."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pandas as pd
from scipy.special import ndtr
from threadpoolctl import threadpool_limits

from configs.settings import Settings
from features.arrays import Floats, Mask
from features.funnel import Funnel
from training.labels.outcomes import actual_targets
from training.uncertainty.compound import columns_of, counts_orders, crps, some
from training.uncertainty.compounds import Chunk, Compound
from training.uncertainty.distribution import HIT_MONEY, ROWS_AT_ONCE, CompoundUncertainty
from training.uncertainty.hits_and_evidence import fit_hits, fit_required_evidence
from training.uncertainty.interface import OutOfSample, PredictiveUncertainty
from training.uncertainty.launches import fit_launches
from training.uncertainty.levels import added_levels
from training.uncertainty.recalibration import Columns, Recalibration, fit_recalibration
from training.uncertainty.volume_model import fit_volume_model

VARIANCES = ((0.25, 0.0), (0.5, 0.0), (1.0, 0.1), (1.0, 0.2), (1.0, 0.4), (1.0, 0.8), (1.0, 1.6))
"""Shares of the posterior variance of the log rate, and variances beyond it. The one with the least CRPS on out-of-fold
rows takes the place of the posterior variance where it gains more than one standard error."""
DECAY = 0.5
"""Weight in the calibration of a row of one fold relative to the next fold: markets drift, and later folds were
predicted by models with more training rows, more like the one in use."""
MOST_CALIBRATION_ROWS = 60_000
"""Latest rows that are used; more do not add precision."""
MOST_ROWS_FOR_VARIANCE = 3_000
"""Rows on which the variance is chosen."""


def fit_uncertainty(rows: Sequence[OutOfSample], funnel: Funnel, settings: Settings) -> PredictiveUncertainty | None:
    """Fit the predictive distribution of every target.

    Args:
        rows: Out-of-fold parts, and the holdout where it may be used, in order of time.
        funnel: The funnel of the models that predicted them.
        settings: `interval` and `evaluate.min_impressions`: rates are calibrated on rows whose later volume reaches
            that, the rows on which they are evaluated.

    Returns:
        None where not even later volume has `interval.min_rows` rows; rates that have fewer are left out.
    """
    if not rows:
        return None
    min_volume, interval = max(settings.evaluate.min_impressions, 1.0), settings.interval
    part = np.repeat(np.arange(len(rows)), [len(one.predicted) for one in rows])
    late = np.arange(len(part)) >= len(part) - MOST_CALIBRATION_ROWS
    outcome = pd.concat([one.outcome for one in rows], ignore_index=True)
    parts = [columns_of(one.predicted, one.features, funnel) for one in rows]
    columns = {name: np.concatenate([own[name] for own in parts]) for name in parts[0]}
    columns["creative"] = np.concatenate([one.features.keys.categories("creative_id").texts() for one in rows])
    columns["weight"] = DECAY ** (part.max() - part)
    columns["later"] = later = outcome[f"later:{funnel.volume_of}"].to_numpy(np.float64)
    actual = {name: values.to_numpy(np.float64) for name, values in actual_targets(outcome, funnel).items()}
    rows_of = {name: np.isfinite(actual[name]) & (later >= min_volume) & late for name in funnel.rate_targets}
    rows_of[funnel.volume_target] = known = np.isfinite(actual[funnel.volume_target]) & late
    counted = {name: int(rows_of[name].sum()) for name in funnel.targets}
    if counted[funnel.volume_target] < interval.min_rows:
        return None

    own, volume = some(columns, known), actual[funnel.volume_target][known]
    with threadpool_limits(1):  # sums of as many threads as there are cores differ in their last bits
        model = fit_volume_model(own, volume)
    mean, deviation = model.mean_and_deviation(own)
    levels = ndtr((np.log1p(volume) - mean) / deviation), ndtr(-mean / deviation)
    volume_calibration = fit_recalibration(own, *levels, volume <= 0, own["weight"], interval.shrinkage_rows)

    def fit(rate: str, came: Floats, known: Mask, least_volume: float) -> Compound:
        of_chunk = partial(Chunk.of, model=model, calibration=volume_calibration)
        return _fit_compound(
            Compound(
                rate=rate,
                least_volume=least_volume,
                share=1.0,
                extra=0.0,
                log_unit=0.0,
                calibration=Recalibration.identity(),
            ),
            some(columns, known),
            came[known],
            of_chunk,
            counts_orders(funnel),
            interval.shrinkage_rows,
        )

    compounds = {
        name: fit(name, actual[name], rows_of[name], min_volume)
        for name in funnel.rate_targets
        if counted[name] >= interval.min_rows
    }
    hits = fit_hits(outcome, columns["promotion_type"], funnel, interval)
    if hits is not None and hits.rate:
        money = hits.reached(outcome, funnel)
        compounds[HIT_MONEY] = fit(hits.rate, money, np.isfinite(money) & late, 0.0)
    return CompoundUncertainty(
        funnel=funnel,
        level=interval.level,
        added_levels={
            name: added_levels(some(columns, rows_of[name]), interval.level, interval.enough_rows)
            for name in (*funnel.rate_targets, funnel.volume_target)
            if name in compounds or name == funnel.volume_target
        },
        min_volume=min_volume,
        volume=model,
        volume_calibration=volume_calibration,
        compounds=compounds,
        hits_model=hits,
        evidence=fit_required_evidence([one.features for one in rows], funnel, funnel.main_roi or funnel.targets[0]),
        launches=fit_launches(rows, funnel, interval.min_rows),
        calibration_rows=counted,
    )


def _fit_compound(
    start: Compound,
    columns: Columns,
    came: Floats,
    of_chunk: Callable[[Columns], Chunk],
    orders: bool,
    shrinkage_rows: float,
) -> Compound:
    """Fit the unit where orders are not counted, the variance by CRPS, then the calibration; arrays: (rows,)."""
    if not orders:
        exposed = columns["later"] > 0
        log_money = columns[f"per_volume:{start.rate}"][exposed] + np.log(columns["later"][exposed])
        start = start.model_copy(update={"log_unit": fit_unit(log_money, came[exposed] > 0)})
    candidates = [start.model_copy(update={"share": share, "extra": extra}) for share, extra in VARIANCES]
    rows = slice(None, None, max(1, len(came) // MOST_ROWS_FOR_VARIANCE))
    chunk, weight = of_chunk(some(columns, rows)), columns["weight"][rows]
    scores = np.array([crps(one.distribution(chunk), came[rows]) * weight for one in (start, *candidates)])
    gained = scores[0] - scores[1:]
    place = int(gained.mean(axis=1).argmax())
    sure = gained[place].mean() > gained[place].std() / np.sqrt(len(weight))
    best = candidates[place] if sure else start
    below, zero = np.zeros(len(came)), np.zeros(len(came))
    for first in range(0, len(came), ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        own = best.distribution(of_chunk(some(columns, rows)))
        below[rows], zero[rows] = own.cdf(np.maximum(came[rows], 0.0)[:, None])[:, 0], own.zero
    calibration = fit_recalibration(columns, below, zero, came <= 0, columns["weight"], shrinkage_rows)
    return best.model_copy(update={"calibration": calibration})


def fit_unit(log_money: Floats, some: Mask) -> float:
    """Log of the money that counts as one order: with it, a Poisson count is above 0 as often as outcomes are.

    Args:
        log_money: (rows,) Log of the expected money.
        some: (rows,) Whether any came.
    """
    low, high = -30.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2.0
        share = float(np.mean(-np.expm1(-np.exp(np.minimum(log_money - middle, 30.0)))))
        low, high = (middle, high) if share > some.mean() else (low, middle)
    return (low + high) / 2.0

"""Fit predictive distributions on out-of-fold rows.

The hurdle regressions are fitted on all of these rows. The calibration needs distributions from regressions that were
not fitted on the row: creatives are split into parts by a checksum of their id, and each part is predicted by the
regressions of the others (cross-fitting).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits

from configs.settings import Settings
from features.funnel import Funnel
from training.labels.outcomes import actual_targets
from training.uncertainty.calibrated_hurdles import CalibratedHurdles, CalibratedRate
from training.uncertainty.calibration import fit_calibration
from training.uncertainty.covariates import column, covariate_frame, tree_columns, with_rate_covariates
from training.uncertainty.hits_and_evidence import fit_hits, fit_required_evidence
from training.uncertainty.hurdle import (
    Mixture,
    fit_hurdle,
    fit_unit,
    rate_columns,
    rate_mixture,
    volume_columns,
    volume_mixture,
    volume_nodes,
)
from training.uncertainty.interface import Floats, OutOfSample, PredictiveUncertainty
from training.uncertainty.regressions import PARTS, CrossFitParts

Mask = npt.NDArray[np.bool_]

DECAY = 0.5
"""Weight in the calibration of a row of one fold relative to the next fold: markets drift, and later folds were
predicted by models with more training rows, more like the one in use."""
MOST_CALIBRATION_ROWS = 60_000
"""Latest rows that are used; more do not add precision."""


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
    min_volume, needed = max(settings.evaluate.min_impressions, 1.0), settings.interval.min_rows
    lean, level = settings.interval.shrinkage_rows, settings.interval.level
    promotion_types = sorted(
        {name for part in rows for name in part.features.keys.categories("promotion_type").texts()}
    )
    frames = [covariate_frame(part.predicted, part.features, funnel, promotion_types) for part in rows]
    frame = pd.concat(frames, ignore_index=True)
    outcome = pd.concat([part.outcome for part in rows], ignore_index=True)
    actual = actual_targets(outcome, funnel)
    later = outcome[f"later:{funnel.volume_of}"].to_numpy(np.float64)
    parts = CrossFitParts(
        creative=np.array([crc32(creative.encode()) % PARTS for creative in frame["creative"]], dtype=np.int64),
        time=np.repeat(np.arange(len(rows)), [len(part.predicted) for part in rows]),
    )
    late = np.arange(len(frame)) >= len(frame) - MOST_CALIBRATION_ROWS

    whole = actual[funnel.volume_target].to_numpy(np.float64)
    known = np.isfinite(whole) & late
    counted = {funnel.volume_target: int(known.sum())}
    if known.sum() < needed:
        return None
    with threadpool_limits(1):
        inside = frame[known]
        volume = fit_hurdle(
            volume_columns(inside), tree_columns(inside), column(inside, "log_volume"), whole[known], parts.of(known)
        )
        raw = _cross_fitted(frame, whole, known, parts, lambda part, some: volume_mixture(volume.without[part], some))
        weight = DECAY ** (parts.time.max() - parts.time[known])
        calibration = fit_calibration(frame[known], *raw, whole[known] == 0, weight, lean, level)

        def nodes_of_part(part: int, some: pd.DataFrame) -> Floats:
            return volume_nodes(volume.without[part], calibration, some, min_volume)

        rates = {}
        for target in funnel.rate_targets:
            own_frames = [
                with_rate_covariates(own, part.predicted, part.features, funnel, target)
                for own, part in zip(frames, rows)
            ]
            truth = actual[target].to_numpy(np.float64)
            fitted_on = np.isfinite(truth) & (later > 0) & late
            calibrated_on = fitted_on & (later >= min_volume)
            counted[target] = int(calibrated_on.sum())
            if calibrated_on.sum() >= needed:
                of_rate = _RateRows(
                    pd.concat(own_frames, ignore_index=True), truth, later, fitted_on, calibrated_on, parts
                )
                rates[target] = _fit_rate(of_rate, nodes_of_part, lean, level)
        predicted = pd.concat([part.predicted for part in rows], ignore_index=True)
        hit = fit_hits(predicted, frame, outcome, funnel, settings.interval, parts)
    main_rate = funnel.main_roi or funnel.targets[0]
    return CalibratedHurdles(
        funnel=funnel,
        level=level,
        min_volume=min_volume,
        promotion_types=tuple(promotion_types),
        volume=volume.whole,
        volume_calibration=calibration,
        rates=rates,
        hit=hit,
        evidence=fit_required_evidence([part.features for part in rows], funnel, main_rate),
        calibration_rows=counted,
    )


@dataclass(frozen=True)
class _RateRows:
    """Rows of one rate; each array is (rows,).

    Attributes:
        frame: Covariates.
        truth: The rate's outcome.
        later: Later volume.
        fitted_on: Rows on which its regressions are fitted.
        calibrated_on: Those of them on which its calibration is fitted.
        parts: For cross-fitting.
    """

    frame: pd.DataFrame
    truth: Floats
    later: Floats
    fitted_on: Mask
    calibrated_on: Mask
    parts: CrossFitParts


def _fit_rate(
    rows: _RateRows, nodes: Callable[[int, pd.DataFrame], Floats], lean: float, level: float
) -> CalibratedRate:
    some = rows.fitted_on
    log_later = np.log(np.where(rows.later > 0, rows.later, 1.0))
    unit = fit_unit((column(rows.frame, "log_events") + log_later)[some], rows.truth[some] > 0)

    frame = rows.frame[some]
    hurdle = fit_hurdle(
        rate_columns(frame, log_later[some], unit),
        tree_columns(frame),
        column(frame, "log_predicted"),
        rows.truth[some],
        rows.parts.of(some),
    )
    raw = _cross_fitted(
        rows.frame,
        rows.truth,
        rows.calibrated_on,
        rows.parts,
        lambda part, inside: rate_mixture(hurdle.without[part], unit, nodes(part, inside), inside),
    )
    mine = rows.calibrated_on
    weight = DECAY ** (rows.parts.time.max() - rows.parts.time[mine])
    calibration = fit_calibration(rows.frame[mine], *raw, rows.truth[mine] == 0, weight, lean, level)
    return CalibratedRate(hurdle=hurdle.whole, log_unit=unit, calibration=calibration)


def _cross_fitted(
    frame: pd.DataFrame,
    truth: Floats,
    mine: Mask,
    parts: CrossFitParts,
    mixture: Callable[[int, pd.DataFrame], Mixture],
) -> tuple[Floats, Floats]:
    """P(at most the outcome) and P(0) of the rows `mine`, by regressions that were not fitted on the row."""
    below, zero = np.zeros(len(truth)), np.zeros(len(truth))
    for part in range(PARTS):
        rows = mine & (parts.creative == part)
        if rows.any():
            own = mixture(part, frame[rows])
            below[rows], zero[rows] = own.cdf(truth[rows]), own.cdf(np.zeros(int(rows.sum())))
    return below[mine], zero[mine]

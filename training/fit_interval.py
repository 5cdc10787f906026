"""What rows that the model had not seen teach of how far off it is.

The regressions are fitted on all of these rows; the calibration then needs distributions stated by regressions that had
not seen the row either, so creatives are parted into a few sets, and each set is told by the others' regressions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits

from configs.settings import Settings
from features.funnel import Plan
from training.calibrate import fit_calibration
from training.dataset import Mask
from training.distribution import (
    Hurdle,
    Mixture,
    column,
    fit_hurdle,
    fit_unit,
    rate_columns,
    rate_mixture,
    volume_columns,
    volume_mixture,
)
from training.evidence import fit_evidence
from training.heads import Floats
from training.hit import fit_hit
from training.interval import RateSpread, Uncertainty, roi_target
from training.out_of_fold import Unseen
from training.situation import of_target, situation
from training.stages import actual_targets

PARTS = 5
"""Sets that creatives are parted into, by a checksum of their id."""
MOST_ROWS = 60_000
"""Rows beyond which the earliest are left out: more do not make it surer."""


def fit_uncertainty(rows: Sequence[Unseen], plan: Plan, settings: Settings) -> Uncertainty | None:
    """The spread of every target around its prediction.

    Args:
        rows: Unseen by the models that predicted them, in order of time.
        plan: The funnel of these models.
        settings: `interval` and `evaluate.min_impressions`: rates are calibrated on rows whose later volume reaches
            that, the rows on which they are judged.

    Returns:
        None where not even later volume has `interval.min_rows` rows; rates that have fewer are left out.
    """
    if not rows:
        return None
    least, needed = max(settings.evaluate.min_impressions, 1.0), settings.interval.min_rows
    lean = settings.interval.lean_rows
    kinds = sorted({str(kind) for part in rows for kind in part.features.keys["promotion_type"]})
    situations = [situation(part.predicted, part.features, plan, kinds) for part in rows]
    frame = pd.concat(situations, ignore_index=True)
    outcome = pd.concat([part.outcome for part in rows], ignore_index=True)
    actual = actual_targets(outcome, plan)
    later = outcome[f"later:{plan.volume_of}"].to_numpy(np.float64)
    part_of = np.array([crc32(creative.encode()) % PARTS for creative in frame["creative"]])
    late = np.arange(len(frame)) >= len(frame) - MOST_ROWS

    whole = actual[f"later_{plan.volume_of}"].to_numpy(np.float64)
    known = np.isfinite(whole) & late
    counted = {f"later_{plan.volume_of}": int(known.sum())}
    if known.sum() < needed:
        return None
    with threadpool_limits(1):
        volume = _fit_volume(frame, whole, known)
        others = [_fit_volume(frame, whole, known & (part_of != part)) for part in range(PARTS)]
        stated = _stated(frame, whole, known, part_of, lambda part, some: volume_mixture(others[part], some))
        calibration = fit_calibration(frame[known], *stated, whole[known] == 0, lean)
        rates = {}
        for target in [name for name in plan.targets if not name.startswith("later_")]:
            parts = [of_target(frame, u.predicted, u.features, plan, target) for frame, u in zip(situations, rows)]
            truth = actual[target].to_numpy(np.float64)
            taught = np.isfinite(truth) & (later > 0) & late
            judged = taught & (later >= least)
            counted[target] = int(judged.sum())
            if judged.sum() >= needed:
                known_rows = _RateRows(pd.concat(parts, ignore_index=True), truth, later, taught, judged, part_of)
                rates[target] = _fit_rate(known_rows, others, least, lean)
        hit = fit_hit(
            pd.concat([part.predicted for part in rows], ignore_index=True),
            frame,
            outcome,
            plan,
            settings.interval.hit_share,
            settings.interval.hit_of,
        )
    asked = roi_target(plan) or plan.targets[0]
    return Uncertainty(
        plan=plan,
        level=settings.interval.level,
        least=least,
        kinds=tuple(kinds),
        volume=volume,
        volume_calibration=calibration,
        rates=rates,
        hit=hit,
        evidence=fit_evidence([part.features for part in rows], plan, asked),
        rows=counted,
    )


@dataclass(frozen=True)
class _RateRows:
    """Rows of one rate: `taught` teach its regressions, `judged` of them its calibration."""

    frame: pd.DataFrame
    truth: Floats
    later: Floats
    taught: Mask
    judged: Mask
    part_of: npt.NDArray[np.int64]


def _fit_rate(rows: _RateRows, volumes: Sequence[Hurdle], least: float, lean: float) -> RateSpread:
    taught = rows.taught
    log_later = np.log(np.where(rows.later > 0, rows.later, 1.0))
    unit = fit_unit((column(rows.frame, "log_events") + log_later)[taught], rows.truth[taught] > 0)

    def fit(some: Mask) -> Hurdle:
        frame = rows.frame[some]
        columns = rate_columns(frame, log_later[some], unit)
        return fit_hurdle(columns, column(frame, "log_predicted"), rows.truth[some])

    others = [fit(taught & (rows.part_of != part)) for part in range(PARTS)]
    stated = _stated(
        rows.frame,
        rows.truth,
        rows.judged,
        rows.part_of,
        lambda part, some: rate_mixture(others[part], unit, volumes[part], some, least),
    )
    calibration = fit_calibration(rows.frame[rows.judged], *stated, rows.truth[rows.judged] == 0, lean)
    return RateSpread(hurdle=fit(taught), log_unit=unit, calibration=calibration)


def _fit_volume(frame: pd.DataFrame, whole: Floats, some: Mask) -> Hurdle:
    rows = frame[some]
    return fit_hurdle(volume_columns(rows), column(rows, "log_volume"), whole[some])


def _stated(
    frame: pd.DataFrame,
    truth: Floats,
    judged: Mask,
    part_of: npt.NDArray[np.int64],
    mixture: Callable[[int, pd.DataFrame], Mixture],
) -> tuple[Floats, Floats]:
    """Chance stated of at most what came, and of nothing, by regressions that had not seen the row."""
    below, nothing = np.zeros(len(truth)), np.zeros(len(truth))
    for part in range(PARTS):
        rows = judged & (part_of == part)
        if rows.any():
            told = mixture(part, frame[rows])
            below[rows], nothing[rows] = told.below(truth[rows]), told.below(np.zeros(int(rows.sum())))
    return below[judged], nothing[judged]

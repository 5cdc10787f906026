"""What rows that the model had not seen teach of how far off it is.

The regressions are fitted on all of these rows; the calibration then needs distributions stated by regressions that had
not seen the row either. So creatives are cut into a few parts, by a checksum of their id, and each part is told by the
others' regressions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from configs.settings import Settings
from features.funnel import Funnel
from training.boosting.stage_targets import actual_targets
from training.boosting.unseen import Unseen
from training.data.dataset import Mask
from training.uncertainty.calibration import fit_calibration
from training.uncertainty.covariates import of_target, situation
from training.uncertainty.hit import fit_hit
from training.uncertainty.hurdle import (
    Hurdles,
    column,
    fit_hurdles,
    fit_unit,
    rate_columns,
    rate_mixture,
    tree_columns,
    volume_columns,
    volume_mixture,
    volume_nodes,
)
from training.uncertainty.intervals import RateSpread, Uncertainty
from training.uncertainty.mixture import Mixture
from training.uncertainty.regressions import PARTS, Floats, Parting
from training.uncertainty.required_events import fit_evidence

FADING = 0.5
"""What a row of one fold counts in the calibration against one of the next: markets drift, and later folds were told by
models of more rows, more like the one that predicts."""
MOST_ROWS = 60_000
"""Rows beyond which the earliest are left out: more do not make it surer."""


def fit_uncertainty(rows: Sequence[Unseen], funnel: Funnel, settings: Settings) -> Uncertainty | None:
    """The spread of every target around its prediction.

    Args:
        rows: Unseen by the models that predicted them, in order of time.
        funnel: The funnel of these models.
        settings: `interval` and `evaluate.min_impressions`: rates are calibrated on rows whose later volume reaches
            that, the rows on which they are judged.

    Returns:
        None where not even later volume has `interval.min_rows` rows; rates that have fewer are left out.
    """
    if not rows:
        return None
    least, needed = max(settings.evaluate.min_impressions, 1.0), settings.interval.min_rows
    lean, level = settings.interval.shrinkage_rows, settings.interval.level
    kinds = sorted({str(kind) for part in rows for kind in part.features.keys["promotion_type"]})
    situations = [situation(part.predicted, part.features, funnel, kinds) for part in rows]
    frame = pd.concat(situations, ignore_index=True)
    outcome = pd.concat([part.outcome for part in rows], ignore_index=True)
    actual = actual_targets(outcome, funnel)
    later = outcome[f"later:{funnel.volume_of}"].to_numpy(np.float64)
    parting = Parting(
        creative=np.array([crc32(creative.encode()) % PARTS for creative in frame["creative"]], dtype=np.int64),
        time=np.repeat(np.arange(len(rows)), [len(part.predicted) for part in rows]),
    )
    late = np.arange(len(frame)) >= len(frame) - MOST_ROWS

    whole = actual[funnel.volume_target].to_numpy(np.float64)
    known = np.isfinite(whole) & late
    counted = {funnel.volume_target: int(known.sum())}
    if known.sum() < needed:
        return None
    with threadpool_limits(1):
        volume = _fit_volume(frame[known], whole[known], parting.of(known))
        stated = _stated(frame, whole, known, parting, lambda part, some: volume_mixture(volume.without[part], some))
        weight = FADING ** (parting.time.max() - parting.time[known])
        calibration = fit_calibration(frame[known], *stated, whole[known] == 0, weight, lean, level)

        def node_of(part: int, some: pd.DataFrame) -> Floats:
            return volume_nodes(volume.without[part], calibration, some, least)

        rates = {}
        for target in funnel.rate_targets:
            parts = [of_target(frame, u.predicted, u.features, funnel, target) for frame, u in zip(situations, rows)]
            truth = actual[target].to_numpy(np.float64)
            taught = np.isfinite(truth) & (later > 0) & late
            judged = taught & (later >= least)
            counted[target] = int(judged.sum())
            if judged.sum() >= needed:
                known_rows = _RateRows(pd.concat(parts, ignore_index=True), truth, later, taught, judged, parting)
                rates[target] = _fit_rate(known_rows, node_of, lean, level)
        hit = fit_hit(
            pd.concat([part.predicted for part in rows], ignore_index=True),
            frame,
            outcome,
            funnel,
            settings.interval,
            parting,
        )
    asked = funnel.main_roi or funnel.targets[0]
    return Uncertainty(
        funnel=funnel,
        level=level,
        least=least,
        kinds=tuple(kinds),
        volume=volume.whole,
        volume_calibration=calibration,
        rates=rates,
        hit=hit,
        evidence=fit_evidence([part.features for part in rows], funnel, asked),
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
    parting: Parting


def _fit_rate(rows: _RateRows, nodes: Callable[[int, pd.DataFrame], Floats], lean: float, level: float) -> RateSpread:
    taught = rows.taught
    log_later = np.log(np.where(rows.later > 0, rows.later, 1.0))
    unit = fit_unit((column(rows.frame, "log_events") + log_later)[taught], rows.truth[taught] > 0)

    frame = rows.frame[taught]
    hurdles = fit_hurdles(
        rate_columns(frame, log_later[taught], unit),
        tree_columns(frame),
        column(frame, "log_predicted"),
        rows.truth[taught],
        rows.parting.of(taught),
    )
    stated = _stated(
        rows.frame,
        rows.truth,
        rows.judged,
        rows.parting,
        lambda part, some: rate_mixture(hurdles.without[part], unit, nodes(part, some), some),
    )
    weight = FADING ** (rows.parting.time.max() - rows.parting.time[rows.judged])
    calibration = fit_calibration(rows.frame[rows.judged], *stated, rows.truth[rows.judged] == 0, weight, lean, level)
    return RateSpread(hurdle=hurdles.whole, log_unit=unit, calibration=calibration)


def _fit_volume(rows: pd.DataFrame, whole: Floats, parting: Parting) -> Hurdles:
    return fit_hurdles(volume_columns(rows), tree_columns(rows), column(rows, "log_volume"), whole, parting)


def _stated(
    frame: pd.DataFrame,
    truth: Floats,
    judged: Mask,
    parting: Parting,
    mixture: Callable[[int, pd.DataFrame], Mixture],
) -> tuple[Floats, Floats]:
    """Chance stated of at most what came, and of nothing, by regressions that had not seen the row."""
    below, nothing = np.zeros(len(truth)), np.zeros(len(truth))
    for part in range(PARTS):
        rows = judged & (parting.creative == part)
        if rows.any():
            told = mixture(part, frame[rows])
            below[rows], nothing[rows] = told.below(truth[rows]), told.below(np.zeros(int(rows.sum())))
    return below[judged], nothing[judged]

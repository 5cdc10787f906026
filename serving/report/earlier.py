"""What the decisions were worth a period ago: the same rules and today's model on what had been reported by then."""

from dataclasses import replace

import numpy as np
import pandas as pd

from features.matrix.feature_matrix import build_features
from features.point_in_time.as_of_history import AsOfHistory
from features.point_in_time.as_of_table import as_of_table
from features.point_in_time.counts import columns_of_others, observe
from features.point_in_time.metric_rows import MetricRows
from features.point_in_time.snapshots import latest_snapshots, snapshot_frame
from serving.report.context import ReportContext
from serving.report.daily import PERIODS, indices
from serving.report.effects import ReportPart
from training.decision.advice import advise
from training.decision.status import RUNNING, statuses


class EarlierStakes(ReportPart):
    """Running creatives that were to be scaled, and to be stopped: index → CNY at stake then.

    Attributes:
        scale, stop: As of `training.decision.advice.Advice.figures`, `stake_cny`.
    """

    scale: dict[int, float]
    stop: dict[int, float]


def earlier_stakes(context: ReportContext) -> dict[int, EarlierStakes]:
    """Days back → stakes of that time; days before which nothing had been reported are left out.

    Only what had been reported counts, as it does today; the model is today's, so that both are comparable.
    """
    return {back: found for back in PERIODS if (found := _then(context, context.now - pd.Timedelta(days=back)))}


def _then(context: ReportContext, until: pd.Timestamp) -> EarlierStakes | None:
    loaded, model, settings = context.loaded, context.loaded_model.model, context.settings
    metrics = loaded.metrics[loaded.metrics["period_end"] <= until]
    if metrics.empty:
        return None
    fitted, funnel = model.fitted, context.funnel
    rows = MetricRows.of(replace(loaded, metrics=metrics))
    latest = latest_snapshots(rows, until)
    index = indices(context, snapshot_frame(latest, rows.creatives))
    running = np.array([one == RUNNING for one in statuses(latest, rows.account_until)])
    units = np.flatnonzero(running & (index >= 0))
    if not len(units):
        return EarlierStakes(scale={}, stop={})
    history = AsOfHistory(as_of_table(rows, funnel, fitted.entities, settings, until), fitted.entities, until)
    others = columns_of_others(history.of(rows.creatives.take(units), units))
    observed = observe(latest.take(units), rows, others, funnel, settings)
    features = build_features(observed, fitted)
    advice = advise(model.predict(features), features, observed, [RUNNING] * len(units), model, settings)
    stakes = {
        code: {
            int(index[unit]): round(float(stake), 2)
            for unit, stake, verdict in zip(units, advice.figures["stake_cny"], advice.verdicts)
            if verdict[0] == code
        }
        for code in ("scale", "stop")
    }
    return EarlierStakes(**stakes)

"""Predict each creative at its latest cutoff: rates, targets, intervals, verdict, own counts and warnings."""

import numpy as np
import pandas as pd

from configs.settings import Settings
from features.errors import InputError
from features.matrix.feature_matrix import build_features
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.as_of_table import AsOfHistory, as_of_table
from features.point_in_time.counts import columns_of_others, observe
from features.point_in_time.metric_rows import MetricRows
from features.point_in_time.snapshots import latest_snapshots
from features.schema import KEY, Loaded
from training.boosting.model import CreativeModel
from training.decision.advice import advise
from training.decision.prediction_warnings import batch_warnings

EVIDENCE = ["impressions", "clicks", "orders", "spend_cny"]
"""Metrics of the creative's own counts that are returned with each prediction."""


def latest_predictions(
    loaded: Loaded, model: CreativeModel, settings: Settings, rows: MetricRows | None = None
) -> pd.DataFrame:
    """Predict each creative for the window from the end of its last period (before launch: from the end of the data).

    Args:
        loaded: Metrics and creatives.
        model: The model.
        settings: Of the model's run.
        rows: The same metrics as arrays, where the caller has them.

    Returns:
        As `predict_rows`, one row per creative.

    Raises:
        InputError: There are no metrics.
    """
    if loaded.metrics.empty:
        raise InputError("The data hold no metrics, so there is no moment to predict from. Import reports too.")
    now, rows = loaded.metrics["period_end"].max(), MetricRows.of(loaded) if rows is None else rows
    funnel, shared = model.fitted.funnel, model.fitted.entities
    # History of other creatives as of now, as in the service, so that both return the same numbers.
    history = AsOfHistory(as_of_table(rows, funnel, shared, settings, now), shared, now)
    others = columns_of_others(history.of(rows.creatives, np.arange(len(rows.creatives), dtype=np.int64)))
    observed = observe(latest_snapshots(rows, now), rows, others, funnel, settings)
    return predict_rows(observed, loaded, model, settings, now)


def predict_rows(
    observed: ArrayFrame, loaded: Loaded, model: CreativeModel, settings: Settings, now: pd.Timestamp
) -> pd.DataFrame:
    """Predict the latest snapshots of some creatives.

    Args:
        observed: The snapshots, one per creative, with their counts (`features.point_in_time.counts`).
        loaded: Metrics and creatives of their accounts.
        model: The model.
        settings: Of the model's run.
        now: End of the last period of all data.

    Returns:
        KEY, `age_hours` (hours since launch), `cutoff`, a column per stage and target
        (`training.boosting.stage_targets.compose`),
        `early_impressions`, `early_clicks`, `early_orders`, `early_spend_cny` (those that the data have) and `warnings`
        (empty where there are none).
    """
    features = build_features(observed, model.fitted)
    table = model.predict(features)
    table = pd.concat([table, advise(table, features, observed, model, settings).frame()], axis=1)
    for name in EVIDENCE:
        if f"early:{name}" in observed:
            table[f"early_{name}"] = observed.floats(f"early:{name}")
    rows = observed.select([*KEY, "cutoff"]).frame()
    table["warnings"] = batch_warnings(rows, loaded, model.fitted, settings, now)
    return table

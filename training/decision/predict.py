"""Predict each creative at its latest cutoff: rates, targets, intervals, verdict, own counts and warnings."""

import numpy as np
import pandas as pd

from configs.settings import Settings
from features.errors import InputError
from features.matrix.feature_matrix import build_features
from features.point_in_time.counts import observe
from features.point_in_time.snapshots import latest_snapshots
from features.schema import Loaded
from training.boosting.model import CreativeModel
from training.decision.advice import advise
from training.decision.prediction_warnings import batch_warnings

EVIDENCE = ["impressions", "clicks", "orders", "spend_cny"]
"""Own counts that stand beside each prediction."""


def latest_predictions(loaded: Loaded, model: CreativeModel, settings: Settings) -> pd.DataFrame:
    """Predict each creative for the window from the end of its last period (before launch: from the end of the data).

    Returns:
        As `predict_rows`, one row per creative.

    Raises:
        InputError: There are no metrics.
    """
    if loaded.metrics.empty:
        raise InputError("The data hold no metrics, so there is no moment to predict from. Import reports too.")
    now = loaded.metrics["period_end"].max()
    rows = latest_snapshots(loaded.metrics, loaded.creatives, now)
    # History of other creatives as of now, as in the service, so that both return the same numbers.
    observed = observe(rows, loaded, model.fitted.funnel, model.fitted.entities, settings, as_of=now)
    return predict_rows(rows, observed, loaded, model, settings, now)


def predict_rows(
    rows: pd.DataFrame,
    observed: pd.DataFrame,
    loaded: Loaded,
    model: CreativeModel,
    settings: Settings,
    now: pd.Timestamp,
) -> pd.DataFrame:
    """Predict the latest snapshots of some creatives.

    Args:
        rows: The snapshots, one per creative.
        observed: Their counts (`features.point_in_time.counts`), same order.
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
            table[f"early_{name}"] = observed[f"early:{name}"].to_numpy(np.float64)
    table["warnings"] = batch_warnings(rows, loaded, model.fitted, settings, now)
    return table

"""Predict each creative at its latest cutoff: rates, targets, intervals, verdict, own counts and warnings."""

from functools import partial

import pandas as pd

from configs.settings import Settings
from features.errors import InputError
from features.matrix.feature_matrix import build_features
from features.point_in_time.array_frame import ArrayFrame
from features.schema import KEY, Loaded
from training.boosting.model import TYPICAL_VOLUME, CreativeModel
from training.data.metrics_source import MetricsSource
from training.decision.advice import advise
from training.decision.prediction_warnings import SEPARATOR, batch_warnings
from training.decision.status import reported_until, statuses
from training.decision.unknown_ids import KnownIds

NAMES = ["creative_name", "product_name", "creator_name"]
EVIDENCE = ["impressions", "clicks", "orders", "spend_cny"]
"""Metrics of the creative's own counts that are returned with each prediction."""


def predict_latest(
    source: MetricsSource, model: CreativeModel, settings: Settings, known_ids: KnownIds | None = None
) -> pd.DataFrame:
    """Predict each creative for the window from the end of its last period (before launch: from the end of the data).

    Args:
        source: Metrics and creatives.
        model: The model.
        settings: Of the model's run.
        known_ids: Accounts, products and KOCs of the model's data; None: those of the source.

    Returns:
        As `predict_rows`, one row per creative.

    Raises:
        InputError: There are no metrics.
    """
    if pd.isna(source.until):
        raise InputError(
            "The data hold no metrics, so there is no moment to predict from. Import reports too.",
            zh="数据里没有效果数据，没有可以预测的时刻。处理：把日报导出也放进来。",
        )
    function = partial(predict_rows, model=model, settings=settings, known_ids=known_ids or {})
    return source.apply_latest(function, model.fitted.funnel, model.fitted.entities, settings)


def predict_rows(
    observed: ArrayFrame,
    loaded: Loaded,
    now: pd.Timestamp,
    *,
    model: CreativeModel,
    settings: Settings,
    known_ids: KnownIds,
) -> pd.DataFrame:
    """Predict the latest snapshots of some creatives.

    Args:
        observed: The snapshots, one per creative, with their counts (`features.point_in_time.counts`).
        loaded: Metrics and creatives of their accounts.
        now: End of the last period of all data.
        model: The model.
        settings: Of the model's run.
        known_ids: Accounts, products and KOCs of the model's data; those of other columns are not checked.

    Returns:
        KEY, `age_hours` (hours since launch), `cutoff`, a column per stage and target
        (`training.boosting.model.predicted_values`), those of `training.decision.advice.Advice`,
        `early_impressions`, `early_clicks`, `early_orders`, `early_spend_cny` (those that the data have), `warnings`
        and `warnings_zh` (empty where there are none), and the names of creative, product and KOC that the data have.
    """
    features = build_features(observed, model.fitted)
    table = model.predict(features)
    rows = observed.select([*KEY, "cutoff"]).frame()
    status = statuses(observed, reported_until(rows, loaded, now))
    advice = advise(table, features, observed, status, model, settings)
    # What ranks later volume stands in the typical value of its target.
    table = pd.concat([table.drop(columns=TYPICAL_VOLUME), advice.frame()], axis=1)
    for name in EVIDENCE:
        if f"early:{name}" in observed:
            table[f"early_{name}"] = observed.floats(f"early:{name}")
    warnings = batch_warnings(rows, loaded, model.fitted, settings, now, known_ids)
    table["warnings"] = [SEPARATOR.join(one.en for one in of_row) for of_row in warnings]
    table["warnings_zh"] = ["".join(one.zh for one in of_row) for of_row in warnings]
    return _with_names(table, loaded)


def _with_names(table: pd.DataFrame, loaded: Loaded) -> pd.DataFrame:
    """Add the names of creative, product and KOC that the data have."""
    names = [name for name in NAMES if name in loaded.creatives]
    return table.merge(loaded.creatives[[*KEY, *names]], on=KEY, how="left")

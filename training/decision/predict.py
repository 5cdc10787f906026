"""One row per creative at its latest cutoff: rates, targets, evidence and warnings."""

import numpy as np
import pandas as pd

from configs.settings import BASES, Settings
from features.errors import InputError
from features.funnel import GPM, NET_GPM, counted_columns
from features.matrix.encoders import unseen_values
from features.matrix.feature_matrix import Fitted, build_features
from features.point_in_time.counts import observe
from features.point_in_time.measures import SETTLED
from features.point_in_time.snapshots import latest_snapshots, unit_codes
from features.schema import KEY, Loaded
from training.boosting.model import CreativeModel
from training.decision.advice import advise
from training.labels.outcomes import data_until

EVIDENCE = ["impressions", "clicks", "orders", "spend_cny"]
SEPARATOR = "; "


def latest_predictions(loaded: Loaded, model: CreativeModel, settings: Settings) -> pd.DataFrame:
    """What each creative is expected to do from the end of its last period (from now, before launch).

    Returns:
        As `predict_rows`, one row per creative.
    """
    if loaded.metrics.empty:
        raise InputError("The data hold no metrics, so there is no moment to predict from. Import reports too.")
    now = loaded.metrics["period_end"].max()
    rows = latest_snapshots(loaded.metrics, loaded.creatives, now)
    # All look at the others as they stand now, as the service does: both give one answer.
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
    """Predictions of some creatives' latest snapshots.

    Args:
        rows: The snapshots.
        observed: Their counts (`features.point_in_time.counts`).
        loaded: Metrics and creatives of their accounts.
        model: That predicts.
        settings: Of the model.
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
    table["warnings"] = warnings_of(rows, observed, loaded, model.fitted, settings, now)
    return table


def warnings_of(
    rows: pd.DataFrame, observed: pd.DataFrame, loaded: Loaded, fitted: Fitted, settings: Settings, now: pd.Timestamp
) -> list[str]:
    """What to mind about each prediction, joined by semicolons."""
    general = _missing_columns(loaded, fitted, settings)
    creatives = loaded.creatives.reset_index(drop=True)
    unseen = unseen_values(creatives, fitted.encoder).iloc[unit_codes(rows, creatives)].to_numpy()
    trained_kinds = {kind for prior in fitted.priors.values() for kind in prior.rate}
    until = rows.join(data_until(loaded).rename("until"), on=KEY[:2])["until"].fillna(now)
    silent = ((until - rows["cutoff"]) / pd.Timedelta(days=1)).to_numpy(np.float64)
    found = []
    for kind, values, days in zip(rows["promotion_type"], unseen, silent):
        notes = list(general)
        if kind not in trained_kinds:
            notes.append(f"promotion type never seen in training: {kind}")
        if values:
            notes.append(f"values never seen in training: {values}")
        if days >= settings.outcome_days:
            notes.append(f"no delivery for {days:.0f} days: the predicted window has passed")
        elif days >= 1:
            notes.append(f"no delivery for {days:.0f} day{'' if days < 1.5 else 's'}")
        found.append(SEPARATOR.join(notes))
    return found


def _missing_columns(loaded: Loaded, fitted: Fitted, settings: Settings) -> list[str]:
    basis_column = BASES[settings.basis][0]
    derived = {*SETTLED, "engagements", "reference_gmv_cny"}
    wanted = {name for name in counted_columns(fitted.funnel) if name not in derived}
    if fitted.funnel.has("keep") and basis_column:
        wanted.add(basis_column)
    missing = sorted(wanted - set(loaded.metrics))
    missing += [column.removeprefix("tag_") for column in fitted.encoder.seen if column not in loaded.creatives]
    notes = [f"columns missing: {', '.join(missing)}"] if missing else []
    targets = [name for name in (GPM.name, NET_GPM.name, "keep", "cost") if name in fitted.funnel.missing]
    return notes + [f"not predicted: {name} (needs {fitted.funnel.missing[name]})" for name in targets]

"""What a plan is computed from: one row per creative, from the model and the counts so far."""

from functools import partial

import numpy as np
import pandas as pd

from configs.settings import Settings
from features.arrays import Floats
from features.matrix.encoders import Encoder
from features.matrix.feature_matrix import build_features
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.counts import RECENT_DAYS
from features.schema import KEY, MULTI, Loaded
from features.targets import TARGETS
from training.boosting.model import CreativeModel
from training.data.metrics_source import MetricsSource
from training.decision.advice import Advice, advise
from training.decision.plan.dispersion import account_of
from training.decision.plan.refusals import NO_DISTRIBUTIONS, NO_METRICS, NO_ORDERS, NO_SPEND, refused
from training.decision.similar import same_ideas
from training.decision.status import reported_until, statuses
from training.uncertainty import Predicted

NAMES = ["creative_name", "product_name", "creator_name"]


def plan_figures(source: MetricsSource, model: CreativeModel, settings: Settings) -> pd.DataFrame:
    """Figures of all creatives at the end of the data.

    Args:
        source: Metrics and creatives.
        model: The model.
        settings: Of the model's run, with those of the plan.

    Returns:
        As `figures_of`, one row per creative.

    Raises:
        InputError: The data or the model cannot support a plan; the message has what is missing and the cure.
    """
    refuse_model(model)
    if pd.isna(source.until):
        raise refused(NO_METRICS)
    function = partial(figures_of, model=model, settings=settings)
    return source.apply_latest(function, model.fitted.funnel, model.fitted.entities, settings)


def refuse_model(model: CreativeModel) -> None:
    """Raise InputError where a model predicts no ROI, values no orders, or has no distributions."""
    funnel, uncertainty = model.fitted.funnel, model.uncertainty
    if "value" not in funnel.to_gmv:
        raise refused(NO_ORDERS)
    if not funnel.main_roi:
        raise refused(NO_SPEND)
    if uncertainty is None or funnel.main_roi not in uncertainty.targets:
        raise refused(NO_DISTRIBUTIONS)


def figures_of(
    observed: ArrayFrame, loaded: Loaded, now: pd.Timestamp, *, model: CreativeModel, settings: Settings
) -> pd.DataFrame:
    """Figures of the latest snapshots of some creatives.

    Args:
        observed: The snapshots, one per creative, in the order of the creatives.
        loaded: Metrics and creatives of their accounts.
        now: End of the last period of all data.
        model: The model.
        settings: As of `plan_figures`.

    Returns:
        As `figures`, with `family` (KEY of the first creative with its idea, as one text) and the names that the data
        have.
    """
    features = build_features(observed, model.fitted)
    rows = observed.select([*KEY, "cutoff"]).frame()
    status = statuses(observed, reported_until(rows, loaded, now))
    predicted = model.predict(features)
    advice = advise(predicted, features, observed, status, model, settings)
    table = figures(observed, predicted, advice, model, settings).assign(family=families(loaded.creatives))
    names = [name for name in NAMES if name in loaded.creatives]
    return table.merge(loaded.creatives[[*KEY, *names]], on=KEY, how="left")


def figures(
    observed: ArrayFrame,
    predicted: Predicted,
    advice: Advice,
    model: CreativeModel,
    settings: Settings,
) -> pd.DataFrame:
    """Figures of some rows; all arguments are of the same rows.

    Args:
        observed: Their counts and attributes (`features.point_in_time.counts.observe`).
        predicted: By the model.
        advice: On these predictions (`training.decision.advice.advise`).
        model: The model.
        settings: As of `plan_figures`.

    Returns:
        KEY, `status`, and in CNY where nothing else is said: `target` (ROI to reach), `roi` (expected, of the funnel's
        main ROI), `log_variance` (of the true ROI's log), `roi_low` and `roi_high`, `order_value` (mean of an order
        that is kept), `dispersion` (bound on the index of its account, `training.decision.plan.dispersion`; NaN where
        none was learnt), `chance` (of the ROI target), `hit_chance` (where the model states none, `chance`), `natural`
        (spend predicted over the outcome window), `told_apart` (spend until two such creatives can be ranked), `spent`,
        `money` and `most_money` (after refunds, with the expected and with all of what is not settled yet),
        `yesterday` (mean daily spend of the last days), `verdict` and `known` (attributes with a value that the model
        knows).
    """
    funnel = model.fitted.funnel
    if advice.rows is None:
        raise refused(NO_DISTRIBUTIONS)
    roi, net = funnel.main_roi, TARGETS[funnel.main_roi].net
    volume = funnel.volume_target
    rate = {name: np.asarray(predicted[name], dtype=np.float64) for name in (roi, "value", "cost", volume)}
    kept = np.asarray(predicted["keep"], dtype=np.float64) if net and funnel.has("keep") else np.ones(len(rate[roi]))
    hit_chance, chance = advice.figures["hit_chance"], advice.figures[f"{roi}_chance"]
    required = advice.rows.required_evidence(settings.verdict.distinguish_probability)
    gmv = _early(observed, "gmv_cny")
    settled = _early(observed, "settled_net_cny") if net else gmv
    not_settled = gmv - _early(observed, "settled_gmv_cny") if net else np.zeros_like(gmv)
    days = np.clip(observed.floats("age_hours") / 24.0, 1.0, RECENT_DAYS)
    keys = observed.select(KEY).frame()
    return keys.assign(
        status=advice.status,
        target=advice.figures["asked_roi"],
        roi=rate[roi],
        log_variance=advice.rows.rate_variance(roi),
        roi_low=advice.figures[f"{roi}_low"],
        roi_high=advice.figures[f"{roi}_high"],
        order_value=rate["value"],
        dispersion=account_of(keys).map(model.dispersion).to_numpy(np.float64),
        hit_chance=np.where(np.isnan(hit_chance), chance, hit_chance),
        natural=rate[volume] * rate["cost"],
        told_apart=required["more_cny"],
        spent=_early(observed, "spend_cny"),
        money=settled + not_settled * kept,
        most_money=settled + not_settled,
        yesterday=np.nan_to_num(observed.floats("last_days:spend_cny")) / days,
        chance=chance,
        verdict=[one[0] for one in advice.verdicts],
        known=known_attributes(observed, model.fitted.encoder),
    )


def families(creatives: pd.DataFrame) -> list[str]:
    """KEY of the first creative with the idea of each, as one text."""
    keys = [" ".join(key) for key in creatives[KEY].itertuples(index=False, name=None)]
    return [keys[first] for first in same_ideas(creatives).first.tolist()]


def known_attributes(creatives: ArrayFrame, encoder: Encoder) -> Floats:
    """(creatives,) Number of attributes with a value that was in the training data, the promotion type aside."""
    found = np.zeros(len(creatives))
    for column, seen in encoder.seen.items():
        if column in creatives and column != "promotion_type" and (own := creatives.categories_of([column])[0]):
            known = [any(part in seen for part in str(value).split(MULTI)) for value in own.values]
            found += np.array([*known, False])[own.codes]
    return found


def _early(observed: ArrayFrame, name: str) -> Floats:
    """(rows,) A count of the whole life so far; 0 where nothing is known."""
    return np.nan_to_num(observed.floats(f"early:{name}"))

"""Evaluate a model and its baselines on the same holdout rows."""

import numpy as np
import pandas as pd

from features.arrays import Floats, Mask
from features.funnel import Funnel
from features.matrix.feature_matrix import Features, Fitted, build_features
from features.point_in_time.array_frame import ArrayFrame
from features.schema import KEY
from features.stages import VOLUME
from features.targets import KEEP_HEAD, TARGETS
from training.boosting.model import CreativeModel, targets_of_heads
from training.data.dataset import Dataset
from training.evaluation.metrics import CARRY, COLUMN_PREFIXES, EMPIRICAL_BAYES, OWN, evaluate, ratio
from training.labels.outcomes import actual_targets, exposures
from training.uncertainty import RowUncertainty

DAY_HOURS = 24.0


def evaluate_holdout(
    dataset: Dataset,
    holdout: Mask,
    known_creatives: set[str],
    model: CreativeModel,
    bayes: Fitted | None = None,
    observed: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compute the metrics of a model and its baselines, and the holdout frame.

    Args:
        dataset: All rows.
        holdout: Mask of the rows to evaluate on.
        known_creatives: creative_ids of the model's training rows; the other rows are `cold`.
        model: The model; its training rows must not overlap with the holdout.
        bayes: Empirical-Bayes priors from the same training rows; None leaves that baseline out.
        observed: Counts of the holdout rows for the model's own entities, where they differ from the dataset's.

    Returns:
        Metrics (as of `training.evaluation.metrics.evaluate`) and the holdout frame (described there).
    """
    counts = (dataset.observed[holdout] if observed is None else observed).reset_index(drop=True)
    outcome = dataset.outcome[holdout].reset_index(drop=True)
    features = build_features(ArrayFrame.of(counts), model.fitted)
    own = model.predict(features)
    targets = model.fitted.funnel.targets
    methods = {CARRY: carry_forward(counts, features, model, dataset.settings.outcome_days)}
    if bayes is not None:
        methods[EMPIRICAL_BAYES] = empirical_bayes(counts, features, bayes, model)
    methods[OWN] = own[targets]
    actual = actual_targets(outcome, model.fitted.funnel)
    exposure = exposures(outcome, model.fitted.funnel)
    cold = ~counts["creative_id"].isin(known_creatives).to_numpy(np.bool_)
    figures = evaluate(methods, actual, exposure, counts["age_hours"], cold, dataset.settings.evaluate.min_impressions)
    frame = pd.concat(
        [
            counts[[*KEY, "age_hours", "cutoff"]],
            pd.DataFrame({"cold": cold}),
            *(
                methods[method][targets].add_prefix(f"{COLUMN_PREFIXES[method]}_")
                for method in (OWN, CARRY, EMPIRICAL_BAYES)
                if method in methods
            ),
            actual.add_prefix("actual_"),
            pd.DataFrame({f"exposure_{target}": exposure[target] for target in targets}),
            pd.DataFrame({"spent_cny": counts.get("early:spend_cny", pd.Series(np.nan, index=counts.index))}),
            *([_uncertain(model.uncertainty.of(own, features), targets)] if model.uncertainty else []),
        ],
        axis=1,
    )
    return figures, frame


def _uncertain(rows: RowUncertainty, targets: list[str]) -> pd.DataFrame:
    return pd.DataFrame({f"typical_{target}": rows.typical(target) for target in targets} | dict(rows.intervals))


def carry_forward(observed: pd.DataFrame, features: Features, model: CreativeModel, outcome_days: int) -> pd.DataFrame:
    """Predict each target by its value up to the cutoff; where nothing is counted yet, by the market mean.

    Later volume is the pace of the last day (of the hours so far, for creatives younger than a day) times the length of
    the outcome window; at age 0, the expected volume of the model's offset.

    Returns:
        One column per target of the funnel, in row order.
    """
    funnel = model.fitted.funnel
    rates = {name: np.log(posterior.market_rate) for name, posterior in features.posteriors.items()}
    for stage in funnel.stages:
        if stage.priced:
            rates[stage.name] = rates[stage.name] + np.log(features.reference_price)
    logs = {head.name: head.log_product(rates) for head in funnel.heads}
    market = targets_of_heads({**logs, VOLUME: model.volume.log_expected(features)}, funnel)
    carried = {}
    for target in funnel.targets:
        if TARGETS[target].is_volume:
            own = _pace(observed, funnel, outcome_days)
        elif TARGETS[target].net:
            own = _net_so_far(observed, target, np.exp(logs[KEEP_HEAD]) if KEEP_HEAD in logs else None)
        else:
            own = ratio(_early(observed, "gmv_cny"), _base(observed, target))
        carried[target] = np.where(np.isnan(own), market[target], own)
    return pd.DataFrame(carried)


def empirical_bayes(observed: pd.DataFrame, features: Features, bayes: Fitted, model: CreativeModel) -> pd.DataFrame:
    """Predict each target by empirical Bayes alone, without funnel model and heads.

    Args:
        observed: Counts of the rows.
        features: Of the same rows by the model.
        bayes: Empirical-Bayes priors from the same training rows.
        model: Its head of later volume is used.
    """
    alone = CreativeModel(fitted=bayes, volume=model.volume)
    logs = alone.log_heads(build_features(ArrayFrame.of(observed), bayes), volume=False)
    return pd.DataFrame(targets_of_heads({**logs, VOLUME: model.volume.log_expected(features)}, bayes.funnel))


def _net_so_far(observed: pd.DataFrame, target: str, market_keep: Floats | None) -> Floats:
    kept = ratio(_early(observed, "settled_net_cny"), _early(observed, "settled_gmv_cny"))
    if market_keep is None:
        return ratio(_early(observed, "settled_net_cny"), _early(observed, "settled_spend_cny"))
    # Net money settles later than all else: gross money so far times the share kept so far (else the market's).
    kept = np.where(np.isnan(kept), market_keep, kept)
    return ratio(_early(observed, "gmv_cny"), _base(observed, target)) * kept


def _base(observed: pd.DataFrame, target: str) -> Floats:
    return _early(observed, TARGETS[target].exposure) / TARGETS[target].scale


def _early(observed: pd.DataFrame, name: str) -> Floats:
    column = f"early:{name}"
    return observed[column].to_numpy(np.float64) if column in observed else np.full(len(observed), np.nan)


def _pace(observed: pd.DataFrame, funnel: Funnel, outcome_days: int) -> Floats:
    hours = np.minimum(observed["elapsed_hours"].to_numpy(np.float64), DAY_HOURS)
    last = observed[f"last_day:{funnel.volume_of}"].to_numpy(np.float64)
    return ratio(last * outcome_days * DAY_HOURS, hours)

"""How a model does on held-out rows, beside the rules to beat; and whether it beats the champion."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.funnel import TARGETS
from features.matrix.feature_matrix import Fitted, build_features
from features.point_in_time.snapshots import SNAPSHOT
from features.schema import KEY
from training.boosting.model import CreativeModel
from training.boosting.stage_targets import actual_targets
from training.data.dataset import Dataset, Mask
from training.evaluation.baselines import carry_forward, empirical_bayes
from training.evaluation.metrics import CARRY, EMPIRICAL_BAYES, OWN, evaluate, score
from training.registry.bundle import Manifest


def judge(
    dataset: Dataset,
    held: Mask,
    known_creatives: set[str],
    model: CreativeModel,
    bayes: Fitted | None = None,
    observed: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Figures of a model and its baselines on some rows, and the rows' predictions beside what came.

    Args:
        dataset: All rows.
        held: The rows to judge on.
        known_creatives: creative_ids of the model's training rows: the others are cold.
        model: To be judged.
        bayes: Priors of empirical Bayes from the same training rows; without, it is not judged beside.
        observed: Counts of those rows under the model's own entities, where they differ from the dataset's.
    """
    counts = (dataset.observed[held] if observed is None else observed).reset_index(drop=True)
    outcome = dataset.outcome[held].reset_index(drop=True)
    features = build_features(counts, model.fitted)
    own = model.predict(features)
    targets = model.fitted.funnel.targets
    methods = {CARRY: carry_forward(counts, features, model, dataset.settings.outcome_days)}
    if bayes is not None:
        methods[EMPIRICAL_BAYES] = empirical_bayes(counts, bayes, model)
    methods[OWN] = own[targets]
    actual = actual_targets(outcome, model.fitted.funnel)
    volume = outcome[f"later:{model.fitted.funnel.volume_of}"].to_numpy(np.float64)
    spend = outcome["later:spend_cny"].to_numpy(np.float64) if "later:spend_cny" in outcome else volume
    exposure = {"volume": volume} | {
        target: np.ones_like(volume) if TARGETS[target].is_volume else spend if TARGETS[target].is_roi else volume
        for target in targets
    }
    cold = ~features.keys["creative_id"].isin(known_creatives).to_numpy()
    figures = evaluate(
        methods, actual, exposure, features.keys["age_hours"], cold, dataset.settings.evaluate.min_impressions
    )
    beside = pd.concat(
        [
            features.keys[[*KEY, "age_hours", "cutoff"]],
            pd.DataFrame({"cold": cold}),
            own[targets].add_prefix("predicted_"),
            methods[CARRY][targets].add_prefix("carried_"),
            *([methods[EMPIRICAL_BAYES].add_prefix("bayes_")] if bayes is not None else []),
            actual.add_prefix("actual_"),
            pd.DataFrame({f"exposure_{target}": exposure[target] for target in targets}),
            pd.DataFrame({"spent_cny": counts.get("early:spend_cny", pd.Series(np.nan, index=counts.index))}),
            *([pd.DataFrame(model.uncertainty.of(own, features).intervals)] if model.uncertainty else []),
        ],
        axis=1,
    )
    return figures, beside


@dataclass(frozen=True)
class Contest:
    """A new model against the champion on rows that neither has seen.

    Attributes:
        won: Whether the new one takes its place.
        reason: In a sentence.
    """

    won: bool
    reason: str


def contest(
    dataset: Dataset, held: Mask, new: CreativeModel, old: CreativeModel | None, old_manifest: Manifest | None
) -> Contest:
    """Whether a new model takes the champion's place: only with a smaller deviance on the same rows.

    Data that gained or lost columns change what can be predicted: the rates that both predict are compared.
    """
    if old is None or old_manifest is None:
        return Contest(True, "there was no champion")
    ours, theirs = dataset.settings, old_manifest.settings
    if (ours.basis, ours.outcome_days) != (theirs.basis, theirs.outcome_days):
        return Contest(
            False,
            f"the champion predicts {theirs.basis} over {theirs.outcome_days} days, this model {ours.basis} over "
            f"{ours.outcome_days}: two bases are never compared; give this one its own name in the config",
        )
    shared = _shared_rates(new, old)
    if not shared:
        return Contest(
            False,
            f"the champion predicts {', '.join(old.fitted.funnel.targets)}, this model "
            f"{', '.join(new.fitted.funnel.targets)}: they have no rate in common; give this one its own "
            "name in the config",
        )
    fresh = held & dataset.observed["cutoff"].ge(pd.Timestamp(old_manifest.trained_until)).to_numpy()
    if not fresh.any():
        return Contest(False, f"the champion learned from all holdout rows (until {old_manifest.trained_until})")
    rows = dataset.observed[fresh].reset_index(drop=True)
    snapshots = rows[SNAPSHOT]
    counts = dataset.source.observe(snapshots, old.fitted.funnel, old.fitted.entities, theirs)
    new_score, old_score = (
        score(figures[figures["target"].isin(shared)])
        for figures in (judge(dataset, fresh, set(), new)[0], judge(dataset, fresh, set(), old, observed=counts)[0])
    )
    verdict = f"deviance {new_score:.4f} against the champion's {old_score:.4f} on the same {int(fresh.sum()):,} rows"
    return Contest(bool(new_score < old_score), verdict)


def _shared_rates(new: CreativeModel, old: CreativeModel) -> list[str]:
    if new.fitted.funnel.volume_of != old.fitted.funnel.volume_of:
        return []  # their rows are weighed in other units
    rates = new.fitted.funnel.rate_targets
    return [target for target in rates if target in old.fitted.funnel.targets]

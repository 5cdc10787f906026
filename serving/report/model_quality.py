"""Model quality: what the model can be used for, its holdout figures, and how much evidence the creatives have."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from features.bilingual import Words
from serving.report.context import ReportContext
from serving.report.effects import ReportPart
from training.evaluation.acceptance import Judgement
from training.evaluation.files import Evaluation
from training.evaluation.metrics import ALL_AGES, CARRY, EMPIRICAL_BAYES, OWN
from training.evaluation.page.sentences import five_sentences
from training.labels.calibration import Calibration


class TargetAccuracy(ReportPart):
    """Accuracy of one target on the holdout.

    Attributes:
        target: Which.
        rows: Rows that are compared.
        pair_accuracy: Share of pairs of creatives in the right order: ½ + asin(ρ)/π of the rank correlation ρ.
        baselines: Pair accuracy of carry-forward and of empirical Bayes.
        total: Predicted over actual total; None where it was not evaluated.
        covered: Share of outcomes inside their intervals; None where there are no intervals.
    """

    target: str
    rows: int
    pair_accuracy: float
    baselines: dict[str, float]
    total: float | None
    covered: float | None


class ModelQuality(ReportPart):
    """Model, what it can be used for, and evidence of the chosen creatives.

    Attributes:
        model, version: Of the registry.
        trained_until, data_until: ISO times.
        outcome_days: Length of the outcome window, days.
        level: Nominal coverage of intervals.
        basis: ROI basis of the settings.
        evaluated: Whether there is an evaluation of this very model.
        sentences: Five sentences on what the model can be used for; none where it is not evaluated.
        accuracy: By target.
        holdout_since: Start of the holdout; empty where not evaluated.
        creatives: Chosen creatives.
        accounts: Accounts of these.
        not_launched: Creatives without delivery.
        too_young: Launched creatives whose first outcome window is not mature.
        watched: Running creatives to be watched: little evidence, or figures that contradict each other.
        calibration: What calibrates intervals and chances, and what is missing; None: the model did not count it.
        default_target: ROI to reach of creatives without a target of their own.
        without_target: How many of the chosen creatives have none.
    """

    model: str
    version: str
    trained_until: str
    data_until: str
    outcome_days: int
    level: float
    basis: str
    evaluated: bool
    sentences: list[Words]
    accuracy: list[TargetAccuracy]
    holdout_since: str
    creatives: int
    accounts: int
    not_launched: int
    too_young: int
    watched: int
    calibration: Calibration | None
    default_target: float
    without_target: int


def own_evaluation(context: ReportContext, evaluation: Evaluation | None) -> Evaluation | None:
    """The evaluation, unless it is of other data than the model's."""
    same_data = evaluation is not None and (
        evaluation.facts.data_fingerprint == context.loaded_model.manifest.data_fingerprint
    )
    return evaluation if same_data else None


def model_quality(context: ReportContext, own: Evaluation | None, judged: Sequence[Judgement]) -> ModelQuality:
    """Quality of the model and evidence of the chosen creatives.

    Args:
        context: The chosen creatives.
        own: Evaluation of this very model, where there is one.
        judged: Its judgements.
    """
    model = context.loaded_model
    manifest = model.manifest
    return ModelQuality(
        model=model.name,
        version=model.version,
        trained_until=manifest.trained_until,
        data_until=context.now.isoformat(),
        outcome_days=context.settings.outcome_days,
        level=context.settings.interval.level,
        basis=context.settings.basis,
        evaluated=own is not None,
        sentences=five_sentences(judged, own.facts.level) if own else [],
        accuracy=_accuracy(own, judged) if own else _accuracy_from_manifest(manifest.summary),
        holdout_since=own.facts.holdout_since if own else "",
        creatives=len(context.observed),
        accounts=int(context.observed["account_id"].nunique()),
        not_launched=int((~context.launched).sum()),
        too_young=int((context.launched & ~context.outcomes["known"].to_numpy()).sum()),
        watched=int((context.predicted["verdict"] == "watch").sum()),
        calibration=model.model.calibration,
        default_target=context.settings.verdict.roi_target,
        without_target=len(context.observed) - _with_target(context.observed),
    )


def _with_target(observed: pd.DataFrame) -> int:
    """Creatives with a ROI target of their own."""
    return int((observed["roi_target"] > 0).sum()) if "roi_target" in observed else 0


def _accuracy(evaluation: Evaluation, judged: Sequence[Judgement]) -> list[TargetAccuracy]:
    covered = {one.of: one.figure for one in judged if one.aspect == "intervals" and one.figure.rows}
    # By what creatives are ranked (the typical value), as the sentences above judge it.
    # Where there are too few rows to judge, there is no such figure.
    ranked = {one.of: one.figure.value for one in judged if one.aspect == "ranking"}
    ranks = {name: value for name, value in ranked.items() if np.isfinite(value)}
    figures = evaluation.figures
    of_all = figures[(figures["age_hours"] == ALL_AGES) & (figures["part"] == "all")]
    found = []
    for target, rows in of_all.groupby("target", sort=False):
        by_method = {str(row["method"]): row for row in rows.to_dict("records")}
        own = by_method.get(OWN)
        if own is None or not np.isfinite(own["spearman"]):
            continue
        inside = covered.get(str(target))
        names = [name for name in (CARRY, EMPIRICAL_BAYES) if name in by_method]
        found.append(
            TargetAccuracy(
                target=str(target),
                rows=int(own["rows"]),
                pair_accuracy=pair_accuracy(ranks.get(str(target), own["spearman"])),
                baselines={name: pair_accuracy(by_method[name]["spearman"]) for name in names},
                total=float(own["total"]),
                covered=inside.value if inside else None,
            )
        )
    return found


def _accuracy_from_manifest(summary: Mapping[str, float | str | None]) -> list[TargetAccuracy]:
    """Accuracy from the summary in the bundle's manifest, without baselines and coverage."""
    found = []
    for name, rank in summary.items():
        target, _, figure = name.partition("/")
        if figure == "spearman" and isinstance(rank, float):
            rows, total = summary.get(f"{target}/rows"), summary.get(f"{target}/total")
            found.append(
                TargetAccuracy(
                    target=target,
                    rows=int(rows) if isinstance(rows, float) else 0,
                    pair_accuracy=pair_accuracy(rank),
                    baselines={},
                    total=total if isinstance(total, float) else None,
                    covered=None,
                )
            )
    return found


def pair_accuracy(rank: float) -> float:
    """Share of pairs in the right order, for two jointly normal figures with rank correlation `rank`."""
    return float(0.5 + np.arcsin(np.clip(rank, -1.0, 1.0)) / np.pi)

"""Run all leak checks, in the order of docs/leaks.md."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pandas as pd

from configs.settings import Settings
from features.funnel import Funnel
from features.matrix.feature_matrix import Fitted
from features.point_in_time.counts import observe_loaded
from features.point_in_time.entity_history import Entity
from features.schema import Loaded
from training.data.dataset import Dataset, fit_features, rows_of
from training.errors import TooThinError
from training.labels.splits import folds, holdout_split
from training.leaks.findings import NOTHING, Finding, listed
from training.leaks.outcome_ranks import MIN_CREATIVES, outcome_ranks
from training.leaks.post_delivery_labels import check_labels
from training.leaks.recompute import (
    check_future_permuted,
    check_own_rows,
    check_recomputed,
    moments_to_try,
)
from training.leaks.suspects import AssociationTests, Suspect
from training.leaks.windows import check_no_overlap, check_split

SEED = 7
"""Of samples and permutations."""
SINGLE_COLUMN, IDS, MISSING_VALUES = (
    "single column predicts outcomes",
    "ids predict outcomes",
    "missing values predict outcomes",
)


def observe_counts(
    frame: pd.DataFrame, loaded: Loaded, funnel: Funnel, shared: Sequence[Entity], settings: Settings
) -> pd.DataFrame:
    """`features.point_in_time.counts.observe_loaded` as a pandas frame."""
    return observe_loaded(frame, loaded, funnel, shared, settings).frame()


def run_leaks(dataset: Dataset, report: Callable[[str], None] = lambda _: None) -> list[Finding]:
    """Run every check.

    Args:
        dataset: As training uses it.
        report: Called with one line of text at each step.
    """
    draw = np.random.default_rng(SEED)
    fitted = fitted_before_holdout(dataset)
    moments = moments_to_try(dataset, draw)
    report("recomputing counts and features at their cutoffs")
    findings = [
        check_recomputed(dataset, fitted, moments, observe_counts),
        check_future_permuted(dataset, fitted, moments, observe_counts, draw),
        check_no_overlap(dataset, draw),
    ]
    report("recomputing history without the creative itself")
    findings.append(check_own_rows(dataset, moments, observe_counts, draw))
    findings += [check_split(dataset, holdout_split, folds), check_labels(dataset)]
    report("testing columns against later outcomes")
    return findings + association_checks(dataset, fitted)


def fitted_before_holdout(dataset: Dataset) -> Fitted | None:
    """Fit priors and encoders on the rows before the holdout; None where the data are too few to split."""
    try:
        train, _, starts = holdout_split(dataset.rows, dataset.settings.split.holdout_days)
    except TooThinError:
        return None
    return fit_features(dataset, train, starts)


def association_checks(dataset: Dataset, fitted: Fitted | None) -> list[Finding]:
    """Run checks 7 to 9: association of columns, ids and missing values with later outcomes."""
    ranks = outcome_ranks(dataset, np.random.default_rng(SEED)) if fitted is not None else None
    if ranks is None or fitted is None:
        reason = f"fewer than {MIN_CREATIVES} creatives with a closed outcome can be evaluated"
        skipped = (SINGLE_COLUMN, IDS, MISSING_VALUES)
        return [Finding(name, "SKIPPED", reason, "Add exports of more weeks.") for name in skipped]
    mask = np.zeros(len(dataset.observed), dtype=bool)
    mask[ranks.places] = True
    tests = AssociationTests(dataset, rows_of(dataset, mask, fitted)[0], fitted, ranks, SEED)
    evaluated = max(int(ranks.evaluated(name).sum()) for name in ranks.outcomes)
    scope = f"{evaluated:,} later creatives, {len(ranks.outcomes)} outcomes"
    return [
        _single_column(tests.single_columns(), f"{len(tests.singles)} columns on {scope}"),
        _above_chance(
            IDS,
            tests.ids(),
            f"ids on {scope}: order, first and last characters predict no more than chance",
            "Find out how these ids are assigned: if by success, use the platform's own 素材ID.",
        ),
        _above_chance(
            MISSING_VALUES,
            tests.missing_values(),
            f"missing values on {scope}: which cells are filled in predicts no more than chance",
            "Fill these columns in for all creatives at upload, or leave them out: filled in later, they depend on "
            "success.",
        ),
    ]


def _single_column(suspects: Sequence[Suspect], scope: str) -> Finding:
    """REVIEW for a column above all others together, FAIL above the limit; columns with dates are covered elsewhere."""
    fails = [suspect for suspect in suspects if suspect.impossible]
    reviews = [suspect for suspect in suspects if suspect.above_rest and not suspect.dated]
    if fails:
        cure = "Remove the column: before delivery no input predicts better than the first day's counts do."
        return Finding(SINGLE_COLUMN, "FAIL", _named(fails), cure)
    if reviews:
        cure = "Ask who fills the column in and when: keep it only if it is written before delivery."
        return Finding(SINGLE_COLUMN, "REVIEW", _named(reviews), cure)
    best = f"; the best: {max(suspects, key=lambda s: s.alone)}" if suspects else ""
    text = f"{scope}: none without a date predicts more than all others together{best}"
    return Finding(SINGLE_COLUMN, "PASS", text, NOTHING)


def _above_chance(name: str, suspects: Sequence[Suspect], passed: str, cure: str) -> Finding:
    """REVIEW for anything above chance, FAIL above all other columns together."""
    if not suspects:
        return Finding(name, "PASS", passed, NOTHING)
    fails = [suspect for suspect in suspects if suspect.above_rest]
    return Finding(name, "FAIL" if fails else "REVIEW", _named(fails or suspects), cure)


def _named(suspects: Iterable[Suspect]) -> str:
    best: dict[str, Suspect] = {}
    for suspect in sorted(suspects, key=lambda s: -s.alone):
        best.setdefault(suspect.column, suspect)
    return listed([str(suspect) for suspect in best.values()])

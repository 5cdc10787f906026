"""The whole suite, in the order of docs/leaks.md."""

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
from training.labels.splits import folds as forward_folds
from training.labels.splits import holdout_split
from training.leaks.evidence import LEAST_ROWS, gather
from training.leaks.findings import NOTHING, Finding, listed
from training.leaks.history import own_rows
from training.leaks.rebuild import Observe, moments_to_try, rebuilt, shuffled
from training.leaks.suspects import Judge, Suspect
from training.leaks.windows import Folds, Split, apart, split_apart
from training.leaks.words import words_after_delivery

SEED = 7


def observe_counts(
    frame: pd.DataFrame, loaded: Loaded, funnel: Funnel, shared: Sequence[Entity], settings: Settings
) -> pd.DataFrame:
    """`features.point_in_time.counts.observe_loaded` as a pandas frame."""
    return observe_loaded(frame, loaded, funnel, shared, settings).frame()


def run_leaks(
    dataset: Dataset,
    *,
    observe: Observe = observe_counts,
    split: Split = holdout_split,
    folds: Folds = forward_folds,
    report: Callable[[str], None] = lambda _: None,
    seed: int = SEED,
) -> list[Finding]:
    """Every check on these rows.

    Args:
        dataset: As training sees it.
        observe: What counts at a cutoff; another one can be tried.
        split: What parts training from holdout.
        folds: What parts the training rows.
        report: Called with a line for people at each step.
        seed: Of what is sampled and permuted.
    """
    draw = np.random.default_rng(seed)
    fitted = fitted_before_holdout(dataset)
    moments = moments_to_try(dataset, draw)
    report("counts and features made again at their cutoffs")
    findings = [
        rebuilt(dataset, fitted, moments, observe),
        shuffled(dataset, fitted, moments, observe, draw),
        apart(dataset, draw),
    ]
    report("history without the creative itself")
    findings.append(own_rows(dataset, moments, observe, draw))
    findings += [split_apart(dataset, split, folds), words_after_delivery(dataset)]
    report("columns held against later outcomes")
    return findings + known_too_early(dataset, fitted, seed)


def fitted_before_holdout(dataset: Dataset) -> Fitted | None:
    """Priors and maps as they stood before the holdout; None where the data are too few for one."""
    try:
        train, _, starts = holdout_split(dataset.rows, dataset.settings.split.holdout_days)
    except TooThinError:
        return None
    return fit_features(dataset, train, starts)


def known_too_early(dataset: Dataset, fitted: Fitted | None, seed: int = SEED) -> list[Finding]:
    """Checks 7 to 9: what a column, an id or a gap tells of later outcomes."""
    names = ("one column far above the rest", "ids that know the outcome", "attributes filled in by outcome")
    evidence = gather(dataset, np.random.default_rng(seed)) if fitted is not None else None
    if evidence is None or fitted is None:
        reason = f"fewer than {LEAST_ROWS} creatives with a closed outcome can judge what earlier ones taught"
        return [Finding(name, "SKIPPED", reason, "Add exports of more weeks.") for name in names]
    mask = np.zeros(len(dataset.observed), dtype=bool)
    mask[evidence.places] = True
    judge = Judge(dataset, rows_of(dataset, mask, fitted)[0], fitted, evidence, seed)
    judged = max(int(evidence.judged(name).sum()) for name in evidence.outcomes)
    looked = f"{judged:,} later creatives, {len(evidence.outcomes)} outcomes"
    return [
        _single(names[0], judge.single_columns(), f"{len(judge.singles)} columns on {looked}"),
        _verdict(
            names[1],
            judge.ids(),
            f"ids on {looked}: no order, start or end of an id tells more than luck",
            "Find out how these ids are given: numbered by success they tell it, so use the platform's own 素材ID.",
        ),
        _verdict(
            names[2],
            judge.gaps(),
            f"gaps on {looked}: which cells are filled in tells no more than luck",
            "Fill these columns in for all creatives when they are uploaded, or leave them out: filled in later, they "
            "tell who did well.",
        ),
    ]


def _single(name: str, suspects: Sequence[Suspect], looked: str) -> Finding:
    """A column may tell something; more than all others together is odd, more than can be known is a leak.

    Not so of what is counted from rows with a date: the checks of time have made it again.
    """
    fails = [suspect for suspect in suspects if suspect.impossible]
    reviews = [suspect for suspect in suspects if suspect.above_rest and not suspect.dated]
    if fails:
        cure = "Take the column out: before launch nobody knows more than the first day shows, or the luck of the draw."
        return Finding(name, "FAIL", _said(fails), cure)
    if reviews:
        cure = "Ask who fills the column in and when: keep it only if it stands before the creative runs."
        return Finding(name, "REVIEW", _said(reviews), cure)
    best = f"; the best: {max(suspects, key=lambda s: s.alone)}" if suspects else ""
    return Finding(name, "PASS", f"{looked}: none without a date tells more than all others together{best}", NOTHING)


def _verdict(name: str, suspects: Sequence[Suspect], passed: str, cure: str) -> Finding:
    """Nothing here should tell anything: above luck is odd, above all that is known before is a leak."""
    if not suspects:
        return Finding(name, "PASS", passed, NOTHING)
    fails = [suspect for suspect in suspects if suspect.above_rest]
    return Finding(name, "FAIL" if fails else "REVIEW", _said(fails or suspects), cure)


def _said(suspects: Iterable[Suspect]) -> str:
    best: dict[str, Suspect] = {}
    for suspect in sorted(suspects, key=lambda s: -s.alone):
        best.setdefault(suspect.column, suspect)
    return listed([str(suspect) for suspect in best.values()])

"""Designs of the level of cost, the stack and the heads, on the folds of the training rows and on the holdout.

All heads have the hand setting; numbers of trees and stacks are those of least pooled out-of-fold deviance.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import lightgbm as lgb
import numpy as np
import pandas as pd

from benchmarks.cost_level import WAYS, Way, log_factors
from benchmarks.scores import figures, known_rows, true_targets
from benchmarks.tasks import Task
from features.arrays import Floats
from features.funnel import Funnel
from features.matrix.feature_matrix import Features, Fitted, build_features
from features.point_in_time.array_frame import ArrayFrame
from features.stages import COST, VOLUME
from features.targets import COST_HEAD, TARGETS, Head
from training.boosting.cv_folds import HeadFold
from training.boosting.heads import can_train, head_level, head_rows
from training.boosting.model import Choice, FittedHead, HeadJob, targets_of_heads
from training.boosting.stack import MEMBERS
from training.boosting.subjects import best_stack, scores_by_rounds
from training.data.dataset import fit_features, rows_of
from training.labels.outcomes import actual_targets, exposures
from training.labels.splits import folds

COMPOSED, DIRECT = "three composed heads", "a head per target"
COST_LEVEL, STACK, HEADS = "level of cost, funnel model alone", "members of the stack", "composed and own heads"
FUNNEL = "funnel alone"
STACKS: dict[str, Sequence[str] | None] = {
    "head alone": ("trees",),
    "without empirical Bayes": ("funnel", "trees"),
    "full stack": MEMBERS,
    "as trained": None,
}
FIGURES = ("spearman", "deviance", "total")
FOLDS, HOLDOUT, TRUTH = "folds", "holdout", "holdout, against the truth"


@dataclass(frozen=True)
class DirectHead(Head):
    """A head of a target that is else composed of several heads.

    Attributes:
        over: Stage whose rate divides the product; empty for none.
    """

    over: str = ""

    def log_product(self, log_rates: Mapping[str, Floats]) -> Floats:
        """(N,) sum of the log rates of its stages, less that of `over`."""
        product = super().log_product(log_rates)
        return product - log_rates[self.over] if self.over else product


@dataclass(frozen=True)
class Part:
    """A fold, or all training rows with the holdout: what is trained on, and what is predicted.

    Attributes:
        fitted: Priors and encoders of the training rows.
        fit: Features and outcomes of the training rows.
        judged: Of the rows that are predicted.
    """

    fitted: Fitted
    fit: tuple[Features, pd.DataFrame]
    judged: tuple[Features, pd.DataFrame]


Predict = Callable[[int], dict[str, Floats]]
"""Place of a part → target (`cost` too: CNY per impression) → (judged rows,) predictions."""
Fit = Callable[[Head, Sequence[str] | None, int], FittedHead]
"""Head, members of its stack (None: `members_of`) and place of a part → the head, trained on the part's rows."""


def compare(
    task: Task, truth: pd.DataFrame | None = None, progress: Callable[[str], None] = lambda line: None
) -> pd.DataFrame:
    """Figures of every way, on the mean of the folds and on the holdout.

    Returns:
        `section`, `way`, `where` (FOLDS, HOLDOUT, TRUTH), `target`, `figure` (of FIGURES), `value`.
    """
    progress("features")
    parts = parts_of(task)
    fit, own = _trainer(task, parts), direct_heads(task.funnel)
    ways: list[tuple[str, str, Predict]] = []
    if COST_HEAD in {head.name for head in task.funnel.heads}:
        ways += [(COST_LEVEL, name, _cost_level(task, parts, way)) for name, way in WAYS.items()]
    ways.append((STACK, FUNNEL, _heads(task, parts, fit, ())))
    ways += [(STACK, name, _heads(task, parts, fit, members)) for name, members in STACKS.items()]
    if own:
        ways.append((HEADS, COMPOSED, _heads(task, parts, fit, None)))
        ways.append((HEADS, DIRECT, _heads(task, parts, fit, None, own)))
    lines: list[dict[str, object]] = []
    for section, name, predict in ways:
        progress(f"{section}: {name}")
        about = {"section": section, "way": name}
        lines += [about | line for line in _judge(task, parts, predict, truth, section == COST_LEVEL)]
    found = pd.DataFrame(lines)
    return found[(found["section"] != HEADS) | found["target"].isin([head.name for head in own])]


def parts_of(task: Task) -> list[Part]:
    """The folds of the training rows, then all training rows with the holdout."""
    dataset, found = task.training, []
    for fit, judged, start in folds(dataset.rows, task.train, dataset.settings.split.folds):
        fitted = fit_features(dataset, fit, start)
        found.append(Part(fitted, rows_of(dataset, fit, fitted), rows_of(dataset, judged, fitted)))
    fitted = fit_features(dataset, task.train, task.until)
    holdout = build_features(ArrayFrame.of(task.observed), fitted), task.outcome
    return [*found, Part(fitted, rows_of(dataset, task.train, fitted), holdout)]


def direct_heads(funnel: Funnel) -> list[DirectHead]:
    """A head for every target that is composed of several."""
    found = []
    for name in funnel.rate_targets:
        about = TARGETS[name]
        parts = funnel.compositions[name]
        if len(parts.head_signs) > 1:
            stages = (*parts.gross, *([parts.keep] if parts.keep else []))
            found.append(DirectHead(name, about.label, about.numerator, about.exposure, stages, over=parts.cost))
    return found


def _cost_level(task: Task, parts: Sequence[Part], way: Way) -> Predict:
    """The funnel model alone with one way to set the level of cost."""

    def predict(place: int) -> dict[str, Floats]:
        part = parts[place]
        level = part.fitted.priors[COST.name].log_level
        logs = _funnel_logs(task.funnel, part.judged[0])
        logs[COST_HEAD] = logs[COST_HEAD] - level + log_factors(way, part.fit, part.judged[0], level)
        return {COST.name: np.exp(logs[COST_HEAD])} | targets_of_heads(logs, task.funnel)

    return predict


def _heads(
    task: Task, parts: Sequence[Part], fit: Fit, members: Sequence[str] | None, own: Sequence[DirectHead] = ()
) -> Predict:
    """Composed heads with these members of the stack (none: the funnel model alone), and targets' own heads."""

    def predict(place: int) -> dict[str, Floats]:
        features = parts[place].judged[0]
        logs = _funnel_logs(task.funnel, features)
        for head in task.funnel.heads if members != () else ():
            logs[head.name] = fit(head, members, place).log(features)
        direct = {head.name: fit(head, members, place).log(features) for head in own}
        found = targets_of_heads(logs, task.funnel)
        return found | {name: TARGETS[name].scale * np.exp(log) for name, log in direct.items()}

    return predict


def _funnel_logs(funnel: Funnel, features: Features) -> dict[str, Floats]:
    rates = features.log_stage_rates()
    return {head.name: head.log_product(rates) for head in funnel.heads} | {VOLUME: np.zeros(len(features.values))}


def _trainer(task: Task, parts: Sequence[Part]) -> Fit:
    """Train heads by the hand setting, with number of trees and stack chosen on the folds; nothing is trained twice."""
    trees, seed = task.training.settings.trees, task.training.settings.tune.seed

    @cache
    def of_folds(head: Head) -> tuple[list[HeadFold], list[list[Floats]]]:
        found = [_head_fold(task, head, part) for part in parts[:-1]]
        found = [fold for fold in found if fold.validation.deviance_weight @ fold.validation.ratio > 0]
        return found, [scores_by_rounds(fold, trees) for fold in found]

    @cache
    def booster(head: Head, rounds: int, place: int) -> lgb.Booster | None:
        data = _head_fold(task, head, parts[place])
        trains = rounds > 0 and can_train(data.fit, trees)
        return HeadJob(data.fit, data.fit_features, Choice(trees, rounds), seed).train() if trains else None

    def fit(head: Head, members: Sequence[str] | None, place: int) -> FittedHead:
        own, scores = of_folds(head)
        rounds, stack, _, _ = best_stack([fold.validation for fold in own], scores, trees.rounds, members)
        fitted, data = FittedHead(head, stack, booster(head, rounds, place)), _head_fold(task, head, parts[place])
        trees_of_rows = fitted.correction(data.fit_features)[data.fit.rows]
        return replace(fitted, level=head_level(data.fit, trees_of_rows))

    return fit


def _head_fold(task: Task, head: Head, part: Part) -> HeadFold:
    """Rows of a head; a target's own head weighs training rows as the head of gmv does, by expected orders."""
    least = task.training.settings.evaluate.min_impressions
    fit, validation = (head_rows(head, *rows, task.funnel, least) for rows in (part.fit, part.judged))
    if isinstance(head, DirectHead):
        gmv = head_rows(task.funnel.heads[0], *part.fit, task.funnel, least)
        weight = np.zeros(len(part.fit[1]))
        weight[gmv.rows] = gmv.training_weight
        fit = replace(fit, training_weight=weight[fit.rows])
    return HeadFold(fit, part.fit[0], validation, part.judged[0])


def _judge(
    task: Task, parts: Sequence[Part], predict: Predict, truth: pd.DataFrame | None, with_cost: bool
) -> Iterator[dict[str, object]]:
    """Figures of one way: mean over the folds, on the holdout, and on the holdout against the truth."""
    every = [predict(place) for place in range(len(parts))]
    of_folds = [_figures(task, part, found, None, with_cost) for part, found in zip(parts[:-1], every)]
    places = {FOLDS: pd.concat(of_folds).groupby(["target", "figure"], sort=False)["value"].mean().reset_index()}
    places[HOLDOUT] = _figures(task, parts[-1], every[-1], None, with_cost)
    if truth is not None:
        true, _ = true_targets(task.observed.assign(cold=False), truth, task.funnel)
        places[TRUTH] = _figures(task, parts[-1], every[-1], true, with_cost=False)
    for where, found in places.items():
        for line in found.to_dict("records"):
            yield {"where": where, **{str(key): value for key, value in line.items()}}


def _figures(
    task: Task, part: Part, predicted: Mapping[str, Floats], true: pd.DataFrame | None, with_cost: bool
) -> pd.DataFrame:
    """Target, figure and value on the rows that an evaluation uses, against the outcomes or the truth."""
    outcome = part.judged[1]
    actual, exposure = actual_targets(outcome, task.funnel), exposures(outcome, task.funnel)
    if with_cost:
        spend, shown = (outcome[f"later:{name}"].to_numpy(np.float64) for name in (COST.numerator, COST.exposure))
        actual[COST.name] = np.divide(spend, shown, out=np.full_like(spend, np.nan), where=shown > 0)
        exposure[COST.name] = exposure["volume"]
    wanted = [COST.name, *(name for name in task.funnel.rate_targets if TARGETS[name].is_roi)] if with_cost else None
    names = wanted or task.funnel.rate_targets
    least = task.training.settings.evaluate.min_impressions
    known = known_rows(actual[task.funnel.targets], exposure, least)
    if with_cost:
        known[COST.name] = actual[COST.name].notna().to_numpy(np.bool_) & (exposure["volume"] >= max(least, 1.0))
    lines = []
    for name in names:
        against = (actual if true is None else true)[name].to_numpy(np.float64)
        rows = known[name] & (np.isfinite(against) if true is None else against > 0)
        guess = predicted[name][rows]
        values = figures(guess, guess, against[rows], exposure[name][rows], np.ones((1, int(rows.sum()))))
        lines += [{"target": name, "figure": figure, "value": float(values[figure][0])} for figure in FIGURES]
    return pd.DataFrame(lines)

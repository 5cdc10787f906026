"""LightGBM heads without a funnel model: what trees reach on counts, history and attributes.

The heads are gpmcast's own (gmv, cost, keep), with the same hand setting, row weights and composition, and rounds by
the pooled out-of-fold deviance. Their features lack the group `funnel`; history and own evidence are empirical Bayes'.
Instead of an offset, every row starts from the weighted mean of the training rows. The level of a head whose last
stage sets it by exposure is set in the same way.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import lightgbm as lgb
import numpy as np
import pandas as pd

from benchmarks.tasks import Task
from features.arrays import Floats, Mask
from features.funnel import Funnel
from features.matrix.catalogue import Catalogue
from features.matrix.feature_matrix import FeatureMatrix, Features
from features.schema import KEY
from features.stages import VOLUME
from features.targets import Head
from training.boosting.cv_folds import HeadFold, make_folds
from training.boosting.heads import HeadRows, can_train, head_level, head_rows
from training.boosting.model import Choice, CreativeModel, HeadJob, predicted_values
from training.boosting.recipe import Recipe, fit_on
from training.boosting.subjects import best_stack, scores_by_rounds
from training.data.dataset import Dataset, rows_of
from training.labels.splits import folds
from training.uncertainty import OutOfSample, PredictiveUncertainty, fit_uncertainty


@dataclass(frozen=True)
class HeadsAlone:
    """The fitted heads.

    Attributes:
        base: Model of the same rows by empirical Bayes: encoders, stage rates, later volume.
        levels: Head → log of the ratio that its trees start from.
        boosters: Head → its trees, where it has some.
        uncertainty: Predictive distributions; None where there were too few out-of-fold rows.
    """

    base: CreativeModel
    levels: Mapping[str, float]
    boosters: Mapping[str, lgb.Booster]
    uncertainty: PredictiveUncertainty | None = None

    def predict(self, features: Features) -> pd.DataFrame:
        """Stage rates and targets of each row, as `CreativeModel.predict`."""
        funnel = self.base.fitted.funnel
        logs = {head.name: self._log(head, features) for head in funnel.heads}
        values = predicted_values(features, {**logs, VOLUME: self.base.volume.log_expected(features)}, funnel)
        return pd.concat([features.keys.select([*KEY, "age_hours", "cutoff"]).frame(), pd.DataFrame(values)], axis=1)

    def _log(self, head: Head, features: Features) -> Floats:
        log = np.full(len(features.values), self.levels[head.name])
        if head.name in self.boosters:
            table = without_funnel(features).values.matrix
            log = log + np.asarray(self.boosters[head.name].predict(table, raw_score=True, num_threads=1))
        return np.minimum(log, 0.0) if head.share else log


def fit_heads_alone(task: Task) -> HeadsAlone:
    """Choose rounds on the folds of the training rows, and train on all of them."""
    dataset = replace(task.training, funnel_models=())
    rounds = _rounds(dataset, task.train)
    validation = []
    for fit, validate, start in folds(dataset.rows, task.train, dataset.settings.split.folds):
        model = _fit(dataset, fit, start, rounds)
        features, outcome = rows_of(dataset, validate, model.base.fitted)
        validation.append(OutOfSample(model.predict(features), features, outcome))
    model = _fit(dataset, task.train, task.until, rounds)
    return replace(model, uncertainty=fit_uncertainty(validation, dataset.funnel, dataset.settings))


def without_funnel(features: Features) -> Features:
    """The features without those of the group `funnel`."""
    kept = Catalogue(feature for feature in features.catalogue if feature.group != "funnel")
    names = kept.names
    return replace(features, values=FeatureMatrix(names, features.values.select(names)), catalogue=kept)


def from_mean(data: HeadRows, of: HeadRows) -> HeadRows:
    """The rows with the weighted mean of other rows in place of the funnel's product and of empirical Bayes'."""
    mean = float(np.average(of.ratio, weights=of.training_weight))
    log = np.full(len(data), np.log(mean))
    return replace(data, log_funnel=log, log_bayes=log)


def _rounds(dataset: Dataset, train: Mask) -> dict[str, int]:
    """Head → number of trees by the pooled out-of-fold deviance."""
    trees, parts = dataset.settings.trees, dict[str, list[HeadFold]]()
    for fold in make_folds(dataset, train):
        fit_features, validation_features = without_funnel(fold.fit[0]), without_funnel(fold.validation[0])
        for name, part in fold.heads.items():
            fit, validation = from_mean(part.fit, part.fit), from_mean(part.validation, part.fit)
            parts.setdefault(name, []).append(HeadFold(fit, fit_features, validation, validation_features))
    found = {}
    for name, of_head in parts.items():
        scores = [scores_by_rounds(part, trees) for part in of_head]
        found[name] = best_stack([part.validation for part in of_head], scores, trees.rounds, ("trees",))[0]
    return found


def _fit(dataset: Dataset, rows: Mask, until: pd.Timestamp, rounds: Mapping[str, int]) -> HeadsAlone:
    base = fit_on(dataset, rows, until, Recipe())
    features, outcome = rows_of(dataset, rows, base.fitted)
    settings, table = dataset.settings, without_funnel(features)
    levels, boosters = {}, {}
    for head in dataset.funnel.heads:
        data = head_rows(head, features, outcome, dataset.funnel, settings.evaluate.min_impressions)
        data = from_mean(data, data)
        score = np.zeros(len(data))
        if rounds.get(head.name) and can_train(data, settings.trees):
            choice = Choice(settings.trees, rounds[head.name])
            boosters[head.name] = HeadJob(data, table, choice, settings.tune.seed).train()
            rows_of_head = table.values.matrix[data.rows]
            score = np.asarray(boosters[head.name].predict(rows_of_head, raw_score=True, num_threads=1))
        levels[head.name] = float(data.log_funnel[0]) + _level(head, dataset.funnel, data, score, outcome)
    return HeadsAlone(base, levels, boosters)


def _level(head: Head, funnel: Funnel, data: HeadRows, trees: Floats, outcome: pd.DataFrame) -> float:
    """Level of a head: steady in time, or total outcome over total prediction where exposure sets the level."""
    if not next(stage for stage in funnel.stages if stage.name == head.stages[-1]).level_by_exposure:
        return head_level(data, trees)
    exposure = outcome[f"later:{head.exposure}"].to_numpy(np.float64)[data.rows]
    return float(np.log((data.ratio @ exposure) / (np.exp(data.log_funnel + trees) @ exposure)))

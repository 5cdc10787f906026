"""Folds of a training period: features, outcomes and rows of every head; priors are fitted on a fold's past."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import lightgbm as lgb

from features.arrays import Mask
from features.funnel import Funnel
from features.matrix.feature_matrix import Features
from features.targets import Head
from training.boosting.heads import HeadRows, head_rows, lgb_dataset
from training.boosting.volume import Labelled
from training.data.dataset import Dataset, fit_features, rows_of
from training.labels.splits import folds


@dataclass
class HeadFold:
    """One fold of one head: training and validation rows, and LightGBM's datasets of them, by thread."""

    fit: HeadRows
    fit_features: Features
    validation: HeadRows
    validation_features: Features
    sets: dict[int, tuple[lgb.Dataset, lgb.Dataset]] = field(default_factory=dict)

    def pair(self) -> tuple[lgb.Dataset, lgb.Dataset]:
        """Training and validation set; each thread has its own."""
        key = threading.get_ident()
        if key not in self.sets:
            fit = lgb_dataset(self.fit, self.fit_features)
            self.sets[key] = (fit, lgb_dataset(self.validation, self.validation_features, reference=fit))
        return self.sets[key]

    def __getstate__(self) -> dict[str, object]:
        """What is sent to another process: LightGBM's datasets are rebuilt there."""
        return {**self.__dict__, "sets": {}}


@dataclass(frozen=True)
class Fold:
    """One fold of all heads: features and outcomes of its training and validation rows.

    Attributes:
        funnel: Of the data.
        heads: Head → its rows.
        fit: Features and outcomes of the training rows.
        validation: Of the validation rows.
    """

    funnel: Funnel
    heads: dict[str, HeadFold]
    fit: Labelled
    validation: Labelled


def make_folds(dataset: Dataset, train: Mask) -> list[Fold]:
    """The folds of a training period, each with priors and encoders fitted on its own past alone.

    Args:
        dataset: All rows.
        train: (rows,) Its training rows.
    """
    found = []
    for fit_mask, validation_mask, start in folds(dataset.rows, train, dataset.settings.split.folds):
        fitted = fit_features(dataset, fit_mask, start)
        fit, validation = rows_of(dataset, fit_mask, fitted), rows_of(dataset, validation_mask, fitted)
        heads = head_folds(dataset, dataset.funnel.heads, fit, validation)
        found.append(Fold(dataset.funnel, heads, fit, validation))
    return found


def head_folds(dataset: Dataset, heads: Sequence[Head], fit: Labelled, validation: Labelled) -> dict[str, HeadFold]:
    """Head → its rows of one fold; heads without a row that can be evaluated are left out."""
    least, funnel = dataset.settings.evaluate.min_impressions, dataset.funnel
    found = {}
    for head in heads:
        rows = [head_rows(head, *part, funnel, least) for part in (fit, validation)]
        if rows[1].deviance_weight @ rows[1].ratio > 0:
            found[head.name] = HeadFold(rows[0], fit[0], rows[1], validation[0])
    return found

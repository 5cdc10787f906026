"""The rows of one head: observed ratio, level-0 predictions, and the weights that train and evaluate it.

A head corrects the funnel model: its trees are trained on the ratio of the outcome to the funnel's product, with
LightGBM's Tweedie loss (log link). That is the same as giving them log product as `init_score` and dividing weights by
product^(2 − power): a row's weight does not rise with what is expected of it.
"""

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.settings import Trees
from features.arrays import Floats
from features.funnel import Funnel
from features.matrix.feature_matrix import Features
from features.schema import KEY
from features.targets import Head
from training.boosting.lightgbm_parameters import DATASET_PARAMETERS, training_parameters

Rows = npt.NDArray[np.int64]

HALF_WEIGHT = 10.0
"""A row has training weight ½ at this many times `Stage.half_weight_events` of its head's last stage: ten orders."""
BLOCKS = 6
"""Stretches of time, with equal numbers of rows, over which the error of a head's level is taken."""
SHRINKAGE_ERRORS = 2.0
"""Standard errors that a head's level has to exceed; beyond them it counts nearly in full."""
EXPOSURE_CAP = 10.0
"""Exposure beyond this many medians does not weigh more in a deviance: a few hits would decide alone."""


@dataclass(frozen=True)
class HeadRows:
    """Rows of one head with a known outcome; N of them, every array is (N,).

    Attributes:
        head: The head.
        rows: int64, their positions in the feature matrix.
        ratio: Outcome: numerator over exposure.
        log_funnel: Log of the funnel model's product.
        log_bayes: Log of empirical Bayes' product, before own counts.
        training_weight: u/(u + c), u being the expected events: an effective sample size that saturates, so that
            a few hits do not decide.
        deviance_weight: Exposure up to EXPOSURE_CAP medians; 0 for rows that are too small to be evaluated.
        creative: uint64, hash of the creative's key, for standard errors over creatives.
        cutoff: datetime64, by which rows are put in the order of time.
    """

    head: Head
    rows: Rows
    ratio: Floats
    log_funnel: Floats
    log_bayes: Floats
    training_weight: Floats
    deviance_weight: Floats
    creative: npt.NDArray[np.uint64]
    cutoff: npt.NDArray[np.datetime64]

    def __len__(self) -> int:
        return len(self.rows)


def head_rows(head: Head, features: Features, outcome: pd.DataFrame, funnel: Funnel, min_volume: float) -> HeadRows:
    """Rows of a head whose outcome is known.

    Args:
        head: One of the funnel's.
        features: Of all rows.
        outcome: Of the same rows (`training.labels.outcomes`).
        funnel: The funnel.
        min_volume: Later volume from which a row is evaluated (`evaluate.min_impressions`).
    """
    numerator, exposure = (outcome[f"later:{name}"].to_numpy(np.float64) for name in (head.numerator, head.exposure))
    log_rates = features.log_stage_rates()
    weight = _training_weight(head, funnel, log_rates, outcome)
    rows = np.flatnonzero(np.isfinite(numerator) & (exposure > 0) & np.isfinite(weight))
    log_funnel, log_bayes = features.log_product(head)
    volume = outcome[f"later:{funnel.volume_of}"].to_numpy(np.float64)[rows]
    exposure = exposure[rows]
    evaluated = volume >= max(min_volume, 1.0)
    cap = EXPOSURE_CAP * float(np.median(exposure[evaluated])) if evaluated.any() else np.inf
    return HeadRows(
        head=head,
        rows=rows,
        ratio=numerator[rows] / exposure,
        log_funnel=log_funnel[rows],
        log_bayes=log_bayes[rows],
        training_weight=weight[rows],
        deviance_weight=np.where(evaluated, np.minimum(exposure, cap), 0.0),
        creative=creative_hashes(features)[rows],
        cutoff=features.keys["cutoff"].astype("datetime64[us]", copy=False)[rows],
    )


def creative_hashes(features: Features) -> npt.NDArray[np.uint64]:
    """(rows,) hash of the key of each row's creative."""
    keys = features.keys.select(KEY).frame()
    return pd.util.hash_pandas_object(keys, index=False).to_numpy().astype(np.uint64)


def _training_weight(head: Head, funnel: Funnel, log_rates: dict[str, Floats], outcome: pd.DataFrame) -> Floats:
    """(rows,) u/(u + c) with u the events of the head's last stage that are expected from the later exposure."""
    stages = {stage.name: stage for stage in funnel.stages}
    last = stages[head.stages[-1]]
    if len(head.stages) == 1:
        events = outcome[f"later:{last.events_column}"].to_numpy(np.float64)
    else:
        before = sum((log_rates[name] for name in head.stages[:-1]), np.zeros(len(outcome)))
        events = outcome[f"later:{head.exposure}"].to_numpy(np.float64) * np.exp(before)
    return events / (events + HALF_WEIGHT * last.half_weight_events)


def head_level(data: HeadRows, trees: Floats | float = 0.0) -> float:
    """Log of the total that came over the total of funnel and trees on training rows, shrunk where it is unsteady.

    The trees learn which creatives are above or below the funnel (`lgb_dataset`), this how much comes in total: weights
    that suit the first are too equal for the second. One market period is one observation of the level, however many
    creatives it has: the standard error is that over BLOCKS stretches of time, and positive-part shrinkage (James and
    Stein 1961) leaves 0 unless the level exceeds SHRINKAGE_ERRORS of it.

    Args:
        data: N training rows.
        trees: (N,) sum of the trees on them.
    """
    order = np.argsort(data.cutoff, kind="stable")
    expected = data.deviance_weight * np.exp(data.log_funnel + trees)
    blocks = np.array_split(order, BLOCKS)
    came, due = (
        np.array([part[block].sum() for block in blocks]) for part in (data.deviance_weight * data.ratio, expected)
    )
    if not came.sum() > 0 or not due.sum() > 0:
        return 0.0
    ratio = came.sum() / due.sum()
    residual = came - ratio * due
    error = np.sqrt(residual @ residual * BLOCKS / (BLOCKS - 1)) / (due.sum() * ratio)
    level = float(np.log(ratio))
    return level * max(0.0, 1.0 - (SHRINKAGE_ERRORS * error / level) ** 2) if level else 0.0


def can_train(data: HeadRows, trees: Trees) -> bool:
    """Whether trees can be trained: enough rows, and not all outcomes 0, which LightGBM refuses."""
    return len(data) >= 2 * trees.min_data_in_leaf and bool(data.ratio.any())


def lgb_dataset(data: HeadRows, features: Features, reference: lgb.Dataset | None = None) -> lgb.Dataset:
    """A head's rows as a LightGBM dataset; a validation set takes its training set as reference.

    The label is outcome over funnel product, divided by its weighted mean: the level is not the trees' (`head_level`).
    Validation rows weigh as in the deviance: deviance weight times product.
    """
    weight = data.training_weight if reference is None else data.deviance_weight * np.exp(data.log_funnel)
    label = data.ratio * np.exp(-data.log_funnel)
    centre = float(weight @ label) / float(weight.sum()) if weight.any() else 1.0
    mean = float(weight.mean()) if len(weight) and weight.any() else 1.0
    return lgb.Dataset(
        features.values.matrix[data.rows],
        label=label / (centre or 1.0),
        weight=weight / mean,
        feature_name=[f"f{place}" for place in range(features.values.matrix.shape[1])],
        categorical_feature=[place for place, feature in enumerate(features.catalogue) if feature.categorical],
        reference=reference,
        params=DATASET_PARAMETERS,
        free_raw_data=True,
    )


def parameters(trees: Trees, seed: int = 0) -> dict[str, object]:
    """LightGBM's parameters of a head."""
    return {
        "objective": "tweedie",
        "metric": "tweedie",
        "tweedie_variance_power": trees.tweedie_power,
        **training_parameters(trees, seed),
    }

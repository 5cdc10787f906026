"""Small regressions on standardised covariates, with boosted trees where those help in every other stretch of time.

Covariates are standardised by their training mean and scale; a missing value counts as the mean. Sums run along the
last, contiguous axis of a row, so that a row alone gives the same last bit as in a batch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict
from scipy.special import expit

from training.lightgbm_single_row import with_single_row_calls
from training.uncertainty.covariates import Covariates
from training.uncertainty.interface import Floats

Columns = Mapping[str, Floats]
"""Covariates by name, each (rows,)."""
Loss = Literal["squared", "logistic", "gamma"]
"""`gamma` fits the log of a mean absolute residual; extreme residuals have little leverage in it."""

CLIP = 4.0
"""Standard deviations at which covariates are clipped: no regression extrapolates far beyond its training rows."""
RIDGE_ROWS = 5.0
"""L2 penalty of squared and logistic loss, in rows."""
GAMMA_RIDGE = 0.01
"""L2 penalty of gamma loss, per row."""
LEAST_RESIDUAL = 1e-3
"""Smaller absolute residuals count as this in gamma regressions."""
SINGLE_ROW_CHECKS = 24
"""Random rows on which LightGBM's single-row call is compared with its usual one."""

MOST_TREES = 150
PARTS = 5
"""Parts into which creatives are split for cross-fitting."""
LEAST_ROWS_FOR_TREES = 5000
"""Rows below which no trees are tried: on fewer they fit what a stretch of time has in common."""
METRICS = {"squared": "l2", "logistic": "binary_logloss", "gamma": "gamma"}
OBJECTIVES = {"squared": "regression", "logistic": "binary", "gamma": "gamma"}
TREE_PARAMETERS = {
    "learning_rate": 0.06,
    "num_leaves": 6,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.5,
    "lambda_l2": 10.0,
    "extra_trees": True,
    "max_bin": 63,
    "boost_from_average": False,
    "feature_pre_filter": False,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "seed": 1,
    "verbosity": -1,
}


@dataclass(frozen=True, eq=False)
class LinearPredictors:
    """Linear predictors of several regressions on the same columns, evaluated together.

    Attributes:
        intercept: (regressions…) Of each regression; any shape.
        weight, mean, scale: (regressions…, columns) The shape of `intercept`, then the columns.
    """

    intercept: Floats
    weight: Floats
    mean: Floats
    scale: Floats

    def __call__(self, table: Floats) -> Floats:
        """Sums over the columns, the table's last axis; its other axes broadcast against the regressions'."""
        scaled = standardised(table, self.mean, self.scale)
        scaled *= self.weight
        return np.asarray(scaled.sum(axis=-1) + self.intercept)


def standardised(values: Floats, mean: float | Floats, scale: float | Floats) -> Floats:
    """Elementwise (value − mean) / scale, clipped at ±CLIP; 0 where the value is missing."""
    scaled = (values - mean) / scale
    np.maximum(np.minimum(scaled, CLIP, out=scaled), -CLIP, out=scaled)
    scaled[np.isnan(scaled)] = 0.0
    return scaled


class Regression(BaseModel):
    """intercept + Σ weight · (column − mean) / scale + trees, on the scale of the link.

    Attributes:
        intercept: Of the linear predictor.
        weights: Column → (weight, mean, scale).
        trees: LightGBM's model text; empty where trees do not help.
        columns: Of the trees, in order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    intercept: float
    weights: Mapping[str, tuple[float, float, float]]
    trees: str = ""
    columns: tuple[str, ...] = ()

    def linear(self, columns: Columns, count: int) -> Floats:
        """(count,) The linear predictor of each row, without the trees."""
        table = np.empty((count, len(self.weights)))
        for place, name in enumerate(self.weights):
            table[:, place] = columns[name]
        return self.packed(table)

    @cached_property
    def packed(self) -> LinearPredictors:
        """The linear predictor as arrays over its own columns."""
        return pack([self], list(self.weights))

    def correction(self, table: pd.DataFrame | Covariates) -> Floats:
        """(rows,) What the trees add; a column that is absent counts as missing."""
        if not self.trees or not len(table):
            return np.zeros(len(table))
        if isinstance(table, Covariates):
            values = table.of_trees(self.columns)
        else:
            values = table.reindex(columns=list(self.columns)).to_numpy(np.float64)
        return np.asarray(_booster(self.trees).predict(values, raw_score=True, num_threads=1), dtype=np.float64)


def pack(regressions: Sequence[Regression], names: Sequence[str], shape: tuple[int, ...] = (-1,)) -> LinearPredictors:
    """Linear predictors of several regressions on these columns, the regressions laid out in this shape."""
    weights = np.array([[one.weights.get(name, (0.0, 0.0, 1.0)) for name in names] for one in regressions])
    parts = np.moveaxis(weights.reshape(len(regressions), len(names), 3), 2, 0)
    intercept = np.array([one.intercept for one in regressions]).reshape(shape)
    return LinearPredictors(intercept, *(part.reshape(*intercept.shape, len(names)) for part in parts))


@lru_cache(maxsize=64)
def _booster(text: str) -> lgb.Booster:
    booster = lgb.Booster(model_str=text)
    rows = np.random.default_rng(0).normal(0.0, 3.0, (SINGLE_ROW_CHECKS, booster.num_feature()))
    return with_single_row_calls({"": booster}, {"": rows})[""]


@dataclass(frozen=True)
class CrossFitted:
    """A regression on all rows, and one without each part of the creatives.

    Attributes:
        whole: On all rows.
        without: By part: on all rows but the part's.
        out_of_part: (rows,) Each row by the regression without its part.
    """

    whole: Regression
    without: tuple[Regression, ...]
    out_of_part: Floats


@dataclass(frozen=True)
class CrossFitParts:
    """How rows are split for cross-fitting and for the test of the trees; both (rows,).

    Attributes:
        creative: Part of each row's creative, from 0.
        time: Stretch of time of each row, from 0: trees must help in every stretch when trained on the others.
    """

    creative: npt.NDArray[np.int64]
    time: npt.NDArray[np.int64]

    def of(self, rows: npt.NDArray[np.bool_]) -> "CrossFitParts":
        """The same for some of the rows."""
        return CrossFitParts(self.creative[rows], self.time[rows])


def cross_fit(loss: Loss, columns: Columns, table: pd.DataFrame, label: Floats, parts: CrossFitParts) -> CrossFitted:
    """Fit a regression on all rows, and one without each part of the creatives.

    Args:
        loss: What is minimised.
        columns: Covariates of the linear predictor.
        table: Covariates of the trees, rows × columns.
        label: (rows,) Outcome; for `gamma` the residual, whose absolute value is fitted.
        parts: Of the rows.
    """
    label = np.maximum(np.abs(label), LEAST_RESIDUAL) if loss == "gamma" else label
    rounds = _rounds(loss, columns, table, label, parts.time)

    def fit(rows: npt.NDArray[np.bool_]) -> Regression:  # rows: mask (rows,)
        linear = _fit_linear(loss, _some(columns, rows), label[rows])
        if not rounds:
            return linear
        offset = linear.linear(_some(columns, rows), int(rows.sum()))
        booster = _train(loss, table[rows], label[rows], offset, rounds)
        return linear.model_copy(update={"trees": booster.model_to_string(), "columns": tuple(table.columns)})

    without, out_of_part = [], np.zeros(len(label))
    for part in range(PARTS):
        mine = parts.creative == part
        one = fit(~mine)
        without.append(one)
        out_of_part[mine] = one.linear(_some(columns, mine), int(mine.sum())) + one.correction(table[mine])
    return CrossFitted(fit(np.ones(len(label), dtype=bool)), tuple(without), out_of_part)


def _rounds(loss: Loss, columns: Columns, table: pd.DataFrame, label: Floats, time: npt.NDArray[np.int64]) -> int:
    """The number of trees with the best mean gain on left-out stretches of time, of those that gain on every one."""
    stretches = np.unique(time)
    if len(label) < LEAST_ROWS_FOR_TREES or len(stretches) < 2 or not table.shape[1]:
        return 0
    gains = []
    for stretch in stretches:
        out = time == stretch
        if not _varies(label[~out]):
            return 0
        linear = _fit_linear(loss, _some(columns, ~out), label[~out])
        offset = linear.linear(columns, len(label))
        gains.append(_gain_curve(loss, table, label, offset, out))
    mean = np.where(np.min(gains, axis=0) > 0, np.mean(gains, axis=0), 0.0)
    return int(np.argmax(mean))


def probability(logit: Floats) -> Floats:
    """Elementwise logistic function."""
    return np.asarray(expit(logit), dtype=np.float64)


def _fit_linear(loss: Loss, columns: Columns, label: Floats) -> Regression:
    moments, scaled = {}, {}
    for name, values in columns.items():
        if len(values) and not np.isnan(values).all() and np.nanstd(values) > 1e-9:
            moments[name] = float(np.nanmean(values)), float(np.nanstd(values))
            scaled[name] = standardised(values, *moments[name])
    if not scaled or not _varies(label):
        return Regression(intercept=_constant(loss, label), weights={})
    from sklearn.linear_model import GammaRegressor, LogisticRegression, Ridge  # slow to load, and needed only to fit

    table = pd.DataFrame(scaled)
    if loss == "squared":
        model = Ridge(alpha=RIDGE_ROWS).fit(table, label)
    elif loss == "logistic":
        model = LogisticRegression(C=1.0 / RIDGE_ROWS, max_iter=1000, tol=1e-6).fit(table, label > 0)
    else:
        model = GammaRegressor(alpha=GAMMA_RIDGE, max_iter=1000, tol=1e-6).fit(table, label)
    weights = {name: (float(weight), *moments[name]) for name, weight in zip(moments, np.ravel(model.coef_))}
    return Regression(intercept=float(np.ravel(model.intercept_)[0]), weights=weights)


def _constant(loss: Loss, label: Floats) -> float:
    if loss == "squared":
        return float(label.mean()) if len(label) else 0.0
    if loss == "gamma":
        return float(np.log(label.mean())) if len(label) else 0.0
    happened = float((label > 0).sum())  # half a row of either outcome is added, so that no chance is 0 or 1
    return float(np.log((happened + 0.5) / (len(label) - happened + 0.5)))


def _gain_curve(loss: Loss, table: pd.DataFrame, label: Floats, offset: Floats, out: npt.NDArray[np.bool_]) -> Floats:
    """(MOST_TREES + 1,) Fall of the loss on the rows left out (`out`) after 0, 1, … trees trained on the others."""
    record: dict[str, Mapping[str, list[float]]] = {}
    fit = _set(table[~out], label[~out], offset[~out])
    validate = lgb.Dataset(table[out].to_numpy(np.float64), label=label[out], init_score=offset[out], reference=fit)
    lgb.train(
        {**TREE_PARAMETERS, "objective": OBJECTIVES[loss], "metric": METRICS[loss]},
        fit,
        num_boost_round=MOST_TREES,
        valid_sets=[validate],
        valid_names=["out"],
        callbacks=[lgb.record_evaluation(record)],
    )
    losses = next(iter(record["out"].values()))
    padded = np.pad(losses, (0, MOST_TREES - len(losses)), mode="edge")
    return np.concatenate([[0.0], _mean_loss(loss, label[out], offset[out]) - padded])


def _train(loss: Loss, table: pd.DataFrame, label: Floats, offset: Floats, rounds: int) -> lgb.Booster:
    settings = {**TREE_PARAMETERS, "objective": OBJECTIVES[loss]}
    return lgb.train(settings, _set(table, label, offset), num_boost_round=rounds)


def _set(table: pd.DataFrame, label: Floats, offset: Floats) -> lgb.Dataset:
    return lgb.Dataset(table.to_numpy(np.float64), label=label, init_score=offset, params=dict(TREE_PARAMETERS))


def _varies(label: Floats) -> bool:
    return len(label) > 1 and float(np.ptp(label)) > 0


def _mean_loss(loss: Loss, label: Floats, raw: Floats) -> float:
    if loss == "squared":
        return float(np.mean((label - raw) ** 2))
    if loss == "logistic":
        return float(np.mean(np.logaddexp(0.0, raw) - (label > 0) * raw))
    return float(np.mean(raw + label * np.exp(-raw)))


def _some(columns: Columns, rows: npt.NDArray[np.bool_]) -> dict[str, Floats]:
    return {name: values[rows] for name, values in columns.items()}

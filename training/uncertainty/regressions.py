"""Small regressions kept as plain data: what a quantity is, how likely something is, how far off one may be.

A head is a straight line through a few columns, and trees on many where those help in every other stretch of time.
Columns are standardised by their training mean and scale; a missing value counts as the mean. Sums run along a row's
own numbers, which lie beside each other, so that a row alone gives what it gives in a batch, bit for bit.
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

from training.boosting.single_row import quickened
from training.uncertainty.covariates import Situation
from training.uncertainty.linear import Lines, standardised

Floats = npt.NDArray[np.float64]
Columns = Mapping[str, Floats]
Kind = Literal["mean", "likely", "spread"]
"""Least squares; logistic; the log of a mean absolute residual (gamma regression: a few wild ones count little)."""

RIDGE = 5.0
"""Rows that a weight of 0 is worth."""
SPREAD_RIDGE = 0.01
"""The same for a gamma regression, per row."""
LEAST_OFF = 1e-3
"""Least absolute residual that teaches a scale."""
ROWS_TO_TRY = 24
"""Rows on which the quick way through trees is held against the usual one."""

ROUNDS = 150
PARTS = 5
"""Parts that creatives are cut into."""
LEAST_ROWS = 5000
"""Rows under which no trees are tried: on fewer they find what the time and not the creatives had in common."""
METRICS = {"mean": "l2", "likely": "binary_logloss", "spread": "gamma"}
OBJECTIVES = {"mean": "regression", "likely": "binary", "spread": "gamma"}
TREES = {
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


class Head(BaseModel):
    """intercept + Σ weight · (column − mean) / scale + trees.

    Attributes:
        intercept: Of the sum.
        weights: Column → (weight, mean, scale).
        trees: LightGBM's text; empty where trees do not help.
        columns: What the trees take, in order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    intercept: float
    weights: Mapping[str, tuple[float, float, float]]
    trees: str = ""
    columns: tuple[str, ...] = ()

    def line(self, columns: Columns, count: int) -> Floats:
        """The sum for each of `count` rows, without the trees."""
        table = np.empty((count, len(self.weights)))
        for place, name in enumerate(self.weights):
            table[:, place] = columns[name]
        return self.ready(table)

    @cached_property
    def ready(self) -> "Lines":
        """The line through its own columns, made once."""
        return lines([self], list(self.weights))

    def correction(self, table: pd.DataFrame | Situation) -> Floats:
        """What the trees add in each row; a column that is absent counts as missing."""
        if not self.trees or not len(table):
            return np.zeros(len(table))
        if isinstance(table, Situation):
            values = table.of_trees(self.columns)
        else:
            values = table.reindex(columns=list(self.columns)).to_numpy(np.float64)
        return np.asarray(_booster(self.trees).predict(values, raw_score=True, num_threads=1), dtype=np.float64)


def lines(heads: Sequence[Head], names: Sequence[str], shape: tuple[int, ...] = (-1,)) -> Lines:
    """The heads' lines, ready for tables with these columns; the heads laid out in this shape."""
    told = np.array([[head.weights.get(name, (0.0, 0.0, 1.0)) for name in names] for head in heads])
    parts = np.moveaxis(told.reshape(len(heads), len(names), 3), 2, 0)
    intercept = np.array([head.intercept for head in heads]).reshape(shape)
    return Lines(intercept, *(part.reshape(*intercept.shape, len(names)) for part in parts))


@lru_cache(maxsize=64)
def _booster(text: str) -> lgb.Booster:
    booster = lgb.Booster(model_str=text)
    rows = np.random.default_rng(0).normal(0.0, 3.0, (ROWS_TO_TRY, booster.num_feature()))
    return quickened({"": booster}, {"": rows})[""]


@dataclass(frozen=True)
class Heads:
    """A head of all rows, and heads that have not seen one part of the creatives each.

    Attributes:
        whole: Of all rows.
        without: By part.
        unseen: Each row as told by the head that has not seen its part.
    """

    whole: Head
    without: tuple[Head, ...]
    unseen: Floats


@dataclass(frozen=True)
class Parting:
    """How rows are parted to find out what holds elsewhere.

    Attributes:
        creative: Part of each row's creative, from 0: heads that have not seen a part tell its rows.
        time: Stretch of time of each row, from 0: trees must help in every one when taught by the others.
    """

    creative: npt.NDArray[np.int64]
    time: npt.NDArray[np.int64]

    def of(self, rows: npt.NDArray[np.bool_]) -> "Parting":
        """The same for some of the rows."""
        return Parting(self.creative[rows], self.time[rows])


def fit_heads(kind: Kind, columns: Columns, table: pd.DataFrame, label: Floats, parting: Parting) -> Heads:
    """Heads of these rows.

    Args:
        kind: What is learned.
        columns: What the line may depend on.
        table: What the trees may depend on.
        label: What came; for `spread` the residual.
        parting: Of the rows.
    """
    label = np.maximum(np.abs(label), LEAST_OFF) if kind == "spread" else label
    rounds = _rounds(kind, columns, table, label, parting.time)

    def fit(rows: npt.NDArray[np.bool_]) -> Head:
        line = _fit_line(kind, _some(columns, rows), label[rows])
        if not rounds:
            return line
        offset = line.line(_some(columns, rows), int(rows.sum()))
        booster = _train(kind, table[rows], label[rows], offset, rounds)
        return line.model_copy(update={"trees": booster.model_to_string(), "columns": tuple(table.columns)})

    without, unseen = [], np.zeros(len(label))
    for part in range(PARTS):
        mine = parting.creative == part
        head = fit(~mine)
        without.append(head)
        unseen[mine] = head.line(_some(columns, mine), int(mine.sum())) + head.correction(table[mine])
    return Heads(fit(np.ones(len(label), dtype=bool)), tuple(without), unseen)


def _rounds(kind: Kind, columns: Columns, table: pd.DataFrame, label: Floats, time: npt.NDArray[np.int64]) -> int:
    """How many trees do best in stretches of time that they have not seen, of those numbers that help in every one."""
    stretches = np.unique(time)
    if len(label) < LEAST_ROWS or len(stretches) < 2 or not table.shape[1]:
        return 0
    gains = []
    for stretch in stretches:
        out = time == stretch
        if not _varies(label[~out]):
            return 0
        line = _fit_line(kind, _some(columns, ~out), label[~out])
        offset = line.line(columns, len(label))
        gains.append(_gain_curve(kind, table, label, offset, out))
    mean = np.where(np.min(gains, axis=0) > 0, np.mean(gains, axis=0), 0.0)
    return int(np.argmax(mean))


def probability(raw: Floats) -> Floats:
    """A head's sum as a probability."""
    return np.asarray(expit(raw), dtype=np.float64)


def _fit_line(kind: Kind, columns: Columns, label: Floats) -> Head:
    moments, scaled = {}, {}
    for name, values in columns.items():
        if len(values) and not np.isnan(values).all() and np.nanstd(values) > 1e-9:
            moments[name] = float(np.nanmean(values)), float(np.nanstd(values))
            scaled[name] = standardised(values, *moments[name])
    if not scaled or not _varies(label):
        return Head(intercept=_constant(kind, label), weights={})
    from sklearn.linear_model import GammaRegressor, LogisticRegression, Ridge  # slow to load, and needed only to fit

    table = pd.DataFrame(scaled)
    if kind == "mean":
        model = Ridge(alpha=RIDGE).fit(table, label)
    elif kind == "likely":
        model = LogisticRegression(C=1.0 / RIDGE, max_iter=1000, tol=1e-6).fit(table, label > 0)
    else:
        model = GammaRegressor(alpha=SPREAD_RIDGE, max_iter=1000, tol=1e-6).fit(table, label)
    weights = {name: (float(weight), *moments[name]) for name, weight in zip(moments, np.ravel(model.coef_))}
    return Head(intercept=float(np.ravel(model.intercept_)[0]), weights=weights)


def _constant(kind: Kind, label: Floats) -> float:
    if kind == "mean":
        return float(label.mean()) if len(label) else 0.0
    if kind == "spread":
        return float(np.log(label.mean())) if len(label) else 0.0
    happened = float((label > 0).sum())  # with half a row of either kind added: nothing is certain
    return float(np.log((happened + 0.5) / (len(label) - happened + 0.5)))


def _gain_curve(kind: Kind, table: pd.DataFrame, label: Floats, offset: Floats, out: npt.NDArray[np.bool_]) -> Floats:
    """By how much the loss of the rows left out falls after 0, 1, … trees of the others."""
    record: dict[str, Mapping[str, list[float]]] = {}
    fit = _set(table[~out], label[~out], offset[~out])
    judged = lgb.Dataset(table[out].to_numpy(np.float64), label=label[out], init_score=offset[out], reference=fit)
    lgb.train(
        {**TREES, "objective": OBJECTIVES[kind], "metric": METRICS[kind]},
        fit,
        num_boost_round=ROUNDS,
        valid_sets=[judged],
        valid_names=["out"],
        callbacks=[lgb.record_evaluation(record)],
    )
    losses = next(iter(record["out"].values()))
    padded = np.pad(losses, (0, ROUNDS - len(losses)), mode="edge")
    return np.concatenate([[0.0], _loss(kind, label[out], offset[out]) - padded])


def _train(kind: Kind, table: pd.DataFrame, label: Floats, offset: Floats, rounds: int) -> lgb.Booster:
    settings = {**TREES, "objective": OBJECTIVES[kind]}
    return lgb.train(settings, _set(table, label, offset), num_boost_round=rounds)


def _set(table: pd.DataFrame, label: Floats, offset: Floats) -> lgb.Dataset:
    return lgb.Dataset(table.to_numpy(np.float64), label=label, init_score=offset, params=dict(TREES))


def _varies(label: Floats) -> bool:
    return len(label) > 1 and float(np.ptp(label)) > 0


def _loss(kind: Kind, label: Floats, raw: Floats) -> float:
    if kind == "mean":
        return float(np.mean((label - raw) ** 2))
    if kind == "likely":
        return float(np.mean(np.logaddexp(0.0, raw) - (label > 0) * raw))
    return float(np.mean(raw + label * np.exp(-raw)))


def _some(columns: Columns, rows: npt.NDArray[np.bool_]) -> dict[str, Floats]:
    return {name: values[rows] for name, values in columns.items()}

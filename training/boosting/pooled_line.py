"""Regression with levels and slopes by promotion type, age step and both, partially pooled.

Every group deviates from a line shared by all rows, and its deviations are ridge-penalised: with few rows it keeps the
shared line (partial pooling; Gelman and Hill 2007, ch. 12). Tweedie family: power 0 is least squares, 1 to 2 are
volumes of varying size with a log link (Jørgensen 1987).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from features.matrix.feature_matrix import Features

Floats = npt.NDArray[np.float64]
Moments = tuple[float, float, float, float]

AGE_STARTS_HOURS = (0.0, 1.0, 3.0, 12.0, 24.0, 72.0, 168.0)
LEVEL = "level"
SHARED_SCALE = 10.0
"""Shared slopes are penalised by 1 / SHARED_SCALE² of a group's deviation."""


class Groups(NamedTuple):
    """What groups rows: (rows,) hours since launch, (rows,) promotion type."""

    hours: Floats
    promotion_types: npt.NDArray[np.object_]

    @classmethod
    def of(cls, features: Features) -> Self:
        """Those of the rows of the features."""
        return cls(features.keys.floats("elapsed_hours"), features.keys.categories("promotion_type").texts())


class PooledLine(BaseModel):
    """A fitted line.

    Attributes:
        intercept: At the mean of every number.
        numbers: Name → (mean, scale, least, largest) on the training rows; a value beyond is clipped, a missing one
            counts as the mean.
        promotion_types: Those of the training rows; another one has the shared line and that of its age.
        weights: Column of the design → weight.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    intercept: float
    numbers: Mapping[str, Moments]
    promotion_types: tuple[str, ...]
    weights: Mapping[str, float]

    def terms(self, groups: Groups, numbers: Mapping[str, Floats]) -> dict[str, Floats]:
        """Number → (rows,) what it adds; `level`: the intercept and the levels of the row's groups."""
        found = {
            LEVEL: np.full(len(groups.hours), self.intercept),
            **{name: np.zeros(len(groups.hours)) for name in self.numbers},
        }
        for column, values in _design(groups, numbers, self.numbers, self.promotion_types).items():
            number = column.partition("*")[0]
            found[number if number in self.numbers else LEVEL] += self.weights[column] * values
        return found

    def predict(self, groups: Groups, numbers: Mapping[str, Floats]) -> Floats:
        """(rows,) The sum of the terms, element by element: a row alone gets the bits that it gets in a batch."""
        total = np.zeros(len(groups.hours))
        for term in self.terms(groups, numbers).values():
            total += term
        return total


def flat_line(level: float) -> PooledLine:
    """The line that is the same for all rows."""
    return PooledLine(intercept=level, numbers={}, promotion_types=(), weights={})


def fit_pooled_line(
    groups: Groups,
    numbers: Mapping[str, Floats],
    target: Floats,
    weight: Floats,
    *,
    power: float,
    ridge: float,
) -> PooledLine:
    """Fit the line.

    Args:
        groups: Of the rows.
        numbers: Name → (rows,).
        target: (rows,) What is predicted.
        weight: (rows,) Of the loss; some must be positive.
        power: Tweedie power; 0: identity link, else the line is the log of the target's mean, which must not be 0.
        ridge: L2 penalty of the weights, in rows of mean weight: a group's level from n rows is shrunk by n / (n + 1)
            where it is 1 and the power is 0.
    """
    from sklearn.linear_model import TweedieRegressor  # slow to load, and needed only to fit

    some = weight > 0
    types = tuple(sorted(set(groups.promotion_types[some].tolist())))
    moments: dict[str, Moments] = {}
    for name, line in numbers.items():
        values = line[some & np.isfinite(line)]
        if len(values) and values.std() > 1e-9:
            moments[name] = (float(values.mean()), float(values.std()), float(values.min()), float(values.max()))
    design = _design(groups, numbers, moments, types)
    unit = 1.0 if power == 0 else float(np.average(target, weights=weight))
    model = TweedieRegressor(power=power, alpha=ridge / some.sum(), solver="newton-cholesky", tol=1e-7)
    model.fit(np.column_stack(list(design.values()))[some], target[some] / unit, sample_weight=weight[some])
    return PooledLine(
        intercept=float(model.intercept_ + np.log(unit)),
        numbers=moments,
        promotion_types=types,
        weights={name: float(weight) for name, weight in zip(design, model.coef_)},
    )


def _design(
    groups: Groups,
    numbers: Mapping[str, Floats],
    moments: Mapping[str, Moments],
    promotion_types: Sequence[str],
) -> dict[str, Floats]:
    """Columns, each (rows,): every number, then of each group its level and its deviation of every slope."""
    if not moments and not promotion_types:
        return {}
    scaled = {}
    for name, (mean, scale, least, largest) in moments.items():
        values = (np.clip(numbers[name], least, largest) - mean) / scale
        scaled[name] = np.where(np.isnan(values), 0.0, values)
    step = np.searchsorted(AGE_STARTS_HOURS, groups.hours, side="right") - 1
    ages = {f"age_{low:g}": step == place for place, low in enumerate(AGE_STARTS_HOURS)}
    types = {f"promotion_type={name}": groups.promotion_types == name for name in promotion_types}
    both = {f"{age}@{name}": inside & mine for age, inside in ages.items() for name, mine in types.items()}
    columns = {name: SHARED_SCALE * values for name, values in scaled.items()}
    for group, inside in {**ages, **types, **both}.items():
        level = inside.astype(np.float64)
        columns |= {group: level} | {f"{name}*{group}": level * values for name, values in scaled.items()}
    return columns

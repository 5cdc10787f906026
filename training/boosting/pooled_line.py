"""Regression with levels and slopes by promotion type, age step and both, partially pooled.

Every group deviates from a line shared by all rows, and its deviations are ridge-penalised: with few rows it keeps the
shared line (partial pooling; Gelman and Hill 2007, ch. 12). Tweedie family: power 0 is least squares, 1 to 2 are
volumes of varying size with a log link (Jørgensen 1987).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
from pydantic import BaseModel, ConfigDict

from features.arrays import Codes, Floats
from features.matrix.feature_matrix import Features
from features.point_in_time.array_frame import Categories

Moments = tuple[float, float, float, float]

AGE_STARTS_HOURS = np.array((0.0, 1.0, 3.0, 12.0, 24.0, 72.0, 168.0))
AGE_NAMES = tuple(f"age_{low:g}" for low in AGE_STARTS_HOURS)
LEVEL = "level"
SHARED_SCALE = 10.0
"""Shared slopes are penalised by 1 / SHARED_SCALE² of a group's deviation."""
GOES_ON = 3.0
"""How far a line goes on beyond the largest number of its training rows. Numbers are logs: up to 20 times as much. Of a
few hundred creatives the largest is often beaten by the next one that the platform promotes."""


class Groups(NamedTuple):
    """What groups rows: (rows,) hours since launch, (rows,) promotion type."""

    hours: Floats
    promotion_types: Categories

    @classmethod
    def of(cls, features: Features) -> Self:
        """Those of the rows of the features."""
        return cls(features.keys.floats("elapsed_hours"), features.keys.categories("promotion_type"))

    @property
    def ages(self) -> Codes:
        """(rows,) place of the age among AGE_STARTS_HOURS."""
        return AGE_STARTS_HOURS.searchsorted(self.hours, side="right") - 1


class PooledLine(BaseModel):
    """A fitted line.

    Attributes:
        intercept: At the mean of every number.
        numbers: Name → (mean, scale, least, largest): mean, scale and least on the training rows, and the largest
            value that the line goes on to. A value beyond is clipped, a missing one counts as the mean.
        promotion_types: Those of the training rows; another one has the shared line and that of its age.
        weights: Column of the design → weight.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    intercept: float
    numbers: Mapping[str, Moments]
    promotion_types: tuple[str, ...]
    weights: Mapping[str, float]

    @cached_property
    def tables(self) -> "LineTables":
        """What the weights add up to in each group, made once."""
        return _tables(self)

    def __copy__(self) -> Self:
        copied = super().__copy__()
        copied.__dict__.pop("tables", None)  # made from fields that `model_copy(update=…)` may replace
        return copied

    def terms(self, groups: Groups, numbers: Mapping[str, Floats]) -> dict[str, Floats]:
        """Number → (rows,) what it adds; `level`: the intercept and the levels of the row's groups."""
        return dict(zip((LEVEL, *self.numbers), self._terms(groups, numbers)))

    def predict(self, groups: Groups, numbers: Mapping[str, Floats]) -> Floats:
        """(rows,) The sum of the terms, element by element: a row alone gets the bits that it gets in a batch."""
        level, *others = self._terms(groups, numbers)
        return sum(others, level)

    def _terms(self, groups: Groups, numbers: Mapping[str, Floats]) -> Floats:
        """(1 + numbers, rows) Level, then what each number adds."""
        tables = self.tables
        terms = tables.weights[:, groups.ages, groups.promotion_types.map(tables.types, missing=len(tables.types))]
        if self.numbers:
            values = np.array([numbers[name] for name in self.numbers])
            scaled = (np.minimum(np.maximum(values, tables.least), tables.largest) - tables.mean) / tables.scale
            terms[1:] *= np.where(np.isnan(scaled), 0.0, scaled)
        return terms


@dataclass(frozen=True, eq=False)
class LineTables:
    """A line by group.

    Attributes:
        types: Promotion type → its place.
        weights: (1 + numbers, ages, types + 1) Level, then the slope of every number; the last type is any other.
        mean: (numbers, 1) Of every number; so are `scale`, `least` and `largest`.
    """

    types: Mapping[str, int]
    weights: Floats
    mean: Floats
    scale: Floats
    least: Floats
    largest: Floats


def _tables(line: PooledLine) -> LineTables:
    moments = np.array(list(line.numbers.values())).reshape(-1, 4, 1)
    types = [f"promotion_type={name}" for name in line.promotion_types]
    weights = np.zeros((1 + len(line.numbers), len(AGE_NAMES), len(types) + 1))
    for number, table in zip(("", *line.numbers), weights):
        of = {group: line.weights.get(f"{number}*{group}" if number else group, 0.0) for group in _groups(types)}
        table += SHARED_SCALE * line.weights.get(number, 0.0) if number else line.intercept
        table += np.array([[of[age]] for age in AGE_NAMES])
        table[:, : len(types)] += [of[name] for name in types]
        table[:, : len(types)] += [[of[f"{age}@{name}"] for name in types] for age in AGE_NAMES]
    return LineTables(
        {name: place for place, name in enumerate(line.promotion_types)}, weights, *moments.swapaxes(0, 1)
    )


def _groups(types: Sequence[str]) -> list[str]:
    """Names of the groups that have deviations: ages, promotion types, both."""
    return [*AGE_NAMES, *types, *(f"{age}@{name}" for age in AGE_NAMES for name in types)]


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
    types = tuple(sorted(set(groups.promotion_types.take(some).texts().tolist())))
    moments: dict[str, Moments] = {}
    for name, line in numbers.items():
        values = line[some & np.isfinite(line)]
        if len(values) and values.std() > 1e-9:
            largest = float(values.max()) + GOES_ON
            moments[name] = (float(values.mean()), float(values.std()), float(values.min()), largest)
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
    step, names = groups.ages, groups.promotion_types.texts()
    ages = {name: step == place for place, name in enumerate(AGE_NAMES)}
    types = {f"promotion_type={name}": names == name for name in promotion_types}
    both = {f"{age}@{name}": inside & mine for age, inside in ages.items() for name, mine in types.items()}
    columns = {name: SHARED_SCALE * values for name, values in scaled.items()}
    for group, inside in {**ages, **types, **both}.items():
        level = inside.astype(np.float64)
        columns |= {group: level} | {f"{name}*{group}": level * values for name, values in scaled.items()}
    return columns

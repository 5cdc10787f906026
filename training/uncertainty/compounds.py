"""Fitted compound distributions of a model, and the rows that they are evaluated for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from features.arrays import Floats
from training.uncertainty.compound import (
    Distribution,
    compound_distribution,
    volume_distribution,
    volumes_of_at_least,
)
from training.uncertainty.recalibration import Columns, Recalibration
from training.uncertainty.volume_model import VolumeModel

Model = TypeVar("Model", bound=BaseModel)


class Compound(BaseModel):
    """The distribution of a rate over a volume of at least `least_volume`, or of money over any volume.

    Attributes:
        rate: The rate target whose prediction gives the money per unit of volume.
        least_volume: Later volume that is given; 0: it is money over any volume, and no volume is no money.
        share: Of the posterior variance of the log rate that counts.
        extra: Variance of the log rate beyond it.
        log_unit: Log of the money that counts as one order where orders are not counted.
        calibration: Of the probabilities.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: str
    least_volume: float
    share: float
    extra: float
    log_unit: float
    calibration: Recalibration

    @cached_property
    def arrays(self) -> "Compounds":
        """As the only one of `Compounds`, made once."""
        return Compounds.of([self])

    def distribution(self, chunk: "Chunk") -> Distribution:
        """Of some rows."""
        return self.arrays.distributions(chunk, self.calibration.maps_of(chunk.columns)[None]).part(0)

    def __copy__(self) -> Self:
        return without(super().__copy__(), "arrays")


@dataclass(frozen=True, eq=False)
class Compounds:
    """C compounds as arrays, so that one vectorised step serves all.

    Attributes:
        columns: Names of the columns that it needs: of the rate of each, of its money per volume, of its variance.
        volumes: (V, 1) The different least volumes.
        of_volume: (C,) Which of them each has.
        is_money: (C, 1, 1) Whether it is money over any volume.
        share: (C, 1), as `Compound`; so are `extra` and `log_unit`, (C, 1, 1).
    """

    columns: Sequence[str]
    volumes: Floats
    of_volume: npt.NDArray[np.int64]
    is_money: npt.NDArray[np.bool_]
    share: Floats
    extra: Floats
    log_unit: Floats

    @classmethod
    def of(cls, compounds: Sequence[Compound]) -> "Compounds":
        """Arrange compounds."""
        volumes, of_volume = np.unique([one.least_volume for one in compounds], return_inverse=True)
        return cls(
            columns=[f"{part}:{one.rate}" for part in ("rate", "per_volume", "variance") for one in compounds],
            volumes=volumes[:, None],
            of_volume=of_volume,
            is_money=np.array([one.least_volume == 0 for one in compounds])[:, None, None],
            share=np.array([[one.share] for one in compounds]),
            extra=np.array([[one.extra] for one in compounds]),
            log_unit=np.array([[[one.log_unit]] for one in compounds]),
        )

    def distributions(self, chunk: "Chunk", maps: Floats) -> Distribution:
        """(compounds, rows) Distributions of some rows.

        Args:
            chunk: The rows.
            maps: (compounds, rows, len(GRID)) Calibration of their probabilities.
        """
        columns = chunk.columns
        reached, log_volume = volumes_of_at_least(chunk.mean, chunk.deviation, chunk.maps[0], self.volumes)
        needed = np.array([columns[name] for name in self.columns])
        rate, per_volume, variance = needed.reshape(3, len(self.of_volume), -1)
        log_money = per_volume[..., None] + log_volume[self.of_volume]
        return compound_distribution(
            log_mean=np.where(self.is_money, log_money, rate[..., None]),
            log_events=log_money - columns["log_value"][:, None] - self.log_unit,
            variance=self.share * variance + self.extra,
            reached=np.where(self.is_money[..., 0], reached[self.of_volume], 1.0),
            maps=maps,
        )


@dataclass(frozen=True)
class Chunk:
    """Some rows and their later volume.

    Attributes:
        columns: Of the rows.
        mean: (rows,) Of log1p of later volume.
        deviation: (rows,) Its standard deviation.
        maps: (…, rows, len(GRID)) Calibration of its probabilities, then of those of the model's compounds, if at all.
        distributions: Of all that have one, once asked for.
    """

    columns: Columns
    mean: Floats
    deviation: Floats
    maps: Floats
    distributions: list[Distribution] = field(default_factory=list)

    @classmethod
    def of(cls, columns: Columns, model: VolumeModel, calibration: Recalibration) -> "Chunk":
        """The rows of these columns, without the maps of compounds."""
        return cls(columns, *model.mean_and_deviation(columns), calibration.maps_of(columns)[None])

    def volume(self) -> Distribution:
        """(1, rows) Of later volume."""
        return volume_distribution(self.mean[None], self.deviation[None], self.maps[:1])


def without(copied: Model, *cached: str) -> Model:
    """A copy of a model without properties that were made from fields which `model_copy(update=…)` may replace."""
    for name in cached:
        copied.__dict__.pop(name, None)
    return copied

"""The distributions of all targets of some rows at once: one array instead of one target after the other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.uncertainty.calibration import Calibration, through
from training.uncertainty.covariates import Concern, Situation
from training.uncertainty.hurdle import Hurdle, Spreads, nodes_of, rate_mixtures, volume_mixture
from training.uncertainty.mixture import POINTS, Mixture

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SideBySide:
    """The calibrated targets of an uncertainty, made ready once.

    Attributes:
        targets: Rates, then later volume.
        spreads: Of the rates.
        calibrations: Of all targets.
        maps: Of all calibrations, one below the other.
        first: Place of each calibration's first map.
    """

    targets: tuple[str, ...]
    spreads: Spreads
    calibrations: Sequence[Calibration]
    maps: Floats
    first: npt.NDArray[np.int64]

    def told(self, volume: Hurdle, least: float, level: float, rows: Situation, concerns: Sequence[Concern]) -> "Told":
        """The distributions of these rows.

        Args:
            volume: How later volume is spread.
            least: Later volume from which on rates are told.
            level: Of the intervals.
            rows: Their situation.
            concerns: By rate: what concerns it.
        """
        mixture = volume_mixture(volume, rows)
        grouped = [(calibration, calibration.group_of(rows)) for calibration in self.calibrations]
        places = np.array([calibration.places(group) for calibration, group in grouped]).T + self.first
        levels = np.array([calibration.level_of(level, group) for calibration, group in grouped]).T
        rates = None
        if concerns:
            nodes = nodes_of(mixture, *grouped[-1], least)
            rates = rate_mixtures(self.spreads, nodes, rows, concerns)
        return Told(self.maps, places, levels, rates, mixture)


def side_by_side(targets: tuple[str, ...], spreads: Spreads, calibrations: Sequence[Calibration]) -> SideBySide:
    """These targets, rates first, then later volume."""
    maps = [calibration.ready.maps for calibration in calibrations]
    first = np.cumsum([0, *(len(one) for one in maps[:-1])])
    return SideBySide(targets, spreads, calibrations, np.concatenate(maps), first)


@dataclass(frozen=True)
class Told:
    """The distributions of some rows, target by target (`Ready.targets`).

    Attributes:
        maps: Of all calibrations.
        places: Place of each row's map, a column a target.
        levels: At which its interval is told, likewise.
        rates: Of the rates: row by row, rate by rate; None where none is calibrated.
        volume: Of later volume.
    """

    maps: Floats
    places: npt.NDArray[np.int64]
    levels: Floats
    rates: Mixture | None
    volume: Mixture

    def grid(self) -> Floats:
        """Rising values by row and target."""
        volume = self.volume.grid()[:, None]
        if self.rates is None:
            return volume
        return np.concatenate([self.rates.grid().reshape(len(volume), -1, POINTS), volume], axis=1)

    def stated(self, values: Floats) -> Floats:
        """Chance stated of nothing, then of at most each of these values (by row and target)."""
        shape = (*values.shape[:2], values.shape[2] + 1)
        stated = np.empty(shape)
        stated[:, -1, 0], stated[:, -1, 1:] = self.volume.none, self.volume.below(values[:, -1])
        if self.rates is not None:
            of_rates = values[:, :-1].reshape(-1, values.shape[2])
            stated[:, :-1, 0] = self.rates.none.reshape(len(values), -1)
            stated[:, :-1, 1:] = self.rates.below(of_rates).reshape(len(values), shape[1] - 1, -1)
        return stated

    def below(self, values: Floats, target: int) -> Floats:
        """Calibrated chance of one target to turn out at most at each of these values, a row a row."""
        count = self.places.shape[1] - 1
        mixture = self.volume
        if target < count and self.rates is not None:
            mixture = self.rates.every(count, target)
        return through(self.maps, self.places[:, target], mixture.below(values))

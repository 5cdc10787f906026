"""Columns of numbers as lines of a few arrays: a row of hundreds of counts is taken in a few steps."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64] | npt.NDArray[np.bool_] | slice


@dataclass(frozen=True, eq=False)
class Names:
    """Names of the lines of an array, in their order; made once for arrays that have the same lines.

    Attributes:
        all: The names.
    """

    all: tuple[str, ...]

    @cached_property
    def places(self) -> dict[str, int]:
        """Name → its line."""
        return {name: place for place, name in enumerate(self.all)}


class NumberColumns(Mapping[str, Floats]):
    """Columns of numbers that are lines of a few arrays: as cheap for hundreds of columns as for one."""

    __slots__ = ("blocks",)

    def __init__(self, blocks: Sequence[tuple[Names, Floats]]) -> None:
        """Take the arrays, each (names, rows), as they are; no name is in two of them."""
        self.blocks = tuple(blocks)

    def __getitem__(self, name: str) -> Floats:
        for names, lines in self.blocks:
            if name in names.places:
                return np.asarray(lines[names.places[name]])
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return any(name in names.places for names, _ in self.blocks)

    def __iter__(self) -> Iterator[str]:
        return (name for names, _ in self.blocks for name in names.all)

    def __len__(self) -> int:
        return sum(len(names.all) for names, _ in self.blocks)

    @classmethod
    def of(cls, columns: Mapping[str, Floats]) -> "NumberColumns":
        """Take columns, each (rows,), as they are."""
        if isinstance(columns, NumberColumns):
            return columns
        return cls([(Names((name,)), column[None]) for name, column in columns.items()])

    def __or__(self, other: "NumberColumns") -> "NumberColumns":
        return NumberColumns((*self.blocks, *other.blocks))

    def without(self, names: Collection[str]) -> "NumberColumns":
        """All columns but these."""
        blocks = []
        for own, lines in self.blocks:
            if any(name in own.places for name in names):
                kept = [place for name, place in own.places.items() if name not in names]
                own, lines = Names(tuple(own.all[place] for place in kept)), lines[kept]
            blocks.append((own, lines))
        return NumberColumns(blocks)

    def take(self, rows: Rows) -> "NumberColumns":
        """These rows."""
        return NumberColumns([(names, lines[:, rows]) for names, lines in self.blocks])

    def stack(self, names: Names, count: int) -> Floats | None:
        """(names, count) these columns as one array; None where some are missing."""
        for own, lines in self.blocks:
            places, _ = _where(names, own)
            if len(places) == len(names.all):
                return lines.take(places, axis=0)
        found = np.empty((len(names.all), count))
        placed = sum(place_lines(lines, own, names, found) for own, lines in self.blocks)
        return found if placed == len(names.all) else None


def place_lines(lines: Floats, names: Names, wanted: Names, out: Floats) -> int:
    """Write those lines of an array that are wanted into their places.

    Args:
        lines: (names, rows).
        names: Of the lines.
        wanted: Names of the lines of `out`.
        out: (wanted, rows).

    Returns:
        How many were wanted.
    """
    own, places = _where(wanted, names)
    if len(own):
        out[places] = lines.take(own, axis=0)
    return len(own)


@lru_cache(maxsize=4096)
def _where(names: Names, block: Names) -> tuple[Codes, Codes]:
    """Lines of a block that have some of the names, and their places among the names."""
    pairs = [(block.places[name], place) for place, name in enumerate(names.all) if name in block.places]
    lines, places = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return lines, places

"""Columns of numbers as lines of a few arrays: a row of hundreds of counts is taken in a few steps."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from features.arrays import Codes, Floats

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


NAMES = itemgetter(0)
"""Of a block."""


class NumberColumns(Mapping[str, Floats]):
    """Columns of numbers that are lines of a few arrays: as cheap for hundreds of columns as for one."""

    __slots__ = ("_names", "blocks")

    def __init__(self, blocks: Sequence[tuple[Names, Floats]]) -> None:
        """Take the arrays, each (names, rows), as they are; no name is in two of them."""
        self.blocks = tuple(blocks)
        self._names = tuple(map(NAMES, self.blocks))

    @property
    def places(self) -> dict[str, tuple[int, int]]:
        """Name → its array, and its line in it."""
        return _places(self._names)

    def __getitem__(self, name: str) -> Floats:
        block, line = self.places[name]
        return np.asarray(self.blocks[block][1][line])

    def __contains__(self, name: object) -> bool:
        return name in self.places

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)

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
        if self.places.keys().isdisjoint(names):
            return self
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
        parts = _where(names, self._names)
        if len(parts) == 1 and len(parts[0][1]) == len(names.all):
            block, lines, _ = parts[0]
            return self.blocks[block][1].take(lines, axis=0)
        found = np.empty((len(names.all), count))
        placed = self.place(names, found)
        return found if placed == len(names.all) else None

    def place(self, wanted: Names, out: Floats) -> int:
        """Write the columns that are wanted into their lines of `out` (wanted, rows); return how many were found."""
        placed = 0
        for block, lines, places in _where(wanted, self._names):
            out[places] = self.blocks[block][1].take(lines, axis=0)
            placed += len(lines)
        return placed


@lru_cache(maxsize=1024)
def _places(blocks: tuple[Names, ...]) -> dict[str, tuple[int, int]]:
    """Name → its block, and its line in it."""
    return {name: (block, line) for block, names in enumerate(blocks) for line, name in enumerate(names.all)}


@lru_cache(maxsize=4096)
def _where(wanted: Names, blocks: tuple[Names, ...]) -> list[tuple[int, Codes, Codes]]:
    """Where the names stand: for each block that has some, its number, their lines in it, their places in `wanted`."""
    at = _places(blocks)
    found: dict[int, list[tuple[int, int]]] = {}
    for place, name in enumerate(wanted.all):
        if name in at:
            block, line = at[name]
            found.setdefault(block, []).append((line, place))
    parts = ((block, np.array(pairs, dtype=np.int64).T) for block, pairs in sorted(found.items()))
    return [(block, lines, places) for block, (lines, places) in parts]

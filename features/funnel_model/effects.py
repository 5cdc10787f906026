"""Log factors by name, taken out of a larger table when they are asked for: predictions need only their sum."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from features.arrays import Floats


@dataclass(frozen=True, eq=False)
class Effects(Mapping[str, Floats]):
    """Log factors by name, each (N,); taken out of a larger table when they are asked for.

    Attributes:
        names: Of the factors.
        whole: (factors, N), with these factors and others.
        places: Of these factors in it.
    """

    names: tuple[str, ...]
    whole: Floats
    places: Sequence[int]

    @property
    def rows(self) -> Floats:
        """(N, names) These factors, those of a row one after the other in memory."""
        return self.whole.T.take(self.places, axis=1)

    def __getitem__(self, name: str) -> Floats:
        return self.whole[self.places[self.names.index(name)]]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

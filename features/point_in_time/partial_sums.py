"""Sums over entities whose creatives lie in several parts of the data, exchanged between the parts as partial sums.

A part holds whole accounts. Sums over an entity (a KOC, a product, a tag) need the creatives of all parts: each part
gives the partial sums of its rows, by value of the entity and moment, and requests the sums at its cutoffs; a bucket
that holds all partial sums of a value resolves them. Sums are exact (`features.point_in_time.windowed_sums`), so they
are those of one frame, bit for bit.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Codes, Floats
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.availability import AVAILABILITIES, NEVER, availabilities_of
from features.point_in_time.counts import SumsInMemory
from features.point_in_time.entity_history import MARKET, Contributions, Entity, EntitySums, entity_codes
from features.point_in_time.windowed_sums import TimedSums, summed_by
from features.stages import Stage

LAUNCHES = "launches"
LAUNCHED = "launched"
KEY, MOMENT, ENTITY, ROW = "key", "moment", "entity", "row"

_CODE_BITS = 40  # of a key: the code of a value; the place of its entity stands above them
_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: neighbouring keys go to different buckets


def shared_codes(creatives: pd.DataFrame, shared: Sequence[Entity]) -> npt.NDArray[np.int64]:
    """(creatives, entities) code of each creative's value of each entity, −1 where it has none; over all parts."""
    texts = dict.fromkeys(column for entity in shared for column in entity.columns if column in creatives)
    table = ArrayFrame.of(creatives[list(texts)])
    return np.column_stack([entity_codes(table, entity) for entity in shared])


def bucket_of(keys: Codes, buckets: int) -> Codes:
    """(keys,) number of the bucket, from 0, that holds each key."""
    mixed = (keys.astype(np.uint64) * _SPREAD) >> np.uint64(33)
    return (mixed % np.uint64(buckets)).astype(np.int64)


def tables_exchanged(stages: Sequence[Stage]) -> list[str]:
    """Names of the tables of `partial_sums`: by availability, volume being known with the report; and launches."""
    found = availabilities_of(stages)
    return [*(name for name in AVAILABILITIES if name == "known" or name in found), LAUNCHES]


def partial_sums(sums: SumsInMemory, codes: npt.NDArray[np.int64]) -> dict[str, pd.DataFrame]:
    """What the rows of a part add to everything that its creatives share.

    Args:
        sums: Of the part.
        codes: (creatives, entities) of its creatives (`shared_codes`).

    Returns:
        By availability, and LAUNCHES: `key`, `moment` (in seconds, from when it is known) and what is added, one row
        per key and moment.
    """
    born = sums.first_known != NEVER
    one = {LAUNCHED: np.ones(int(born.sum()))}
    found: dict[str, list[pd.DataFrame]] = {}
    for place, values in enumerate(codes.T):
        adds = {str(name): (values[added.units], added.moments, added.table) for name, added in sums.additions.items()}
        for name, table in (adds | {LAUNCHES: (values[born], sums.first_known[born], one)}).items():
            value, moment, summed = summed_by(*table)
            found.setdefault(name, []).append(pd.DataFrame({KEY: _key(place, value), MOMENT: moment, **summed}))
    return {name: pd.concat(parts, ignore_index=True) for name, parts in found.items()}


def requested_sums(sums: SumsInMemory, codes: npt.NDArray[np.int64]) -> pd.DataFrame:
    """The values, and until when, of which the snapshots of a part need sums over all creatives.

    Returns:
        `key`, `moment` (the last second that counts), `entity` (its place; one more for the market long ago) and `row`
        (of the snapshot).
    """
    parts = []
    for place, entity in enumerate(sums.shared):
        value = codes[sums.units, place]
        rows = np.flatnonzero(value >= 0)
        key, moment = _key(place, value[rows]), sums.moments[rows] - 1
        parts.append(pd.DataFrame({KEY: key, MOMENT: moment, ENTITY: place, ROW: rows}))
        if entity == MARKET:
            long_ago = {KEY: key, MOMENT: moment - sums.recent, ENTITY: len(sums.shared), ROW: rows}
            parts.append(pd.DataFrame(long_ago))
    return pd.concat(parts, ignore_index=True)


class BucketSums:
    """All partial sums of the keys of one bucket."""

    def __init__(self, tables: Mapping[str, pd.DataFrame]) -> None:
        """Sum the partial sums of all parts, one below the other, by table."""
        self._keys = np.unique(np.concatenate([table[KEY].to_numpy(np.int64) for table in tables.values()]))
        self._sums = []
        for table in tables.values():
            codes = np.searchsorted(self._keys, table[KEY].to_numpy(np.int64)).astype(np.int64)
            moments = table[MOMENT].to_numpy(np.int64)
            figures = {str(name): table[name].to_numpy(np.float64) for name in table if name not in (KEY, MOMENT)}
            self._sums.append(TimedSums(codes, moments, moments, figures))

    def resolve(self, requests: pd.DataFrame) -> pd.DataFrame:
        """`entity`, `row` and all sums of each request (`requested_sums`), in its order."""
        keys, moments = requests[KEY].to_numpy(np.int64), requests[MOMENT].to_numpy(np.int64)
        place = np.minimum(np.searchsorted(self._keys, keys), max(len(self._keys) - 1, 0))
        known = self._keys[place] == keys if len(self._keys) else np.zeros(len(keys), dtype=np.bool_)
        sums: dict[str, Floats] = {}
        for part in self._sums:
            sums |= {name: np.where(known, total, 0.0) for name, total in part.until(place, moments).items()}
        return pd.DataFrame({ENTITY: requests[ENTITY].to_numpy(), ROW: requests[ROW].to_numpy(), **sums})


def resolved_entities(resolved: pd.DataFrame, own: Contributions, shared: Sequence[Entity]) -> Iterator[EntitySums]:
    """The sums of every entity for a part's snapshots, from all its resolved requests.

    Args:
        resolved: Of `BucketSums.resolve`, from all buckets.
        own: What each snapshot's creative itself contributes.
        shared: What creatives share.

    Yields:
        As `features.point_in_time.entity_history.SumsOfAll.entities`: one entity at a time.
    """
    count, names = own.history.shape[1], [*own.figures, LAUNCHED]
    by_place = {int(str(place)): rows for place, rows in resolved.groupby(ENTITY)}

    def totals(place: int) -> tuple[Floats, npt.NDArray[np.bool_]]:
        table, member = np.zeros((len(names), count)), np.zeros(count, dtype=np.bool_)
        if place in by_place:
            rows = by_place[place][ROW].to_numpy(np.int64)
            member[rows] = True
            for line, name in zip(table, names):
                line[rows] = by_place[place][name].to_numpy(np.float64)
        return table, member

    for place, entity in enumerate(shared):
        table, member = totals(place)
        long_ago = totals(len(shared))[0][:-1, None] if entity == MARKET else None
        yield EntitySums((entity.name,), member[None], member[None], table[:, None], long_ago)


def _key(place: int, codes: Codes) -> Codes:
    return codes + (place << _CODE_BITS)

"""History whose other creatives lie in other parts of the data: what a part tells, what it asks, how it is answered.

A part holds whole accounts. Sums over an entity (a KOC, a product, a tag) need the creatives of all parts: each part
tells what its rows add, by value of the entity and moment, and asks for the sums at its cutoffs; whoever was told all
of a value answers. Sums are exact (`features.point_in_time.windowed_sums`), so the answers are those of one frame,
bit for bit.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.point_in_time.availability import Floats
from features.point_in_time.counts import Within
from features.point_in_time.entity_history import MARKET, Entity, OwnHistory, entity_codes, of_others
from features.point_in_time.market import summed_by
from features.point_in_time.windowed_sums import Codes, TimedSums

LAUNCHES = "launches"
LAUNCHED = "launched"
KEY, MOMENT, ENTITY, ROW = "key", "moment", "entity", "row"

_CODE_BITS = 40  # of a key: the code of a value; the place of its entity stands above them
_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: neighbouring keys go to different buckets


def shared_codes(creatives: pd.DataFrame, shared: Sequence[Entity]) -> npt.NDArray[np.int64]:
    """Code of each creative's value of each entity (creatives × entities), -1 where it has none; over all parts."""
    return np.column_stack([entity_codes(creatives, entity) for entity in shared])


def bucket_of(keys: Codes, buckets: int) -> Codes:
    """Which of so many buckets holds each key."""
    mixed = (keys.astype(np.uint64) * _SPREAD) >> np.uint64(33)
    return (mixed % np.uint64(buckets)).astype(np.int64)


def told(known: Within, codes: npt.NDArray[np.int64]) -> dict[str, pd.DataFrame]:
    """What the rows of a part add to everything that its creatives share.

    Args:
        known: What was counted within it.
        codes: Of its creatives (`shared_codes`).

    Returns:
        By what it waits for (`features.point_in_time.availability.WAITS`), and LAUNCHES: `key`, `moment` (in
        seconds, from when it is
        known) and what is added, a row per key and moment.
    """
    born = known.first_known.notna().to_numpy()
    launches = known.first_known[born].to_numpy("datetime64[s]").astype(np.int64)
    one = pd.DataFrame({LAUNCHED: np.ones(len(launches))})
    found: dict[str, list[pd.DataFrame]] = {}
    for place, line in enumerate(codes.T):
        adds = {str(wait): (line[added.units], added.moments, added.table) for wait, added in known.adds.items()}
        for what, (values, moments, table) in (adds | {LAUNCHES: (line[born], launches, one)}).items():
            value, moment, summed = summed_by(values, moments, table)
            added = pd.DataFrame({KEY: _key(place, value), MOMENT: moment, **summed})
            found.setdefault(what, []).append(added)
    return {what: pd.concat(parts, ignore_index=True) for what, parts in found.items()}


def asked(known: Within, codes: npt.NDArray[np.int64], shared: Sequence[Entity], recent_seconds: int) -> pd.DataFrame:
    """Of which values, and strictly before when, a part needs sums.

    Returns:
        `key`, `moment` (the last second that counts), `entity` (its place; one more for the market long ago) and `row`
        (of the snapshot).
    """
    parts = []
    for place, entity in enumerate(shared):
        value = codes[known.units, place]
        rows = np.flatnonzero(value >= 0)
        key, moment = _key(place, value[rows]), known.moments[rows] - 1
        parts.append(pd.DataFrame({KEY: key, MOMENT: moment, ENTITY: place, ROW: rows}))
        if entity == MARKET:
            parts.append(parts[-1].assign(**{MOMENT: moment - recent_seconds, ENTITY: len(shared)}))
    return pd.concat(parts, ignore_index=True)


class Answers:
    """Whoever was told all of some keys."""

    def __init__(self, heard: Mapping[str, pd.DataFrame]) -> None:
        """What all parts told of these keys, one below the other, by what it waits for."""
        self._keys = np.unique(np.concatenate([table[KEY].to_numpy(np.int64) for table in heard.values()]))
        self._sums = []
        for table in heard.values():
            codes = np.searchsorted(self._keys, table[KEY].to_numpy(np.int64)).astype(np.int64)
            moments = table[MOMENT].to_numpy(np.int64)
            self._sums.append(TimedSums(codes, moments, moments, table.drop(columns=[KEY, MOMENT])))

    def to(self, questions: pd.DataFrame) -> pd.DataFrame:
        """`entity`, `row` and all sums of each question (`asked`), in its order."""
        keys, moments = questions[KEY].to_numpy(np.int64), questions[MOMENT].to_numpy(np.int64)
        place = np.minimum(np.searchsorted(self._keys, keys), max(len(self._keys) - 1, 0))
        heard_of = self._keys[place] == keys if len(self._keys) else np.zeros(len(keys), dtype=np.bool_)
        sums: dict[str, Floats] = {}
        for part in self._sums:
            sums |= {name: np.where(heard_of, total, 0.0) for name, total in part.until(place, moments).items()}
        return pd.DataFrame({ENTITY: questions[ENTITY].to_numpy(), ROW: questions[ROW].to_numpy(), **sums})


def answered(answers: pd.DataFrame, own: OwnHistory, shared: Sequence[Entity]) -> dict[str, Floats]:
    """The columns of history of a part's snapshots, from all answers to what it asked
    (`features.point_in_time.counts.observe`)."""
    count = len(own.launched)
    names = [name for name in answers if name not in (ENTITY, ROW)]
    columns: dict[str, Floats] = {}
    launched: dict[str, Floats] = {}
    by_place = {int(place): rows for place, rows in answers.groupby(ENTITY)}

    def totals(place: int) -> tuple[dict[str, Floats], npt.NDArray[np.bool_]]:
        table = {name: np.zeros(count) for name in names}
        member = np.zeros(count, dtype=np.bool_)
        if place in by_place:
            rows = by_place[place][ROW].to_numpy(np.int64)
            member[rows] = True
            for name in names:
                table[name][rows] = by_place[place][name].to_numpy(np.float64)
        return table, member

    long_ago, _ = totals(len(shared))
    for place, entity in enumerate(shared):
        sums, member = totals(place)
        started = sums.pop(LAUNCHED)
        columns |= of_others(entity, sums, long_ago, own, member)
        launched[f"launched:{entity.name}"] = np.where(member, started - own.launched, 0.0)
    return columns | launched


def _key(place: int, codes: Codes) -> Codes:
    return codes + (place << _CODE_BITS)

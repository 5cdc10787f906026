"""Account activity at a cutoff: the account's other live creatives and recent launches, all and per tag value."""

from collections.abc import Sequence

import numpy as np

from features.arrays import Codes, Floats, Seconds
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.availability import NEVER
from features.point_in_time.entity_history import ACCOUNT, Contributions, Entity, EntitySums, entity_codes
from features.point_in_time.number_columns import Names, NumberColumns
from features.point_in_time.windowed_sums import DAY, TimedSums

ACTIVITY = Names(("live_siblings", "recent_launches", "tag_overlap_share"))
LIVE_DAYS = 3
ALIKE_DAYS = 14


def in_account(tag: str) -> Entity:
    """A tag's value within one account."""
    return Entity(tag, (*ACCOUNT.columns, tag))


def activity_columns(account: EntitySums, tags: EntitySums, own: Contributions) -> NumberColumns:
    """What each snapshot's account was running, the creative itself left out.

    Args:
        account: (2, 1, snapshots) creatives of the account that are live, and launched of late.
        tags: (1, tags, snapshots) creatives launched of late with the creative's value of each tag.
        own: Whether the creative itself is among them.

    Returns:
        `live_siblings` (other creatives of the account with a row known in the last three days), `recent_launches`
        (others launched in the last fourteen), `tag_overlap_share` (mean share of this creative's tags that those
        carry too; NaN without tags or launches).
    """
    live, launches = account.without_own(own.activity)[:, 0]
    shared = np.where(tags.member, tags.without_own(own.activity[1:])[0], 0.0).sum(axis=0)
    known = tags.member.sum(axis=0).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        overlap = np.where((known > 0) & (launches > 0), shared / (known * launches), np.nan)
    return NumberColumns([(ACTIVITY, np.array([live, launches, overlap]))])


class Activity:
    """When creatives are live and when they were launched; a creative may be live in several separate runs."""

    def __init__(self, known: Seconds, units: Codes, first_known: Seconds) -> None:
        """Find the runs of every creative.

        A creative counts once per run, from the first row of a run to three days after the run's last.

        Args:
            known: (rows of metrics,) moment from which each is known.
            units: (rows of metrics,) creative of each.
            first_known: (creatives,) when each was first known of.
        """
        order = np.lexsort((known, units))
        unit, end = units[order], known[order]
        starts_run = np.ones(len(unit), dtype=bool)
        starts_run[1:] = (unit[1:] != unit[:-1]) | (end[1:] > end[:-1] + LIVE_DAYS * DAY)
        first = np.flatnonzero(starts_run)
        last = np.append(first[1:], len(unit)) - 1 if len(unit) else first
        self._begin, self._end = (unit[first], end[first]), (unit[last], end[last] + LIVE_DAYS * DAY)
        born = np.flatnonzero(first_known != NEVER)
        self._launch = born, first_known[born]

    def own(self, units: Codes, moments: Seconds) -> Floats:
        """(2, snapshots) 1 where the creative was live, and where it was launched of late, strictly before."""
        return self._counts(None, units, moments)

    def account(self, creatives: ArrayFrame, units: Codes, moments: Seconds) -> EntitySums:
        """(2, 1, snapshots) how many creatives of the account were."""
        codes = entity_codes(creatives, ACCOUNT)
        everyone = np.ones((1, len(units)), dtype=np.bool_)
        return EntitySums((ACCOUNT.name,), everyone, everyone, self._counts(codes, codes[units], moments)[:, None])

    def tags(self, creatives: ArrayFrame, tags: Sequence[str], units: Codes, moments: Seconds) -> EntitySums:
        """(1, tags, snapshots) how many creatives of the account with the same value were launched of late."""
        member = np.zeros((len(tags), len(units)), dtype=np.bool_)
        totals = np.zeros((1, len(tags), len(units)))
        for place, tag in enumerate(tags):
            codes = entity_codes(creatives, in_account(tag))
            member[place] = codes[units] >= 0
            totals[0, place] = self._launched_of_late(codes, codes[units], moments)
        return EntitySums(tuple(tags), member, member, totals)

    def _counts(self, groups: Codes | None, wanted: Codes, moments: Seconds) -> Floats:
        """(2, wanted) live creatives and recent launches of the wanted groups, strictly before the moments."""
        live = _until(self._begin, groups, wanted, moments) - _until(self._end, groups, wanted, moments)
        return np.array([live, self._launched_of_late(groups, wanted, moments)])

    def _launched_of_late(self, groups: Codes | None, wanted: Codes, moments: Seconds) -> Floats:
        """(wanted,) launches in the last ALIKE_DAYS before the moments."""
        launched = (_until(self._launch, groups, wanted, at) for at in (moments, moments - ALIKE_DAYS * DAY))
        return next(launched) - next(launched)


def _until(events: tuple[Codes, Seconds], groups: Codes | None, wanted: Codes, moments: Seconds) -> Floats:
    """How many events of the wanted groups came strictly before the moments; without groups, of the creatives."""
    units, times = events
    codes = units if groups is None else groups[units]
    return TimedSums(codes, times, times, {"n": np.ones(len(times))}).until(wanted, moments - 1)["n"]

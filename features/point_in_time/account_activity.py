"""How crowded and how alike: what else the account runs at a cutoff, and how much of it this creative repeats."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.point_in_time.entity_history import Entity, entity_codes, launched_before
from features.point_in_time.windowed_sums import Codes, Seconds, TimedSums

Floats = npt.NDArray[np.float64]

DAY = 86_400
LIVE_DAYS = 3
ALIKE_DAYS = 14
ACCOUNT = Entity("account", ("promotion_type", "account_id"))


def siblings(
    reported_ends: Seconds,
    reported_units: Codes,
    launched: pd.Series,
    creatives: pd.DataFrame,
    units: Codes,
    cutoffs: Seconds,
    tags: list[str],
) -> pd.DataFrame:
    """What each snapshot's account was running.

    Args:
        reported_ends: Moment from which each row of metrics is known.
        reported_units: Creative of each such row.
        launched: Launch of each creative; NaT before.
        creatives: Checked creatives.
        units: Creative of each snapshot.
        cutoffs: Cutoff of each snapshot.
        tags: Single-valued tag columns.

    Returns:
        One row per snapshot: `live_siblings` (other creatives of the account with a row known in the last three
        days), `recent_launches` (others launched in the last fourteen), `tag_overlap_share` (mean share of this
        creative's tags that those carry too; NaN without tags or launches).
    """
    before = cutoffs - 1
    came, gone = lives(reported_ends, reported_units)
    live = _live(came, gone, entity_codes(creatives, ACCOUNT), units, before)

    def recent(entity: Entity) -> np.ndarray:
        return launched_before(launched, creatives, entity, units, cutoffs) - launched_before(
            launched, creatives, entity, units, cutoffs - ALIKE_DAYS * DAY
        )

    launches = recent(ACCOUNT)
    shared = np.zeros(len(units))
    known = np.zeros(len(units))
    for tag in tags:
        has = creatives[tag].notna().to_numpy()[units]
        shared += np.where(has, recent(in_account(tag)), 0.0)
        known += has
    return pd.DataFrame(
        {"live_siblings": live, "recent_launches": launches, "tag_overlap_share": overlap(shared, known, launches)}
    )


def in_account(tag: str) -> Entity:
    """A tag's value within one account."""
    return Entity(tag, (*ACCOUNT.columns, tag))


def overlap(shared: Floats, known: Floats, launches: Floats) -> Floats:
    """Mean share of known tags that so many launches share; NaN without tags or launches."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where((known > 0) & (launches > 0), shared / (known * launches), np.nan)


def lives(ends: Seconds, row_units: Codes) -> tuple[tuple[Codes, Seconds], tuple[Codes, Seconds]]:
    """When creatives begin and cease to live, each with its creative: a creative may do so several times.

    It counts once while it lives: from its first known row of a run to three days after the run's last.
    """
    order = np.lexsort((ends, row_units))
    unit, end = row_units[order], ends[order]
    starts_run = np.ones(len(unit), dtype=bool)
    starts_run[1:] = (unit[1:] != unit[:-1]) | (end[1:] > end[:-1] + LIVE_DAYS * DAY)
    first = np.flatnonzero(starts_run)
    last = np.append(first[1:], len(unit)) - 1 if len(unit) else first
    return (unit[first], end[first]), (unit[last], end[last] + LIVE_DAYS * DAY)


def _live(
    came: tuple[Codes, Seconds], gone: tuple[Codes, Seconds], accounts: Codes, units: Codes, before: Seconds
) -> np.ndarray:
    def count(groups: Codes, times: Seconds, of: Codes) -> np.ndarray:
        return TimedSums(groups, times, times, {"n": np.ones(len(times))}).until(of, before)["n"]

    total = count(accounts[came[0]], came[1], accounts[units]) - count(accounts[gone[0]], gone[1], accounts[units])
    return total - (count(*came, units) - count(*gone, units))

"""How crowded and how alike: what else the account runs at a cutoff, and how much of it this creative repeats."""

import numpy as np
import pandas as pd

from features.history import Entity, entity_codes, launched_before
from features.window import Codes, Seconds, TimedSums

DAY = 86_400
LIVE_DAYS = 3
ALIKE_DAYS = 14


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
    account = Entity("account", ("promotion_type", "account_id"))
    before = cutoffs - 1
    live = _live(reported_ends, reported_units, entity_codes(creatives, account), units, before)

    def recent(entity: Entity) -> np.ndarray:
        return launched_before(launched, creatives, entity, units, cutoffs) - launched_before(
            launched, creatives, entity, units, cutoffs - ALIKE_DAYS * DAY
        )

    launches = recent(account)
    shared = np.zeros(len(units))
    known = np.zeros(len(units))
    for tag in tags:
        has = creatives[tag].notna().to_numpy()[units]
        shared += np.where(has, recent(Entity(tag, (*account.columns, tag))), 0.0)
        known += has
    with np.errstate(invalid="ignore", divide="ignore"):
        overlap = shared / (known * launches)
    return pd.DataFrame(
        {
            "live_siblings": live,
            "recent_launches": launches,
            "tag_overlap_share": np.where((known > 0) & (launches > 0), overlap, np.nan),
        }
    )


def _live(ends: Seconds, row_units: Codes, accounts: Codes, units: Codes, before: Seconds) -> np.ndarray:
    # A creative counts once while it lives: from its first known row of a run to three days after the run's last.
    order = np.lexsort((ends, row_units))
    unit, end = row_units[order], ends[order]
    starts_run = np.ones(len(unit), dtype=bool)
    starts_run[1:] = (unit[1:] != unit[:-1]) | (end[1:] > end[:-1] + LIVE_DAYS * DAY)
    first = np.flatnonzero(starts_run)
    last = np.append(first[1:], len(unit)) - 1 if len(unit) else first
    group = accounts[unit[first]]
    came = TimedSums(group, end[first], end[first], {"n": np.ones(len(first))})
    gone_at = end[last] + LIVE_DAYS * DAY
    gone = TimedSums(group, gone_at, gone_at, {"n": np.ones(len(first))})
    of = accounts[units]
    alone = np.arange(len(accounts), dtype=np.int64)[unit[first]]
    own_came = TimedSums(alone, end[first], end[first], {"n": np.ones(len(first))})
    own_gone = TimedSums(alone, gone_at, gone_at, {"n": np.ones(len(first))})
    total = came.until(of, before)["n"] - gone.until(of, before)["n"]
    return total - (own_came.until(units, before)["n"] - own_gone.until(units, before)["n"])

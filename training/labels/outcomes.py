"""Outcomes: sums over the window after each snapshot's cutoff. The only module that reads that window."""

import numpy as np
import pandas as pd

from configs.settings import BASES, Settings
from features.arrays import Floats, Mask
from features.funnel import Funnel
from features.point_in_time.metric_rows import GRAINS, MetricRows, unit_codes
from features.point_in_time.windowed_sums import DAY, TimedSums, seconds
from features.schema import KEY, Loaded
from features.targets import TARGETS

LEAST_COVERED = 0.4
"""Least share of the outcome window that readings of a running total must cover; with less the outcome is unknown."""

MATURE = "mature"
NOT_CLOSED = "outcome window not closed"
NOT_SETTLED = "refunds or late revisions still open"
NOT_COVERED = "no reading covers the outcome window"
IMMATURE = [NOT_CLOSED, NOT_SETTLED, NOT_COVERED]


def settle_days(settings: Settings) -> float:
    """Days after an outcome window until its figures are final: late revisions, and refunds of the basis."""
    return max(settings.open_days, BASES[settings.basis][1] / 24)


def outcomes(snapshots: pd.DataFrame, loaded: Loaded | MetricRows, funnel: Funnel, settings: Settings) -> pd.DataFrame:
    """Sum the periods that lie inside each snapshot's outcome window.

    An account is observed until the end of its last period. A creative from an export without rows in the window had no
    traffic: its sums are 0. The outcome of a creative observed by readings, with none in the window, is unknown.

    Args:
        snapshots: KEY and `cutoff` of each snapshot.
        loaded: Metrics and creatives.
        funnel: Its figures are summed.
        settings: `outcome_days`, `open_days` and the basis.

    Returns:
        In the order of `snapshots`: `later:f` for every figure of the funnel (NaN where a period misses it),
        `covered_share` of the window, `straddled` (a period crosses an edge of the window), `closed_at` (when the
        outcome is final) and `state` (MATURE or one of IMMATURE).
    """
    rows = loaded if isinstance(loaded, MetricRows) else MetricRows.of(loaded)
    units = unit_codes(snapshots, rows.creatives.select(KEY).frame())
    measured = rows.measures(funnel, settings)
    wanted = [name for name in dict.fromkeys([*funnel.counted_columns, "spend_cny"]) if name in measured]
    sums = TimedSums(rows.units, rows.start_seconds, rows.end_seconds, {name: measured[name] for name in wanted})

    opens = seconds(snapshots["cutoff"])
    closes = opens + settings.outcome_days * DAY
    later = sums.between(units, opens, closes)
    closed = snapshots["cutoff"] + pd.Timedelta(days=settings.outcome_days)
    settled = snapshots["cutoff"] + pd.Timedelta(days=settings.outcome_days + settle_days(settings))
    read = _read_by_totals(rows)[units]
    last = np.maximum(sums.last_end(units, closes), opens)
    covered = np.where(read, (last - opens) / (closes - opens), 1.0)
    known_until = rows.account_until[units]
    state = np.where(covered < LEAST_COVERED, NOT_COVERED, MATURE)
    state = np.where(known_until < settled.to_numpy(), NOT_SETTLED, state)
    state = np.where(known_until < closed.to_numpy(), NOT_CLOSED, state)
    return pd.DataFrame(
        {
            **{f"later:{name}": total for name, total in later.items()},
            "covered_share": covered,
            "straddled": sums.straddles(units, opens) | sums.straddles(units, closes),
            "closed_at": settled.to_numpy(),
            "state": state,
        }
    )


def data_until(loaded: Loaded) -> pd.Series:
    """End of the last period of each promotion type and account."""
    return loaded.metrics.groupby(KEY[:2])["period_end"].max()


def _read_by_totals(rows: MetricRows) -> Mask:
    """(creatives,) whether each is observed by readings of a running total."""
    read = np.zeros(len(rows.creatives), dtype=np.bool_)
    read[rows.units[rows.grains == GRAINS.index("gap")]] = True
    return read


def exposures(outcome: pd.DataFrame, funnel: Funnel) -> dict[str, Floats]:
    """Target → (rows,) denominator of its rate: later impressions, or spend in CNY; ones for volume.

    Also `volume`: (rows,) later volume.
    """
    volume = outcome[f"later:{funnel.volume_of}"].to_numpy(np.float64)
    spend = outcome["later:spend_cny"].to_numpy(np.float64) if "later:spend_cny" in outcome else volume
    return {"volume": volume} | {
        target: np.ones_like(volume) if TARGETS[target].is_volume else spend if TARGETS[target].is_roi else volume
        for target in funnel.targets
    }


def actual_targets(outcome: pd.DataFrame, funnel: Funnel) -> pd.DataFrame:
    """Outcomes of the targets; NaN without exposure, or where a figure or column is missing.

    Returns:
        One column per target of the funnel, `later_…` for a whole outcome window where readings cover a part of it.
    """

    def figure(name: str) -> Floats:
        column = f"later:{name}"
        return outcome[column].to_numpy(np.float64) if column in outcome else np.full(len(outcome), np.nan)

    found: dict[str, Floats] = {}
    for name in funnel.targets:
        target = TARGETS[name]
        if target.is_volume:
            found[name] = figure(target.numerator) / outcome["covered_share"].to_numpy(np.float64)
        else:
            found[name] = target.rate(figure(target.numerator), figure(target.exposure))
    return pd.DataFrame(found)

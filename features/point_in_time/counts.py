"""Everything counted about a snapshot, before any estimate: early metrics, history, siblings.

Nothing here is fitted: the same data give the same counts whatever was trained on them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from configs.settings import BASES, Settings
from features.funnel import Funnel, build_funnel, counted_columns
from features.point_in_time.account_activity import siblings
from features.point_in_time.availability import Floats, Reported, first_reported, own_sums, reported_measures
from features.point_in_time.entity_history import (
    TAG,
    Adds,
    Entity,
    OwnHistory,
    additions,
    entities,
    entity_history,
    launched_before,
    own_history,
)
from features.point_in_time.market import Market, market_history, market_tables
from features.point_in_time.measures import SETTLED, measures, reference_prices
from features.point_in_time.snapshots import unit_codes
from features.point_in_time.windowed_sums import Codes, TimedSums, seconds
from features.schema import KEY, VALUES, Loaded

DAY = 86_400
HOUR = 3_600
RECENT_DAYS = 3
"""What of a life counts as recent: rates drift, costs most of all."""


def data_funnel(loaded: Loaded, settings: Settings) -> Funnel:
    """The funnel that the loaded data allow under the settings' ROI basis."""
    return funnel_of(held_values(loaded.metrics), loaded.creatives, settings)


def held_values(metrics: pd.DataFrame) -> list[str]:
    """Value columns of metrics that hold something."""
    return [name for name in VALUES if name in metrics and metrics[name].notna().any()]


def funnel_of(held: Sequence[str], creatives: pd.DataFrame, settings: Settings) -> Funnel:
    """The funnel that columns of metrics allow, for these creatives, under the settings' ROI basis."""
    prices = creatives.get("price_cny", pd.Series(dtype=float))
    known = prices[prices > 0]
    typical = float(known.median()) if len(known) > len(creatives) / 2 else None
    return build_funnel(held, BASES[settings.basis][0], typical)


def data_entities(loaded: Loaded, settings: Settings) -> list[Entity]:
    """What the creatives of the loaded data share, under the settings' tags and crosses."""
    return entities(loaded.creatives, settings.tags.multi, settings.tags.crosses)


@dataclass(frozen=True)
class Measured:
    """Rows of metrics with what the funnel counts in them.

    Attributes:
        loaded: Where they come from.
        rows: Row position of each row's creative.
        figures: Measures of each row (`features.point_in_time.measures`).
    """

    loaded: Loaded
    rows: Codes
    figures: pd.DataFrame


def observe(
    snapshots: pd.DataFrame,
    loaded: Loaded,
    funnel: Funnel,
    shared: Sequence[Entity],
    settings: Settings,
    as_of: pd.Timestamp | None = None,
) -> pd.DataFrame:
    """Counts of each snapshot as they stood at its cutoff.

    Args:
        snapshots: Rows of `features.point_in_time.snapshots`.
        loaded: Metrics and creatives; rows after a snapshot's cutoff do not change its counts.
        funnel: The funnel in use; figures of it that the metrics do not have are missing.
        shared: Entities whose history is counted; those that the creatives do not name are empty.
        settings: Of the run.
        as_of: One moment at which all look at the others, instead of each at its own cutoff.

    Returns:
        `snapshots` in their order, with the creative's attributes and, per figure f: `early:f` (its life so far),
        `last_days:f` (its last RECENT_DAYS), `market:s:f` (all others, by stage), `hist:e:…` (others of entity e,
        see `features.point_in_time.entity_history.of_others`), `launched:e` (how many others of e had started); of
        volume also
        `last_day:f` and `late_half:f` (the younger half of its life); and the columns of
        `features.point_in_time.account_activity`.
    """
    creatives = loaded.creatives.reset_index(drop=True)
    measured = measure(loaded, funnel, settings)
    reported = reported_figures(measured, funnel, settings)
    market = Market(market_tables(reported, creatives["promotion_type"], funnel.stages))
    known = within(snapshots, measured, reported, market, funnel, shared, settings, as_of)
    history = dict(
        entity_history(known.adds, known.own, creatives, shared, known.units, known.moments, recent_seconds(settings))
    )
    for entity in shared:
        history[f"launched:{entity.name}"] = launched_before(
            known.first_known, creatives, entity, known.units, known.moments
        )
    return observed(snapshots, creatives, known, history)


@dataclass(frozen=True)
class Within:
    """What can be counted of snapshots without the other creatives of what they share, their own account's apart.

    Attributes:
        units: Creative of each snapshot.
        moments: When each looks at the others.
        adds: What rows of metrics add to what is shared (`features.point_in_time.entity_history.additions`); as of
        one moment, just enough
            of it to answer there.
        own: What each snapshot's own creative adds to it.
        first_known: When each creative was first known of; NaT for never.
        before: Columns that stand before the history, by name.
        after: Columns that stand after it.
    """

    units: Codes
    moments: Codes
    adds: Adds
    own: OwnHistory
    first_known: pd.Series
    before: dict[str, Floats]
    after: dict[str, Floats]


def within(
    snapshots: pd.DataFrame,
    measured: Measured,
    reported: Reported,
    market: Market,
    funnel: Funnel,
    shared: Sequence[Entity],
    settings: Settings,
    as_of: pd.Timestamp | None = None,
) -> Within:
    """Count it: the creatives may be a part of all, whole accounts; the market is that of all."""
    creatives = measured.loaded.creatives.reset_index(drop=True)
    units = unit_codes(snapshots, creatives)
    moments = seconds(snapshots["cutoff"]) if as_of is None else np.full(len(units), int(as_of.timestamp()))
    types = market.codes(creatives["promotion_type"])
    before = own_counts(snapshots, measured, funnel, settings) | {
        "reference_price": reference(creatives, funnel)[units]
    }
    sums = own_sums(reported, funnel.stages)
    before |= dict(market_history(market, sums, types, units, moments))
    adds, recent = additions(reported, sums, market, types, funnel), recent_seconds(settings)
    del sums  # the largest arrays of all
    if as_of is not None:
        last = int(as_of.timestamp()) - 1
        adds = {wait: added.for_questions_at(np.array([last - recent, last])) for wait, added in adds.items()}
    first_known = first_reported(reported, len(creatives))
    own = own_history(adds, units, moments, recent, first_known)
    tags = [column for column in single_tags(shared) if column in creatives]
    around = siblings(reported.known, reported.units, first_known, creatives, units, moments, tags)
    after = {name: around[name].to_numpy() for name in around}
    return Within(units, moments, adds, own, first_known, before, after)


def observed(
    snapshots: pd.DataFrame, creatives: pd.DataFrame, known: Within, history: dict[str, Floats]
) -> pd.DataFrame:
    """Everything counted, beside the snapshots and what is told of their creatives."""
    described = creatives.drop(columns=[*KEY, "launched_at"], errors="ignore").iloc[known.units]
    columns = known.before | history | known.after
    return pd.concat(
        [
            snapshots.reset_index(drop=True),
            described.reset_index(drop=True),
            pd.DataFrame(columns, index=range(len(snapshots)), copy=False),  # hundreds of columns: once is enough
        ],
        axis=1,
    )


def recent_seconds(settings: Settings) -> int:
    """How far back the market's past is looked at."""
    return settings.history_days * DAY


def measure(loaded: Loaded, funnel: Funnel, settings: Settings) -> Measured:
    """The measures of every row."""
    creatives = loaded.creatives.reset_index(drop=True)
    rows = unit_codes(loaded.metrics, creatives)
    prices = reference_prices(creatives, funnel.typical_price).iloc[rows].set_axis(loaded.metrics.index)
    return Measured(loaded, rows, measures(loaded.metrics, prices, BASES[settings.basis][0]))


def own_counts(snapshots: pd.DataFrame, measured: Measured, funnel: Funnel, settings: Settings) -> dict[str, Floats]:
    """What each snapshot's creative itself did until the cutoff: `early:f`, `last_days:f`, `last_day:f` …"""
    metrics, rows, known = measured.loaded.metrics, measured.rows, measured.figures
    settle_hours = BASES[settings.basis][1]
    figures = known.reindex(columns=list(dict.fromkeys([*known, *counted_columns(funnel)])))
    units = unit_codes(snapshots, measured.loaded.creatives)
    cutoffs = seconds(snapshots["cutoff"])
    starts, ends = seconds(metrics["period_start"]), seconds(metrics["period_end"])

    columns: dict[str, Floats] = {}
    late = [name for name in figures if name in SETTLED]
    life = TimedSums(rows, starts, ends, figures.drop(columns=late))
    life_settled = TimedSums(rows, starts, ends + settle_hours * HOUR, figures[late])
    for sums in (life, life_settled):
        columns |= {f"early:{name}": total for name, total in sums.until(units, cutoffs).items()}
        recent_sums = sums.between(units, cutoffs - RECENT_DAYS * DAY, cutoffs)
        columns |= {f"last_days:{name}": total for name, total in recent_sums.items()}
    pace = TimedSums(rows, starts, ends, figures[[funnel.volume_of]])
    middle = cutoffs - (snapshots["elapsed_hours"].to_numpy() * HOUR / 2).astype(np.int64)
    for part, since in (("last_day", cutoffs - DAY), ("late_half", middle)):
        columns[f"{part}:{funnel.volume_of}"] = pace.between(units, since, cutoffs)[funnel.volume_of]
    return columns


def reported_figures(measured: Measured, funnel: Funnel, settings: Settings) -> Reported:
    """Every row with what the funnel counts in it, and the moment it could be had."""
    counted = measured.figures.reindex(columns=counted_columns(funnel))
    delays = {str(grain): hours for grain, hours in settings.report_delay_hours.items()}
    settle_hours = BASES[settings.basis][1]
    return reported_measures(measured.loaded.metrics, counted, measured.rows, delays, settle_hours)


def reference(creatives: pd.DataFrame, funnel: Funnel) -> Floats:
    """Reference price of each creative."""
    return reference_prices(creatives, funnel.typical_price).to_numpy(np.float64)


def single_tags(shared: Sequence[Entity]) -> list[str]:
    """Columns of the tags with a history of their own."""
    return [e.columns[1] for e in shared if len(e.columns) == 2 and e.columns[1].startswith(TAG)]


def observed_entities(observed: pd.DataFrame) -> list[str]:
    """Names of the entities whose history stands in an observed frame, in its order."""
    prefix = "launched:"
    return [name.removeprefix(prefix) for name in observed if name.startswith(prefix)]

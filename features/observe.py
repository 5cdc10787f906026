"""Everything counted about a snapshot, before any estimate: early metrics, history, siblings.

Nothing here is fitted: the same data give the same counts whatever was trained on them.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from configs.settings import BASES, Settings
from features.funnel import Plan, counted_columns, plan_for
from features.history import (
    TAG,
    Entity,
    Reported,
    entities,
    entity_history,
    launched_before,
    market_history,
    reported_measures,
)
from features.measures import SETTLED, measures, reference_prices
from features.schema import KEY, Loaded
from features.siblings import siblings
from features.snapshots import unit_codes
from features.window import TimedSums, seconds

DAY = 86_400
HOUR = 3_600
RECENT_DAYS = 3
"""What of a life counts as recent: rates drift, costs most of all."""


def data_plan(loaded: Loaded, settings: Settings) -> Plan:
    """The funnel that the loaded data allow under the settings' ROI basis."""
    held = [name for name in loaded.metrics if loaded.metrics[name].notna().any()]
    prices = loaded.creatives.get("price_cny", pd.Series(dtype=float))
    known = prices[prices > 0]
    typical = float(known.median()) if len(known) > len(loaded.creatives) / 2 else None
    return plan_for(held, BASES[settings.basis][0], typical)


def data_entities(loaded: Loaded, settings: Settings) -> list[Entity]:
    """What the creatives of the loaded data share, under the settings' tags and crosses."""
    return entities(loaded.creatives, settings.tags.multi, settings.tags.crosses)


def observe(
    snapshots: pd.DataFrame, loaded: Loaded, plan: Plan, shared: Sequence[Entity], settings: Settings
) -> pd.DataFrame:
    """Counts of each snapshot as they stood at its cutoff.

    Args:
        snapshots: Rows of `features.snapshots`.
        loaded: Metrics and creatives; rows after a snapshot's cutoff do not change its counts.
        plan: The funnel in use; figures of it that the metrics do not have are missing.
        shared: Entities whose history is counted; those that the creatives do not name are empty.
        settings: Of the run.

    Returns:
        `snapshots` in their order, with the creative's attributes and, per figure f: `early:f` (its life so far),
        `last_days:f` (its last RECENT_DAYS), `market:s:f` (all others, by stage), `hist:e:…` (others of entity e,
        see `features.history.entity_history`), `launched:e` (how many others of e had started); of volume also
        `last_day:f` and `late_half:f` (the younger half of its life); and the columns of `features.siblings`.
    """
    metrics, creatives = loaded.metrics, loaded.creatives.reset_index(drop=True)
    basis_column, settle_hours = BASES[settings.basis]
    units_of_rows = unit_codes(metrics, creatives)
    prices = reference_prices(creatives, plan.typical_price)
    known = measures(metrics, prices.iloc[units_of_rows].set_axis(metrics.index), basis_column)
    counted = counted_columns(plan)
    figures = known.reindex(columns=list(dict.fromkeys([*known, *counted])))
    units = unit_codes(snapshots, creatives)
    cutoffs = seconds(snapshots["cutoff"])
    starts, ends = seconds(metrics["period_start"]), seconds(metrics["period_end"])

    columns: dict[str, np.ndarray | pd.Series] = {}
    late = [name for name in figures if name in SETTLED]
    life = TimedSums(units_of_rows, starts, ends, figures.drop(columns=late))
    life_settled = TimedSums(units_of_rows, starts, ends + settle_hours * HOUR, figures[late])
    for sums in (life, life_settled):
        columns |= {f"early:{name}": total for name, total in sums.until(units, cutoffs).items()}
        recent_sums = sums.between(units, cutoffs - RECENT_DAYS * DAY, cutoffs)
        columns |= {f"last_days:{name}": total for name, total in recent_sums.items()}
    pace = TimedSums(units_of_rows, starts, ends, figures[[plan.volume_of]])
    middle = cutoffs - (snapshots["elapsed_hours"].to_numpy() * HOUR / 2).astype(np.int64)
    for part, since in (("last_day", cutoffs - DAY), ("late_half", middle)):
        columns[f"{part}:{plan.volume_of}"] = pace.between(units, since, cutoffs)[plan.volume_of]

    reported = reported_measures(
        metrics,
        known.reindex(columns=counted),
        units_of_rows,
        {str(grain): hours for grain, hours in settings.report_delay_hours.items()},
        settle_hours,
    )
    columns |= dict(market_history(reported, creatives, plan.stages, units, cutoffs))
    recent = settings.history_days * DAY
    columns |= dict(entity_history(reported, creatives, plan.stages, plan.volume_of, shared, units, cutoffs, recent))
    first_known = _first_known(reported, len(creatives))
    for entity in shared:
        columns[f"launched:{entity.name}"] = launched_before(first_known, creatives, entity, units, cutoffs)
    tags = [column for entity in shared for column in entity.columns[1:] if _is_tag(entity) and column in creatives]
    around = siblings(reported.known, reported.units, first_known, creatives, units, cutoffs, tags)
    columns |= {name: around[name].to_numpy() for name in around}
    columns["reference_price"] = prices.to_numpy()[units]
    described = creatives.drop(columns=[*KEY, "launched_at"], errors="ignore").iloc[units]
    return pd.concat(
        [
            snapshots.reset_index(drop=True),
            described.reset_index(drop=True),
            pd.DataFrame(columns, index=range(len(snapshots)), copy=False),  # hundreds of columns: once is enough
        ],
        axis=1,
    )


def observed_entities(observed: pd.DataFrame) -> list[str]:
    """Names of the entities whose history stands in an observed frame, in its order."""
    prefix = "launched:"
    return [name.removeprefix(prefix) for name in observed if name.startswith(prefix)]


def _first_known(reported: Reported, count: int) -> pd.Series:
    first = pd.Series(reported.known).groupby(reported.units).min().reindex(range(count))
    return pd.to_datetime(first, unit="s").astype("datetime64[s]")


def _is_tag(entity: Entity) -> bool:
    return len(entity.columns) == 2 and entity.columns[1].startswith(TAG)

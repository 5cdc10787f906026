"""True expected rates of the following seven days, for every creative at every age.

They are the latent rates of each later hour, weighted by the expected exposure (`expected`), not realised counts.
`*_known_effects` is the same without the creative's residual: the best possible prediction for someone who knows all
effects of attributes but has not seen the creative run.
"""

import io

import numpy as np
import pandas as pd

from sample.randomness import Floats, Ints
from sample.traffic import Traffic
from sample.world import World
from sample.worlds import STAGES

FIRST_AGES = (0, 1, 3, 6, 12, 24, 48, 72)
WEEK_HOURS = 168


def truth(world: World, traffic: Traffic) -> pd.DataFrame:
    """One row per promotion type, account, creative and age at which it still lives in the exported days."""
    row, age = _moments(world, traffic.life_hours)
    starts = np.concatenate([[0], np.cumsum(traffic.life_hours)[:-1]])
    begin = starts[row] + age
    end = starts[row] + np.minimum(age + WEEK_HOURS, traffic.life_hours[row])
    rates = _rates(traffic.hours, begin, end)
    creatives = world.creatives.iloc[row].reset_index(drop=True)
    without = dict(zip(STAGES, np.exp(-world.effects.residual[row]).T))
    table = creatives[["promotion_type", "account_id", "creative_id"]].assign(
        age_hours=age,
        launched_at=creatives["launched_at"],
        cutoff=creatives["launched_at"] + pd.to_timedelta(age, unit="h"),
        **{name: rates[name] for name in ("later_impressions", "expected_later_impressions", "hold", "engage")},
        **_money(rates["click"], rates["order"], rates["value"], rates["refund"], rates["cost"]),
    )
    known = _money(*(rates[name] * without[name] for name in ("click", "order", "value", "refund", "cost")))
    known |= {name: rates[name] * without[name] for name in ("hold", "engage")}
    return table.assign(**{f"{name}_known_effects": values for name, values in known.items()})


def truth_bytes(table: pd.DataFrame) -> bytes:
    """The table as parquet."""
    content = io.BytesIO()
    table.to_parquet(content, engine="pyarrow", index=False, compression="zstd")
    return content.getvalue()


def _moments(world: World, life: Ints) -> tuple[Ints, Ints]:
    """Row of the creative and age in hours of all pairs within its life and within the exported days."""
    weekly = np.arange(WEEK_HOURS, int(life.max()) + 1, WEEK_HOURS)
    ages = np.concatenate([FIRST_AGES, weekly]).astype(np.int64)
    left = world.days * 24 - world.creatives["launch_hour"].to_numpy(np.int64)
    row, column = np.nonzero(ages[None, :] < np.minimum(life, left)[:, None])
    return row, ages[column]


def _rates(hours: pd.DataFrame, begin: Ints, end: Ints) -> dict[str, Floats]:
    """Exposure-weighted means over rows begin … end − 1 of the sorted table of hours, one per pair."""
    edges = np.column_stack([begin, end]).ravel()

    def total(values: Floats) -> Floats:
        return np.asarray(np.add.reduceat(np.append(values, 0.0), edges)[::2], dtype=np.float64)

    column = {name: hours[name].to_numpy(np.float64) for name in hours.columns}
    shown = column["expected"]
    clicks = shown * column["click"]
    orders = clicks * column["order"]
    sums = {name: total(values) for name, values in (("shown", shown), ("clicks", clicks), ("orders", orders))}
    gmv = total(orders * column["value"])
    return {
        "later_impressions": total(column["impressions"]),
        "expected_later_impressions": sums["shown"],
        "hold": total(shown * column["hold"]) / sums["shown"],
        "engage": total(shown * column["engage"]) / sums["shown"],
        "click": sums["clicks"] / sums["shown"],
        "order": sums["orders"] / sums["clicks"],
        "value": gmv / sums["orders"],
        "refund": total(orders * column["value"] * column["refund"]) / gmv,
        "cost": total(shown * column["cost"]) / sums["shown"],
    }


def _money(click: Floats, order: Floats, value: Floats, refund: Floats, cost: Floats) -> dict[str, Floats]:
    gpm = 1000 * click * order * value
    roi = gpm / 1000 / cost
    keep = 1 - refund
    return {
        "click": click, "order": order, "value": value, "keep": keep, "cost": cost,
        "gpm": gpm, "net_gpm": gpm * keep, "roi": roi, "net_roi": roi * keep,
    }  # fmt: skip

"""A made-up account whose past forecasts and days are known, with one planted change: what `make score` is measured on.

Creatives are launched every day, live about ten days, and differ in traffic and in every rate of the funnel. The model
of this world knows their rates up to an error of its own for each creative; market prices and click rates wander from
day to day. Every running creative is asked for every day. From one day on one thing changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Floats
from features.schema import KEY, Loaded, check_creatives, check_metrics

Kind = Literal["none", "price", "price_ramp", "click", "order", "value", "refunds", "mix", "new_values"]

FIRST_DAY = pd.Timestamp("2026-01-05")
RATES = {"cost": 0.1, "click": 0.05, "order": 0.06, "value": 90.0, "keep": 0.88}
"""Mean rate of each stage: CNY per impression, clicks per impression, orders per click, CNY per order, share kept."""
SPREAD = {"cost": 0.3, "click": 0.3, "order": 0.3, "value": 0.25, "keep": 0.03}
"""Standard deviation of the log rates between creatives."""
MODEL_ERROR = 0.15
"""Standard deviation of the log of forecast over truth, per creative and stage."""
MARKET = {"cost": 0.04, "click": 0.03, "order": 0.03}
"""Standard deviation of a stage's daily market noise, which keeps MARKET_MEMORY of itself from day to day."""
MARKET_MEMORY = 0.5
LIFE_DAYS = 10
SIZES: Mapping[Kind, float] = {
    "none": 1.0, "price": 1.25, "price_ramp": 1.35, "click": 0.8, "order": 0.75, "value": 0.8, "refunds": 0.85,
    "mix": 3.0, "new_values": 0.3,
}  # fmt: skip
"""Factor on the stage; for `mix` on the traffic of the account that earns least; for `new_values` the share of new
creatives by a KOC that the model does not know."""
RAMP_DAYS = 14
CAUSES: Mapping[Kind, str] = {
    "price": "cost", "price_ramp": "cost", "click": "click", "order": "order", "value": "value", "refunds": "keep",
    "mix": "mix", "new_values": "new_values",
}  # fmt: skip
"""Kind of the change → cause under which it should be found."""


@dataclass(frozen=True)
class PastWorld:
    """What an account's team would have.

    Attributes:
        loaded: Metrics and creatives.
        answers: Past answers (`training.track_record.answers`).
        changed_on: First day of the change; after the end without one.
    """

    loaded: Loaded
    answers: pd.DataFrame
    changed_on: pd.Timestamp


def past_world(seed: int, kind: Kind, *, days: int = 98, change_day: int = 63, running: int = 120) -> PastWorld:
    """Make one.

    Args:
        seed: Of all draws.
        kind: What changes.
        days: Length of the data.
        change_day: Day of the change, from 0.
        running: About how many creatives run at a time.
    """
    draw = np.random.default_rng([seed, 16])
    each_day = max(running // LIFE_DAYS, 1)
    count = each_day * days
    launch = np.repeat(np.arange(days), each_day)
    life = draw.integers(LIFE_DAYS // 2, LIFE_DAYS * 3 // 2 + 1, count)
    account = draw.integers(0, 3, count)
    creator = draw.integers(0, 12, count)
    if kind == "new_values":
        fresh = (launch >= change_day) & (draw.random(count) < SIZES[kind])
        creator = np.where(fresh, 99, creator)
    rates = {name: np.exp(draw.normal(0, SPREAD[name], count)) * RATES[name] for name in RATES}
    rates["order"] = rates["order"] * np.array([1.4, 1.0, 0.6])[account]
    rates["keep"] = np.minimum(rates["keep"], 0.98)
    traffic = np.exp(draw.normal(7.0, 0.8, count))
    told = {name: rate * np.exp(draw.normal(0, MODEL_ERROR, count)) for name, rate in rates.items()}
    told["keep"] = np.minimum(rates["keep"] * np.exp(draw.normal(0, 0.02, count)), 1.0)

    unit = np.repeat(np.arange(count), life)
    age = np.arange(len(unit)) - np.repeat(np.cumsum(life) - life, life)
    day = launch[unit] + age
    inside = day < days
    unit, age, day = unit[inside], age[inside], day[inside]
    noise = {name: _market(draw, days, spread) for name, spread in MARKET.items()}
    factor = {name: np.exp(noise[name][day]) if name in noise else np.ones(len(day)) for name in RATES}
    changed = day >= change_day
    stage = CAUSES.get(kind, "")
    if stage in RATES:
        share = np.clip((day - change_day + 1) / RAMP_DAYS, 0.0, 1.0) if kind == "price_ramp" else changed
        factor[stage] = factor[stage] * np.exp(np.log(SIZES[kind]) * share)
    boost = np.where(changed & (account[unit] == 2), SIZES["mix"], 1.0) if kind == "mix" else 1.0
    impressions = draw.poisson(traffic[unit] * boost).astype(np.float64) + 1.0
    clicks = draw.poisson(impressions * np.minimum(rates["click"][unit] * factor["click"], 0.9)).astype(np.float64)
    orders = draw.binomial(clicks.astype(np.int64), np.minimum(rates["order"][unit] * factor["order"], 0.9))
    gmv = orders * rates["value"][unit] * factor["value"]
    net = gmv * np.clip(rates["keep"][unit] * factor["keep"], 0.0, 1.0)
    metrics = pd.DataFrame(
        {
            **_key(unit, account),
            "grain": "day",
            "period_start": FIRST_DAY + pd.to_timedelta(day, unit="D"),
            "period_end": FIRST_DAY + pd.to_timedelta(day + 1, unit="D"),
            "impressions": impressions,
            "clicks": clicks,
            "orders": orders.astype(np.float64),
            "gmv_cny": np.round(gmv, 2),
            "net_gmv_cny": np.round(net, 2),
            "spend_cny": np.round(impressions * rates["cost"][unit] * factor["cost"], 2),
        }
    )
    everyone = np.arange(count)
    creatives = pd.DataFrame({**_key(everyone, account), "creator_id": [f"k{code}" for code in creator]})
    return PastWorld(
        _checked(metrics, creatives),
        _answers(unit, age, day, account, told),
        FIRST_DAY + pd.Timedelta(days=change_day if kind != "none" else days),
    )


def _market(draw: np.random.Generator, days: int, spread: float) -> Floats:
    noise = np.zeros(days)
    fresh = draw.normal(0, spread * np.sqrt(1 - MARKET_MEMORY**2), days)
    for day in range(1, days):
        noise[day] = MARKET_MEMORY * noise[day - 1] + fresh[day]
    return noise


def _key(unit: npt.NDArray[np.int64], account: npt.NDArray[np.int64]) -> dict[str, object]:
    ids = np.array([f"c{number:06d}" for number in range(int(unit.max()) + 1)])
    return dict(zip(KEY, ("product", np.array(["a0", "a1", "a2"])[account[unit]], ids[unit])))


def _checked(metrics_: pd.DataFrame, creatives_: pd.DataFrame) -> Loaded:
    for frame in (metrics_, creatives_):
        for text in (*KEY, "grain", "creator_id"):
            if text in frame:
                frame[text] = frame[text].astype("str")
        for name in frame.select_dtypes("datetime"):
            frame[name] = frame[name].astype("datetime64[us]")
    return Loaded(
        check_metrics(metrics_.sort_values([*KEY, "period_start"], ignore_index=True)),
        check_creatives(creatives_.sort_values(KEY, ignore_index=True)),
    )


def _answers(
    unit: npt.NDArray[np.int64],
    age: npt.NDArray[np.int64],
    day: npt.NDArray[np.int64],
    account: npt.NDArray[np.int64],
    told: Mapping[str, Floats],
) -> pd.DataFrame:
    """An answer of every morning of every running creative: before launch at age 0."""
    rates = {name: values[unit] for name, values in told.items()}
    gpm = 1000.0 * rates["click"] * rates["order"] * rates["value"]
    roi = gpm * rates["keep"] / (1000.0 * rates["cost"])
    cutoff = FIRST_DAY + pd.to_timedelta(day, unit="D")
    return pd.DataFrame(
        {
            **_key(unit, account),
            "model": "gpmcast-world",
            "version": "1",
            "at": cutoff + pd.Timedelta(hours=9),
            "age_hours": 24.0 * age,
            "cutoff": cutoff,
            "trained_until": FIRST_DAY + pd.Timedelta(days=21),
            "outcome_days": 7,
            "basis": "net_1h",
            "asked_roi": 2.0,
            "chance": 1.0 / (1.0 + np.exp(-3.0 * np.log(roi / 2.0))),
            "hit_chance": 0.05,
            "decision": np.where(
                age == 0, "reserve", np.where(roi >= 3.0, "scale", np.where(roi < 1.2, "stop", "watch"))
            ),
            "unseen": False,
            "predicted_net_roi": roi,
            "net_roi_low": roi * 0.5,
            "net_roi_high": roi * 1.6,
            **{f"stage_{name}": values for name, values in rates.items()},
        }
    )

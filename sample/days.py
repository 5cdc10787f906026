"""What does one creative's day look like? The sums of its hours, and the words the platform adds."""

import numpy as np
import pandas as pd

from sample.formats import MISSING
from sample.randomness import stream
from sample.world import World

COUNTS = [
    "impressions", "clicks", "orders", "net_orders", "plays", "plays_3s", "plays_5s", "plays_10s", "finishes",
    "likes", "comments", "shares", "follows",
]  # fmt: skip
MONEY = [
    "spend", "boost_spend", "gmv", "net_gmv", "settled_7d_gmv", "settled_14d_gmv", "settled_30d_gmv",
    "settled_90d_gmv", "watch_s",
]  # fmt: skip


def daily(seed: int, world: World, hours: pd.DataFrame) -> pd.DataFrame:
    """One row per creative and day with impressions: sums (money in whole cents) and its attributes."""
    summed = hours.assign(day=hours["clock"] // 24).groupby(["row", "day"])[COUNTS + MONEY].sum().reset_index()
    summed[MONEY] = summed[MONEY].round(2)
    generator = stream(seed, "missing watch time")
    unknown = generator.random(len(summed)) < np.where(summed["plays"] < 30, 0.65, 0.12)
    attributes = world.creatives.iloc[summed["row"].to_numpy()].reset_index(drop=True)
    summed["watch_missing"] = unknown
    summed["date"] = world.start + pd.to_timedelta(summed["day"], unit="D")
    summed["label"] = np.array(labels(world, hours), dtype=object)[summed["row"].to_numpy()]
    taken = [
        "creative_id",
        "account_code",
        "account_id",
        "promotion_type",
        "name",
        "created_at",
        "duration_s",
        "source",
    ]
    return pd.concat([summed, attributes[taken]], axis=1)


def labels(world: World, hours: pd.DataFrame) -> list[str]:
    """The platform's verdict (素材评估) at the time of the export: given after delivery, so an outcome."""
    total = hours.groupby("row")[["impressions", "plays", "plays_3s", "gmv", "spend"]].sum()
    total = total.reindex(range(len(world.creatives)), fill_value=0.0)
    seen = total["impressions"] > 100
    holds = total["plays_3s"] / total["plays"].clip(lower=1)
    good = seen & (total["gmv"] > 2 * total["spend"])
    poor = seen & (holds < 0.22)
    idle = seen & (total["gmv"] == 0)
    twin = world.creatives["asset"].to_numpy() % 11 == 0
    words = np.select(
        [good & ~twin, good, poor, idle, twin],
        ["首发,优质", "优质,同质化", "低质", "低效", "同质化"],
        default=MISSING,
    )
    return [str(word) for word in words]

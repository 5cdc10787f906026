"""Generate synthetic metrics and creatives of any size: hours and days, power-law volumes.

One creative per fifteen rows of metrics, a dozen accounts per million rows. Targets do not depend on attributes.
"""

import numpy as np
import pandas as pd

from features.schema import KEY, Loaded, check_creatives, check_metrics

DAYS = 180
START = np.datetime64("2025-01-01", "us")
HOURLY_DAYS = 4
TAG_SIZES = {"hook": 11, "scene": 8, "face": 8, "script": 11, "style": 6, "viewpoint": 4, "audience": 12, "bgm": 20}
OWN_TAGS = {"editor": 15}
ROWS_PER_CREATIVE = 15
ROWS_PER_ACCOUNT = 1_000_000 // 12
LEAST_ACCOUNTS = 4
"""So that each promotion type has accounts with hourly rows and accounts without."""


def world(rows: int, seed: int = 3) -> Loaded:
    """Generate a checked world: half of the accounts with hourly rows for the first days, then daily rows for all."""
    metrics_, creatives_ = unchecked_world(rows, seed)
    return Loaded(check_metrics(metrics_), check_creatives(creatives_))


def unchecked_world(rows: int, seed: int = 3) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Generate metrics and creatives without checking them.

    Args:
        rows: Rows of metrics.
        seed: Of the random numbers.

    Returns:
        Metrics and creatives in canonical columns, sorted by KEY (metrics also by `period_start`).
    """
    draw = np.random.default_rng(seed)
    creatives = _creatives(draw, max(rows // ROWS_PER_CREATIVE, 20), accounts_of(rows))
    return _metrics(draw, creatives, rows), creatives


def accounts_of(rows: int) -> int:
    """Number of accounts for this many rows of metrics."""
    return max(round(rows / ROWS_PER_ACCOUNT), LEAST_ACCOUNTS)


def _creatives(draw: np.random.Generator, count: int, accounts: int) -> pd.DataFrame:
    account = draw.integers(0, accounts, count)
    names = {**TAG_SIZES, **OWN_TAGS}
    products, people = max(count // 60, 3), max(count // 40, 3)
    product = draw.zipf(1.3, count) % products
    table = pd.DataFrame(
        {
            "promotion_type": np.where(account % 2 == 0, "live", "product"),
            "account_id": (10_000_000 + account).astype("U8"),
            "creative_id": np.char.add("77", np.char.zfill(draw.permutation(count).astype("U17"), 17)),
            "created_at": START + _hours(draw.integers(0, DAYS * 24, count)),
            "duration_s": draw.integers(8, 90, count).astype(float),
            "price_cny": (19.0 + 20.0 * (product % 25)),
            "creator_followers": np.round(draw.lognormal(9, 2, count)),
            "product_id": np.char.add("p", product.astype("U9")),
            "creator_id": np.char.add("k", (draw.zipf(1.4, count) % people).astype("U9")),
            "category": np.char.add("类目", (product % 12).astype("U9")),
            "copy_text": np.char.add("这一条说的是第", (draw.integers(0, count, count)).astype("U9")),
            "tag_selling_point": np.where(draw.random(count) < 0.3, "便宜|好用", "好用"),
            **{f"tag_{name}": np.char.add(name, _uneven(draw, many, count)) for name, many in names.items()},
        }
    ).astype({"created_at": "datetime64[us]"})
    for name in names:
        table[f"tag_{name}"] = table[f"tag_{name}"].mask(draw.random(count) < 0.1)
    return _as_text(table).sort_values(KEY, ignore_index=True)


def _metrics(draw: np.random.Generator, creatives: pd.DataFrame, rows: int) -> pd.DataFrame:
    count = len(creatives)
    hourly = (creatives["account_id"].astype(int) % 4 < 2).to_numpy()
    launched = creatives["created_at"].to_numpy("datetime64[us]") + _hours(draw.integers(1, 60, count))
    day = launched.astype("datetime64[D]").astype("datetime64[us]")
    lived = draw.geometric(0.1, count)
    fresh = np.where(hourly, np.minimum(draw.geometric(0.06, count), HOURLY_DAYS * 24 - 24), 0)
    later = np.where(hourly, np.maximum(lived - HOURLY_DAYS, 0), lived)
    unit_h, step_h = _counted(fresh)
    unit_d, step_d = _counted(later)
    hours = launched.astype("datetime64[h]").astype("datetime64[us]")[unit_h] + _hours(step_h)
    days = day[unit_d] + _hours(24 * (step_d + np.where(hourly, HOURLY_DAYS, 0)[unit_d]))
    unit = np.concatenate([unit_h, unit_d])
    start = np.concatenate([hours, days])
    length = np.repeat([1, 24], [len(unit_h), len(unit_d)])
    reported = np.flatnonzero(start < START + _hours(np.array(24 * DAYS)))  # all accounts were exported on one day
    chosen = np.sort(draw.permutation(reported)[:rows])
    unit, start, length = unit[chosen], start[chosen], length[chosen]

    age = (start - launched[unit]) / np.timedelta64(1, "D")
    level = np.exp(draw.normal(4.0, 2.2, count)).clip(max=2e6)
    shown = 1.0 + draw.poisson(level[unit] * length / 24 * np.exp(-np.maximum(age, 0) / 6))
    click = np.where(creatives["promotion_type"] == "live", 0.06, 0.01) * draw.gamma(15, 1 / 15, count)
    buy, price = draw.beta(2, 33, count), creatives["price_cny"].to_numpy()
    clicks = draw.binomial(shown.astype(np.int64), click.clip(max=0.9)[unit])
    orders = draw.binomial(clicks, buy[unit])
    kept = draw.binomial(orders, 0.88)
    part = {name: draw.binomial(shown.astype(np.int64), rate) for name, rate in (
        ("plays_3s", 0.3), ("plays_5s", 0.24), ("plays_10s", 0.2), ("finishes", 0.15),
        ("likes", 0.01), ("comments", 0.002), ("shares", 0.001), ("follows", 0.001),
    )}  # fmt: skip
    cost = (0.1 * draw.gamma(10, 0.1, count))[unit]
    spend = np.round(shown * cost, 2)
    boost = np.round(spend * (draw.random(len(unit)) < 0.3) * 0.6, 2)
    values = {
        "impressions": shown, "clicks": clicks, "orders": orders, "net_orders": kept, "plays": shown, **part,
        "spend_cny": spend, "base_spend_cny": np.round(spend - boost, 2), "boost_spend_cny": boost,
        "gmv_cny": orders * price[unit], "net_gmv_cny": kept * price[unit], "watch_s": np.round(shown * 5.5, 1),
    }  # fmt: skip
    table = creatives[KEY].iloc[unit].reset_index(drop=True)
    table["grain"] = pd.Series(np.where(length == 1, "hour", "day"), dtype="str")
    table["period_start"], table["period_end"] = start, start + _hours(length)
    table = pd.concat([table, pd.DataFrame({name: column.astype(float) for name, column in values.items()})], axis=1)
    order = np.lexsort((start, unit))  # creatives are sorted by KEY
    return table.iloc[order].reset_index(drop=True)


def _counted(lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`[2, 1]` → `[0, 0, 1]`, `[0, 1, 0]`."""
    unit = np.repeat(np.arange(len(lengths)), lengths)
    return unit, np.arange(len(unit)) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def _uneven(draw: np.random.Generator, many: int, count: int) -> np.ndarray:
    return np.minimum(draw.geometric(2.5 / many, count) - 1, many - 1).astype("U3")


def _hours(count: np.ndarray) -> np.ndarray:
    return count.astype("timedelta64[h]").astype("timedelta64[us]")


def _as_text(table: pd.DataFrame) -> pd.DataFrame:
    texts = [name for name in table if table[name].dtype.kind not in "fM"]
    return table.astype(dict.fromkeys(texts, "str"))

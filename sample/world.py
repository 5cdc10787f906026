"""Accounts, products, KOCs and creatives of the sample world, with all attributes that exports show."""

from dataclasses import dataclass
from itertools import cycle

import numpy as np
import pandas as pd

from sample.effects import Latents, latents
from sample.randomness import stream
from sample.vocabulary import (
    BRANDS,
    CATEGORIES,
    EDITORS,
    KOC_NAMES,
    KOC_SUBJECTS,
    PROMOTION_CHINESE,
    SOURCE_SHARES,
    SOURCES,
    TAG_VALUES,
)
from sample.worlds import WorldSpec

END = pd.Timestamp("2026-06-30")
"""Last day of the world unless another is asked for. The season is always that of the days up to this one, so that a
world of another last day has the same figures under other dates."""

ACCOUNT_SHARES = (0.08, 0.07, 0.10, 0.20, 0.17, 0.14, 0.12, 0.12)
LIVE_SHARES = (0.5, 0.6, 0.4, 0.5, 0.45, 0.6, 1.0, 0.0)
HOURLY_ACCOUNTS = 3
"""Number of accounts with hourly access; the others have daily rows only."""

XLSX_ACCOUNT = 3
PRODUCTS, CREATORS = 64, 90


@dataclass(frozen=True)
class World:
    """Everything that is fixed before the first impression.

    Attributes:
        spec: Sizes of all effects.
        start: First day.
        end: Last day.
        days: How many days the exports cover.
        account_ids: One per account, in the order of `ACCOUNT_SHARES`.
        creatives: One row per creative in one account under one promotion type.
        announced: Rows of the tag sheet whose creatives have not run yet.
        effects: Log effects, in the order of `creatives`.
        wear: Log order rate each product loses per day after `wear_start` (days since `start`).
    """

    spec: WorldSpec
    start: pd.Timestamp
    end: pd.Timestamp
    days: int
    account_ids: list[str]
    creatives: pd.DataFrame
    announced: pd.DataFrame
    effects: Latents
    wear: pd.DataFrame


def build(seed: int, spec: WorldSpec, count: int, days: int, end: pd.Timestamp = END) -> World:
    """Draw a world of `count` creatives that run and a few more that are only announced."""
    start = end - pd.Timedelta(days=days - 1)
    account_ids = _ids(stream(seed, "account ids"), len(ACCOUNT_SHARES), 16)
    products, creators = _products(seed), _creators(seed)
    extra = max(2, count // 300)
    everything = _creatives(seed, count + extra, days, start, account_ids, products, creators)
    running = _second_accounts(seed, everything.iloc[:count], account_ids)
    announced = everything.iloc[count:].reset_index(drop=True)
    return World(
        spec, start, end, days, account_ids, running, announced, latents(seed, spec, running, PRODUCTS, days),
        products[["wear_start", "wear"]],
    )  # fmt: skip


def _ids(generator: np.random.Generator, count: int, digits: int) -> list[str]:
    """Unique ids of that many digits, none ending in 0 (Excel replaces the last digits of long ids by zeros)."""
    high = generator.choice(9 * 10**8, count, replace=False).astype(np.int64)
    unit = 10 ** (digits - 10)
    low = generator.integers(0, unit // 10, count) * 10 + generator.integers(1, 10, count)
    return [str(number) for number in 16 * 10 ** (digits - 2) + high * unit + low]


def _products(seed: int) -> pd.DataFrame:
    generator = stream(seed, "products")
    category = np.arange(PRODUCTS) % len(CATEGORIES)
    generator.shuffle(category)
    medians = np.array([median for median, _, _ in CATEGORIES.values()])[category]
    sds = np.array([sd for _, sd, _ in CATEGORIES.values()])[category]
    price = np.clip(medians * np.exp(generator.normal(0, sds)), 29, 1999)
    wears = generator.random(PRODUCTS) < 0.4
    nouns = [list(CATEGORIES.values())[code][2] for code in category]
    return pd.DataFrame(
        {
            "product_id": _ids(generator, PRODUCTS, 19),
            "category_code": category,
            "price": np.round(price / 10) * 10 - 1,
            "noun": (noun := [words[int(generator.integers(len(words)))] for words in nouns]),
            "product_name": [f"{brand}{what}" for brand, what in zip(cycle(BRANDS), noun)],
            "account_code": np.arange(PRODUCTS) % len(ACCOUNT_SHARES),
            "appeal": generator.pareto(1.5, PRODUCTS) + 0.3,
            "wear_start": generator.integers(0, 60, PRODUCTS),
            "wear": np.where(wears, generator.exponential(0.006, PRODUCTS), 0.0),
        }
    )


def _creators(seed: int) -> pd.DataFrame:
    generator = stream(seed, "creators")
    return pd.DataFrame(
        {
            "creator_id": _ids(generator, CREATORS, 16),
            "followers": np.round(np.exp(generator.normal(np.log(50_000), 1.4, CREATORS))).clip(300, 9e6),
            "home": generator.integers(0, len(CATEGORIES), CREATORS),
            "creator_name": [who + subject for subject in KOC_SUBJECTS for who in KOC_NAMES][:CREATORS],
        }
    )


def _creatives(
    seed: int, count: int, days: int, start: pd.Timestamp, account_ids: list[str],
    products: pd.DataFrame, creators: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    generator = stream(seed, "creatives")
    account = generator.choice(len(ACCOUNT_SHARES), count, p=ACCOUNT_SHARES)
    live = generator.random(count) < np.array(LIVE_SHARES)[account]
    # Gumbel-max: every creative picks a product of its account, and a KOC that mostly suits the category.
    foreign = np.where(products["account_code"].to_numpy()[None, :] == account[:, None], 0.0, -np.inf)
    wish = np.log(products["appeal"].to_numpy()) + foreign
    product = np.argmax(wish + generator.gumbel(size=wish.shape), axis=1)
    category = products["category_code"].to_numpy()[product]
    suits = np.where(creators["home"].to_numpy()[None, :] == category[:, None], 1.6, 0.0)
    creator = np.argmax(suits + generator.gumbel(size=suits.shape), axis=1)
    launch = _launch_hours(generator, count, days)
    target = np.round(np.exp(generator.normal(0, 0.22, count)), 2)
    creatives = pd.DataFrame(
        {
            "asset": np.arange(count),
            "creative_id": _ids(generator, count, 19),
            "account_code": account,
            "account_id": np.array(account_ids, dtype=object)[account],
            "promotion_type": np.where(live, "live", "product"),
            "product_code": product,
            "creator_code": creator,
            "category_code": category,
            "category": np.array(list(CATEGORIES), dtype=object)[category],
            "duration_s": np.round(np.exp(generator.normal(np.log(30), 0.45, count))).clip(6, 180),
            "target_relative": target,
            "target_roi": np.round(target * np.where(live, 3.0, 1.3), 2),
            "launch_hour": launch,
            "launched_at": start + pd.to_timedelta(launch, unit="h"),
            "editor": np.array(EDITORS, dtype=object)[(account + generator.integers(0, 3, count)) % len(EDITORS)],
            "source": generator.choice(np.array(SOURCES, dtype=object), count, p=SOURCE_SHARES),
            "in_sheet": generator.random(count) >= 0.10,
        }
    )
    waited = pd.to_timedelta(np.round(generator.exponential(9.0, count) * 3600) + 60, unit="s")
    creatives["created_at"] = creatives["launched_at"] - waited
    for name in ("product_id", "product_name", "price", "noun"):
        creatives[name] = products[name].to_numpy()[product]
    for name in ("creator_id", "creator_name", "followers"):
        creatives[name] = creators[name].to_numpy()[creator]
    for name in TAG_VALUES:
        creatives = creatives.assign(**_tag(seed, name, creatives))
    return creatives.assign(**_texts(seed, creatives))


def _launch_hours(generator: np.random.Generator, count: int, days: int) -> np.ndarray:
    day = generator.integers(0, days, count)
    hour = np.clip(np.round(generator.normal(14, 4.0, count)), 7, 22).astype(np.int64)
    return day * 24 + hour


def _tag(seed: int, name: str, creatives: pd.DataFrame) -> dict[str, np.ndarray]:
    """Values of one tag; accounts and categories have preferences, so tags and products are correlated."""
    generator = stream(seed, f"tag {name}")
    values = np.array(TAG_VALUES[name], dtype=object)
    taste = generator.normal(0, 0.7, (len(ACCOUNT_SHARES), len(values)))
    habit = generator.normal(0, 0.5, (len(CATEGORIES), len(values)))
    wish = taste[creatives["account_code"]] + habit[creatives["category_code"]]
    ranked = np.argsort(-(wish + generator.gumbel(size=wish.shape)), axis=1)
    if name != "selling_point":
        return {name: values[ranked[:, 0]], f"{name}_code": ranked[:, 0]}
    several = generator.choice([1, 2, 3], len(creatives), p=[0.5, 0.35, 0.15])
    return {name: np.array(["|".join(values[row[:k]]) for row, k in zip(ranked, several)], dtype=object)}


def _texts(seed: int, creatives: pd.DataFrame) -> dict[str, list[str]]:
    """File name in the pattern of the package's docstring, and copy text."""
    generator = stream(seed, "names")
    code = generator.integers(10_000, 99_999, len(creatives))
    loose = (generator.random(len(creatives)) < 0.03) & creatives["in_sheet"].to_numpy()
    created = creatives["created_at"].dt
    days = [f"{month}月{day}日" for month, day in zip(created.month, created.day)]
    places = np.where(creatives["promotion_type"] == "live", "直播", "信息流")
    tags = creatives[["style", "hook", "scene", "face", "script", "editor"]].to_numpy()
    names = [
        f"成片终版_{number}.mp4" if free else "-".join([day, f"TW{number}", place, *row]) + ".mp4"
        for day, number, place, row, free in zip(days, code, places, tags, loose)
    ]
    first_points = creatives["selling_point"].str.split("|").str[0]
    copies = creatives["noun"] + first_points + "," + creatives["audience"] + "看过来"
    return {"name": names, "copy_text": list(copies)}


def _second_accounts(seed: int, creatives: pd.DataFrame, account_ids: list[str]) -> pd.DataFrame:
    """Replace the last percent of the creatives by earlier ones that a second account runs a few days later."""
    generator = stream(seed, "second accounts")
    last = len(creatives) - 1
    count = min(max(1, len(creatives) // 100), last)
    if count == 0:
        return creatives
    copied = creatives.iloc[generator.choice(last + 1 - count, count, replace=False)].copy()
    shares = np.array(LIVE_SHARES)
    may = {"live": np.flatnonzero(shares > 0), "product": np.flatnonzero(shares < 1)}
    new_account = [
        int(generator.choice([code for code in may[str(row.promotion_type)] if code != row.account_code]))
        for row in copied.itertuples()
    ]
    copied["account_code"] = new_account
    copied["account_id"] = [account_ids[code] for code in new_account]
    copied["launch_hour"] = creatives["launch_hour"].to_numpy()[-count:].clip(min=copied["launch_hour"].to_numpy())
    start = creatives["launched_at"].iloc[0] - pd.Timedelta(hours=int(creatives["launch_hour"].iloc[0]))
    copied["launched_at"] = start + pd.to_timedelta(copied["launch_hour"].to_numpy(), unit="h")
    return pd.concat([creatives.iloc[:-count], copied], ignore_index=True)


def chinese(promotion_type: str) -> str:
    """The platform's name of a promotion type."""
    return PROMOTION_CHINESE[promotion_type]

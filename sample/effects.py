"""Sum the effects of a world on each creative, and what changes them over time."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sample.randomness import Floats, Ints, fat_tailed, stream
from sample.vocabulary import CATEGORIES
from sample.worlds import SHARED_LOADINGS, STAGES, PlatformChange, Sds, WorldSpec

BID_SHARE = 0.30
"""The auction price follows the expected value: log cost changes by this times log (click · order · value)."""

DRIFT_DAYS = 20.0
"""Days after which a product's drift keeps 1/e of a deviation."""

DAYS_AFTER = 51
"""Days that the longest life may last after the last exported day, and one more."""


@dataclass(frozen=True)
class Latents:
    """Log effects; the last axis is STAGES.

    Attributes:
        known: Of attributes. Axis 0: creatives.
        residual: Of the creative itself. Axis 0: creatives.
        drift: Deviation of each product by day. Axis 0: days since the start, axis 1: products.
        change: Added from `change_day` on. Axis 0: creatives.
        change_day: Days since the start.
    """

    known: Floats
    residual: Floats
    drift: Floats
    change: Floats
    change_day: int

    def moved(self, rows: Ints, products: Ints, days: Ints) -> Floats:
        """What time adds to the known effects of `rows` on `days`. Axis 0: rows, axis 1: STAGES."""
        changed = (days >= self.change_day)[:, None] * self.change[rows]
        return np.asarray(self.drift[days, products] + changed)


def latents(seed: int, spec: WorldSpec, creatives: pd.DataFrame, products: int, days: int) -> Latents:
    """Sum all effects per creative; a film (`asset`) in two accounts has the same residual in both."""
    known = _curves(spec, creatives) + _thresholds(spec, creatives)
    for name, sds in {**spec.tag_sds, **spec.entity_sds}.items():
        if name != "selling_point":
            known += _group(seed, name, _codes(creatives, name), sds)
    known += _selling_points(seed, creatives, spec.tag_sds["selling_point"])
    for names, sds in spec.cross_sds.items():
        codes = np.zeros(len(creatives), dtype=np.int64)
        for name in names:
            codes = codes * 1000 + _codes(creatives, name)
        known += _group(seed, " × ".join(names), codes, sds)
    for names, sds in spec.pattern_sds.items():
        known += _pattern(seed, creatives, names, sds)
    residual = _residuals(seed, spec, creatives["asset"].to_numpy(np.int64))
    change = np.zeros_like(known) if spec.change is None else _change(seed, spec, spec.change, creatives)
    return Latents(
        _with_bid(known), _with_bid(residual), _with_bid(_drift(seed, spec, products, days)), _with_bid(change),
        days if spec.change is None else round(spec.change.share * days),
    )  # fmt: skip


def _codes(creatives: pd.DataFrame, name: str) -> Ints:
    if name == "promotion_type":
        return np.asarray(creatives[name] == "live", dtype=np.int64)
    return creatives[f"{name}_code"].to_numpy(np.int64)


def _group(seed: int, name: str, codes: Ints, sds: Sds) -> Floats:
    """Effects of one group; `codes` has one value per creative. Axis 0: creatives, axis 1: STAGES."""
    values, position = np.unique(codes, return_inverse=True)
    drawn = stream(seed, f"effect {name}").standard_normal((len(values), len(STAGES)))
    drawn -= drawn.mean(axis=0)
    return np.asarray(drawn[position] * np.array(sds))


def _pattern(seed: int, creatives: pd.DataFrame, names: tuple[str, ...], sds: Sds) -> Floats:
    """Product of one score per value of each attribute and stage. Axis 0: creatives, axis 1: STAGES."""
    product = np.array(sds)[None, :]
    for name in names:
        values, position = np.unique(_codes(creatives, name), return_inverse=True)
        scores = stream(seed, f"pattern {' × '.join(names)} {name}").standard_normal((len(values), len(STAGES)))
        scores = np.tanh(2 * (scores - scores.mean(axis=0)))  # bounded: a product of normals has extreme tails
        scores /= np.maximum(np.sqrt(np.mean(scores**2, axis=0)), 1e-9)
        product = product * scores[position]
    return np.asarray(product)


def _change(seed: int, spec: WorldSpec, change: PlatformChange, creatives: pd.DataFrame) -> Floats:
    """Effects after the platform's change minus those before. Axis 0: creatives, axis 1: STAGES."""
    concerned = (creatives["promotion_type"] == change.promotion_type).to_numpy(np.float64)
    total = np.outer(concerned, change.offsets)
    for name in change.tags:
        codes, sds = _codes(creatives, name), spec.tag_sds[name]
        fresh = _group(seed, f"{name} after the change", codes, sds)
        total += (change.kept - 1) * _group(seed, name, codes, sds) + np.sqrt(1 - change.kept**2) * fresh
    return total


def _drift(seed: int, spec: WorldSpec, products: int, days: int) -> Floats:
    """Autoregression of order one per product and stage. Axis 0: days, axis 1: products, axis 2: STAGES."""
    drawn = stream(seed, "drift").standard_normal((days + DAYS_AFTER, products, len(STAGES)))
    kept = np.exp(-1 / DRIFT_DAYS)
    for day in range(1, len(drawn)):
        drawn[day] = kept * drawn[day - 1] + np.sqrt(1 - kept**2) * drawn[day]
    return np.asarray(drawn * np.array(spec.drift_sds))


def _selling_points(seed: int, creatives: pd.DataFrame, sds: Sds) -> Floats:
    lists = creatives["selling_point"].str.split("|")
    long = lists.explode()
    effect = _group(seed, "selling_point", pd.factorize(long, sort=True)[0], sds)
    mean = pd.DataFrame(effect).groupby(np.asarray(long.index)).mean()
    return mean.to_numpy(np.float64)


def _curves(spec: WorldSpec, creatives: pd.DataFrame) -> Floats:
    duration = np.log(creatives["duration_s"].to_numpy(np.float64) / 30.0)
    terms = {
        "log_price": np.log(creatives["price"].to_numpy(np.float64) / 130.0),
        "log_duration": duration,
        "log_duration²": duration**2,
        "log_followers": np.log(creatives["followers"].to_numpy(np.float64) / 50_000.0),
        "log_target": np.log(creatives["target_relative"].to_numpy(np.float64)),
    }
    total = np.zeros((len(creatives), len(STAGES)))
    for name, slopes in spec.curves.items():
        total += np.outer(terms[name], slopes)
    return total


def _thresholds(spec: WorldSpec, creatives: pd.DataFrame) -> Floats:
    medians = {name: median for name, (median, _, _) in CATEGORIES.items()}
    columns = creatives.assign(price_to_category=creatives["price"] / creatives["category"].map(medians))
    total = np.zeros((len(creatives), len(STAGES)))
    for step in spec.thresholds:
        total += np.outer(columns[step.attribute].to_numpy(np.float64) >= step.at, step.effects)
    return total


def _residuals(seed: int, spec: WorldSpec, asset: Ints) -> Floats:
    generator = stream(seed, "luck")  # the key of the stream: another one would give another world
    size = int(asset.max()) + 1
    shared = fat_tailed(generator, size)
    columns = [
        sd * (share * shared + np.sqrt(1 - share**2) * fat_tailed(generator, size))
        for sd, share in zip(spec.creative_sds, SHARED_LOADINGS)
    ]
    return np.column_stack(columns)[asset]


def _with_bid(effects: Floats) -> Floats:
    bid = effects.copy()
    bid[..., 6] += BID_SHARE * effects[..., 2:5].sum(axis=-1)
    return bid

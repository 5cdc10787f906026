"""Effects of a creative's attributes on each stage of the funnel: standard deviations, draws and sums.

All effects are on the log scale. `refund` is the refund share within the hour: keep = 1 − refund. Every group (a tag, a
pair of tags, …) has one effect per value, drawn with the standard deviation of its table row and centred.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sample.randomness import Floats, Ints, fat_tailed, stream

STAGES = ("hold", "engage", "click", "order", "value", "refund", "cost")

TAG_SDS: dict[str, tuple[float, ...]] = {
    #                 hold  engage click order value refund cost
    "hook":          (0.12, 0.12, 0.09, 0.12, 0.01, 0.04, 0.04),
    "scene":         (0.05, 0.08, 0.05, 0.10, 0.02, 0.04, 0.03),
    "face":          (0.06, 0.10, 0.05, 0.08, 0.01, 0.03, 0.03),
    "script":        (0.05, 0.10, 0.06, 0.13, 0.02, 0.05, 0.04),
    "style":         (0.06, 0.08, 0.05, 0.08, 0.01, 0.05, 0.04),
    "viewpoint":     (0.02, 0.05, 0.03, 0.06, 0.01, 0.03, 0.02),
    "selling_point": (0.02, 0.05, 0.06, 0.14, 0.05, 0.08, 0.02),
    "audience":      (0.03, 0.06, 0.04, 0.10, 0.03, 0.06, 0.06),
    "bgm":           (0.03, 0.06, 0.02, 0.02, 0.00, 0.01, 0.01),
}  # fmt: skip

ENTITY_SDS: dict[str, tuple[float, ...]] = {
    "category":      (0.04, 0.12, 0.06, 0.12, 0.02, 0.32, 0.10),
    "product":       (0.02, 0.06, 0.07, 0.18, 0.08, 0.25, 0.08),
    "creator":       (0.06, 0.18, 0.07, 0.13, 0.02, 0.10, 0.05),
    "account":       (0.03, 0.06, 0.05, 0.10, 0.03, 0.08, 0.10),
}  # fmt: skip

CROSS_SDS: dict[tuple[str, ...], tuple[float, ...]] = {
    ("creator", "category"):         (0.02, 0.05, 0.05, 0.13, 0.00, 0.05, 0.03),
    ("hook", "category"):            (0.05, 0.05, 0.05, 0.10, 0.00, 0.03, 0.03),
    ("scene", "category"):           (0.02, 0.03, 0.03, 0.09, 0.00, 0.04, 0.02),
    ("face", "audience"):            (0.03, 0.05, 0.03, 0.08, 0.00, 0.02, 0.02),
    ("hook", "script"):              (0.05, 0.05, 0.04, 0.07, 0.00, 0.02, 0.02),
    ("hook", "face", "category"):    (0.03, 0.03, 0.03, 0.07, 0.00, 0.02, 0.02),
    ("scene", "script", "style"):    (0.02, 0.03, 0.03, 0.06, 0.00, 0.02, 0.02),
}  # fmt: skip

CREATIVE_SDS = (0.12, 0.30, 0.15, 0.24, 0.06, 0.20, 0.22)
"""Standard deviation between creatives that no attribute explains, per stage; Student t with 4 degrees of freedom."""

SHARED_LOADINGS = (0.5, 0.5, 0.4, 0.3, 0.0, 0.0, 0.0)
"""Loading of each stage's residual on one common factor: a good film is good at several stages."""

CURVES: dict[str, tuple[float, ...]] = {
    #                 hold  engage click order value refund cost
    "log_price":     (0.00, 0.00, 0.03, -0.60, 1.00, 0.10, 0.00),
    "log_duration":  (-0.06, 0.08, 0.03, 0.06, 0.00, 0.00, 0.00),
    "log_duration²": (-0.02, 0.00, -0.08, -0.06, 0.00, 0.00, 0.00),
    "log_followers": (0.02, 0.05, 0.02, 0.02, 0.00, -0.01, 0.00),
    "log_target":    (0.00, 0.00, 0.00, 0.08, 0.00, 0.00, -0.30),
}  # fmt: skip
"""Slopes per unit of the centred logarithm."""

BID_SHARE = 0.30
"""The auction price follows the expected value: log cost changes by this times log (click · order · value)."""


@dataclass(frozen=True)
class Latents:
    """Log effects of attributes (`known`) and of the creative itself (`residual`); axis 0: creatives, 1: STAGES."""

    known: Floats
    residual: Floats


def latents(seed: int, creatives: pd.DataFrame) -> Latents:
    """Sum all effects per creative; a film (`asset`) in two accounts has the same residual in both."""
    known = _curves(creatives)
    for name, sds in {**TAG_SDS, **ENTITY_SDS}.items():
        if name != "selling_point":
            known += _group(seed, name, creatives[f"{name}_code"].to_numpy(np.int64), sds)
    known += _selling_points(seed, creatives)
    for names, sds in CROSS_SDS.items():
        codes = np.zeros(len(creatives), dtype=np.int64)
        for name in names:
            codes = codes * 1000 + creatives[f"{name}_code"].to_numpy(np.int64)
        known += _group(seed, " × ".join(names), codes, sds)
    return Latents(_with_bid(known), _with_bid(_residuals(seed, creatives["asset"].to_numpy(np.int64))))


def _group(seed: int, name: str, codes: Ints, sds: tuple[float, ...]) -> Floats:
    """Effects of one group; `codes` has one value per creative. Axis 0: creatives, axis 1: STAGES."""
    values, position = np.unique(codes, return_inverse=True)
    drawn = stream(seed, f"effect {name}").standard_normal((len(values), len(STAGES)))
    drawn -= drawn.mean(axis=0)
    return np.asarray(drawn[position] * np.array(sds))


def _selling_points(seed: int, creatives: pd.DataFrame) -> Floats:
    lists = creatives["selling_point"].str.split("|")
    long = lists.explode()
    effect = _group(seed, "selling_point", pd.factorize(long, sort=True)[0], TAG_SDS["selling_point"])
    mean = pd.DataFrame(effect).groupby(np.asarray(long.index)).mean()
    return mean.to_numpy(np.float64)


def _curves(creatives: pd.DataFrame) -> Floats:
    duration = np.log(creatives["duration_s"].to_numpy(np.float64) / 30.0)
    terms = {
        "log_price": np.log(creatives["price"].to_numpy(np.float64) / 130.0),
        "log_duration": duration,
        "log_duration²": duration**2,
        "log_followers": np.log(creatives["followers"].to_numpy(np.float64) / 50_000.0),
        "log_target": np.log(creatives["target_relative"].to_numpy(np.float64)),
    }
    total = np.zeros((len(creatives), len(STAGES)))
    for name, slopes in CURVES.items():
        total += np.outer(terms[name], slopes)
    return total


def _residuals(seed: int, asset: Ints) -> Floats:
    generator = stream(seed, "luck")  # the key of the stream: another one would give another world
    size = int(asset.max()) + 1
    shared = fat_tailed(generator, size)
    columns = [
        sd * (share * shared + np.sqrt(1 - share**2) * fat_tailed(generator, size))
        for sd, share in zip(CREATIVE_SDS, SHARED_LOADINGS)
    ]
    return np.column_stack(columns)[asset]


def _with_bid(effects: Floats) -> Floats:
    bid = effects.copy()
    bid[:, 6] += BID_SHARE * effects[:, 2:5].sum(axis=1)
    return bid

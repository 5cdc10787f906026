"""Declare the worlds of the sample: which effects each has, of what size, and what changes over time.

All effects are on the log scale. `refund` is the refund share within the hour: keep = 1 − refund. Every group (a tag, a
pair of tags, …) has one effect per value, drawn with the standard deviation of its table row and centred.
"""

from dataclasses import dataclass, field, replace

STAGES = ("hold", "engage", "click", "order", "value", "refund", "cost")
Sds = tuple[float, ...]
"""One number per stage, in the order of STAGES."""
Pool = tuple[float, float]
"""Total impressions of a pool: median, and standard deviation of the logarithm."""

TAG_SDS: dict[str, Sds] = {
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

ENTITY_SDS: dict[str, Sds] = {
    "category":      (0.04, 0.12, 0.06, 0.12, 0.02, 0.32, 0.10),
    "product":       (0.02, 0.06, 0.07, 0.18, 0.08, 0.25, 0.08),
    "creator":       (0.06, 0.18, 0.07, 0.13, 0.02, 0.10, 0.05),
    "account":       (0.03, 0.06, 0.05, 0.10, 0.03, 0.08, 0.10),
}  # fmt: skip

CROSS_SDS: dict[tuple[str, ...], Sds] = {
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

CURVES: dict[str, Sds] = {
    #                 hold  engage click order value refund cost
    "log_price":     (0.00, 0.00, 0.03, -0.60, 1.00, 0.10, 0.00),
    "log_duration":  (-0.06, 0.08, 0.03, 0.06, 0.00, 0.00, 0.00),
    "log_duration²": (-0.02, 0.00, -0.08, -0.06, 0.00, 0.00, 0.00),
    "log_followers": (0.02, 0.05, 0.02, 0.02, 0.00, -0.01, 0.00),
    "log_target":    (0.00, 0.00, 0.00, 0.08, 0.00, 0.00, -0.30),
}  # fmt: skip
"""Slopes per unit of the centred logarithm."""

BASE_RATES = {
    "live": {"click": 0.056, "order": 0.042, "value": 150.0, "refund": 0.115, "cost": 0.136},
    "product": {"click": 0.0088, "order": 0.0240, "value": 150.0, "refund": 0.115, "cost": 0.030},
}
"""Promotion type → rate of a creative whose effects are all 0."""

FIRST_POOL: dict[str, Pool] = {"live": (3.0, 1.45), "product": (250.0, 1.4)}
"""Promotion type → the first pool, which every creative enters."""

POOL_BUDGETS: dict[str, tuple[Pool, Pool]] = {
    "live": ((1900.0, 1.6), (36_000.0, 0.45)),
    "product": ((13_000.0, 1.2), (150_000.0, 0.5)),
}
"""Promotion type → the second and the third pool."""


@dataclass(frozen=True)
class Threshold:
    """A step: `effects` are added where the attribute is `at` or more."""

    attribute: str
    at: float
    effects: Sds


@dataclass(frozen=True)
class PlatformChange:
    """A change of the platform on one day.

    Attributes:
        share: The day, as a share of the exported days.
        promotion_type: Whose log rates change by `offsets`.
        offsets: One per stage.
        tags: Whose effects are replaced, in both promotion types.
        kept: Correlation of the new effects with the old ones; their standard deviation stays.
    """

    share: float
    promotion_type: str
    offsets: Sds
    tags: tuple[str, ...]
    kept: float


@dataclass(frozen=True)
class WorldSpec:
    """Everything in which worlds differ.

    Attributes:
        tag_sds, entity_sds, cross_sds: Standard deviations of the effects of each value, and of each combination.
        pattern_sds: Standard deviations of products of one score per value (a factorisation machine of rank one and
            higher order; Rendle, 2010): combinations share their scores, so that patterns can be learned from few rows.
        creative_sds: Standard deviation between creatives that no attribute explains.
        curves: Slopes per unit of the centred logarithm.
        thresholds: Steps in an attribute.
        drift_sds: Standard deviation of each product's deviation from its mean, which follows an autoregression.
        change: What the platform changes on one day.
        bases, first_pool, pool_budgets: Levels of rates and of traffic.
    """

    tag_sds: dict[str, Sds]
    entity_sds: dict[str, Sds]
    cross_sds: dict[tuple[str, ...], Sds]
    creative_sds: Sds
    curves: dict[str, Sds]
    bases: dict[str, dict[str, float]]
    first_pool: dict[str, Pool]
    pool_budgets: dict[str, tuple[Pool, Pool]]
    pattern_sds: dict[tuple[str, ...], Sds] = field(default_factory=dict)
    thresholds: tuple[Threshold, ...] = ()
    drift_sds: Sds = (0.0,) * len(STAGES)
    change: PlatformChange | None = None


ADDITIVE = WorldSpec(TAG_SDS, ENTITY_SDS, CROSS_SDS, CREATIVE_SDS, CURVES, BASE_RATES, FIRST_POOL, POOL_BUDGETS)
"""Log-additive effects and small crosses; the form that a log-linear mixed model assumes."""

INTERPLAY = replace(
    ADDITIVE,
    tag_sds={name: tuple(0.6 * sd for sd in sds) for name, sds in TAG_SDS.items()},
    #                                          hold  engage click order value refund cost
    cross_sds=CROSS_SDS | {
        ("creator", "category"):              (0.04, 0.10, 0.08, 0.20, 0.02, 0.08, 0.06),
        ("hook", "face", "category"):         (0.04, 0.05, 0.05, 0.10, 0.00, 0.03, 0.03),
        ("script", "style", "promotion_type"): (0.04, 0.05, 0.05, 0.09, 0.00, 0.03, 0.04),
    },
    pattern_sds={
        ("hook", "category", "face"):         (0.06, 0.08, 0.08, 0.20, 0.00, 0.05, 0.05),
        ("scene", "script", "audience"):      (0.04, 0.06, 0.05, 0.13, 0.00, 0.04, 0.04),
        ("hook", "style", "promotion_type"):  (0.05, 0.06, 0.06, 0.10, 0.00, 0.03, 0.05),
    },
    creative_sds=(0.20, 0.36, 0.14, 0.28, 0.07, 0.22, 0.33),
    curves=CURVES | {"log_price":             (0.00, 0.00, 0.03, -0.25, 1.00, 0.10, 0.00)},
    thresholds=(
        Threshold("price", 100,               (0.00, 0.00, -0.05, -0.20, 0.00, 0.05, 0.00)),
        Threshold("price", 200,               (0.00, 0.00, -0.05, -0.30, 0.00, 0.15, 0.00)),
        Threshold("price_to_category", 1.5,   (0.00, -0.05, -0.08, -0.30, 0.00, 0.20, 0.00)),
        Threshold("duration_s", 15,           (-0.05, 0.05, 0.05, 0.20, 0.00, 0.00, 0.00)),
        Threshold("duration_s", 45,           (-0.08, 0.00, -0.12, -0.15, 0.00, 0.00, 0.06)),
    ),
    drift_sds=(0.03, 0.06, 0.06, 0.18, 0.02, 0.12, 0.08),
    bases={
        "live": {"click": 0.058, "order": 0.0345, "value": 180.0, "refund": 0.105, "cost": 0.130},
        "product": {"click": 0.0088, "order": 0.0200, "value": 170.0, "refund": 0.105, "cost": 0.029},
    },
    first_pool=FIRST_POOL | {"live": (3.0, 1.9)},
    pool_budgets=POOL_BUDGETS | {"live": ((1050.0, 1.25), (9500.0, 0.8))},
)  # fmt: skip
"""Interplays of three attributes, steps in price and duration, products that drift, creatives that differ more."""

SHIFT = replace(
    ADDITIVE,
    bases=BASE_RATES | {"product": BASE_RATES["product"] | {"click": 0.0099, "cost": 0.027}},
    change=PlatformChange(
        share=0.5, promotion_type="product", offsets=(0.00, 0.00, -0.25, 0.00, 0.00, 0.00, 0.30),
        tags=("hook", "script", "style"), kept=0.2,
    ),
)  # fmt: skip
"""In the middle 推商品 gets fewer clicks at a higher price, and hooks, scripts and styles have other effects."""

WORLDS = {"additive": ADDITIVE, "interplay": INTERPLAY, "shift": SHIFT}
DEFAULT = "interplay"

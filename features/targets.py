"""Targets, what is predicted over the outcome window, and the ratios (heads) of which they are products.

GPM is 1000 · click · order · value. Add a target here; labels, units and digits elsewhere come from its object.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from features.arrays import Floats
from features.bilingual import Words


@dataclass(frozen=True)
class Head:
    """A ratio over the outcome window that a LightGBM head predicts; targets are products of heads.

    Attributes:
        name: `gmv`, `cost` or `keep`.
        label: Name shown to people.
        numerator: Column that is summed over the window.
        exposure: Column that the sum is divided by.
        stages: Stages whose product the funnel model predicts for it.
        share: The ratio is never above 1.
    """

    name: str
    label: Words
    numerator: str
    exposure: str
    stages: tuple[str, ...]
    share: bool = False

    def log_product(self, log_rates: Mapping[str, Floats]) -> Floats:
        """(N,) sum of the log rates (N,) of its stages, `value` in CNY per order; at most 0 for a share."""
        total = log_rates[self.stages[0]]
        for stage in self.stages[1:]:
            total = total + log_rates[stage]
        return np.minimum(total, 0.0) if self.share else total


GMV_HEAD, COST_HEAD, KEEP_HEAD = "gmv", "cost", "keep"


@dataclass(frozen=True)
class Composition:
    """The stages whose rates make up a target: product of `gross`, times `keep`, over `cost`.

    Attributes:
        gross: Stages whose product is money before refunds per exposure; `VOLUME` alone for a volume target.
        keep: The stage of refunds; empty for targets before refunds.
        cost: The stage of spend per impression; empty for targets per impression.
    """

    gross: tuple[str, ...]
    keep: str = ""
    cost: str = ""

    @cached_property
    def signs(self) -> dict[str, float]:
        """Stage → sign of its log rate in the log of the target."""
        signs = dict.fromkeys(self.gross, 1.0)
        if self.keep:
            signs[self.keep] = 1.0
        if self.cost:
            signs[self.cost] = -1.0
        return signs

    @cached_property
    def head_signs(self) -> dict[str, float]:
        """Head → sign of its log in the log of a rate target."""
        signs = {GMV_HEAD: 1.0}
        if self.keep:
            signs[KEEP_HEAD] = 1.0
        if self.cost:
            signs[COST_HEAD] = -1.0
        return signs


@dataclass(frozen=True)
class Target:
    """A quantity predicted over the outcome window.

    Attributes:
        name: Key in columns, answers and reports.
        label: Short name shown to strategists.
        long_label: Longer name, for headings.
        numerator: Column that is summed over the window.
        exposure: Column that the sum is divided by; empty for volume.
        scale: Exposure that the value refers to: 1 000 impressions for GPM.
        unit: `cny per 1,000`, `ratio`, `count` or `cny`.
        net: Whether money is counted after refunds.
    """

    name: str
    label: Words
    long_label: Words
    numerator: str
    exposure: str = ""
    scale: float = 1.0
    unit: str = "ratio"
    net: bool = False

    @property
    def gross(self) -> "Target":
        """The target before refunds; the target itself where it has no refunds."""
        return TARGETS[GROSS_OF[self.name]] if self.net else self

    @property
    def per_impression(self) -> "Target":
        """The target per impression with the same treatment of refunds: GPM or net GPM."""
        return NET_GPM if self.net else GPM

    @property
    def is_volume(self) -> bool:
        """Whether it is later volume instead of a rate."""
        return not self.exposure

    @property
    def is_roi(self) -> bool:
        """Whether it is money per spend."""
        return self.exposure == "spend_cny"

    @property
    def is_money(self) -> bool:
        """Whether its values are in CNY."""
        return self.unit.startswith("cny")

    def rate(self, numerator: Floats, exposure: Floats) -> Floats:
        """Observed values: numerator over exposure times `scale`, any shape; NaN where the exposure is 0."""
        base = exposure / self.scale
        return np.divide(numerator, base, out=np.full_like(base, np.nan), where=base > 0)


GPM = Target(
    "gpm",
    Words("GPM", "GPM"),
    Words("GPM（千次展示成交额）", "GPM, gross"),
    "gmv_cny",
    "impressions",
    scale=1000.0,
    unit="cny per 1,000",
)
NET_GPM = Target(
    "net_gpm",
    Words("净GPM", "net GPM"),
    Words("净GPM（退款后）", "GPM after refunds"),
    "settled_net_cny",
    "impressions",
    scale=1000.0,
    unit="cny per 1,000",
    net=True,
)
ROI = Target("roi", Words("ROI", "ROI"), Words("ROI（支付）", "ROI, gross"), "gmv_cny", "spend_cny")
NET_ROI = Target(
    "net_roi",
    Words("净ROI", "net ROI"),
    Words("净ROI（退款后）", "ROI after refunds"),
    "settled_net_cny",
    "spend_cny",
    net=True,
)
LATER_IMPRESSIONS = Target(
    "later_impressions",
    Words("后续展示", "later impressions"),
    Words("后续展示", "later impressions"),
    "impressions",
    unit="count",
)
LATER_SPEND = Target(
    "later_spend_cny",
    Words("后续消耗", "later spend"),
    Words("后续消耗", "later spend, CNY"),
    "spend_cny",
    unit="cny",
)
TARGETS = {target.name: target for target in (GPM, NET_GPM, ROI, NET_ROI, LATER_IMPRESSIONS, LATER_SPEND)}
"""Target name → target, in the order of reports. Properties come from the object; never parse the name."""
GROSS_OF = {NET_GPM.name: GPM.name, NET_ROI.name: ROI.name}
RateTarget = Literal["gpm", "net_gpm", "roi", "net_roi"]
"""The names of RATE_TARGETS, for types (a test holds both equal)."""
RATE_TARGETS = tuple(name for name, target in TARGETS.items() if not target.is_volume)
VOLUME_TARGETS = tuple(name for name, target in TARGETS.items() if target.is_volume)

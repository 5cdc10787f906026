"""Stages of the funnel, targets composed of their rates, and the funnel that the columns of an export allow.

A stage is one rate (clicks per impression); a target is what is predicted (GPM = 1000 · click · order · value). Add a
stage or a target here; columns, labels, units and formulas elsewhere come from these objects.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from features.bilingual import Words

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Stage:
    """One step of the funnel: a rate, numerator over exposure.

    Attributes:
        name: Key in columns, settings and reports.
        numerator: Column that is counted or summed.
        exposure: Column that the numerator is divided by.
        label: Name shown to strategists.
        unit: Unit of the rate.
        events: What informs the rate. `expected`: the expected count (a Poisson count, whose sampling variance is
            known); otherwise the column whose count informs it (its sampling variance is estimated).
        half_weight_events: Events at which a creative has weight ½ in the histories of what it shares with others.
        share: The rate is a share of its exposure, never above 1.
        priced: The exposure is counted in reference prices, so the rate is near 1; times the reference price it is the
            value of an order.
        level_by_exposure: Its total sets the level of its rate, not the mean creative (`fit_priors`): the rate rises
            with the traffic that a creative gets.
    """

    name: str
    numerator: str
    exposure: str
    label: Words
    unit: str
    events: str = "expected"
    half_weight_events: float = 3.0
    share: bool = False
    priced: bool = False
    level_by_exposure: bool = False

    @property
    def is_poisson(self) -> bool:
        """Whether the numerator is a Poisson count, so that the expected count informs the rate."""
        return self.events == "expected"

    @property
    def events_column(self) -> str:
        """Column of the events that inform the rate; for Poisson counts the exposure they are expected from."""
        return self.exposure if self.is_poisson else self.events

    @property
    def columns(self) -> list[str]:
        """Exposure, numerator and events column, each once."""
        return list(dict.fromkeys((self.exposure, self.numerator, self.events_column)))


HOLD = Stage("hold", "plays_3s", "plays", Words("3秒完播", "3-s plays per play"), "rate", share=True)
ENGAGE = Stage("engage", "engagements", "impressions", Words("互动", "interactions per impression"), "rate")
CLICK = Stage("click", "clicks", "impressions", Words("点击", "clicks per impression"), "rate")
ORDER = Stage("order", "orders", "clicks", Words("转化", "orders per click"), "rate")
ORDER_PER_IMPRESSION = Stage("order", "orders", "impressions", Words("转化", "orders per impression"), "rate")
VALUE = Stage(
    "value",
    "gmv_cny",
    "reference_gmv_cny",
    Words("客单", "gmv per order"),
    "cny",
    events="orders",
    half_weight_events=1.0,
    priced=True,
)
EARN_PER_CLICK = Stage(
    "earn", "gmv_cny", "clicks", Words("点击产出", "gmv per click"), "cny", events="clicks", half_weight_events=30.0
)
EARN = Stage(
    "earn",
    "gmv_cny",
    "impressions",
    Words("展示产出", "gmv per impression"),
    "cny",
    events="impressions",
    half_weight_events=1000.0,
)
RETURN = Stage(
    "return",
    "gmv_cny",
    "spend_cny",
    Words("支付产出比", "gmv per spend"),
    "ratio",
    events="spend_cny",
    half_weight_events=50.0,
)
NET_RETURN = Stage(
    "net_return",
    "settled_net_cny",
    "settled_spend_cny",
    Words("净产出比", "net gmv per spend"),
    "ratio",
    events="settled_spend_cny",
    half_weight_events=50.0,
)
KEEP = Stage(
    "keep",
    "settled_net_cny",
    "settled_gmv_cny",
    Words("退后留存", "net gmv per gmv"),
    "rate",
    events="settled_orders",
    half_weight_events=2.0,
    share=True,
)
COST = Stage(
    "cost",
    "spend_cny",
    "impressions",
    Words("千展成本", "spend per impression"),
    "cny",
    events="impressions",
    half_weight_events=50.0,
    level_by_exposure=True,
)

VOLUME = "volume"
"""Name of the model of later volume (impressions, or spend where there are no impressions); it is not a rate."""
VOLUME_LABEL = Words("量级", "volume")


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


def signs_of(stages: Collection[str]) -> dict[str, float]:
    """Stage → sign of its log rate in a product of these stages: −1 for cost among others, else 1."""
    return {stage: -1.0 if stage == COST.name and len(stages) > 1 else 1.0 for stage in stages}


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

    def composition(self, funnel: "Funnel") -> Composition:
        """The stages of this funnel that the target is composed of."""
        if self.is_volume:
            return Composition((VOLUME,))
        keep = "keep" if self.net and not funnel.net_only else ""
        if funnel.to_gmv:
            return Composition(funnel.to_gmv, keep, "cost" if self.is_roi else "")
        return Composition(funnel.to_roi, keep)

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


@dataclass(frozen=True)
class Funnel:
    """The stages that the columns of an export allow, and how the targets follow from them.

    Attributes:
        stages: In the order of the funnel; those that are explained but in no target (hold, engage) come first.
        to_gmv: Names of the stages whose product is gmv per impression; empty without impressions.
        to_roi: Names of the stages whose product is gmv per spend, where spend is the only exposure; after refunds if
            `net_only`.
        volume_of: Column that later volume counts: impressions or spend_cny.
        net_only: Whether the export has money only after refunds.
        missing: Stage or target that is not available → the columns it needs.
        typical_price: Reference price in CNY for creatives without a price (median of the known prices); None where
            prices are not used.
    """

    stages: tuple[Stage, ...]
    to_gmv: tuple[str, ...]
    to_roi: tuple[str, ...]
    volume_of: str
    net_only: bool
    missing: dict[str, str]
    typical_price: float | None = None

    def has(self, stage: str) -> bool:
        """Whether the funnel has this stage."""
        return stage in self._names

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(stage.name for stage in self.stages)

    @cached_property
    def targets(self) -> list[str]:
        """Names of the available targets, in the order of reports."""
        gross = not self.net_only
        net = self.net_only or self.has("keep")
        names = []
        if self.to_gmv:
            names += ["gpm"] * gross + ["net_gpm"] * net
        if self.to_roi or (self.to_gmv and self.has("cost")):
            names += ["roi"] * gross + ["net_roi"] * net
        return [*names, self.volume_target]

    @cached_property
    def composed_stages(self) -> frozenset[str]:
        """Stages that some target is composed of; the others are only explained."""
        return frozenset(stage for parts in self.compositions.values() for stage in parts.signs)

    @cached_property
    def compositions(self) -> dict[str, Composition]:
        """Target → the stages that it is composed of."""
        return {name: TARGETS[name].composition(self) for name in self.targets}

    @cached_property
    def heads(self) -> tuple[Head, ...]:
        """The ratios of which the rate targets are products: gmv per impression (or spend), cost, keep."""
        stages = {stage.name: stage for stage in self.stages}
        gross = self.to_gmv or self.to_roi
        first, last = stages[gross[0]], stages[gross[-1]]
        per = Words("每次展示", "per impression") if self.to_gmv else Words("每元消耗", "per CNY of spend")
        money = Words("退款后成交额", "net gmv") if self.net_only else Words("成交额", "gmv")
        label = Words(f"{per.zh}{money.zh}", f"{money.en} {per.en}")
        found = [Head(GMV_HEAD, label, last.numerator, first.exposure, gross)]
        needed = [self.compositions[name] for name in self.rate_targets]
        if any(one.cost for one in needed):
            cost = stages[COST.name]
            found.append(Head(COST_HEAD, cost.label, cost.numerator, cost.exposure, (cost.name,)))
        if any(one.keep for one in needed):
            keep = stages[KEEP.name]
            found.append(Head(KEEP_HEAD, keep.label, keep.numerator, keep.exposure, (keep.name,), share=True))
        return tuple(found)

    @cached_property
    def rate_targets(self) -> list[str]:
        """Names of the targets that are rates."""
        return [name for name in self.targets if not TARGETS[name].is_volume]

    @cached_property
    def volume_target(self) -> str:
        """Name of the target of later volume."""
        return next(name for name in VOLUME_TARGETS if TARGETS[name].numerator == self.volume_of)

    @cached_property
    def main_roi(self) -> str:
        """Name of the ROI that decisions use: after refunds where available, else before; empty without either."""
        return next((name for name in (NET_ROI.name, ROI.name) if name in self.targets), "")

    @cached_property
    def main_gpm(self) -> str:
        """Name of the GPM that reports use: after refunds where available, else before; empty without either."""
        return next((name for name in (NET_GPM.name, GPM.name) if name in self.targets), "")


def build_funnel(columns: Collection[str], basis_column: str | None, typical_price: float | None = None) -> Funnel:
    """Build the funnel that these value columns of metrics allow.

    Each stage falls back where its columns are missing: orders per impression without clicks, gmv per click (or per
    impression) without orders, gmv per spend without impressions.

    Args:
        columns: Value columns with at least one value.
        basis_column: Column of money after refunds in the ROI basis; None for a basis before refunds.
        typical_price: As in `Funnel`.
    """
    have = set(columns)
    missing: dict[str, str] = {}
    stages: list[Stage] = []

    def take(stage: Stage, *needed: str) -> bool:
        absent = [name for name in needed if name not in have]
        if absent:
            missing[stage.name] = ", ".join(absent)
            return False
        stages.append(stage)
        return True

    net = basis_column if basis_column in have else None
    seen = "impressions" in have
    take(HOLD, "plays", "plays_3s")
    if seen and have & {"likes", "comments", "shares", "follows"}:
        stages.append(ENGAGE)
    else:
        missing["engage"] = "likes, comments, shares or follows, and impressions"

    to_gmv: list[str] = []
    net_only = "gmv_cny" not in have and net is not None
    if not seen:
        missing |= {"gpm": "impressions", "net_gpm": "impressions", "cost": "impressions"}
        if not net_only:
            take(RETURN, "spend_cny", "gmv_cny")
    else:
        if net_only:
            missing |= {"gpm": "gmv_cny", "net_gpm": "gmv_cny"}
        clicks = take(CLICK, "clicks")
        if "orders" in have:
            ordered = take(ORDER if clicks else ORDER_PER_IMPRESSION, "orders")
            if ordered and take(VALUE, "gmv_cny"):
                to_gmv = [*(["click"] * clicks), "order", "value"]
        else:
            missing["order"] = missing["value"] = "orders"
            if take(EARN_PER_CLICK if clicks else EARN, "gmv_cny"):
                to_gmv = [*(["click"] * clicks), "earn"]
        take(COST, "spend_cny")
    if net_only:
        take(NET_RETURN, "spend_cny")
    else:
        if basis_column is None:
            missing["keep"] = "money after refunds (basis: payment counts gross money)"
        elif net is None:
            missing["keep"] = basis_column
        else:
            take(KEEP, "gmv_cny")
    return Funnel(
        stages=tuple(stages),
        to_gmv=tuple(to_gmv),
        to_roi=tuple(stage.name for stage in stages if stage in (RETURN, NET_RETURN)),
        volume_of="impressions" if seen else "spend_cny",
        net_only=net_only,
        missing=missing,
        typical_price=typical_price,
    )


def counted_columns(funnel: Funnel) -> list[str]:
    """Columns that the funnel counts, each once: the volume column, then numerators, exposures and events of stages."""
    names = [funnel.volume_of]
    for stage in funnel.stages:
        names += stage.columns
    return list(dict.fromkeys(names))

"""The funnel: which step turns what into what, and which steps the columns at hand allow."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Target = Literal["gpm", "net_gpm", "roi", "net_roi", "later_impressions", "later_spend_cny"]


@dataclass(frozen=True)
class Stage:
    """One step of the funnel: a numerator over its exposure.

    Attributes:
        name: Key of columns, settings and reports.
        numerator: What is counted or summed.
        exposure: Out of what.
        zh: Name that strategists read.
        en: The same in English.
        unit: What the rate is measured in.
        events: What makes the rate sure: `expected`: the number of events expected (a Poisson count: its spread is
            known); otherwise the column whose count makes it sure (its spread is estimated).
        half: Events at which one creative's ratio counts half in the history of what it shares with others.
        share: The rate is a share of its exposure: never above 1.
        priced: The exposure is counted in reference prices, so the rate is near 1 and times the price what is sold.
    """

    name: str
    numerator: str
    exposure: str
    zh: str
    en: str
    unit: str
    events: str = "expected"
    half: float = 3.0
    share: bool = False
    priced: bool = False

    @property
    def events_in(self) -> str:
        """The column that events are counted in: for expected ones, that of the exposure they are expected of."""
        return self.exposure if self.events == "expected" else self.events

    @property
    def figures(self) -> list[str]:
        """What it counts, each once: exposure, numerator and what makes the rate sure."""
        names = (self.exposure, self.numerator, self.events)
        return [name for name in dict.fromkeys(names) if name != "expected"]


HOLD = Stage("hold", "plays_3s", "plays", "3秒留存", "3-s plays per play", "rate", share=True)
ENGAGE = Stage("engage", "engagements", "impressions", "互动", "interactions per impression", "rate")
CLICK = Stage("click", "clicks", "impressions", "点击", "clicks per impression", "rate")
ORDER = Stage("order", "orders", "clicks", "成交", "orders per click", "rate")
ORDER_PER_IMPRESSION = Stage("order", "orders", "impressions", "成交", "orders per impression", "rate")
VALUE = Stage(
    "value", "gmv_cny", "order_worth_cny", "客单", "gmv per order", "cny", events="orders", half=1.0, priced=True
)
EARN_PER_CLICK = Stage("earn", "gmv_cny", "clicks", "点击产出", "gmv per click", "cny", events="clicks", half=30.0)
EARN = Stage(
    "earn", "gmv_cny", "impressions", "展现产出", "gmv per impression", "cny", events="impressions", half=1000.0
)
RETURN = Stage("return", "gmv_cny", "spend_cny", "支付产出比", "gmv per spend", "ratio", events="spend_cny", half=50.0)
NET_RETURN = Stage(
    "net_return",
    "settled_net_cny",
    "settled_spend_cny",
    "净产出比",
    "net gmv per spend",
    "ratio",
    events="settled_spend_cny",
    half=50.0,
)
KEEP = Stage(
    "keep",
    "settled_net_cny",
    "settled_gmv_cny",
    "退后留存",
    "net gmv per gmv",
    "rate",
    events="settled_orders",
    half=2.0,
    share=True,
)
COST = Stage(
    "cost", "spend_cny", "impressions", "展现成本", "spend per impression", "cny", events="impressions", half=50.0
)

VOLUME = "volume"
"""The step that is no rate: impressions still to come (spend, where there are no impressions)."""


@dataclass(frozen=True)
class Plan:
    """The steps that the columns allow, and how the targets follow from them.

    Attributes:
        stages: In the order of the funnel; explained ones (hold, engage) first.
        to_gmv: Names of the stages whose product is gmv per impression; empty where there are no impressions.
        to_roi: Names of the stages whose product is gmv per spend; net where `net_only`.
        volume_of: What later volume counts: impressions or spend_cny.
        net_only: The export knows money only after refunds.
        missing: Stage or target → the columns that would allow it.
        typical_price: Reference price of a creative whose price is not known; None where prices are not used.
    """

    stages: tuple[Stage, ...]
    to_gmv: tuple[str, ...]
    to_roi: tuple[str, ...]
    volume_of: str
    net_only: bool
    missing: dict[str, str]
    typical_price: float | None = None

    def has(self, stage: str) -> bool:
        """Whether this step can be modelled."""
        return stage in self._names

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(stage.name for stage in self.stages)

    @cached_property
    def targets(self) -> list[str]:
        """What can be predicted, in the order of reports."""
        gross = not self.net_only
        net = self.net_only or self.has("keep")
        names = []
        if self.to_gmv:
            names += ["gpm"] * gross + ["net_gpm"] * net
        if self.to_roi or (self.to_gmv and self.has("cost")):
            names += ["roi"] * gross + ["net_roi"] * net
        return [*names, "later_" + self.volume_of]


def plan_for(columns: Collection[str], basis_column: str | None, typical_price: float | None = None) -> Plan:
    """The funnel that these value columns of metrics allow.

    Args:
        columns: Value columns that hold something.
        basis_column: The column of net money in the ROI basis; None for a gross basis.
        typical_price: Reference price where a creative's own is not known; None to use no prices.
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
            missing["keep"] = "a basis after refunds (basis: payment counts gross money)"
        elif net is None:
            missing["keep"] = basis_column
        else:
            take(KEEP, "gmv_cny")
    return Plan(
        stages=tuple(stages),
        to_gmv=tuple(to_gmv),
        to_roi=tuple(stage.name for stage in stages if stage in (RETURN, NET_RETURN)),
        volume_of="impressions" if seen else "spend_cny",
        net_only=net_only,
        missing=missing,
        typical_price=typical_price,
    )


def counted_columns(plan: Plan) -> list[str]:
    """Numerators, exposures and event columns of the plan, each once, plus what volume counts."""
    names = [plan.volume_of]
    for stage in plan.stages:
        names += stage.figures
    return list(dict.fromkeys(names))

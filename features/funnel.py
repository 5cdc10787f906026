"""The funnel that the columns of an export allow: its stages, and how the targets follow from them."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from features.bilingual import Words
from features.stages import (
    CLICK,
    COST,
    EARN,
    EARN_PER_CLICK,
    ENGAGE,
    HOLD,
    KEEP,
    NET_RETURN,
    ORDER,
    ORDER_PER_IMPRESSION,
    RETURN,
    VALUE,
    VOLUME,
    Stage,
)
from features.targets import (
    COST_HEAD,
    GMV_HEAD,
    GPM,
    KEEP_HEAD,
    NET_GPM,
    NET_ROI,
    ROI,
    TARGETS,
    VOLUME_TARGETS,
    Composition,
    Head,
    Target,
)


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
    def counted_columns(self) -> tuple[str, ...]:
        """Columns that are counted, each once: the volume column, then numerators, exposures and events of stages."""
        return tuple(dict.fromkeys([self.volume_of, *(name for stage in self.stages for name in stage.columns)]))

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
        return {name: self._composition(TARGETS[name]) for name in self.targets}

    def _composition(self, target: Target) -> Composition:
        if target.is_volume:
            return Composition((VOLUME,))
        keep = KEEP.name if target.net and not self.net_only else ""
        if self.to_gmv:
            return Composition(self.to_gmv, keep, COST.name if target.is_roi else "")
        return Composition(self.to_roi, keep)

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

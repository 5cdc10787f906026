"""Stages of the funnel: each one rate, a numerator over its exposure, such as clicks per impression.

Add a stage here; columns, labels and units elsewhere come from its object.
"""

from collections.abc import Collection
from dataclasses import dataclass

from features.bilingual import Words


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
        level_by_exposure: The level of its rate is fitted to the total over all exposure, not to the mean creative
            (`features.funnel_model.fit_priors`), because the rate rises with a creative's traffic.
        money_of_orders: The numerator is the money of orders per traffic or spend. Most creatives have no order, so
            a count of 0 is ordinary, and the variance is proportional to the mean, as of every compound Poisson sum.
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
    money_of_orders: bool = False

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
    "earn",
    "gmv_cny",
    "clicks",
    Words("点击产出", "gmv per click"),
    "cny",
    events="clicks",
    half_weight_events=30.0,
    money_of_orders=True,
)
EARN = Stage(
    "earn",
    "gmv_cny",
    "impressions",
    Words("展示产出", "gmv per impression"),
    "cny",
    events="impressions",
    half_weight_events=1000.0,
    money_of_orders=True,
)
RETURN = Stage(
    "return",
    "gmv_cny",
    "spend_cny",
    Words("支付产出比", "gmv per spend"),
    "ratio",
    events="spend_cny",
    half_weight_events=50.0,
    money_of_orders=True,
)
NET_RETURN = Stage(
    "net_return",
    "settled_net_cny",
    "settled_spend_cny",
    Words("净产出比", "net gmv per spend"),
    "ratio",
    events="settled_spend_cny",
    half_weight_events=50.0,
    money_of_orders=True,
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


def signs_of(stages: Collection[str]) -> dict[str, float]:
    """Stage → sign of its log rate in a product of these stages: −1 for cost among others, else 1."""
    return {stage: -1.0 if stage == COST.name and len(stages) > 1 else 1.0 for stage in stages}

"""The decision on a creative: the table of rules evaluated on its figures, and the reason in one line, zh and en.

The table is `configs.decision_settings.VerdictSettings.rules`. Running creatives are scaled, held, bid less for,
watched or stopped; waiting ones go first, wait in reserve or are skipped; those that have stopped have no verdict, and
the reason says what came of them.
A rule about a conflict joins the figures that point in different directions with "but".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from math import floor, isfinite, isnan, log10, nan

from configs.decision_rules import Figure, Rule, parsed
from configs.decision_settings import VerdictSettings
from features.attributes import PROMOTION_TYPES, promotion_type_label
from features.bilingual import Words
from features.targets import TARGETS
from training.decision.status import WAITING
from training.labels.calibration import Calibration

NONE = ""
BID_LESS = "bid_less"
VERDICT_LABELS: Mapping[str, Words] = {
    "scale": Words("加量", "Scale"),
    "hold": Words("维持", "Hold"),
    BID_LESS: Words("压价", "Bid less"),
    "watch": Words("观察", "Watch"),
    "stop": Words("关停", "Stop"),
    "first": Words("先投", "First"),
    "reserve": Words("备选", "Reserve"),
    "skip": Words("不投", "Skip"),
    NONE: Words("无", "None"),
}
"""Every verdict, in the order in which lists show them; empty where none is possible."""
LITTLE_EVIDENCE = 1.0
"""Own events below which a decision rests on others like the creative."""
HIT_MEASURES = {
    "net_gmv": Words("净成交额", "net GMV"),
    "gmv": Words("成交额", "GMV"),
}


@dataclass(frozen=True)
class Known:
    """What is decided about one creative, and what its reason may name; NaN: not known.

    Attributes:
        status: Waiting or running (`training.decision.status`).
        promotion_type: Of the creative.
        figures: What conditions are about (`configs.decision_rules.Figure`).
        rate: Target of the decision: `net_roi` or `roi`.
        asked_roi: The ROI target.
        roi: Predicted value (mean) of the rate.
        later_low: Lower end of the interval of later volume.
        own_events: Events that its traffic so far brings on average, at the stage that decides the precision.
        more_cny: Spend expected to bring the missing events; NaN where the cost of traffic is not predicted.
        more_volume: Impressions expected to bring them.
        decide_events: Events until the true ROI can be told from its target; infinite, NaN: as `decide_cny`.
        later_spend: Predicted spend of the outcome window, CNY.
        creatives_like: Number of creatives of similar age, evidence and promotion type with known outcomes.
    """

    status: str
    promotion_type: str
    figures: Mapping[Figure, float]
    rate: str
    asked_roi: float
    roi: float
    later_low: float
    own_events: float
    more_cny: float
    more_volume: float
    decide_events: float
    later_spend: float
    creatives_like: int


@dataclass(frozen=True)
class Facts:
    """What is the same for all creatives of a model.

    Attributes:
        settings: Thresholds and rules.
        hit_share: Top share that is a hit.
        hit_measure: What hits are ranked by: a key of HIT_MEASURES, or `volume`; empty where hits are not predicted.
        outcome_days: Length of the outcome window.
        counts_orders: True if the events are orders.
        counts_impressions: True if volume is impressions; else it is spend.
    """

    settings: VerdictSettings
    hit_share: float
    hit_measure: str
    outcome_days: int
    counts_orders: bool
    counts_impressions: bool


Decision = tuple[str, str, str]
"""VerdictSettings (empty for none), reason in Chinese, reason in English."""


def decide(known: Known, facts: Facts) -> Decision:
    """The verdict on a creative that waits or runs, and its reason."""
    rule = first_rule(known.status, known.figures, facts.settings)
    said = [_SENTENCES[name](known, facts) for name in ("chance", *rule.reason)]
    if rule.verdict == BID_LESS:
        said.append(_less(known))
    if rule.conflict:  # the last figure speaks against the others
        said[-1] = Words(f"但{said[-1].zh}", f"but {said[-1].en}")
    return rule.verdict, "，".join(one.zh for one in said) + "。", "; ".join(one.en for one in said) + "."


def first_rule(status: str, figures: Mapping[Figure, float], settings: VerdictSettings) -> Rule:
    """The first rule of the status whose conditions all hold. One on a figure that is not known does not."""
    for rule in settings.rules:
        if rule.status != status:
            continue
        for name, condition in rule.when.items():
            compare, bound = _comparison(condition)
            if not compare(figures[name], getattr(settings, bound) if isinstance(bound, str) else bound):
                break  # NaN compares false
        else:
            return rule
    raise AssertionError("the last rule of a status has no conditions")


def no_verdict(rate: str, rows: int, needed: int, calibration: Calibration | None = None) -> Decision:
    """Return the empty verdict where probabilities are not calibrated, with the data that are missing.

    Args:
        rate: `net_roi` or `roi`; empty where the columns allow neither.
        rows: Out-of-fold rows with a known outcome.
        needed: Rows needed for calibration.
        calibration: What the model knows of how many creatives are missing; None in models that did not count them.
    """
    if not rate:
        return (
            NONE,
            "无法判断：数据中没有消耗或成交金额，无法计算ROI；请在导出报表时加上这两列。",
            "No verdict: without spend and gmv there is no ROI; add both columns to the export.",
        )
    if calibration is not None and calibration.target == rate and calibration.state == "none":
        return NONE, f"无法判断：{calibration.words.zh}", f"No verdict: {calibration.words.en}"
    zh, en = TARGETS[rate].label
    return (
        NONE,
        f"无法判断：{zh}的概率尚未校准，结果已知的样本只有 {rows} 行，需要 {needed} 行；请导入更早的报表或更多素材。",
        f"No verdict: chances of {en} are not calibrated, {rows} rows with known outcomes of {needed} needed; "
        "import earlier exports or more creatives.",
    )


def not_reported() -> Decision:
    """No verdict on a running creative whose metrics are left out."""
    return (
        NONE,
        "无法判断：模型的数据里它还在投，这次没有给出它的数据；把千川导出一起放进来。",
        "No verdict: it runs by the model's data, and its metrics are left out here; give them too.",
    )


def what_came(rate: str, asked_roi: float, spend_cny: float, orders: float, roi: float) -> Decision:
    """No verdict on a creative that has stopped, and as the reason what came: NaN for what is not known.

    Args:
        rate: `net_roi` or `roi`; empty where the columns allow neither.
        asked_roi: Its target.
        spend_cny, orders, roi: Of the creative's life; ROI as far as refunds have closed.
    """
    zh, en = [], []
    if isfinite(spend_cny):
        zh.append(f"消耗 {spend_cny:,.0f} 元")
        en.append(f"{spend_cny:,.0f} CNY spent")
    if isfinite(orders):
        zh.append(f"成交 {orders:,.0f} 单")
        en.append(f"{orders:,.0f} orders")
    if rate and isfinite(roi):
        label = TARGETS[rate].label
        zh.append(f"{label.zh} {roi:.2f}（目标 {asked_roi:.2f}）")
        en.append(f"{label.en} {roi:.2f} (target {asked_roi:.2f})")
    came = "，".join(zh) or "投放数据没有消耗", ", ".join(en) or "its metrics have no spend"
    return NONE, f"已停：{came[0]}。", f"Stopped: {came[1]}."


def hit_words(facts: Facts, promotion_type: str) -> Words:
    """What a hit is: the top share of its promotion type (empty: of any), by what, over how many days."""
    kind = PROMOTION_TYPES.get(promotion_type, Words(promotion_type or "同推广方式", promotion_type))
    volume = Words("展示", "impressions") if facts.counts_impressions else Words("消耗", "spend")
    measure, share = HIT_MEASURES.get(facts.hit_measure, volume), f"{facts.hit_share * 100:.3g}%"
    whose = f"{kind.en} creatives" if kind.en else "its promotion type"
    return Words(
        f"{facts.outcome_days} 天{measure.zh}居{kind.zh}前 {share}",
        f"top {share} of {whose} by {measure.en} in {facts.outcome_days} days",
    )


@cache
def _comparison(condition: str) -> tuple[Callable[[float, float], bool], float | str]:
    return parsed(condition)


def _chance(known: Known, facts: Facts) -> Words:
    label, chance, asked = TARGETS[known.rate].label, _percent(known.figures["chance"]), f"{known.asked_roi:.2f}"
    return Words(f"{label.zh}达到 {asked} 的概率{chance.zh}", f"{chance.en} chance of {label.en} {asked}")


def _rate_chance(known: Known, facts: Facts) -> Words:
    """How sure the data are of its true ROI: what it would show with any amount of traffic."""
    sure = known.figures["rate_chance"]
    if isnan(sure):
        return Words("给够流量能否达标不知道", "whether enough traffic would bring it there is not known")
    zh, en = _percent(sure)
    return Words(f"给够流量达标的把握{zh}", f"{en} sure given enough traffic")


def _hit_chance(known: Known, facts: Facts) -> Words:
    chance, hit = _percent(known.figures["hit_chance"]), hit_words(facts, known.promotion_type)
    return Words(f"爆款（{hit.zh}）概率{chance.zh}", f"{chance.en} chance of a hit ({hit.en})")


def _less(known: Known) -> Words:
    """By how much the cost of an order has to fall until the predicted ROI is at its target."""
    share = _percent(1.0 - known.figures["roi_to_target"])
    return Words(
        f"卖得多却不赚：先压价，每单成本降{share.zh} 才到目标",
        f"it sells at a loss: bid less, an order has to cost {share.en} less to reach the target",
    )


def _roi_to_target(known: Known, facts: Facts) -> Words:
    zh, en = TARGETS[known.rate].label
    if not known.figures["roi_to_target"] >= 1:
        # Where both round to the same figure the sentence says that they are close.
        close = f"{known.roi:.2f}" == f"{known.asked_roi:.2f}"
        return Words(
            f"预计{zh}平均 {known.roi:.2f}，{'略' if close else ''}低于目标",
            f"predicted {en} {known.roi:.2f} on average, {'just ' if close else ''}below the target",
        )
    return Words(
        f"预计{zh}平均 {known.roi:.2f}，不低于目标",
        f"predicted {en} {known.roi:.2f} on average, not below the target",
    )


def _spend_cny(known: Known, facts: Facts) -> Words:
    spend, line = known.figures["spend_cny"], facts.settings.stop_spend_cny
    if isnan(spend):
        return Words("消耗未知", "its spend is not known")
    if spend < line:
        return Words(f"只消耗 {spend:,.0f} 元，不足 {line:g} 元", f"only {spend:,.0f} CNY spent, less than {line:g}")
    if known.own_events < LITTLE_EVIDENCE:
        return Words(
            f"只花 {spend:,.0f} 元，凭同类素材",
            f"only {spend:,.0f} CNY spent, so by others like it",
        )
    return Words(f"已消耗 {spend:,.0f} 元", f"{spend:,.0f} CNY spent")


def _more_events(known: Known, facts: Facts) -> Words:
    """How much more evidence is needed to tell the creative from others like it, or that there is enough."""
    more = known.figures["more_events"]
    if not more > 0:
        if not facts.counts_orders:
            return Words("自身数据足以与同类素材分出高低", "its own counts tell it from others like it")
        return Words(
            f"已有的流量按平均水平应成交 {known.own_events:.0f} 单，足以与同类素材分出高低",
            f"its traffic ({known.own_events:.0f} orders at the mean rate) tells it from others like it",
        )
    waiting, sure = known.status == WAITING, f"{facts.settings.distinguish_probability:.0%}"
    if isfinite(known.more_cny):
        amount = Words(f"约 {amount_of(known.more_cny)} 元", f"about {amount_of(known.more_cny)} CNY")
    else:
        volume = amount_of(known.more_volume)
        amount = Words(f"约 {volume} 次展示", f"about {volume} impressions")
    orders = _orders(more) if facts.counts_orders else Words("", "")
    others = Words("中位素材", "the median candidate") if waiting else Words("同类素材", "others like it")
    begin = Words("试投", "") if waiting else Words("证据不足，再投", "not enough evidence, ")
    zh = f"{begin.zh}{amount.zh}{orders.zh}可以 {sure} 的把握与{others.zh}分出高低"
    en = f"{begin.en}{amount.en}{'' if waiting else ' more'}{orders.en} tell it from {others.en} with {sure} certainty"
    few = _few_like_it(known, facts)
    return Words(f"{zh}{few.zh}", f"{en}{few.en}")


def _few_like_it(known: Known, facts: Facts) -> Words:
    """That few creatives like it have known outcomes, in brackets; empty where enough have."""
    if known.creatives_like >= facts.settings.min_creatives:
        return Words("", "")
    return Words(
        f"（同类素材结果已知的只有 {known.creatives_like} 条）",
        f" (only {known.creatives_like} creatives like it have known outcomes)",
    )


def _decide_cny(known: Known, facts: Facts) -> Words:
    """How much is missing until a decision, and whether the spend to come will bring it."""
    spend = known.figures["decide_cny"]
    if isnan(spend):
        return Words("还差多少数据不知道", "how much is missing is not known")
    if spend <= 0:
        return Words("水平看得清，这几天的单量看不清", "its level is clear, the orders of these days are not")
    if not isfinite(spend):
        return Words("离目标太近，再多数据也难分", "too close to its target for any data to tell")
    orders = Words("", "")
    if facts.counts_orders:
        orders = _orders(known.decide_events)
    days = spend / known.later_spend * facts.outcome_days if known.later_spend > 0 else nan
    if days <= facts.outcome_days:
        when = Words(f"照预计消耗约 {max(days, 1):.0f} 天", f"in about {max(days, 1):.0f} days at its pace")
    elif isfinite(known.later_spend):
        when = Words(
            f"照预计 {facts.outcome_days} 天只花 {amount_of(known.later_spend)} 元，到不了",
            f"not reached by the {amount_of(known.later_spend)} CNY of the next {facts.outcome_days} days",
        )
    else:
        when = Words("几天能花到不知道", "in how many days is not known")
    few = _few_like_it(known, facts)
    return Words(
        f"再花约 {amount_of(spend)} 元{orders.zh}有一半可能下结论，{when.zh}{few.zh}",
        f"about {amount_of(spend)} CNY more{orders.en} decide it as likely as not, {when.en}{few.en}",
    )


def _later_high(known: Known, facts: Facts) -> Words:
    low, high = known.later_low, known.figures["later_high"]
    if facts.counts_impressions:
        return Words(
            f"后续展示多半只有 {low:,.0f}–{high:,.0f} 次", f"probably only {low:,.0f}–{high:,.0f} later impressions"
        )
    return Words(
        f"后续消耗多半只有 {low:,.0f}–{high:,.0f} 元", f"probably only {low:,.0f}–{high:,.0f} CNY of later spend"
    )


def _place(known: Known, facts: Facts) -> Words:
    place = known.figures["place"]
    kind = promotion_type_label(known.promotion_type)
    if isnan(place):
        return Words(
            f"{kind.zh}投放前的预测太少，排不出名次",
            f"too few predictions of {kind.en} creatives before launch to place it",
        )
    return Words(f"预计高于 {place:.0%} 的{kind.zh}新素材", f"predicted above {place:.0%} of new {kind.en} creatives")


_SENTENCES: Mapping[Figure, Callable[[Known, Facts], Words]] = {
    "chance": _chance,
    "rate_chance": _rate_chance,
    "hit_chance": _hit_chance,
    "roi_to_target": _roi_to_target,
    "spend_cny": _spend_cny,
    "more_events": _more_events,
    "decide_cny": _decide_cny,
    "later_high": _later_high,
    "place": _place,
}


def _orders(count: float) -> Words:
    """Orders in brackets: from ten on whole ones."""
    number = f"{count:.1f}" if count < 10 else f"{count:,.0f}"
    return Words(f"（约 {number} 单）", f" ({number} orders)")


def _percent(chance: float) -> Words:
    """A chance in whole percent, never 0 or 100 %; in Chinese behind the space before a number."""
    if chance < 0.01:
        return Words("不到 1%", "less than 1%")
    if chance > 0.99:
        return Words("超过 99%", "more than 99%")
    return Words(f" {chance:.0%}", f"{chance:.0%}")


def amount_of(value: float) -> str:
    """Format an estimate with two significant digits."""
    if value < 1:
        return "1"
    digits = max(floor(log10(value)) - 1, 0)
    return f"{round(value / 10**digits) * 10**digits:,.0f}"

"""The verdict on a creative (scale, test, hold or stop) and its reason, in Chinese and in English."""

from dataclasses import dataclass
from math import floor, isfinite, isnan, log10

from configs.settings import Verdict
from features.bilingual import Words
from features.funnel import TARGETS

SCALE, TEST, HOLD, STOP, NONE = "scale", "test", "hold", "stop", ""
VERDICT_LABELS = {
    SCALE: Words("放量", "Scale"),
    TEST: Words("继续测试", "Test"),
    HOLD: Words("维持", "Hold"),
    STOP: Words("停投", "Stop"),
    NONE: Words("无法判断", "No verdict"),
}
VERDICT_COLUMNS = ["verdict", "verdict_reason_zh", "verdict_reason_en"]


@dataclass(frozen=True)
class VerdictInputs:
    """What a verdict is computed from, for one creative.

    Attributes:
        rate: Target of the verdict: `net_roi` or `roi`.
        roi_to_reach: The ROI target.
        chance: Probability of reaching it in an outcome window with traffic.
        hit_chance: Probability of a hit; NaN where it is not predicted.
        spend_cny: Spend so far; NaN where it is not known.
        own_events: Orders (or clicks …) so far.
        more_events: Further events needed to distinguish the creative from similar ones.
        more_cny: Spend expected to bring them; NaN where the cost of traffic is not predicted.
        more_volume: Impressions expected to bring them.
        creatives_like: Number of creatives of similar age, evidence and promotion type with known outcomes.
        counts_orders: True if the events are orders.
    """

    rate: str
    roi_to_reach: float
    chance: float
    hit_chance: float
    spend_cny: float
    own_events: float
    more_events: float
    more_cny: float
    more_volume: float
    creatives_like: int
    counts_orders: bool


def verdict(known: VerdictInputs, settings: Verdict) -> tuple[str, str, str]:
    """Return the verdict on a creative, and its reason in Chinese and in English.

    With little evidence, a creative is stopped only after `stop_spend_cny`, and scaled only where a hit is likely.
    """
    enough = known.more_events <= 0
    tested = known.spend_cny >= settings.stop_spend_cny or (isnan(known.spend_cny) and enough)
    zh, en = _chance(known)
    if known.chance <= settings.stop_chance and tested:
        spent = ("", "") if isnan(known.spend_cny) else _spent(known.spend_cny)
        return _labelled(STOP, f"{spent[0]}{zh},不高于停投线 {settings.stop_chance:.0%}", f"{spent[1]}{en}")
    if known.hit_chance >= settings.scale_hit_chance and known.chance >= settings.hit_needs_chance:
        return _labelled(
            SCALE, f"成为爆款的概率为 {known.hit_chance:.0%},{zh}", f"{known.hit_chance:.0%} chance of a hit; {en}"
        )
    if not enough:
        cure = missing(known, settings)
        return _labelled(TEST, f"证据不足,{zh};{cure[0]}", f"not enough evidence; {en}; {cure[1]}")
    if known.chance >= settings.scale_chance:
        return _labelled(SCALE, f"{zh},{_own(known)[0]}", f"{en}; {_own(known)[1]}")
    zh += f",介于停投线 {settings.stop_chance:.0%} 与放量线 {settings.scale_chance:.0%} 之间"
    en += f", between the line of stopping ({settings.stop_chance:.0%}) and of scaling ({settings.scale_chance:.0%})"
    return _labelled(HOLD, zh, en)


def missing(known: VerdictInputs, settings: Verdict) -> tuple[str, str]:
    """Say how much more data is needed to distinguish the creative from similar ones, in Chinese and in English."""
    if isfinite(known.more_cny):
        amount, spent = f"再投约 {_amount(known.more_cny)} 元", f"about {_amount(known.more_cny)} CNY more"
    else:
        amount, spent = (
            f"再获约 {_amount(known.more_volume)} 次展现",
            f"about {_amount(known.more_volume)} more impressions",
        )
    if known.counts_orders:
        amount, spent = f"{amount}(约 {known.more_events:.1f} 单)", f"{spent} ({known.more_events:.1f} orders)"
    sure = f"{settings.distinguish_probability:.0%}"
    zh = f"{amount},才能以 {sure} 的把握与同类素材分出高低"
    en = f"{spent} until it can be told from another like it with {sure} certainty"
    short = settings.min_creatives - known.creatives_like
    if short > 0:
        zh += f";同龄同类且结果已知的素材只有 {known.creatives_like} 条,还需约 {short} 条"
        en += f"; only {known.creatives_like} creatives like it have known outcomes, about {short} more are needed"
    return zh, en


def no_verdict(rate: str, rows: int, needed: int) -> tuple[str, str, str]:
    """Return the empty verdict where probabilities are not calibrated, with the data that are missing.

    Args:
        rate: `net_roi` or `roi`; empty where the columns allow neither.
        rows: Out-of-fold rows with a known outcome.
        needed: Rows needed for calibration.
    """
    if not rate:
        return _labelled(
            NONE,
            "证据不足,数据中没有消耗或成交金额,无法计算ROI;请在导出报表时加上这两列",
            "not enough evidence: without spend and gmv there is no ROI; add both columns to the export",
        )
    zh, en = TARGETS[rate].label
    return _labelled(
        NONE,
        f"证据不足,{zh}的概率尚未校准:结果已知的样本只有 {rows} 行,需要 {needed} 行,请导入更早的报表或更多素材",
        f"not enough evidence: chances of {en} are not calibrated, {rows} rows with known outcomes of {needed} needed; "
        "import earlier exports or more creatives",
    )


def _labelled(code: str, zh: str, en: str) -> tuple[str, str, str]:
    return code, f"{VERDICT_LABELS[code].zh}:{zh}。", f"{VERDICT_LABELS[code].en}: {en}."


def _chance(known: VerdictInputs) -> tuple[str, str]:
    zh, en = TARGETS[known.rate].label
    return (
        f"{zh}达到 {known.roi_to_reach:.2f} 的概率为 {known.chance:.0%}",
        f"{known.chance:.0%} chance that {en} reaches {known.roi_to_reach:.2f}",
    )


def _own(known: VerdictInputs) -> tuple[str, str]:
    if not known.counts_orders:
        return "自身数据足以与同类素材区分", "its own counts tell it from others like it"
    return (
        f"已有 {known.own_events:.0f} 单,足以与同类素材区分",
        f"its {known.own_events:.0f} orders tell it from others like it",
    )


def _spent(spend_cny: float) -> tuple[str, str]:
    return f"已消耗 {_amount(spend_cny)} 元,", f"{_amount(spend_cny)} CNY spent; "


def _amount(value: float) -> str:
    """Format an estimate with two significant digits."""
    if value < 1:
        return "1"
    digits = max(floor(log10(value)) - 1, 0)
    return f"{round(value / 10**digits) * 10**digits:,.0f}"

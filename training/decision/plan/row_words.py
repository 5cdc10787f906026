"""What is said of each creative of a plan: why it is launched or not, its evidence, and where its decision differs."""

from features.bilingual import Words
from features.targets import TARGETS
from training.decision.plan.evidence import SCALE, STOP, WATCH
from training.decision.plan.rows import CandidateRow, RunningRow
from training.decision.rules import LITTLE_EVIDENCE, VERDICT_LABELS

LONG_DAYS = 60
"""Days from which a test is only called long: nobody waits for it."""
MOST_EVIDENCE = 1000.0
"""Evidence from which its size says nothing more."""
CALLS = {
    STOP: Words("证据足够：不达标", "enough: below target"),
    SCALE: Words("证据足够：超目标", "enough: above target"),
    WATCH: Words("证据不足", "not enough"),
}
"""Call → what the evidence says."""
STANDINGS = {
    "launch": Words("", ""),
    "same_idea": Words("与选中的是同一个点子，同一个点子最多投一条。", "A launch has the same idea: one of each."),
    "no_gain": Words("预计净增不到 0。", "It is expected to gain nothing."),
    "other": Words("净增排在后面，钱先给前面的。", "Others gain more for the money."),
}
"""Standing → why a candidate is not launched."""


LITTLE_GAIN = 0.01
"""Expected gain, as a share of the test's money, below which a launch is said to bring little more than knowledge."""


def candidate_reason(one: CandidateRow, roi: str) -> Words:
    """Why a candidate is launched or not, and where its decision says something else.

    Args:
        one: The candidate.
        roi: Name of the ROI that the plan is about.
    """
    name, span = TARGETS[roi].label, span_of(one.gain_low, one.gain_high)
    zh = f"{name.zh} 预计 {one.roi:.2f}，目标 {one.target:.2f}"
    en = f"{name.en} {one.roi:.2f} forecast, target {one.target:.2f}"
    if one.hit_chance is not None:
        hit = odds(one.hit_chance)
        zh, en = f"{zh}；爆款概率 {hit.zh}", f"{en}; hit {hit.en}"
    gain = signed(one.gain)
    zh, en = f"{zh}；预计净增 {gain} 元（{span.zh}）。", f"{en}; expected gain {gain} CNY ({span.en})."
    if one.standing == "launch" and one.gain < LITTLE_GAIN * one.test:
        zh += "净增不到测试金额的 1%，这笔钱主要用来分出高低：预算紧就先不投它。"
        en += " That is less than 1% of the test's money, which mostly buys knowledge: where money is short, leave it."
    why = STANDINGS[one.standing]
    zh, en = f"{why.zh}{zh}", f"{why.en} {en}".strip()
    if one.verdict and (one.verdict == "first") != (one.standing == "launch"):
        label = VERDICT_LABELS[one.verdict]
        zh += f"决策是“{label.zh}”：决策看它自己的预测名次，计划看花这笔钱预计净增多少、点子是否不同。"
        en += (
            f" The decision is “{label.en}”: it goes by the creative's own predicted place, the plan by what the money "
            "is expected to gain and by different ideas."
        )
    return Words(zh, en)


def alike(count: int) -> Words:
    """How many candidates have the idea."""
    if count < 2:
        return Words("这个点子只有它", "the only one of its idea")
    return Words(f"同一个点子有 {count} 条候选", f"one of {count} candidates with the idea")


def days(low: float, high: float) -> Words:
    """From … to … days."""
    if low > LONG_DAYS:
        return Words(f"{LONG_DAYS} 天以上", f"over {LONG_DAYS} days")
    first, last = f"{low:.0f}", f"{high:.0f}" if high <= LONG_DAYS else f"{LONG_DAYS}+"
    span = first if first == last else f"{first}–{last}"
    return Words(f"{span} 天", f"{span} days")


def evidence(one: RunningRow, needed: float) -> Words:
    """The size of the evidence, of the side with more of it."""
    below = one.evidence_below >= one.evidence_above
    most = one.evidence_below if below else one.evidence_above
    if one.call == WATCH and most <= 1.0:
        return Words("两边都没有", "on neither side")
    size = f"{most:.1f}" if most < 10 else f"{most:,.0f}" if most < MOST_EVIDENCE else f"{MOST_EVIDENCE:,.0f}+"
    side = Words("不达标", "below") if below else Words("超目标", "above")
    if one.call != WATCH:
        return Words(f"{size} 倍，要 {needed:.0f} 倍", f"{size} times, {needed:.0f} needed")
    return Words(f"{side.zh} {size} 倍，要 {needed:.0f} 倍", f"{side.en}: {size} times, {needed:.0f} needed")


def running_notes(one: RunningRow, change: float) -> Words:
    """Where decision, evidence and money of today do not go together, and why; empty where they do.

    Args:
        one: The running creative.
        change: Most change of its money in a day.
    """
    return together(differs(one, change), paused(one), less(one))


def differs(one: RunningRow, change: float) -> Words:
    """Why evidence and decision on a creative are not the same; empty where they agree."""
    if one.verdict == one.call or not one.verdict or (one.call == WATCH and one.verdict not in (STOP, SCALE)):
        return Words("", "")
    label = VERDICT_LABELS[one.verdict]
    told = odds(one.chance)
    own_zh = f"素材自己花 {one.spent:,.0f} 元、回 {one.money:,.0f} 元"
    own_en = f"its own {one.spent:,.0f} CNY brought {one.money:,.0f}"
    said_zh, said_en = {
        STOP: ("，已足够说不达标", ", enough to call it below target"),
        SCALE: ("，已足够说超目标", ", enough to call it above target"),
        WATCH: ("，还不够下结论", ", not enough to tell"),
    }[one.call]
    by_zh = by_en = ""
    if one.call == WATCH and one.target * one.spent < LITTLE_EVIDENCE * one.order_value:
        by_zh, by_en = "，凭同类素材", ", by others like it"
    zh = f"决策是“{label.zh}”：模型给的达标概率 {told.zh}{by_zh}；{own_zh}{said_zh}。"
    en = (
        f"The decision is “{label.en}”: the model puts the chance of its target at {told.en}{by_en}; {own_en}{said_en}."
    )
    if one.call == WATCH and one.verdict == STOP and one.yesterday * (1.0 - change) - 0.5 <= one.today < one.yesterday:
        zh += f"钱先按每天最多 {change:.0%} 往下减。"
        en += f" Its money goes down by {change:.0%} a day at most."
    return Words(zh, en)


def less(one: RunningRow) -> Words:
    """Why a creative that is to be scaled gets less money than lately; empty for others."""
    if SCALE not in (one.verdict, one.call) or one.call == STOP or not 0 < one.today < one.yesterday - 0.5:
        return Words("", "")
    return Words(
        "该加量，今天却少分：今天的总额有限，先给抽到ROI 更高的；想加就提高预算。",
        "To be scaled, and it gets less today: the money of the day goes first to the higher ROIs drawn; a larger "
        "budget gives it more.",
    )


def paused(one: RunningRow) -> Words:
    """Why a creative that is to run by its decision gets no money today; empty for others."""
    if one.today > 0 or one.call == STOP or one.verdict in ("", STOP):
        return Words("", "")
    label = VERDICT_LABELS[one.verdict]
    told = odds(one.chance)
    lot = (
        Words("；停不停是抽签，明天再抽", "; the pause is drawn by lot, tomorrow anew")
        if one.propensity
        else Words("", "")
    )
    return Words(
        f"决策是“{label.zh}”，今天的钱先不给：模型给的达标概率 {told.zh}，先给更可能达标的{lot.zh}。",
        f"The decision is “{label.en}”, and it gets no money today: the model puts the chance of its target at "
        f"{told.en}, and what is likelier comes first{lot.en}.",
    )


def funded(one: RunningRow) -> Words:
    """The chance with which it runs today, and what was drawn."""
    share = odds(one.propensity)
    if one.call == STOP:
        return Words("不投", "none")
    if one.today <= 0:
        return Words(f"{share.zh}，今天停", f"{share.en}, paused today")
    return share


def odds(chance: float | None) -> Words:
    """A probability; one that is neither 0 nor 1 is not rounded to either."""
    if chance is None:
        return Words("–", "–")
    if 0.0 < chance < 0.005:
        return Words("不到 1%", "under 1%")
    if 0.995 <= chance < 1.0:
        return Words("99% 以上", "over 99%")
    return Words(f"{chance:.0%}", f"{chance:.0%}")


def signed(money: float) -> str:
    """Whole CNY, with a minus sign where they are lost."""
    return f"{money:,.0f}".replace("-", "−") if round(money) else "0"


def span_of(low: float, high: float) -> Words:
    """A range of CNY; one with a loss is written out, since a dash beside a minus cannot be read."""
    if low >= -0.5:
        return Words(f"{signed(low)}–{signed(high)}", f"{signed(low)}–{signed(high)}")
    return Words(f"{signed(low)} 至 {signed(high)}", f"{signed(low)} to {signed(high)}")


def together(*said: Words) -> Words:
    """Sentences one after the other."""
    return Words("".join(one.zh for one in said), " ".join(one.en for one in said if one.en))

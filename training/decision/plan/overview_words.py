"""What is said of a plan as a whole: launches, today's money, evidence, the platform, and what is promised."""

from collections import Counter
from collections.abc import Sequence

from configs.decision_settings import PlanSettings
from features.bilingual import Words
from features.point_in_time.counts import RECENT_DAYS
from training.decision.plan.dispersion import LEAST_CREATIVES
from training.decision.plan.make_plan import Summary
from training.decision.plan.refusals import PlanRefused
from training.decision.plan.row_words import differs, odds, signed, span_of
from training.decision.plan.rows import NotLaunched, RunningRow
from training.decision.rules import VERDICT_LABELS


def headline(budget: Words, launched: Words, today: Words) -> Words:
    """The finding: budget, launches, today's money."""
    return Words(f"{budget.zh}：{launched.zh}；{today.zh}。", f"{budget.en}: {launched.en}; {today.en}.")


def of_budget(summary: Summary) -> Words:
    """The budget and its days."""
    return Words(
        f"{summary.days} 天预算 {summary.budget:,.0f} 元", f"With {summary.budget:,.0f} CNY for {summary.days} days"
    )


def launches(summary: Summary, told: bool = True) -> Words:
    """How many of the candidates are launched, what the tests take, and the chance of hits.

    Args:
        summary: Of the plan.
        told: Whether launches could be chosen.
    """
    if not summary.candidates:
        return Words("没有待投的素材", "no creative is waiting")
    if not told:
        return Words(
            f"待投的 {summary.candidates:,} 条先投哪些，回答不了",
            f"what to launch of the {summary.candidates:,} waiting is not told",
        )
    if not summary.launched:
        return Words(
            f"待投的 {summary.candidates:,} 条一条也不建议投（达标之上都没有预计净增）",
            f"none of the {summary.candidates:,} waiting is worth launching (no gain above target is expected)",
        )
    chance = odds(summary.hit_chance)
    return Words(
        f"待投 {summary.candidates:,} 条里先投 {summary.launched} 条，测试共 {summary.test_money:,.0f} 元，"
        f"至少出 {summary.hits} 个爆款的概率 {chance.zh}",
        f"launch {summary.launched} of {summary.candidates:,} waiting, tests take {summary.test_money:,.0f} CNY, "
        f"chance of at least {summary.hits} hit(s) {chance.en}",
    )


def launches_refused(why: PlanRefused) -> Words:
    """Why launches could not be chosen, in the names of its surface, and what becomes of the money."""
    return Words(f"{why.zh}预算先全部分给在投的。", f"{why} Until then all of the budget goes to those running.")


def today(summary: Summary, before: float) -> Words:
    """Today's money of the running creatives, and how many the evidence stops or scales.

    Args:
        summary: Of the plan.
        before: CNY that they spent in a day lately.
    """
    if not summary.running:
        zh = "没有在投的素材，预算只分给测试（在投的也给了，才一起分）"
        en = "no creative is running: tests have the budget to themselves (give running ones too, and all share it)"
        if (left := summary.budget - summary.test_money) >= 1:
            zh += f"；剩 {left:,.0f} 元先留着，加给测试预计也不会多赚"
            en += f"; {left:,.0f} CNY are left: more for the tests is expected to gain nothing"
        return Words(zh, en)
    given = summary.today - summary.unspent
    return Words(
        f"在投 {summary.running:,} 条今天共 {given:,.0f} 元（近 {RECENT_DAYS} 天日均 {before:,.0f} 元），"
        f"证据足够关停 {summary.stopped} 条、加量 {summary.scaled} 条",
        f"{given:,.0f} CNY today for {summary.running:,} running ({before:,.0f} a day in the last "
        f"{RECENT_DAYS}), evidence enough to stop {summary.stopped} and to scale {summary.scaled}",
    )


def gain(summary: Summary) -> Words:
    """What the launches are expected to bring, and how good the choice is; empty without launches."""
    if not summary.launched:
        return Words("", "")
    mean, span = signed(summary.gain), span_of(summary.gain_low, summary.gain_high)
    zh = f"选出的 {summary.launched} 条预计净增（达标之上）平均 {mean} 元，看平台跟不跟预算：{span.zh} 元。"
    en = f"Expected gain above target: {mean} CNY on average, {span.en} by how far the platform follows the budget. "
    if summary.gain_gap < 0.0005:
        zh, en = f"{zh}净增已是能做到的最多", f"{en}No choice gains more"
    else:
        gap = f"{summary.gain_gap:.1%}"
        zh, en = f"{zh}净增离能做到的最多差不超过 {gap}", f"{en}The gain is within {gap} of the most possible"
    if summary.most_hit_chance is not None:
        bound = f"{summary.most_hit_chance:.0%}"
        zh += f"，爆款概率怎么选都不超过 {bound}"
        en += f", and no choice has a chance of hits beyond {bound}"
    zh, en = f"{zh}。同一个点子最多投一条。", f"{en}. At most one creative of each idea."
    if summary.method == "greedy":
        zh += "候选太多，是按净增从高到低贪心选的，差距来自线性松弛。"
        en += " Too many candidates for an exact choice: chosen greedily by gain; the distance is to the linear bound."
    return Words(zh, en)


def left_out(others: NotLaunched) -> Words:
    """Why the other candidates wait; empty where there is none."""
    reasons = [
        (others.same_idea, Words("与选中的是同一个点子", "show the same idea as a launch")),
        (others.no_gain, Words("预计净增不到 0", "are expected to gain nothing")),
        (others.other, Words("净增排在后面，钱先给前面的", "gain less for the money")),
    ]
    told = [(count, why) for count, why in reasons if count]
    if not told:
        return Words("", "")
    zh = "，".join(f"{count:,} 条{why.zh}" for count, why in told)
    en = ", ".join(f"{count:,} {why.en}" for count, why in told)
    first_zh = first_en = ""
    if others.first:
        first_zh = f"其中 {others.first} 条的决策是“{VERDICT_LABELS['first'].zh}”：决策看预测名次，计划还看要花多少钱。"
        first_en = (
            f" {others.first} of them have the decision “{VERDICT_LABELS['first'].en}”: decisions go by predicted "
            "place, the plan also by what a test costs."
        )
    return Words(f"没选的：{zh}。{first_zh}", f"Not launched: {en}.{first_en}")


def split(summary: Summary, settings: PlanSettings) -> Words:
    """How today's money is split; empty where nothing runs."""
    if not summary.running:
        return Words("", "")
    cap, change = f"{settings.cap_share:.0%}", f"{settings.change:.0%}"
    zh = (
        f"今天可分 {summary.today:,.0f} 元，先给更可能达标的；每条一天最多变动 {change}"
        f"（停投、补足最低 {settings.floor_cny:g} 元除外；总额比近 {RECENT_DAYS} 天少时，先按比例缩）、最多占 {cap}，"
        f"因此留着 {summary.unspent:,.0f} 元。抽签停投的写明概率。"
    )
    en = (
        f"{summary.today:,.0f} CNY for today go first to what is likeliest to reach its target; at most {change} "
        f"change a day (but for pauses and the least of {settings.floor_cny:g} CNY; of its part, where there is less "
        f"in all) and {cap} for one creative, so {summary.unspent:,.0f} CNY stay unspent. Pauses are drawn by lot, "
        "with the chance that is named."
    )
    if summary.candidates and summary.test_money:
        zh = f"预算里 {summary.test_money:,.0f} 元给测试（在投时测试最多占 {settings.test_share:.0%}）。{zh}"
        en = f"{summary.test_money:,.0f} CNY of the budget are for tests ({settings.test_share:.0%} at most). {en}"
    return Words(zh, en)


def differing(rows: Sequence[RunningRow], settings: PlanSettings) -> Words:
    """How many running creatives have a decision that evidence does not bear out; empty without any."""
    counts = Counter(one.verdict for one in rows if differs(one, settings.change).zh)
    told = [(VERDICT_LABELS[verdict], count) for verdict, count in counts.items()]
    if not told:
        return Words("", "")
    zh = "、".join(f"“{label.zh}” {count:,} 条" for label, count in told)
    en = ", ".join(f"“{label.en}” {count:,}" for label, count in told)
    wins = Words("", "")
    if counts["stop"]:
        wins = Words(
            "先看决策：决策说关停的就停，分给它的钱是还没停之前的上限。",
            " The decision goes first: what it stops is stopped, and its money is the most until then.",
        )
    return Words(
        f"决策与证据不一致的：{zh}。{wins.zh}", f"Decisions that the evidence does not bear out: {en}.{wins.en}"
    )


def evidence_meaning(settings: PlanSettings) -> Words:
    """What evidence is, and how it differs from decisions."""
    needed = f"{1.0 / settings.false_stop:.0f}"
    return Words(
        "证据＝只看素材自己花的钱和回来的钱，“不达标”（或“超目标”）比反过来好解释多少倍，"
        f"满 {needed} 倍才算足够。决策看的是模型的概率：更早，但可能错；证据更晚，更稳。两者不一致的，行里写明原因。",
        "Evidence: from the creative's own spend and money alone, how many times better “below target” (or “above”) "
        f"explains them than the contrary; {needed} times is enough. Decisions go by the model's chances: earlier, "
        "and they may be wrong; evidence is later and surer. Where the two differ, the row says why.",
    )


def platform(summary: Summary) -> Words:
    """That the platform delivers, with the elasticities of the bands."""
    ends = summary.elasticities
    low, middle, high = ends[0], ends[len(ends) // 2], ends[-1]
    return Words(
        "投放由平台决定，不由我们决定：给了预算不一定花得出去。所以天数和净增写成范围：一头是平台完全不理预算、照预测自己跑"
        f"（弹性 {low:g}），一头是完全跟着预算走（弹性 {high:g}），中间值按 {middle:g} 算。",
        "The platform delivers, not we: a budget that is set need not be spent. Days and gains are therefore ranges, "
        f"from delivery that ignores the budget and runs as forecast (elasticity {low:g}) to delivery that follows it "
        f"(elasticity {high:g}); the middle is {middle:g}.",
    )


def promise(settings: PlanSettings) -> Words:
    """What holds however wrong the forecast is, under which assumptions, and what does not."""
    error, ratio = f"{settings.false_stop:.0%}", f"{settings.order_value_ratio:g}"
    return Words(
        f"保证的是：达标的素材被误判为不达标，概率不超过 {error}，不管看多少次、预测准不准"
        "；客单参差、订单成批都算在内，按账户自己过去的日数据估，取 95% 上限"
        f"（素材不到 {LEAST_CREATIVES} 条的账户：前提是一单的金额加权均值不超过预测客单的 {ratio} 倍，订单不成批）。"
        "不保证的是：预计净增是平均数，一次的结果可以差很远。",
        f"Promised: a creative at its target is called below it with probability {error} at most, however often one "
        "looks and however wrong the forecast is. How unevenly money comes is learnt from past days of the account, by "
        f"its upper 95 % bound; with fewer than {LEAST_CREATIVES} creatives a mean order weighted by money of {ratio} "
        "times the predicted one is assumed, and no bursts. Not promised: the expected gain is a mean, and one plan "
        "may end far from it.",
    )

"""投放计划: what to launch, what it costs, today's money, and where evidence and decisions differ."""

from collections.abc import Sequence

from features.bilingual import Words
from features.point_in_time.counts import RECENT_DAYS
from serving.report.first_screen import Trust
from serving.report.plan import SPEND_DAYS, PlanPart
from serving.report.wording.common import target as label_of
from serving.report.wording.plan_rows import odds
from training.decision.plan.make_plan import Summary
from training.decision.rules import VERDICT_LABELS

TITLE = Words("投放计划", "Plan")
"""Heading, and entry of the menu."""
TEXTS = {
    "plan_launches": Words("先投哪些", "What to launch"),
    "plan_split": Words("在投的今天怎么分", "Today's money"),
    "plan_evidence": Words(
        "证据＝只看素材自己花的钱和回来的钱，“不达标”（或“超目标”）比反过来好解释多少倍，满 {needed:.0f} 倍才算足够。"
        "决策看的是模型的概率：更早，但可能错；证据更晚，更稳。两者不一致的，行里写明原因。",
        "Evidence: from the creative's own spend and money alone, how many times better “below target” (or “above”) "
        "explains them than the contrary; {needed:.0f} times is enough. Decisions go by the model's chances: earlier, "
        "and they may be wrong; evidence is later and surer. Where the two differ, the row says why.",
    ),
    "plan_platform": Words(
        "投放由平台决定，不由我们决定：给了预算不一定花得出去。所以天数和净增写成范围：一头是平台完全不理预算、照预测自己跑"
        "（弹性 {low:g}），一头是完全跟着预算走（弹性 {high:g}），中间值按 {middle:g} 算。",
        "The platform delivers, not we: a budget that is set need not be spent. Days and gains are therefore ranges, "
        "from delivery that ignores the budget and runs as forecast (elasticity {low:g}) to delivery that follows it "
        "(elasticity {high:g}); the middle is {middle:g}.",
    ),
    "plan_promise": Words(
        "保证的是：达标的素材被误判为不达标，概率不超过 {error:.0%}，不管看多少次、预测准不准"
        "（前提：一单的金额加权均值不超过预测客单的 {ratio:g} 倍，订单不成批出现）。"
        "不保证的是：预计净增是平均数，一次的结果可以差很远。全文见 ",
        "Promised: a creative at its target is called below it with probability {error:.0%} at most, however often one "
        "looks and however wrong the forecast is (the mean order weighted by money is at most {ratio:g} times the "
        "predicted one, and orders do not come in bursts). Not promised: the expected gain is a mean, and one plan may "
        "end far from it. In full: ",
    ),
    "plan_filtered": Words(
        "筛选只决定显示哪些行；金额和概率仍按全部素材算。",
        "Filters choose which rows are shown; money and chances are still those of all creatives.",
    ),
}
"""Headings and paragraphs, by name."""


def no_plan(part: PlanPart) -> Words:
    """Why there is no plan at all."""
    if part.refused:
        return part.refused
    if not part.waiting and not part.running:
        return Words(
            "没有待投的素材，也没有在投的素材，没有钱要分。处理：把要投的素材写进标签表，再 make report。",
            "No creative is waiting and none is running, so there is no money to plan. Add those to launch to the tag "
            "sheet, then make report.",
        )
    what_zh = "、".join(text for text, count in (("先投哪些", part.waiting), ("在投的怎么分", part.running)) if count)
    what_en = " and ".join(
        text
        for text, count in (("what to launch", part.waiting), ("how to split today's money", part.running))
        if count
    )
    return Words(
        f"{what_zh}，回答不了：近 {SPEND_DAYS} 天没有消耗，也没有写预算，不知道有多少钱。"
        f"处理：make report BUDGET=<{part.outcome_days} 天的总预算，元>。",
        f"Not answered: {what_en}. Nothing was spent in the last {SPEND_DAYS} days and no budget was given. "
        f"Say make report BUDGET=<CNY for {part.outcome_days} days>.",
    )


def headline(part: PlanPart, summary: Summary) -> Words:
    """The finding: budget, launches, their cost and chance of hits, today's money and calls."""
    parts = [_launches(part, summary), _split(part, summary)]
    budget = _budget(part, summary)
    return Words(
        f"{budget.zh}：{'；'.join(one.zh for one in parts)}。", f"{budget.en}: {'; '.join(one.en for one in parts)}."
    )


def _budget(part: PlanPart, summary: Summary) -> Words:
    days, budget = summary.days, f"{summary.budget:,.0f}"
    if part.budget_given:
        return Words(f"{days} 天预算 {budget} 元", f"With {budget} CNY for {days} days")
    daily = f"{part.daily_spend or 0.0:,.0f}"
    return Words(
        f"按近 {SPEND_DAYS} 天日均消耗 {daily} 元算（{days} 天 {budget} 元；make report BUDGET=… 换一个数）",
        f"With the mean daily spend of the last {SPEND_DAYS} days, {daily} CNY ({budget} CNY for {days} days; make "
        f"report BUDGET=… takes another amount for {days} days)",
    )


def _launches(part: PlanPart, summary: Summary) -> Words:
    if part.launches_refused:
        return Words(f"待投的 {part.waiting:,} 条先投哪些，回答不了", f"what to launch of {part.waiting:,} is not told")
    if not summary.candidates:
        return Words("没有待投的素材", "no creative is waiting")
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


def _split(part: PlanPart, summary: Summary) -> Words:
    if not summary.running:
        return Words("没有在投的素材，今天没有要分的", "no creative is running, so nothing is split today")
    given, before = summary.today - summary.unspent, sum(one.yesterday for one in part.split)
    return Words(
        f"在投 {summary.running:,} 条今天共 {given:,.0f} 元（近 {RECENT_DAYS} 天日均 {before:,.0f} 元），"
        f"证据足够关停 {summary.stopped} 条、加量 {summary.scaled} 条",
        f"{given:,.0f} CNY today for {summary.running:,} running ({before:,.0f} a day in the last "
        f"{RECENT_DAYS}), evidence enough to stop {summary.stopped} and to scale {summary.scaled}",
    )


def launches_refused(part: PlanPart) -> Words:
    """Why waiting creatives are left out, and what becomes of the money."""
    why = part.launches_refused or Words("", "")
    return Words(f"{why.zh}下面把预算全部分给在投的。", f"{why.en} Below, all of the budget goes to those running.")


def gain(summary: Summary) -> Words:
    """What the launches are expected to bring, and how good the choice is."""
    span = f"{summary.gain_low:,.0f}–{summary.gain_high:,.0f}"
    zh = f"选出的 {summary.launched} 条预计净增（达标之上）平均 {summary.gain:,.0f} 元，看平台跟不跟预算：{span} 元。"
    en = (
        f"Expected gain above target: {summary.gain:,.0f} CNY on average, {span} by how far the platform follows the "
        "budget. "
    )
    if summary.gain_gap < 0.0005:
        zh, en = f"{zh}净增已是能做到的最多", f"{en}No choice gains more"
    else:
        gap = f"{summary.gain_gap:.1%}"
        zh, en = f"{zh}净增离能做到的最多差不超过 {gap}", f"{en}The gain is within {gap} of the most possible"
    if summary.most_hit_chance is not None:
        bound = f"{summary.most_hit_chance:.0%}"
        zh += f"，爆款概率怎么选都不超过 {bound}"
        en += f", and no choice has a chance of hits beyond {bound}"
    return Words(f"{zh}。同一个点子最多投一条。", f"{en}. At most one creative of each idea.")


def left_out(part: PlanPart) -> Words:
    """Why the other candidates wait; empty where there is none."""
    reasons = [
        (part.same_idea, Words("与选中的是同一个点子", "show the same idea as a launch")),
        (part.no_gain, Words("预计净增不到 0", "are expected to gain nothing")),
        (part.other, Words("净增排在后面，钱先给前面的", "gain less for the money")),
    ]
    told = [(count, why) for count, why in reasons if count]
    if not told or part.launches_refused:
        return Words("", "")
    zh = "，".join(f"{count:,} 条{why.zh}" for count, why in told)
    en = ", ".join(f"{count:,} {why.en}" for count, why in told)
    first_zh = first_en = ""
    if part.first_left:
        first_zh = (
            f"其中 {part.first_left} 条的决策是“{VERDICT_LABELS['first'].zh}”：决策看预测名次，计划还看要花多少钱。"
        )
        first_en = (
            f" {part.first_left} of them have the decision “{VERDICT_LABELS['first'].en}”: decisions go by predicted "
            "place, the plan also by what a test costs."
        )
    return Words(f"没选的：{zh}。{first_zh}", f"Not launched: {en}.{first_en}")


def split(part: PlanPart, summary: Summary) -> Words:
    """How today's money is split."""
    cap, change = f"{part.cap_share:.0%}", f"{part.change:.0%}"
    zh = (
        f"今天可分 {summary.today:,.0f} 元，先给更可能达标的；每条一天最多变动 {change}"
        f"（停投、补足最低 {part.floor_cny:g} 元除外；总额比近 {RECENT_DAYS} 天少时，先按比例缩）、最多占 {cap}，"
        f"因此留着 {summary.unspent:,.0f} 元。抽签停投的写明概率。"
    )
    en = (
        f"{summary.today:,.0f} CNY for today go first to what is likeliest to reach its target; at most {change} "
        f"change a day (but for pauses and the least of {part.floor_cny:g} CNY; of its part, where there is less in "
        f"all) and {cap} for one creative, so {summary.unspent:,.0f} CNY stay unspent. Pauses are drawn by lot, with "
        "the chance that is named."
    )
    if summary.candidates and summary.test_money:
        zh = f"预算里 {summary.test_money:,.0f} 元给测试（在投时测试最多占 {part.test_share:.0%}）。{zh}"
        en = f"{summary.test_money:,.0f} CNY of the budget are for tests ({part.test_share:.0%} at most). {en}"
    return Words(zh, en)


def platform(summary: Summary) -> Words:
    """That the platform delivers, with the elasticities of the bands."""
    ends = summary.elasticities
    return TEXTS["plan_platform"].format(low=ends[0], high=ends[-1], middle=ends[len(ends) // 2])


def together(*said: Words) -> Words:
    """Sentences one after the other."""
    return Words("".join(one.zh for one in said), " ".join(one.en for one in said if one.en))


def rows_left(shown: int, everyone: int, part: PlanPart) -> Words:
    """That not every row is shown, and where all are."""
    if part.part_of_data or part.launches_refused or part.summary is None:
        return Words(f"只列最要紧的 {shown} 条，共 {everyone:,} 条。", f"The {shown} of {everyone:,} that matter most.")
    budget = f"{part.summary.budget:.2f}".removesuffix(".00")
    options = f"BUDGET={budget}" + (f" LAUNCH={part.launch}" if part.launch else "")
    return Words(
        f"只列最要紧的 {shown} 条；全部 {everyone:,} 条：make plan {options}，写进 CSV。",
        f"The {shown} that matter most; make plan {options} writes all {everyone:,} as CSV.",
    )


def differ_counts(counts: dict[str, int]) -> Words:
    """How many running creatives have a decision that evidence does not bear out; empty without any.

    Args:
        counts: Verdict → running creatives whose evidence says something else.
    """
    told = [(VERDICT_LABELS[verdict], count) for verdict, count in counts.items() if count]
    if not told:
        return Words("", "")
    zh = "、".join(f"“{label.zh}” {count:,} 条" for label, count in told)
    en = ", ".join(f"“{label.en}” {count:,}" for label, count in told)
    wins = Words("", "")
    if counts.get("stop"):
        wins = Words(
            "先看决策：决策说关停的就停，下面分给它的钱是还没停之前的上限。",
            " The decision goes first: what it stops is stopped, and its money below is the most until then.",
        )
    return Words(
        f"决策与证据不一致的：{zh}。{wins.zh}", f"Decisions that the evidence does not bear out: {en}.{wins.en}"
    )


def level_note(trust: Sequence[Trust]) -> Words:
    """That the plan takes the model at its word where its level is judged off; empty where it is usable."""
    level = next((one for one in trust if one.aspect == "level"), None)
    if level is None or level.verdict == "usable":
        return Words("", "")
    name, says = label_of(level.target), Words("还没判断得了", "not judged yet")
    if level.verdict != "undecided" and level.figure is not None:
        percent, high = abs(100.0 * (level.figure - 1.0)), level.figure > 1.0
        says = Words(
            f"检验时偏{'高' if high else '低'} {percent:.0f}%",
            f"{percent:.0f}% too {'high' if high else 'low'} when checked",
        )
    return Words(
        f"{name.zh} 的绝对值{says.zh}，计划按模型原值算、没有校正：净增和先投几条照这个偏差看；证据不用预测的ROI。",
        f"The level of {name.en} is {says.en}, and the plan takes it as the model says it: read gains and the number "
        "of launches with that in mind; evidence does not use the forecast ROI.",
    )

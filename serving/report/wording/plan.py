"""投放计划: what to launch, what it costs, today's money, and where evidence and decisions differ."""

from collections.abc import Sequence

from features.bilingual import Words
from serving.report.first_screen import Trust
from serving.report.plan import SPEND_DAYS, PlanPart
from serving.report.wording.common import target as label_of
from training.decision.plan import overview_words
from training.decision.plan.make_plan import Summary
from training.decision.plan.row_words import together

TITLE = Words("投放计划", "Plan")
"""Heading, and entry of the menu."""
TEXTS = {
    "plan_launches": Words("先投哪些", "What to launch"),
    "plan_split": Words("在投的今天怎么分", "Today's money"),
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
            "没有待投的素材，也没有在投的素材，没有钱要分。处理：把要投的素材写进标签表，再请负责训练的同事重新出报告。",
            "No creative is waiting and none is running, so there is no money to plan. Add those to launch to the tag "
            "sheet, then ask whoever makes this report for a new one.",
        )
    what_zh = "、".join(text for text, count in (("先投哪些", part.waiting), ("在投的怎么分", part.running)) if count)
    what_en = " and ".join(
        text
        for text, count in (("what to launch", part.waiting), ("how to split today's money", part.running))
        if count
    )
    return Words(
        f"{what_zh}，回答不了：近 {SPEND_DAYS} 天没有消耗，也没有写预算，不知道有多少钱。"
        f"处理：告诉出报告的同事 {part.outcome_days} 天的总预算（元），请他带着预算重新出。",
        f"Not answered: {what_en}. Nothing was spent in the last {SPEND_DAYS} days and no budget was given. "
        f"Tell whoever makes this report the CNY for {part.outcome_days} days, to make it again with them.",
    )


def headline(part: PlanPart, summary: Summary) -> Words:
    """The finding: budget, launches, their cost and chance of hits, today's money and calls."""
    launched = overview_words.launches(summary, told=part.launches_refused is None)
    today = overview_words.today(summary, sum(one.yesterday for one in part.split))
    return overview_words.headline(_budget(part, summary), launched, today)


def _budget(part: PlanPart, summary: Summary) -> Words:
    if part.budget_given:
        return overview_words.of_budget(summary)
    days, budget, daily = summary.days, f"{summary.budget:,.0f}", f"{part.daily_spend or 0.0:,.0f}"
    return Words(
        f"按近 {SPEND_DAYS} 天日均消耗 {daily} 元算（{days} 天 {budget} 元；要换一个数，告诉出报告的同事）",
        f"With the mean daily spend of the last {SPEND_DAYS} days, {daily} CNY ({budget} CNY for {days} days; "
        "for another amount ask whoever makes this report)",
    )


def chosen(part: PlanPart, summary: Summary) -> Words:
    """What the launches gain, and why the other candidates wait; empty where launches are refused."""
    if part.launches_refused:
        return Words("", "")
    return together(overview_words.gain(summary), overview_words.left_out(part.not_launched))


def split(part: PlanPart, summary: Summary) -> Words:
    """How today's money is split, and how many decisions the evidence does not bear out."""
    return together(overview_words.split(summary, part.settings), overview_words.differing(part.split, part.settings))


def rows_left(shown: int, everyone: int, part: PlanPart) -> Words:
    """That not every row is shown, and where all are."""
    if part.part_of_data or part.launches_refused or part.summary is None:
        return Words(f"只列最要紧的 {shown} 条，共 {everyone:,} 条。", f"The {shown} of {everyone:,} that matter most.")
    return Words(
        f"只列最要紧的 {shown} 条，共 {everyone:,} 条；要全部，请出报告的同事按同样的预算导出投放计划（CSV）。",
        f"The {shown} of {everyone:,} that matter most; whoever makes this report can write all as CSV, with this "
        "budget.",
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

"""A plan as it is sent: figures of every creative, and what is said of it and of the whole."""

from collections.abc import Iterator, Sequence

import pandas as pd

from configs.decision_settings import PlanSettings
from features.bilingual import Words
from training.decision.plan import overview_words, row_words
from training.decision.plan.make_plan import Plan
from training.decision.plan.refusals import REQUEST
from training.decision.plan.rows import CandidateRow, RunningRow, candidate_rows, not_launched, running_rows
from training.decision.status import RUNNING, STOPPED, WAITING

CANDIDATE = (
    "part", "target", "roi", "hit_chance", "minimum", "told_apart", "test", "gain", "gain_low", "gain_high", "days",
    "days_low", "days_high",
)  # fmt: skip
MONEY = ("call", "evidence_below", "evidence_above", "target", "roi", "spent", "yesterday", "today", "change",
    "propensity",
)  # fmt: skip
"""Figures that are sent of a candidate, and of a running creative."""
SENT_KEY = ["creative_id", "promotion_type", "account_id"]
LEFT_OUT = {
    STOPPED: Words("已停，不在计划里。", "It has stopped, so it is not planned."),
    WAITING: Words(
        "待投，这次选不了先投哪些，原因写在计划开头。",
        "It waits; why launches cannot be chosen this time is said at the top of the plan.",
    ),
    RUNNING: Words(
        "在投，但这次没有给出它的数据，不在计划里；把千川导出一起放进来。",
        "It runs, and its metrics are left out here, so it is not planned; give them too.",
    ),
}
"""Status → why a creative is in neither list."""

Lines = list[dict[str, object]]


def candidates(plan: Plan, rows: Sequence[CandidateRow]) -> Lines:
    """`candidates` of a `serving.api.plan_answer.PlanAnswer`, as plain values."""
    return [
        {
            **figures,
            "standing": row.standing,
            "alike": row.alike,
            "why": _sent(row_words.candidate_reason(row, plan.summary.roi)),
            "takes": _sent(row_words.days(row.days_low, row.days_high)),
        }
        for figures, row in zip(_figures(plan.candidates, CANDIDATE), rows, strict=True)
    ]


def running(plan: Plan, rows: Sequence[RunningRow], settings: PlanSettings) -> Lines:
    """`running` of a `serving.api.plan_answer.PlanAnswer`, as plain values."""
    needed = 1.0 / settings.false_stop
    return [
        {
            **figures,
            "funded": _sent(row_words.funded(row)),
            "evidence": _sent(_evidence(row, needed)),
            "notes": _sent(row_words.running_notes(row, settings.change)),
        }
        for figures, row in zip(_figures(plan.running, MONEY), rows, strict=True)
    ]


def left_out(others: pd.DataFrame) -> Lines:
    """`left_out` of a `serving.api.plan_answer.PlanAnswer`, as plain values.

    Args:
        others: KEY and `status` of the creatives that are in neither list.
    """
    keys = others[SENT_KEY].to_dict("records")
    return [
        {**{str(name): value for name, value in key.items()}, "why": _sent(LEFT_OUT[status])}
        for key, status in zip(keys, others["status"])
    ]


def content(plan: Plan, settings: PlanSettings, others: pd.DataFrame) -> dict[str, object]:
    """A `serving.api.plan_answer.PlanAnswer` as plain values, without who asked and which model answered.

    Args:
        plan: The plan.
        settings: That it was made with.
        others: KEY and `status` of the creatives that are in neither list.
    """
    summary, waiting, money = plan.summary, candidate_rows(plan), running_rows(plan)
    why = plan.launches_refused
    today = overview_words.today(summary, sum(row.yesterday for row in money))
    launched = overview_words.launches(summary, told=why is None)
    gain = row_words.together(overview_words.gain(summary), overview_words.left_out(not_launched(waiting)))
    said = {
        "headline": overview_words.headline(overview_words.of_budget(summary), launched, today),
        "launches": overview_words.launches_refused(why.on(REQUEST)) if why else gain,
        "split": row_words.together(overview_words.split(summary, settings), overview_words.differing(money, settings)),
        "evidence": overview_words.evidence_meaning(settings),
        "platform": overview_words.platform(summary),
        "promise": overview_words.promise(settings),
    }
    return {
        "summary": plan.document()["summary"],
        "candidates": candidates(plan, waiting),
        "running": running(plan, money, settings),
        "left_out": left_out(others),
        "said": {name: _sent(text) for name, text in said.items()},
    }


def _evidence(row: RunningRow, needed: float) -> Words:
    """The call and the size of the evidence."""
    call, size = row_words.CALLS[row.call], row_words.evidence(row, needed)
    return Words(f"{call.zh}（{size.zh}）", f"{call.en} ({size.en})")


def _figures(frame: pd.DataFrame, names: Sequence[str]) -> Iterator[dict[str, object]]:
    told = frame[[*SENT_KEY, *names]].astype(object)
    for record in told.where(told.notna(), None).to_dict("records"):
        yield {str(name): value for name, value in record.items()}


def _sent(text: Words) -> dict[str, str]:
    return text._asdict()

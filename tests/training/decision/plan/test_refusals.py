"""What refusals say to those who ask by command line, by report and by request."""

import re

import pytest

from features.bilingual import Words
from training.decision.plan import refusals
from training.decision.plan.refusals import COMMAND, MOST_BUDGET, REPORT, REQUEST, PlanRefused, Reason, checked_budget

REASONS = {name: reason for name, reason in vars(refusals).items() if isinstance(reason, Reason)}
VALUES: dict[str, object] = {
    "days": 7, "given": 2e12, "most": MOST_BUDGET, "asked": 4, "found": 2, "candidates": 9, "ideas": 3, "count": 5,
    "wanted": 2, "needed": 900.0, "money": 300.0, "part": Words("（预算的 30%）", " (30% of the budget)"),
    "affordable": 1, "error": 0.05, "file": "新.csv",
}  # fmt: skip


@pytest.mark.parametrize("reason", REASONS.values(), ids=REASONS)
def test_every_refusal_is_in_both_languages_with_a_cure(reason: Reason) -> None:
    refusal = PlanRefused(reason, VALUES)
    for text in (*refusal.why, *refusal.cure):
        assert text
        assert not re.search("[{}]", text)
    assert not re.search(r"[\u4e00-\u9fff][,:;?()]", refusal.zh)
    for part in (reason.why, reason.cure):
        places = [set(re.findall(r"{(\w+)", one)) for one in part]
        assert places[0] == places[1]


@pytest.mark.parametrize("reason", REASONS.values(), ids=REASONS)
def test_a_refusal_names_what_was_used_and_nothing_else(reason: Reason) -> None:
    by_report, by_request = (PlanRefused(reason, VALUES).on(surface) for surface in (REPORT, REQUEST))
    if reason not in (refusals.ALL_LAUNCHED, refusals.CANDIDATES_LARGE):  # said on the command line alone
        for said in (by_request.zh, str(by_request)):
            assert not re.search("BUDGET|LAUNCH|CANDIDATES|make plan|make report", said)
        for said in (by_report.zh, str(by_report)):
            assert not re.search("`|make plan|CANDIDATES", said)
    assert by_request.on(COMMAND).zh == PlanRefused(reason, VALUES).zh
    assert "`" not in PlanRefused(reason, VALUES).zh


def test_a_budget_is_an_amount_in_reason() -> None:
    assert checked_budget(MOST_BUDGET, 7) == MOST_BUDGET
    for wrong in (None, 0.0, -1.0, float("nan"), MOST_BUDGET + 1, float("inf")):
        with pytest.raises(PlanRefused) as refused:
            checked_budget(wrong, 7, REQUEST)
        assert "`budget_cny`" in refused.value.zh

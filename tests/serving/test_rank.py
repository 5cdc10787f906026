"""Candidates in order, under a budget, with the chance that each belongs there."""

import json

import numpy as np
import pytest

from serving.asking import asked
from serving.contract import RankRequest
from serving.errors import Refused
from serving.rank import chance_in_top, ranking


def ranked(served, creatives, **more):
    request = asked(RankRequest, json.dumps({"creatives": creatives, **more}).encode(), served.known)
    return ranking(served, request, now=served.standing.moment)


@pytest.fixture
def candidates(one_creative):
    hooks = ["痛点直击", "结果前置", "悬念", "没见过"]
    return [
        {**one_creative, "creative_id": f"c{n}", "metrics": None, "launched_at": None, "tags": {"hook": hook}}
        for n, hook in enumerate(hooks)
    ]


def test_the_best_come_first_and_a_budget_funds_as_many_as_it_pays_for(served, candidates) -> None:
    top, told, values = ranked(served, candidates, by="gpm", budget_cny=650.0, spend_cny=300.0)
    assert top == 2
    assert [one["place"] for one in told] == [1, 2, 3, 4]
    assert [one["value"] for one in told] == sorted((one["value"] for one in told), reverse=True)
    assert [one["funded"] for one in told] == [True, True, False, False]
    assert sum(one["chance_in_top"] for one in told) == pytest.approx(2.0)
    assert values.shape == (4, len(served.catalogue))


def test_a_budget_for_all_funds_all_and_one_for_none_none(served, candidates) -> None:
    top, told, _ = ranked(served, candidates, budget_cny=1e6, spend_cny=1.0)
    assert top == 4
    assert all(one["funded"] and one["chance_in_top"] == 1.0 for one in told)
    top, told, _ = ranked(served, candidates, budget_cny=1.0, spend_cny=2.0)
    assert top == 0
    assert not any(one["funded"] for one in told)


def test_the_same_question_has_the_same_answer(served, candidates) -> None:
    assert ranked(served, candidates, top=1)[1] == ranked(served, candidates, top=1)[1]


def test_chances_follow_the_distance_and_the_doubt() -> None:
    value = np.array([1.0, 1.1, 3.0])
    sure = chance_in_top(value, np.full(3, 0.01), 1)
    np.testing.assert_allclose(sure, [0.0, 0.0, 1.0])
    doubtful = chance_in_top(value, np.full(3, 2.0), 1)
    assert 0.2 < doubtful[0] < doubtful[2] < 0.6
    np.testing.assert_allclose(chance_in_top(np.ones(4), np.ones(4), 2), np.full(4, 0.5), atol=0.05)


def test_a_target_that_is_not_predicted_is_refused(served, candidates) -> None:
    from dataclasses import replace

    plan = replace(served.model.fitted.plan, to_gmv=())
    other = replace(served, model=replace(served.model, fitted=replace(served.model.fitted, plan=plan)))
    with pytest.raises(Refused) as caught:
        ranked(other, candidates, by="gpm", top=1)
    assert caught.value.status == 422

"""Candidates in order, under a budget, with the chance that each belongs there."""

import json
from dataclasses import replace

import numpy as np
import pytest

from serving.api.errors import Refused
from serving.api.requests import PredictRequest, RankRequest
from serving.api.responses import RankedCreative
from serving.api.validation import parse_request
from serving.inference.predict import predictions
from serving.inference.rank import LogNormal, chance_in_top, common_edges, ranking
from training.boosting.model import predicted_values


def ranked(loaded, creatives, **more):
    request = parse_request(RankRequest, json.dumps({"creatives": creatives, **more}).encode(), loaded.vocabulary)
    return ranking(loaded, request, now=loaded.as_of.moment)


@pytest.fixture
def candidates(one_creative):
    hooks = ["痛点直击", "结果前置", "悬念", "没见过"]
    return [
        {**one_creative, "creative_id": f"c{n}", "metrics": None, "launched_at": None, "tags": {"hook": hook}}
        for n, hook in enumerate(hooks)
    ]


def test_the_best_come_first_and_a_budget_funds_as_many_as_it_pays_for(loaded, candidates) -> None:
    done = ranked(loaded, candidates, by="gpm", budget_cny=650.0, spend_cny=300.0)
    order = done.answers
    assert done.top == 2
    assert [one["place"] for one in order] == [1, 2, 3, 4]
    assert [one["value"] for one in order] == sorted((one["value"] for one in order), reverse=True)
    assert [one["funded"] for one in order] == [True, True, False, False]
    assert sum(one["chance_in_top"] for one in order) == pytest.approx(2.0, abs=0.001)
    assert done.values.shape == (4, len(loaded.catalogue))


def test_features_ages_and_cutoffs_are_in_the_order_of_the_answers(loaded, candidates, one_creative) -> None:
    runs = {**one_creative, "creative_id": "runs"}
    asked = [*candidates, runs]
    done = ranked(loaded, asked, by="gpm", top=1)
    places = [one["creative_id"] for one in done.answers]
    assert places != [one["creative_id"] for one in asked]
    request = parse_request(PredictRequest, json.dumps({"creatives": asked}).encode(), loaded.vocabulary)
    alone = predictions(loaded, request.creatives, now=loaded.as_of.moment)
    of_request = [places.index(one["creative_id"]) for one in asked]
    np.testing.assert_array_equal(done.values[of_request], alone.values)
    np.testing.assert_array_equal(done.age_hours[of_request], alone.age_hours)
    np.testing.assert_array_equal(done.cutoffs[of_request], alone.cutoffs)
    assert done.age_hours[places.index("runs")] == 3.0
    assert done.cutoffs[places.index("runs")] == np.datetime64("2026-05-08T12:00")


def test_a_budget_for_all_funds_all_and_one_for_none_none(loaded, candidates) -> None:
    done = ranked(loaded, candidates, budget_cny=1e6, spend_cny=1.0)
    assert done.top == 4
    assert all(one["funded"] and one["chance_in_top"] == 1.0 for one in done.answers)
    done = ranked(loaded, candidates, budget_cny=1e8, spend_cny=5e-324)
    assert done.top == 4
    done = ranked(loaded, candidates, budget_cny=1.0, spend_cny=2.0)
    assert done.top == 0
    assert not any(one["funded"] for one in done.answers)


def test_a_candidate_that_cannot_be_predicted_comes_last_and_is_never_funded(loaded, candidates, monkeypatch) -> None:
    sent = [{**candidates[0], "creative_id": "bad"}, *candidates]
    alone = ranked(loaded, candidates, by="gpm", top=4)

    def wrong(features, log_heads, funnel):
        found = dict(predicted_values(features, log_heads, funnel))
        bad = features.keys.categories("creative_id").texts() == "bad"
        return {**found, "click": np.where(bad, np.nan, found["click"]), "gpm": np.where(bad, np.inf, found["gpm"])}

    monkeypatch.setattr("serving.inference.predict.predicted_values", wrong)
    done = ranked(loaded, sent, by="gpm", top=5)
    assert done.answers[:4] == alone.answers
    assert done.top == 4
    last = RankedCreative.model_validate_json(json.dumps(done.answers[4]))
    assert (last.place, last.creative_id, last.value, last.chance_in_top, last.funded) == (5, "bad", None, None, False)
    assert last.warnings[0].code == "not_predictable"
    done = ranked(loaded, sent[:1], by="gpm", budget_cny=9.0, spend_cny=1.0)
    assert (done.top, done.answers[0]["value"], done.answers[0]["funded"]) == (0, None, False)


def test_the_same_question_has_the_same_answer(loaded, candidates) -> None:
    assert ranked(loaded, candidates, top=1).answers == ranked(loaded, candidates, top=1).answers


def of_log_normal(value, log_sd, top):
    normal = LogNormal(np.log(value), log_sd)
    return chance_in_top(normal.cdf(common_edges([normal.support()])), top)


def test_chances_follow_the_distance_and_the_doubt() -> None:
    value = np.array([1.0, 1.1, 3.0])
    sure = of_log_normal(value, np.full(3, 0.01), 1)
    np.testing.assert_allclose(sure, [0.0, 0.0, 1.0], atol=1e-9)
    doubtful = of_log_normal(value, np.full(3, 2.0), 1)
    assert 0.2 < doubtful[0] < doubtful[2] < 0.6
    np.testing.assert_allclose(of_log_normal(np.ones(4), np.ones(4), 2), np.full(4, 0.5), atol=1e-4)


@pytest.mark.parametrize("top", [1, 5, 37])
def test_chances_are_those_of_many_draws(top) -> None:
    draw = np.random.default_rng(4)
    centre, deviation, nothing = draw.normal(0, 0.5, 40), draw.uniform(0.1, 1.0, 40), draw.uniform(0, 0.9, 40)
    body = LogNormal(centre, deviation)
    edges = common_edges([body.support()])
    chance = chance_in_top(nothing[:, None] + (1 - nothing[:, None]) * body.cdf(edges), top)
    came = np.exp(centre + deviation * draw.standard_normal((20_000, 40)))
    came = np.where(draw.random(came.shape) < nothing, -draw.random(came.shape), came)  # ties in any chance
    best = np.argsort(-came, axis=1)[:, :top]
    np.testing.assert_allclose(chance, np.bincount(best.ravel(), minlength=40) / 20_000, atol=0.015)
    assert chance.sum() == pytest.approx(top, abs=0.01)


def test_chances_come_from_the_calibrated_distributions_where_the_model_has_them(loaded, candidates) -> None:
    bare = replace(loaded, model=replace(loaded.model, uncertainty=None))
    calibrated, plain = (ranked(model, candidates, top=2).answers for model in (loaded, bare))
    assert [one["creative_id"] for one in calibrated] == [one["creative_id"] for one in plain]
    assert [one["chance_in_top"] for one in calibrated] != [one["chance_in_top"] for one in plain]
    for order in (calibrated, plain):
        assert sum(one["chance_in_top"] for one in order) == pytest.approx(2.0, abs=0.001)


def test_a_target_that_is_not_predicted_is_refused(loaded, candidates) -> None:
    funnel = replace(loaded.model.fitted.funnel, to_gmv=())
    other = replace(loaded, model=replace(loaded.model, fitted=replace(loaded.model.fitted, funnel=funnel)))
    with pytest.raises(Refused) as caught:
        ranked(other, candidates, by="gpm", top=1)
    assert caught.value.status == 422

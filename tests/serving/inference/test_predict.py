"""The service's answers are those of the batch, bit for bit, and they explain themselves."""

import json
from dataclasses import replace

import numpy as np
import orjson
import pandas as pd
import pytest

from features.attributes import NUMBER_ATTRIBUTES
from features.schema import KEY, Loaded
from serving.api.errors import Refused
from serving.api.requests import PredictRequest
from serving.api.responses import Prediction as PredictionAnswer
from serving.api.validation import parse_request
from serving.inference.loaded_model import LoadedModel
from serving.inference.predict import predict_creatives, predictions
from training.boosting.model import predicted_values
from training.data.metrics_source import InMemorySource
from training.decision.predict import predict_latest
from training.explanation.contributions import all_contributions
from training.explanation.shap_values import tree_shap


@pytest.fixture(scope="module")
def many(small_world: Loaded) -> Loaded:
    """The small world and 400 announced creatives: some with words nobody saw, some without."""
    draw = np.random.default_rng(3)
    new = small_world.creatives.sample(400, replace=True, random_state=1).reset_index(drop=True)
    new["creative_id"] = [f"new{number:03d}" for number in range(400)]
    for name in ("tag_hook", "tag_scene", "product_id", "creator_id", "category", "copy_text"):
        new[name] = new[name].to_numpy()[draw.permutation(400)]
        new.loc[draw.random(400) < 0.15, name] = None
    new.loc[::17, "tag_hook"] = "没见过"
    new.loc[::13, "price_cny"] = np.nan
    everyone = pd.concat([small_world.creatives, new]).sort_values(KEY, ignore_index=True)
    return replace(small_world, creatives=everyone)


def answers_of(loaded: LoadedModel, creatives: list[dict[str, object]], **more) -> list[dict]:
    request = parse_request(PredictRequest, json.dumps({"creatives": creatives}).encode(), loaded.vocabulary)
    return orjson.loads(orjson.dumps(predictions(loaded, request.creatives, now=loaded.as_of.moment, **more).answers))


def test_answers_equal_those_of_the_batch_bit_for_bit_over_500_creatives(loaded, many, quick, as_requests) -> None:
    batch = predict_latest(InMemorySource(many), loaded.model, quick)
    assert len(batch) == 520
    answers = answers_of(loaded, as_requests(many, batch.head(500))) + answers_of(
        loaded, as_requests(many, batch.tail(20))
    )
    stages = [stage.name for stage in loaded.model.fitted.funnel.stages]
    for part, names in (("stages", stages), ("targets", loaded.model.fitted.funnel.targets)):
        for name in names:
            values = np.array([answer[part][name]["value"] for answer in answers])
            assert (values.view(np.int64) == batch[name].to_numpy().view(np.int64)).all(), name
    ends = [[answer["targets"][t][end] for answer in answers] for t in ("gpm", "net_roi") for end in ("low", "high")]
    of_batch = batch[["gpm_low", "gpm_high", "net_roi_low", "net_roi_high"]].to_numpy().T
    assert (np.array(ends, dtype=np.float64).view(np.int64) == np.ascontiguousarray(of_batch).view(np.int64)).all()
    assert np.isfinite(of_batch).all()
    for name, column in (("asked_roi", "asked_roi"), ("chance_of_target", "net_roi_chance")):
        assert [answer[name] for answer in answers] == batch[column].tolist()
    assert [answer["verdict"]["name"] for answer in answers] == batch["verdict"].tolist()
    for language in ("zh", "en"):
        assert [answer["verdict"][language] for answer in answers] == batch[f"verdict_reason_{language}"].tolist()
    assert [answer["status"] for answer in answers] == batch["status"].tolist()
    assert set(batch["status"]) == {"waiting", "running", "stopped"}
    assert {"first", "reserve", "skip"} & set(batch["verdict"])
    for name in ("stake_cny", "test_cny", "hit_chance"):
        values = np.array([answer[name] for answer in answers], dtype=np.float64)
        assert (values.view(np.int64) == batch[name].to_numpy().view(np.int64)).all(), name
    assert [answer["age_hours"] for answer in answers] == batch["age_hours"].tolist()
    assert [answer["evidence"]["impressions"] for answer in answers] == batch["early_impressions"].tolist()


def test_a_creative_gets_the_same_answer_alone_and_in_a_batch(loaded, many, as_requests) -> None:
    rows = many.creatives.iloc[::29]
    requests = as_requests(many, rows)
    together = answers_of(loaded, requests, explain=True)
    assert together == [answers_of(loaded, [one], explain=True)[0] for one in requests]


def test_contributions_add_up_to_every_prediction(loaded, many, as_requests) -> None:
    for answer in answers_of(loaded, as_requests(many, many.creatives.iloc[::23]), explain=True, top=4):
        for part in ("stages", "targets"):
            for name, estimate in answer[part].items():
                explanation = answer["explanation"][part][name]
                sums = [explanation[key] for key in ("baseline", "early_evidence", "others", "held_at_1")]
                contributions = [*sums, *explanation["start"], *explanation["features"]]
                logs = [contribution["log"] for contribution in contributions]
                assert abs(sum(logs) - np.log(estimate["value"])) < 1e-9
                assert len(explanation["features"]) <= (4 if part == "targets" else 0)
                factors = np.prod(
                    [explanation[p]["factor"] for p in ("baseline", "early_evidence", "others", "held_at_1")]
                )
                factors *= np.prod([feature["factor"] for feature in (*explanation["start"], *explanation["features"])])
                assert factors == pytest.approx(estimate["value"], rel=1e-9)


def test_all_features_are_listed_unless_top_is_given(loaded, one_creative) -> None:
    full = answers_of(loaded, [one_creative], explain=True)[0]["explanation"]["targets"]["gpm"]
    some = answers_of(loaded, [one_creative], explain=True, top=2)[0]["explanation"]["targets"]["gpm"]
    assert len(full["features"]) > 2
    assert full["others"]["log"] == 0.0
    assert some["features"] == full["features"][:2]
    rest = sum(feature["log"] for feature in full["features"][2:])
    assert some["others"]["log"] == pytest.approx(rest)
    by_name = {feature["name"]: feature["value"] for feature in full["features"]}
    assert by_name.get("tag_hook", "悬念") == "悬念"


def test_an_explanation_that_does_not_add_up_is_refused(loaded, one_creative, monkeypatch) -> None:
    def wrong(model, features):
        stages, targets = all_contributions(model, features)
        click = replace(stages["click"], baseline=stages["click"].baseline + 2e-9)
        return stages | {"click": click}, targets

    monkeypatch.setattr("serving.inference.predict.all_contributions", wrong)
    with pytest.raises(Refused, match="does not add up") as refused:
        answers_of(loaded, [one_creative], explain=True)
    assert refused.value.status == 500


def test_answers_and_the_shap_package_tell_the_same_contributions(loaded, one_creative) -> None:
    request = parse_request(PredictRequest, json.dumps({"creatives": [one_creative]}).encode(), loaded.vocabulary)
    features = predict_creatives(loaded, request.creatives).features
    shap = tree_shap(loaded.model.boosters, features.values.matrix)
    _, targets = all_contributions(loaded.model, features, shap)
    answers = answers_of(loaded, [one_creative], explain=True)[0]["explanation"]["targets"]
    for target, own in targets.items():
        expected = dict(zip(own.feature_names, own.shap[0].tolist()))
        listed = {feature["name"]: feature["log"] for feature in answers[target]["features"]}
        assert listed == pytest.approx({name: log for name, log in expected.items() if log}, rel=0, abs=1e-9)


@pytest.mark.parametrize("most", [False, True])
@pytest.mark.parametrize("attribute", NUMBER_ATTRIBUTES, ids=lambda attribute: attribute.name)
def test_the_least_and_the_largest_number_that_is_taken_gets_an_answer_that_is_a_number(
    loaded, one_creative, attribute, most
) -> None:
    bounds = attribute.bounds
    value = bounds.get("le", bounds.get("lt", 0.0) - 1.0) if most else bounds["ge"]
    for less in ([], ["metrics"]):
        given = {name: own for name, own in one_creative.items() if name not in less}
        (answer,) = answers_of(loaded, [{**given, attribute.name: value}], explain=True)
        values = [estimate["value"] for part in ("stages", "targets") for estimate in answer[part].values()]
        assert np.isfinite(values).all()
        assert min(values) > 0


def test_any_figure_missing_in_any_row_leaves_every_number_of_the_answer_known(
    loaded, small_world, as_requests
) -> None:
    variants = []
    for creative in as_requests(small_world, small_world.creatives.iloc[::12]):
        rows = creative["metrics"]
        for place in sorted({0, len(rows) // 2, len(rows) - 1}):
            for name in sorted(rows[place].keys() - {"period_start", "period_end"}):
                less = {figure: value for figure, value in rows[place].items() if figure != name}
                own = {"creative_id": f"{creative['creative_id']}/{place}/{name}"}
                variants.append({**creative, **own, "metrics": [*rows[:place], less, *rows[place + 1 :]]})
    answers = [one for first in range(0, len(variants), 500) for one in answers_of(loaded, variants[first:][:500])]
    for answer in answers:
        numbers = [estimate["value"] for part in ("stages", "targets") for estimate in answer[part].values()]
        numbers += [estimate[end] for estimate in answer["targets"].values() for end in ("low", "high")]
        numbers.append(answer["chance_of_target"])
        assert all(number is not None and np.isfinite(number) for number in numbers), answer["creative_id"]


def test_a_creative_that_cannot_be_predicted_keeps_its_place_and_the_others_their_answers(
    loaded, one_creative, monkeypatch
) -> None:
    sent = [{**one_creative, "creative_id": name} for name in ("a", "bad", "b")]
    before = answers_of(loaded, sent, explain=True)
    assert [answer["explanation"] is not None for answer in before] == [True] * 3

    def wrong(features, log_heads, funnel):
        found = dict(predicted_values(features, log_heads, funnel))
        bad = features.keys.categories("creative_id").texts() == "bad"
        return {**found, "click": np.where(bad, np.nan, found["click"]), "gpm": np.where(bad, np.inf, found["gpm"])}

    monkeypatch.setattr("serving.inference.predict.predicted_values", wrong)
    after = answers_of(loaded, sent, explain=True)
    assert [after[0], after[2]] == [before[0], before[2]]
    bad = PredictionAnswer.model_validate_json(json.dumps(after[1]))
    assert (bad.creative_id, bad.verdict.name) == ("bad", "")
    assert {estimate.value for estimate in (*bad.stages.values(), *bad.targets.values())} == {None}
    assert bad.warnings[0].code == "not_predictable"
    assert "click, gpm" in bad.warnings[0].en
    assert bad.evidence == before[1]["evidence"]
    assert [one["creative_id"] for one in answers_of(loaded, sent[1:2])] == ["bad"]


def test_the_roi_target_is_the_creatives_own_or_that_of_the_settings(loaded, one_creative) -> None:
    own, other = answers_of(loaded, [one_creative, {**one_creative, "creative_id": "b", "roi_target": None}])
    assert (own["asked_roi"], other["asked_roi"]) == (1.5, loaded.manifest.settings.verdict.roi_target)
    assert own["chance_of_target"] < other["chance_of_target"]
    assert "1.50" in own["verdict"]["en"]


def test_the_status_follows_from_the_rows_of_the_request(loaded, small_world, as_requests) -> None:
    """Whatever the model's data have of the creative: rows until now make it run, days without delivery stop it."""
    moment = loaded.as_of.moment
    (known,) = as_requests(small_world, small_world.creatives.head(1))

    def ending(days: float, *quiet: float) -> dict[str, object]:
        ends = (moment + pd.Timedelta(days=day) for day in (days, *quiet))
        rows = [
            {
                "period_start": (end - pd.Timedelta(days=1)).isoformat(),
                "period_end": end.isoformat(),
                "impressions": 0.0 if place else 900.0,
            }
            for place, end in enumerate(ends)
        ]
        return {**known, "metrics": rows}

    sent = [{**known, "metrics": None}, ending(0), ending(-1), ending(-2), ending(3), ending(3, 4), ending(3, 4, 5)]
    found = [answers_of(loaded, [one])[0] for one in sent]
    assert [one["status"] for one in found] == [
        "stopped", "running", "running", "stopped", "running", "running", "stopped",
    ]  # fmt: skip
    assert [one["verdict"]["name"] == "" for one in found] == [one["status"] == "stopped" for one in found]
    assert [one["stake_cny"] is None for one in found] == [one["status"] != "running" for one in found]
    assert [one["test_cny"] is None for one in found] == [one["status"] != "waiting" for one in found]


def codes(answer: dict) -> set[str]:
    return {warning["code"] for warning in answer["warnings"]}


def test_unseen_values_and_missing_metrics_are_warned_of(loaded, one_creative) -> None:
    assert codes(answers_of(loaded, [one_creative])[0]) <= {"missing", "unseen_value"}
    strange = {**one_creative, "tags": {"hook": "没见过"}, "price_cny": 1e6, "promotion_type": "brand"}
    found = codes(answers_of(loaded, [strange])[0])
    assert {"unseen_value", "outside_range", "unseen_promotion_type", "missing"} <= found
    rows = [{name: v for name, v in row.items() if name != "clicks"} for row in one_creative["metrics"]]
    assert "missing_figures" in codes(answers_of(loaded, [{**one_creative, "metrics": rows}])[0])
    rows = [{**row, "finishes": 3.0} for row in one_creative["metrics"]]
    assert "unused_figures" in codes(answers_of(loaded, [{**one_creative, "metrics": rows}])[0])


@pytest.mark.parametrize(
    ("name", "label"), [("account_id", "account"), ("product_id", "product"), ("creator_id", "KOC")]
)
def test_an_account_a_product_or_a_koc_that_nobody_knows_is_warned_of(loaded, one_creative, name, label) -> None:
    before, after = answers_of(loaded, [one_creative])[0], answers_of(loaded, [{**one_creative, name: "nobody"}])[0]
    assert not any(f"of {label} " in warning["en"] for warning in before["warnings"])
    (found,) = [warning for warning in after["warnings"] if f"of {label} " in warning["en"]]
    assert found["code"] == "unseen_value"
    assert "nobody" in found["zh"]


def test_figures_beyond_those_of_the_training_data_are_warned_of(loaded, one_creative) -> None:
    rows = one_creative["metrics"]
    many = [{**rows[0], "impressions": 9e7, "clicks": 5e6}, *rows[1:]]
    answers = answers_of(loaded, [one_creative, {**one_creative, "creative_id": "b", "metrics": many}])
    found = [[w["en"].split()[0] for w in one["warnings"] if w["code"] == "outside_range"] for one in answers]
    assert found == [[], ["impressions", "clicks"]]


def test_an_old_history_is_warned_of_with_its_age(loaded, one_creative) -> None:
    request = parse_request(PredictRequest, json.dumps({"creatives": [one_creative]}).encode(), loaded.vocabulary)
    later = loaded.as_of.moment + pd.Timedelta(days=9)
    (answer,) = predictions(loaded, request.creatives, now=later).answers
    (found,) = [warning for warning in answer["warnings"] if warning["code"] == "stale_history"]
    assert "9 days" in found["en"]
    assert "9 天" in found["zh"]


def test_a_creative_the_data_know_is_warned_of_when_its_metrics_are_left_out(loaded, small_world, as_requests) -> None:
    (known,) = as_requests(small_world, small_world.creatives.head(1))
    assert "known_without_metrics" not in codes(answers_of(loaded, [known])[0])
    assert "known_without_metrics" in codes(answers_of(loaded, [{**known, "metrics": None}])[0])


def test_what_the_data_know_of_a_creative_wins_over_metrics_left_out(loaded, small_world, as_requests) -> None:
    asked = as_requests(small_world, small_world.creatives)
    told = answers_of(loaded, asked)
    silent = answers_of(loaded, [{**one, "metrics": None} for one in asked])
    assert {one["status"] for one in silent} == {"running", "stopped"}
    for one, full in zip(silent, told):
        assert one["status"] == full["status"]
        assert one["verdict"]["name"] == ""
        assert (one["stake_cny"], one["test_cny"]) == (None, None)
        if one["status"] == "stopped":
            assert one["evidence"] == full["evidence"]  # sums as of the model's day
            assert f"已停：消耗 {full['evidence']['spend_cny']:,.0f} 元" in one["verdict"]["zh"]
        else:
            assert set(one["evidence"].values()) == {None}
            assert "把千川导出一起放进来" in one["verdict"]["zh"]
            assert "give them too" in one["verdict"]["en"]


def test_sums_of_a_first_day_tell_what_its_hours_tell_of_rates(loaded, one_creative) -> None:
    rows = one_creative["metrics"]
    sums = {name: sum(row[name] for row in rows) for name in rows[0] if not name.startswith("period")}
    summed = {**one_creative, "metrics": None, "sums": {**sums, "age_hours": 3.0}}
    by_rows, by_sums = answers_of(loaded, [one_creative])[0], answers_of(loaded, [summed])[0]
    assert by_sums["age_hours"] == by_rows["age_hours"] == 3.0
    assert by_sums["evidence"] == by_rows["evidence"]
    old = {**summed, "launched_at": "2026-05-01T09:00:00", "sums": {**sums, "age_hours": 190.0}}
    assert "pace_unknown" in codes(answers_of(loaded, [old])[0])


def test_times_with_an_offset_are_converted_to_the_models_zone(loaded, one_creative) -> None:
    with_offsets = json.loads(json.dumps(one_creative))
    for row in with_offsets["metrics"]:
        for name in ("period_start", "period_end"):
            row[name] += "+08:00"
    with_offsets["launched_at"] = "2026-05-08T01:00:00Z"
    assert answers_of(loaded, [with_offsets]) == answers_of(loaded, [one_creative])

"""Creative cards: predictions and waterfalls of the service, and the nearest past creatives."""

import json
from math import log

import numpy as np
import orjson
import pandas as pd
import pytest

from features.schema import KEY, Loaded
from serving.api.requests import PredictRequest
from serving.api.validation import parse_request
from serving.inference.loaded_model import LoadedModel
from serving.inference.predict import predictions
from serving.report.cards import nearest_past_creatives
from serving.report.context import CreativeFilter, build_context
from serving.report.contribution_groups import ACCOUNT, BASE, OWN, feature_group


def answers_of(loaded: LoadedModel, creatives: list[dict[str, object]]) -> list[dict]:
    request = parse_request(PredictRequest, json.dumps({"creatives": creatives}).encode(), loaded.vocabulary)
    found = predictions(loaded, request.creatives, now=loaded.as_of.moment, explain=True)
    return orjson.loads(orjson.dumps(found.answers))


def by_group(explained: dict, loaded: LoadedModel) -> dict[str, float]:
    """An answer's contributions, summed by group."""
    catalogue = {feature.name: feature for feature in loaded.catalogue}
    stages = [stage.name for stage in loaded.model.fitted.funnel.stages]
    found: dict[str, float] = {BASE: explained["baseline"]["log"] + explained["held_at_1"]["log"]}
    found[OWN] = explained["early_evidence"]["log"]
    for part in (*explained["start"], *explained["features"]):
        group = feature_group(part["name"], catalogue, stages)
        found[group] = found.get(group, 0.0) + part["log"]
    return found


def test_waterfalls_are_the_contributions_that_the_service_answers(loaded, small_world, data, as_requests) -> None:
    cards = data.cards[::7]
    keys = pd.DataFrame([{name: getattr(card, name) for name in KEY} for card in cards])
    answers = answers_of(loaded, as_requests(small_world, keys))
    assert len(answers) > 15
    for card, answer in zip(cards, answers):
        for target, fall in card.waterfalls.items():
            served_logs = by_group(answer["explanation"]["targets"][target], loaded)
            shown = dict(fall.bars)
            assert fall.start == pytest.approx(served_logs[BASE] + served_logs.get(ACCOUNT, 0.0), abs=2e-6)
            assert fall.own == pytest.approx(served_logs[OWN], abs=2e-6)
            for group, value in shown.items():
                assert value == pytest.approx(served_logs[group], abs=2e-6), group
            rest = sum(v for f, v in served_logs.items() if f not in {*shown, BASE, OWN, ACCOUNT})
            assert fall.others == pytest.approx(rest, abs=2e-5)
            predicted_log = log(answer["targets"][target]["value"])
            assert fall.start + sum(shown.values()) + fall.others + fall.own == pytest.approx(predicted_log, abs=1e-5)


def test_predictions_intervals_and_verdicts_are_those_of_the_service(loaded, small_world, data, as_requests) -> None:
    cards = data.cards[:20]
    keys = pd.DataFrame([{name: getattr(card, name) for name in KEY} for card in cards])
    for card, answer in zip(cards, answers_of(loaded, as_requests(small_world, keys))):
        for name, estimate in answer["targets"].items():
            assert card.targets[name] == (estimate["value"], estimate["low"], estimate["high"])
        assert (card.verdict, card.reason_zh) == (answer["verdict"]["name"], answer["verdict"]["zh"])
        assert (card.chance, card.roi_target) == (answer["chance_of_target"], answer["asked_roi"])
        assert card.evidence["impressions"] == answer["evidence"]["impressions"]


def test_the_nearest_past_creatives_are_the_most_similar_of_all_data(loaded: LoadedModel, small_world: Loaded) -> None:
    part = build_context(loaded, small_world, CreativeFilter(account="acc1"))
    rows = [0, 7]
    past = part.all_creatives[part.all_creatives["known"] & (part.all_creatives["later:impressions"] >= 200)]
    assert set(past["account_id"]) == {"acc0", "acc1"}
    for row, found in zip(rows, nearest_past_creatives(part, rows)):
        me = part.observed.iloc[row]
        columns = ["tag_hook", "tag_scene", "product_id", "creator_id", "category"]
        alike = sum((past[name] == me[name]).astype(float) for name in columns)
        alike = (alike + np.exp(-np.abs(np.log(past["price_cny"] / me["price_cny"])))) / 6
        alike = alike[past["creative_id"] != me["creative_id"]].sort_values(ascending=False)
        assert [one.similarity for one in found] == pytest.approx(alike.head(3).tolist(), abs=1e-3)
        assert me["creative_id"] not in {one.name for one in found}

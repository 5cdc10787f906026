"""Creative cards: predictions and waterfalls of the service, and the nearest past creatives."""

import json
from math import log as log_

import numpy as np
import orjson
import pandas as pd
import pytest

from features.schema import KEY, Loaded
from serving.api.requests import PredictRequest
from serving.api.validation import parse_request
from serving.inference.loaded_model import LoadedModel
from serving.inference.predict import predictions
from serving.report.cards.neighbours import nearest_past_creatives
from serving.report.cards.waterfall import PRICE
from serving.report.context import CreativeFilter, build_context
from serving.report.contribution_groups import BASE, OWN, feature_group
from serving.report.data import ReportData


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


def test_waterfalls_are_what_the_service_answers_less_the_accounts_mean(
    loaded: LoadedModel, small_world: Loaded, data: ReportData, as_requests
) -> None:
    keys = pd.DataFrame([{name: getattr(card, name) for name in KEY} for card in data.cards])
    answers = answers_of(loaded, as_requests(small_world, keys))
    exposures = {"net_roi": "spend_cny", "net_gpm": "impressions"}
    checked = 0
    for target, exposure in exposures.items():
        served = [by_group(answer["explanation"]["targets"][target], loaded) for answer in answers]
        for place in [place for place, card in enumerate(data.cards) if target in card.waterfalls][::5]:
            card, fall = data.cards[place], data.cards[place].waterfalls[target]
            peers = [
                other
                for other, one in enumerate(data.cards)
                if (one.account_id, one.promotion_type) == (card.account_id, card.promotion_type)
            ]
            weights = np.array([data.cards[other].evidence[exposure] or 0.0 for other in peers])
            for group, log, _ in fall.bars:
                if group != PRICE:  # its bar has the reference price too, which stands in the served baseline
                    usual = np.average([served[other].get(group, 0.0) for other in peers], weights=weights)
                    assert log == pytest.approx(served[place].get(group, 0.0) - usual, abs=2e-6), group
                    checked += 1
            assert fall.own == pytest.approx(served[place][OWN], abs=2e-6)
            whole = fall.start + fall.level + sum(log for _, log, _ in fall.bars) + fall.others + fall.own
            assert whole == pytest.approx(log_(answers[place]["targets"][target]["value"]), abs=1e-5)
    assert checked > 40


def test_predictions_intervals_and_verdicts_are_those_of_the_service(loaded, small_world, data, as_requests) -> None:
    cards = data.cards[:20]
    keys = pd.DataFrame([{name: getattr(card, name) for name in KEY} for card in cards])
    for card, answer in zip(cards, answers_of(loaded, as_requests(small_world, keys))):
        for name, estimate in answer["targets"].items():
            assert card.targets[name] == (estimate["value"], estimate["low"], estimate["high"])
        assert (card.verdict, card.reason_zh) == (answer["verdict"]["name"], answer["verdict"]["zh"])
        assert (card.chance, card.roi_target) == (answer["chance_of_target"], answer["asked_roi"])
        assert card.evidence["impressions"] == answer["evidence"]["impressions"]
        assert (card.hit_chance, card.stake_cny) == (answer["hit_chance"], answer["stake_cny"])
        assert (card.test_cny, card.reason_en) == (answer["test_cny"], answer["verdict"]["en"])
        for name, stage in answer["stages"].items():
            assert card.steps[name].predicted == stage["value"]


def test_the_nearest_past_creatives_are_the_most_similar_of_all_data(loaded: LoadedModel, small_world: Loaded) -> None:
    part = build_context(loaded, small_world, CreativeFilter(account="acc1"))
    rows = [0, 7]
    past = part.all_creatives[part.all_creatives["known"] & (part.all_creatives["later:impressions"] >= 200)]
    assert set(past["account_id"]) == {"acc0", "acc1"}
    for row, found in zip(rows, nearest_past_creatives(part, rows)):
        me = part.observed.iloc[row]
        own_kind = past[past["promotion_type"] == me["promotion_type"]]
        columns = ["tag_hook", "tag_scene", "product_id", "creator_id", "category"]
        alike = sum((own_kind[name] == me[name]).astype(float) for name in columns)
        alike = (alike + np.exp(-np.abs(np.log(own_kind["price_cny"] / me["price_cny"])))) / 6
        alike = alike[own_kind["creative_id"] != me["creative_id"]].sort_values(ascending=False)
        assert [one.similarity for one in found] == pytest.approx(alike.head(3).tolist(), abs=1e-3)
        assert me["creative_id"] not in {one.name for one in found}

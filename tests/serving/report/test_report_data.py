"""The report's numbers: those of the service where they are predictions, checkable by hand where they are counts."""

import json
from dataclasses import replace
from math import log
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.errors import InputError
from features.schema import KEY, Loaded
from serving.api.requests import PredictRequest
from serving.api.validation import parse_request
from serving.inference.loaded_model import LoadedModel
from serving.inference.predict import predictions
from serving.report.cards import nearest_past_creatives
from serving.report.context import CreativeFilter, ReportContext, build_context
from serving.report.contribution_groups import ACCOUNT, BASE, OWN, feature_group
from serving.report.data import ReportData, sections
from serving.report.diversity import at_least_one, intraclass_correlation, mean_shared_tags
from serving.report.effects import baseline, bootstrap, group_by_tag, tag_effects
from serving.report.model_quality import pair_accuracy

GOLDEN = Path(__file__).parent / "golden.json"


def answers_of(served: LoadedModel, creatives: list[dict[str, object]]) -> list[dict]:
    request = parse_request(PredictRequest, json.dumps({"creatives": creatives}).encode(), served.vocabulary)
    return predictions(served, request.creatives, now=served.as_of.moment, explain=True).answers


def by_group(explained: dict, served: LoadedModel) -> dict[str, float]:
    """An answer's contributions, summed by group."""
    catalogue = {feature.name: feature for feature in served.catalogue}
    stages = [stage.name for stage in served.model.fitted.funnel.stages]
    found: dict[str, float] = {BASE: explained["baseline"]["log"] + explained["held_at_1"]["log"]}
    found[OWN] = explained["early_evidence"]["log"]
    for part in (*explained["start"], *explained["features"]):
        group = feature_group(part["name"], catalogue, stages)
        found[group] = found.get(group, 0.0) + part["log"]
    return found


def test_waterfalls_are_the_contributions_that_the_service_answers(served, small_world, data, as_asked) -> None:
    cards = data.cards[::7]
    keys = pd.DataFrame([{name: getattr(card, name) for name in KEY} for card in cards])
    answers = answers_of(served, as_asked(small_world, keys))
    assert len(answers) > 15
    for card, answer in zip(cards, answers):
        for target, fall in card.waterfalls.items():
            served_logs = by_group(answer["explanation"]["targets"][target], served)
            shown = dict(fall.bars)
            assert fall.start == pytest.approx(served_logs[BASE] + served_logs.get(ACCOUNT, 0.0), abs=2e-6)
            assert fall.own == pytest.approx(served_logs[OWN], abs=2e-6)
            for group, value in shown.items():
                assert value == pytest.approx(served_logs[group], abs=2e-6), group
            rest = sum(v for f, v in served_logs.items() if f not in {*shown, BASE, OWN, ACCOUNT})
            assert fall.others == pytest.approx(rest, abs=2e-5)
            told_log = log(answer["targets"][target]["value"])
            assert fall.start + sum(shown.values()) + fall.others + fall.own == pytest.approx(told_log, abs=1e-5)


def test_predictions_intervals_and_verdicts_are_those_of_the_service(served, small_world, data, as_asked) -> None:
    cards = data.cards[:20]
    keys = pd.DataFrame([{name: getattr(card, name) for name in KEY} for card in cards])
    for card, answer in zip(cards, answers_of(served, as_asked(small_world, keys))):
        for name, estimate in answer["targets"].items():
            assert card.targets[name] == (estimate["value"], estimate["low"], estimate["high"])
        assert (card.verdict, card.reason_zh) == (answer["verdict"]["name"], answer["verdict"]["zh"])
        assert (card.chance, card.roi_target) == (answer["chance_of_target"], answer["asked_roi"])
        assert card.evidence["impressions"] == answer["evidence"]["impressions"]


def test_a_tags_effect_is_the_mean_served_contribution_of_its_creatives(context: ReportContext) -> None:
    group = group_by_tag(context, "hook", "tag_hook")
    weights = bootstrap(len(context.observed))
    found = {effect.value: effect for effect in tag_effects(context, baseline(context), group, ["click"], weights)}
    logs = context.stages["click"].of_group("hook")
    for value, one in found.items():
        mine = (context.observed["tag_hook"] == value).to_numpy()
        assert one.creatives == mine.sum()
        assert one.factor == pytest.approx(np.exp(logs[mine].mean()))
        assert one.low <= one.factor <= one.high
        clicks, shown = (context.counts(name)[mine].sum() for name in ("clicks", "impressions"))
        assert one.raw == pytest.approx(clicks / shown)
    assert found["痛点直击"].factor > found["悬念"].factor
    assert found["痛点直击"].raw_factor > 1.0 > found["悬念"].raw_factor


def test_several_values_of_a_tag_share_its_contribution_without_remainder(context: ReportContext) -> None:
    group = group_by_tag(context, "selling_point", "tag_selling_point")
    assert set(group.values) == {"便宜", "好用"}
    true = np.array([0.2, -0.1])
    np.testing.assert_allclose(group.contribution_by_value(group.shares @ true), true)


def test_the_first_outcome_windows_are_what_the_metrics_say(context: ReportContext, small_world: Loaded) -> None:
    known = np.flatnonzero(context.outcomes["known"].to_numpy())
    row = context.observed.iloc[known[3]]
    mine = (small_world.metrics[KEY] == row[KEY].to_list()).all(axis=1)
    inside = mine & (small_world.metrics["period_end"] <= row["launched_at"] + pd.Timedelta(days=7))
    metrics = small_world.metrics[inside]
    assert context.outcomes["later_impressions"].iat[known[3]] == metrics["impressions"].sum()
    assert context.outcomes["roi"].iat[known[3]] == pytest.approx(metrics["gmv_cny"].sum() / metrics["spend_cny"].sum())


def test_before_launch_nothing_of_its_own_counts(context: ReportContext) -> None:
    ran = np.flatnonzero(context.launched)
    own = context.targets["net_gpm"].own_evidence[ran]
    assert np.abs(own).max() > 0.01
    apart = np.log(context.predicted["net_gpm"].to_numpy()[ran] / context.at_launch["net_gpm"].to_numpy()[ran])
    assert np.corrcoef(apart, own)[0, 1] > 0.9


def test_a_report_is_about_the_chosen_creatives_alone(served: LoadedModel, small_world: Loaded) -> None:
    since = pd.Timestamp("2026-04-01")
    part = build_context(served, small_world, CreativeFilter(account="acc0", product="p1", since=since))
    assert set(part.observed["account_id"]) == {"acc0"}
    assert set(part.observed["product_id"]) == {"p1"}
    assert part.observed["launched_at"].min() >= since
    found = sections(part, None)
    assert found.all_creatives == len(found.cards) == len(part.observed)
    assert {card.account_id for card in found.cards} == {"acc0"}
    whole = build_context(served, small_world, CreativeFilter()).predicted.set_index(KEY)["net_roi"]
    mine = part.predicted.set_index(KEY)["net_roi"]
    assert (whole.loc[mine.index] == mine).all()


@pytest.mark.parametrize(
    ("creative_filter", "message"),
    [
        (CreativeFilter(account="nobody"), "Accounts here: acc0, acc1"),
        (CreativeFilter(product="none"), "Products here: p0, p1"),
        (CreativeFilter(account="acc0", product="none"), "Products here"),
        (CreativeFilter(since=pd.Timestamp("2030-01-01")), "the last one 2026-"),
    ],
)
def test_nobody_chosen_is_an_error_that_says_who_could_be(
    served, small_world, creative_filter: CreativeFilter, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        build_context(served, small_world, creative_filter)


def test_data_without_metrics_tags_or_koc_say_what_to_add(served: LoadedModel, small_world: Loaded) -> None:
    with pytest.raises(InputError, match="no metrics"):
        build_context(served, replace(small_world, metrics=small_world.metrics.iloc[:0]), CreativeFilter())
    bare = small_world.creatives[[*KEY, "created_at"]]
    found = sections(build_context(served, replace(small_world, creatives=bare), CreativeFilter(account="acc0")), None)
    assert found.kocs.missing == ["creator_id", "product_id", "price_cny"]
    assert found.questions[0].missing == ["hook"]
    assert found.questions[4].missing == ["audience", "repeat_orders"]
    assert found.diversity.missing == ["hook", "scene", "face", "script"]
    assert found.shots == []


def test_the_nearest_past_creatives_are_the_most_alike_of_all_data(served: LoadedModel, small_world: Loaded) -> None:
    part = build_context(served, small_world, CreativeFilter(account="acc1"))
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


def test_what_to_shoot_next_is_what_the_service_predicts(served: LoadedModel, data: ReportData) -> None:
    assert {shot.kind for shot in data.shots} <= {"test", "direction"}
    for shot in data.shots:
        assert shot.gain == pytest.approx(shot.value / shot.before)
        assert shot.gain_low <= shot.gain <= shot.gain_high
        for tag, (_, new) in shot.changed.items():
            assert new in served.tags[tag]


def test_a_hit_is_likelier_from_creatives_that_differ() -> None:
    assert at_least_one(0.1, 20, 0.0) == pytest.approx(1 - 0.9**20)
    assert at_least_one(0.1, 1, 0.4) == pytest.approx(0.1)
    assert at_least_one(0.1, 20, 0.4) < at_least_one(0.1, 20, 0.1) < at_least_one(0.1, 20, 0.0)
    draw = np.random.default_rng(1)
    groups = np.repeat(np.arange(400), 6)
    alike = draw.random(len(groups)) < np.repeat(draw.beta(0.5, 1.5, 400), 6)
    found, count = intraclass_correlation(alike.astype(float), groups[:, None])
    assert count == 400
    assert found == pytest.approx(1 / 3, abs=0.07)  # of a beta(a, b): 1/(a + b + 1)
    assert intraclass_correlation((draw.random(len(groups)) < 0.3).astype(float), groups[:, None])[0] < 0.03


def test_likeness_is_the_share_of_tags_that_two_have_in_common() -> None:
    assert mean_shared_tags(np.array([[0, 0], [0, 1], [0, 2]])) == pytest.approx(0.5)
    assert mean_shared_tags(np.array([[0, 0]])) is None
    assert pair_accuracy(0.0) == pytest.approx(0.5)
    assert pair_accuracy(1.0) == pytest.approx(1.0)


def test_the_numbers_are_plain_data_that_survive_json(data: ReportData) -> None:
    assert ReportData.model_validate_json(data.model_dump_json()) == data


def test_the_report_on_the_small_world_is_as_it_was(data: ReportData) -> None:
    """Written anew by `GPMCAST_GOLDEN=1 pytest tests/serving/report`; look at what changed before it is kept."""
    import os

    found = summary(data)
    if os.environ.get("GPMCAST_GOLDEN"):
        GOLDEN.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    same(found, json.loads(GOLDEN.read_text(encoding="utf-8")), "")


def summary(data: ReportData) -> dict:
    """A tiny part of everything, of which each number can be looked up."""
    whole = json.loads(data.model_dump_json())
    for name in ("swarms", "dependences"):
        whole[name] = [{key: value for key, value in one.items() if isinstance(value, str)} for one in whole[name]]
    for name, most in (("cards", 2), ("heat", 2), ("shots", 3), ("disagreements", 2)):
        whole[name] = whole[name][:most]
    whole["kocs"]["kocs"] = whole["kocs"]["kocs"][:1]
    del whole["model_quality"]["version"]
    return whole


def same(found: object, kept: object, where: str) -> None:
    if isinstance(kept, dict):
        assert isinstance(found, dict)
        assert list(found) == list(kept), where
        for name in kept:
            same(found[name], kept[name], f"{where}.{name}")
    elif isinstance(kept, list):
        assert isinstance(found, list)
        assert len(found) == len(kept), where
        for place, (one, other) in enumerate(zip(found, kept)):
            same(one, other, f"{where}[{place}]")
    elif isinstance(kept, float):
        assert found == pytest.approx(kept, rel=1e-3, abs=1e-6), where
    else:
        assert found == kept, where

"""The JSON of table and cards says what the numbers say, in few bytes."""

import json
from math import exp

import pytest

from features.bilingual import Words
from serving.report.blocks.cards import LOG_UNIT, PRINTED, packed_days, printed
from serving.report.blocks.coded import LETTERS, coded
from serving.report.blocks.creatives import embedded
from serving.report.blocks.numbers import short
from serving.report.blocks.templated import templated
from serving.report.data import ReportData


@pytest.fixture(scope="module")
def found(data: ReportData) -> dict:
    return json.loads(json.dumps(embedded(data)))


def test_every_column_has_an_entry_for_every_creative(found: dict, data: ReportData) -> None:
    count = len(data.creatives)
    columns = [
        "verdict",
        "reason",
        "stake",
        "test",
        "asked",
        "chance",
        "hit",
        "age",
        "leak",
        "phase",
        "days",
        "firstDay",
    ]
    for name in [*columns, "daily", "recent", "peak", "peakEnd", "idea", "near"]:
        assert len(found[name]) == count, name
    for table in ("actual", "counts", "tags", "launch", "falls"):
        assert {len(column) for column in found[table]} == {count}, table
    assert {len(end) for target in found["predicted"] for end in target} == {count}


def test_predictions_and_reasons_are_those_of_the_cards(found: dict, data: ReportData) -> None:
    for row, card in enumerate(data.cards):
        for name, columns in zip(found["targetNames"], found["predicted"]):
            for shown, value in zip(columns, card.targets[name]):
                assert shown[row] == (None if value is None else pytest.approx(value, rel=1e-4, abs=0.5))
        zh, en, *numbers = found["reason"][row]
        filled = [found["reasons"][n][at].replace("{#}", "{}").format(*numbers) for n, at in enumerate((zh, en))]
        assert filled == [card.reason_zh, card.reason_en]
        assert found["verdicts"][found["verdict"][row]] == card.verdict


def test_waterfalls_in_whole_numbers_add_up_to_the_prediction(found: dict, data: ReportData) -> None:
    for name, column in zip(data.cards[0].waterfalls, found["falls"]):
        for card, row in zip(data.cards, column):
            assert (row == 0) == (name not in card.waterfalls)
            if row == 0:
                continue
            start, _, level, others, own, *bars = row
            reached = (start + level + others + own + sum(bars[1::3])) / LOG_UNIT
            assert exp(reached) == pytest.approx(card.targets[name][0], rel=1.0 / LOG_UNIT)
            fall = card.waterfalls[name]
            assert [found["groupNames"][place] for place in bars[::3]] == [group for group, _, _ in fall.bars]


def test_tags_are_those_of_the_cards(found: dict, data: ReportData) -> None:
    assert {type(column) for column in found["tags"]} == {str, list}
    for name, values, column in zip(found["tagNames"], found["tagTexts"], found["tags"]):
        for card, code in zip(data.cards, column):
            place = LETTERS.find(code) if isinstance(code, str) else code
            assert (values[place] if place >= 0 else None) == card.tags.get(name)


def test_days_without_any_delivery_are_counted_in_place_of_zeros(found: dict, data: ReportData) -> None:
    assert packed_days([0.0, 0.0, 0.0, 3.14, 0.0, 120.7]) == [-3, 3.1, -1, 121]
    for card, row in zip(data.cards, found["daily"]):
        days = [value for one in row for value in ([one] if one >= 0 else [0] * -one)]
        assert days == pytest.approx(card.life.daily, abs=0.5)


def test_few_values_are_one_letter_each_and_many_are_numbers() -> None:
    assert coded(["口播", None, "混剪", "口播"]) == (["口播", "混剪"], "0.10")
    many = [str(number) for number in range(len(LETTERS) + 1)]
    assert coded([*many, None]) == (many, [*range(len(many)), -1])


def test_of_a_stopped_creative_predicted_steps_are_not_told(data: ReportData) -> None:
    nothing = {
        name: step.model_copy(update={"observed": None, "clear": False}) for name, step in data.cards[0].steps.items()
    }
    ended, goes_on = (data.cards[0].life.model_copy(update={"phase": phase}) for phase in ("stopped", "steady"))
    unseen = [data.cards[0].model_copy(update={"steps": nothing, "life": life}) for life in (ended, goes_on)]
    cards = [*unseen, *data.cards[2:]]
    found = embedded(data.model_copy(update={"cards": cards}))
    for name, column in zip([stage.name for stage in data.stages], found["steps"]):
        assert column["seen"][:2] == "30"
        assert column["rate"][1] == pytest.approx(cards[1].steps[name].predicted, rel=1e-3)
        for card, seen in zip(cards, column["seen"]):
            assert (seen in "12") == (card.steps[name].observed is not None)
            assert (seen == "3") == (card.steps[name].observed is None and card.life.phase == "stopped")


def test_numbers_have_the_digits_that_are_shown() -> None:
    assert [short(value) for value in (None, 0.0, 0.123456789, 12.0, 9999.96, 123456.7)] == [
        None, 0, 0.12346, 12, 10000, 123457,
    ]  # fmt: skip


def test_sentences_that_differ_by_numbers_are_stored_once() -> None:
    sentences = [
        Words("消耗 1,200 元，概率 12%。", "1,200 CNY spent, chance 12%."),
        Words("消耗 7 元，概率 3.5%。", "7 CNY spent, chance 3.5%."),
        Words("约 3 天。", "about three days."),
        Words("没有。", "None."),
    ]
    (chinese, english), rows = templated(sentences)
    assert chinese == ["消耗 {#} 元，概率 {#}。", "约 {#} 天。", "没有。"]
    assert english == ["{#} CNY spent, chance {#}.", "about three days.", "None."]
    assert rows == [[0, 0, "1,200", "12%"], [0, 0, "7", "3.5%"], [1, 1, "3"], [2, 2]]


def test_what_is_printed_first_is_worth_most(data: ReportData) -> None:
    places = printed(data.cards)
    assert len(places) == min(PRINTED, len(data.cards)) == len(set(places))
    stakes = [abs(data.cards[place].stake_cny) for place in places if data.cards[place].stake_cny is not None]
    assert stakes == sorted(stakes, reverse=True)

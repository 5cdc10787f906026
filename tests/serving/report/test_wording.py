"""Sentences: both languages have the same placeholders, and columns to add are headers that the tag sheet knows."""

import re
from string import Formatter

import pytest

from features.attributes import TAG_LABELS
from features.bilingual import Words
from serving.report import wording
from serving.report.contribution_groups import OWN, group_label
from serving.report.levers.section import QUESTIONS


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize(
    "texts",
    [wording.TEXTS, wording.SCRIPT_TEXTS, wording.common.METRIC_COLUMNS, wording.levers.ASKED],
)
def test_no_text_has_a_hole_in_either_language(texts: dict[str, Words]) -> None:
    for name, words in texts.items():
        assert words.zh, name
        assert words.en, name
        assert placeholders(words.zh) == placeholders(words.en), name


@pytest.mark.parametrize("kind", ["TEXTS", "SCRIPT_TEXTS"])
def test_a_name_stands_in_one_section_only(kind: str) -> None:
    names = [name for section in wording.SECTIONS for name in getattr(section, kind, {})]
    assert sorted(names) == sorted(set(names))


def test_columns_to_add_are_called_by_their_headers() -> None:
    names = [*TAG_LABELS, "creator_id", "product_id", "price_cny", "copy_text", *wording.common.METRIC_COLUMNS]
    assert wording.common.columns(["hook"]) == ("标签表的“开头类型”", "开头类型 (hook) in the tag sheet")
    assert wording.common.columns(["hold", "price_cny"]).en.endswith("价格 (price) in the tag sheet")
    for name in names:
        assert wording.common.columns([name]).zh != name
    assert set(wording.levers.ASKED) <= set(QUESTIONS)


def test_tags_attributes_and_groups_are_called_as_in_their_declarations() -> None:
    assert wording.common.tag("price_cny") == ("价格（元）", "price (CNY)")
    assert wording.common.tag("hook") == TAG_LABELS["hook"]
    assert wording.common.tag("a team's own tag") == ("a team's own tag", "a team's own tag")
    assert group_label("price") == ("价格", "price")
    assert group_label("creator_id*product_id") == ("达人 × 商品", "KOC × product")
    assert group_label(OWN).en == "own early evidence"


HALF_WIDTH = re.compile(r"[\u4e00-\u9fff”][,;:?!()]|[,;:?!()][\u4e00-\u9fff“]")
NOT_OF_THE_TRADE = re.compile(r"因子|展现成本|未来量|年龄|基准|net_1h|--since|\bNone\b|\bnan\b")


def test_chinese_is_written_with_full_width_punctuation_and_the_words_of_the_trade(page: str) -> None:
    shown = re.findall(r'<span class="zh">([^<]*)</span>', page) + [words.zh for words in wording.SCRIPT_TEXTS.values()]
    assert len(shown) > 200
    assert [text for text in shown if HALF_WIDTH.search(text)] == []
    assert [text for text in shown if NOT_OF_THE_TRADE.search(text)] == []

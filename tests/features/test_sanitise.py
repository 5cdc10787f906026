"""Text from files cannot steer a terminal, break a page or a table, or run as a formula."""

import pytest
from markupsafe import Markup

from features.sanitise import markdown_text, spreadsheet_cell, template_text, visible_text, visible_texts, web_address


def test_control_and_direction_characters_are_replaced() -> None:
    assert visible_text("a\x1b[31mb\u202ec\r\x07") == "a\ufffd[31mb\ufffdc\ufffd\ufffd"
    assert visible_text("中文,“quotes” <b>\nnext") == "中文,“quotes” <b>\nnext"


def test_nested_texts_are_replaced_and_numbers_stay() -> None:
    assert visible_texts({"a": ["x\x07", 1.5, None], "b": ("y\u202e",)}) == {
        "a": ["x\ufffd", 1.5, None],
        "b": ["y\ufffd"],
    }


def test_markup_of_templates_stays_and_text_does_not() -> None:
    markup = Markup("<svg>\x07</svg>")
    assert template_text(markup) is markdown_text(markup) is markup
    assert template_text("a\x07") == "a\ufffd"
    assert template_text(3) == markdown_text(3) == 3


def test_markdown_has_no_column_link_or_code() -> None:
    assert markdown_text("a|b\n[c](d)`e`") == "a/b (c)(d)'e'"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum", "\u200b=1", " \t=1", "\t1", "＝1"])
def test_formulas_get_an_apostrophe(text) -> None:
    assert spreadsheet_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["1+1", "悬念", "", -1.5, None])
def test_other_cells_stay(value) -> None:
    assert spreadsheet_cell(value) == value


@pytest.mark.parametrize("text", ["https://v.example.com/a?b=1#c", "http://10.0.0.1/x", " https://例子.cn/封面.png "])
def test_an_address_of_the_web_becomes_a_link(text) -> None:
    assert web_address(text) == text.strip()


@pytest.mark.parametrize(
    "text",
    ["", "封面.png", "javascript:alert(1)", "data:text/html,x", "//host/x", "ftp://host/x", "file:///etc/passwd",
     "https://user:key@host/x", "https:///x", "https://host/a b", "https://host/\"x", "https://[", "https://h/\u202ex"],
)  # fmt: skip
def test_nothing_else_does(text) -> None:
    assert web_address(text) == ""

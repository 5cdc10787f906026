"""What is typed wrongly is answered in the asked language, with what was expected."""

import sys

import pytest

from features.command_line import amount, run_command, whole_number
from features.errors import InputError
from training.__main__ import app


def said(capsys, monkeypatch, *arguments: str) -> str:
    monkeypatch.setattr(sys, "argv", ["training", *arguments])
    with pytest.raises(SystemExit) as ended:
        run_command(app, "training")
    assert ended.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["predict", "--data", "x", "--headers", "cn"], "--headers 的值“cn”不对；应为 codes、zh 之一"),
        (["predict", "--data", "x", "--foo"], "没有 --foo 这个选项；应为 --data、--out"),
        (["predikt"], "没有 predikt 这个命令；应为 train、refresh"),
        (["predict"], "缺少 --data"),
        (["plan", "--out"], "--out 后面要写值"),
        (["ui", "--data", "x", "--port", "abc"], "--port 的值不对；应为整数"),
        (["ui", "--data", "x", "--port", "0"], "--port 的值不对；应为不小于下限的数"),
        (["ui", "--data", "x", "more"], "命令写错了"),
    ],
)
def test_errors_of_the_command_line_are_in_chinese(arguments, expected, capsys, monkeypatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    text = said(capsys, monkeypatch, *arguments)
    assert text.startswith(expected)
    assert "--help" in text


def test_they_stay_in_english_where_that_is_asked_for(capsys, monkeypatch) -> None:
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    assert "No such command" in said(capsys, monkeypatch, "predikt")


@pytest.mark.parametrize(
    ("text", "cny"),
    [("5000", 5000), ("5,000", 5000), ("5000元", 5000), ("¥5000", 5000), ("1.2万", 12_000), ("-5", -5), ("0", 0)],
)
def test_money_is_written_as_in_an_export(text, cny) -> None:
    assert amount(text) == cny


@pytest.mark.parametrize("text", ["很多", "", "nan", "30%", "--"])
def test_what_is_no_money_is_refused_in_both_languages(text) -> None:
    with pytest.raises(InputError, match="is no amount") as refused:
        amount(text)
    assert "不是金额" in refused.value.zh


@pytest.mark.parametrize("text", ["0", "-1", "两个", "1.5", ""])
def test_what_is_no_count_is_refused_in_both_languages(text) -> None:
    assert whole_number("6") == 6
    with pytest.raises(InputError, match="is no number of them") as refused:
        whole_number(text)
    assert "不是个数" in refused.value.zh

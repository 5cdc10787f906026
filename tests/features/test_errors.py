"""A problem is stated in the language of its reader."""

import pytest

from configs.errors import GpmcastError
from features.command_line import language_asked_for
from features.console import error_lines
from features.errors import InputError, Problem, row_problem

TOTALS = row_problem(
    "日报.csv", [2, 9], found="2 rows of totals", expected="one creative per row", cure="They were left out.",
    zh="2 行是合计；应一行一个素材。已略过。", column="素材ID",
)  # fmt: skip


def test_a_problem_names_column_and_rows_in_both_languages() -> None:
    assert TOTALS.in_language("zh") == "日报.csv，“素材ID”列，第 2、9 行：2 行是合计；应一行一个素材。已略过。"
    assert TOTALS.in_language("en") == str(TOTALS)
    assert TOTALS.in_language("zh", name="a.csv").startswith("a.csv，")


def test_a_problem_without_chinese_is_stated_in_english() -> None:
    problem = Problem("file", "a.csv", "an empty file", "CSV", "Export it again.")
    assert problem.in_language("zh") == "a.csv: found an empty file; expected CSV. Export it again."


def test_an_error_lists_its_problems_in_the_language_asked_for() -> None:
    error = InputError("None of the files could be used:", [TOTALS], zh="没有一个文件能用：")
    assert error_lines(error, "zh") == ["没有一个文件能用：", f"  - 行：{TOTALS.in_language('zh')}"]
    assert error_lines(error, "en") == ["None of the files could be used:", f"  - row: {TOTALS}"]
    assert GpmcastError("only English").in_language("zh") == "only English"


@pytest.mark.parametrize(
    ("arguments", "locale", "language"),
    [
        (["--lang", "zh"], "C", "zh"),
        (["--lang=en", "--data", "x"], "zh_CN.UTF-8", "en"),
        (["--data", "x"], "zh_CN.UTF-8", "zh"),
        (["--lang"], "C", "en"),
    ],
)
def test_the_option_decides_else_the_locale(arguments, locale, language, monkeypatch) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    assert language_asked_for(arguments) == language

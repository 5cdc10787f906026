"""Numbers of options, and the sentences for what is none."""

import pytest

from features.console import amount, whole_number
from features.errors import InputError


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

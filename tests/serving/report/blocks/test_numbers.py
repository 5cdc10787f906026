"""Numbers as texts."""

import pytest

from serving.report.blocks.numbers import change, number, signed, whole


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "–"), (0.0, "0"), (0.456, "0.46"), (12.34, "12.3"), (123.4, "123"), (12345.6, "12,346")]
)
def test_a_number_has_as_many_digits_as_help(value: float | None, shown: str) -> None:
    assert number(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(None, "–"), (-0.3, "0"), (0.2, "0"), (-1234.5, "−1,234"), (9.6, "+10")])
def test_a_sign_stands_before_what_is_not_nothing(value: float | None, shown: str) -> None:
    assert signed(value) == shown
    assert whole(None) == "–"


@pytest.mark.parametrize(
    ("now", "before", "shown"), [(110.0, 100.0, "+10%"), (69.0, 100.0, "−31%"), (3833.0, 100.0, "×38")]
)
def test_a_change_is_a_percentage_until_it_is_fivefold(now: float, before: float, shown: str) -> None:
    assert change(now, before) == shown

"""Is this id still whole? Spreadsheets turn ids of 19 digits into numbers of 15."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.readers.cells import EXACT, distinct, spread, text_of
from features.readers.clean_text import is_missing

CURE = (
    "The digits are gone for good in this file. Export it again and do not open it in a spreadsheet, or import the "
    "column there as text."
)

_SCIENTIFIC = re.compile(r"\d(\.\d+e\+?|e\+)\d{2}", re.IGNORECASE)
"""As spreadsheets and programs write it (7.7E+18); an id such as 04576e7123 is none."""

_WHOLE = re.compile(r"\d+")
_DOT_ZERO = re.compile(r"(\d+)\.0+")
_FORMULA_TEXT = re.compile(r'="?([^"]*)"?')
_LONG = 16
_ZEROS = "0000"
_MAX_LENGTH = 128


@dataclass(frozen=True)
class Ids:
    """A column of ids.

    Attributes:
        values: Text, null where missing or lost.
        lost: Where there was an id that cannot be read back.
    """

    values: Any
    lost: np.ndarray[Any, np.dtype[np.bool_]]


def parse_ids(cells: Any) -> Ids:
    """Ids as text. Lost: in scientific notation; numbers from 2**53; and, where most of the long ids of the column end
    in four zeros (only 15 digits were kept), those that do."""
    values, codes = distinct(cells)
    parsed = [_parse(value) for value in values]
    lost = np.array([text is None for text in parsed] + [False], dtype=bool)
    long = np.array([len(text or "") >= _LONG and bool(_WHOLE.fullmatch(text or "")) for text in parsed], dtype=bool)
    zeros = np.array([bool(text) and str(text).endswith(_ZEROS) for text in parsed], dtype=bool) & long
    counts = np.bincount(codes[codes >= 0], minlength=len(values))
    if len(values) and 2 * counts[zeros].sum() > counts[long].sum():
        lost[:-1] |= zeros
    kept = [None if gone or not text else text for text, gone in zip(parsed, lost)]
    return Ids(spread(kept, codes), lost[codes])


def _parse(value: object) -> str | None:
    """The id, empty where the cell says there is none, None where it is lost."""
    if isinstance(value, str) and value.isascii() and value.isdigit():  # as nearly all are: nothing to be cleaned
        return value[:_MAX_LENGTH]
    if isinstance(value, float) and (abs(value) >= EXACT or not value.is_integer()):
        return None
    text = unicodedata.normalize("NFKC", text_of(value)).strip().lstrip("'").strip()
    if text.startswith("="):
        found = _FORMULA_TEXT.fullmatch(text)
        text = found[1].strip() if found else text
    if whole := _DOT_ZERO.fullmatch(text):
        text = whole[1]
        if int(text) >= EXACT:
            return None
    if _SCIENTIFIC.fullmatch(text):
        return None
    return "" if is_missing(text) else "".join(letter for letter in text if letter.isprintable())[:_MAX_LENGTH]

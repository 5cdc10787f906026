"""Text as it may go on: one line form, no control or direction marks, not endless."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from features.readers.cells import each_text
from features.schema import MULTI

MAX_LENGTH = 2000

_SPACES = re.compile(r"\s+")
_MULTI = re.compile(r"[、，,;；/|]")
_MISSING = {"", "-", "--", "---", "—", "——", "–", "n/a", "#n/a", "na", "nan", "null", "none", "暂无", "无数据"}
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Unicode's categories Cc and Cs."""
_MARKS = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def is_missing(text: str) -> bool:
    """Whether a cell says that there is no value; that is never 0."""
    return text.strip().casefold() in _MISSING


def clean(text: str) -> str | None:
    """NFC, without control and direction marks, white space as single spaces, capped; None where nothing is left."""
    text = _SPACES.sub(" ", _MARKS.sub("", unicodedata.normalize("NFC", text)))
    text = _CONTROLS.sub("", text).strip()[:MAX_LENGTH]
    return None if is_missing(text) else text


def several(text: str) -> str | None:
    """The values in one cell, sorted, each once, joined by MULTI."""
    parts = {part for piece in _MULTI.split(text) if (part := clean(piece))}
    return MULTI.join(sorted(parts)) or None


def words(cells: Any, *, multi: bool = False) -> Any:
    """A column of such text, null where a cell has none."""
    return each_text(cells, several if multi else clean)

"""How headers are compared: whole names, without case, spaces, quotes and the width of brackets."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import lru_cache

_QUOTES = "\"'“”‘’`\ufeff\u200b"
_UNIT = re.compile(r"\((元|%|次|秒|个|人|单|s|cny)\)$")
_SIMILAR = 0.5
"""Least similarity (difflib) of two headers of which one may be meant by the other."""


def normalise_header(header: str) -> str:
    """Return the form in which headers are compared: without case, spaces, quotes and width of brackets."""
    if header.isascii() and header.isalnum():  # mostly ids: the steps below would change nothing but the case
        return header.casefold()
    return _normalise(header)


@lru_cache(maxsize=4096)
def _normalise(header: str) -> str:
    text = unicodedata.normalize("NFKC", header).strip().strip(_QUOTES)
    return "".join(text.split()).casefold()


def header_places(cells: Sequence[str]) -> dict[str, list[int]]:
    """Map each normalised header to its column indices; a unit in brackets at the end may be omitted."""
    found: dict[str, list[int]] = {}
    for place, cell in enumerate(cells):
        if name := normalise_header(cell):
            found.setdefault(name, []).append(place)
    for place, cell in enumerate(cells):
        name = normalise_header(cell)
        bare = _UNIT.sub("", name)
        if bare and bare != name and bare not in found:
            found[bare] = [place]
    return found


def nearest_header(wanted: Iterable[str], present: Sequence[str], *, similar: float = _SIMILAR) -> str:
    """Return the header that is most similar to one of those wanted; empty if none is similar."""
    forms = {normalise_header(cell): cell for cell in present if cell.strip()}
    for name in wanted:
        if close := get_close_matches(normalise_header(name), list(forms), n=1, cutoff=similar):
            return forms[close[0]]
    return ""

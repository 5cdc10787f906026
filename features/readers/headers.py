"""Is this header that one? Whole names, whatever their case, spaces, brackets and quotes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

_QUOTES = "\"'“”‘’`\ufeff\u200b"
_UNIT = re.compile(r"\((元|%|次|秒|个|人|单|s|cny)\)$")


def normal(header: str) -> str:
    """The form in which headers are compared."""
    if header.isascii() and header.isalnum():  # ids above all: the steps below would change nothing but the case
        return header.casefold()
    text = unicodedata.normalize("NFKC", header).strip().strip(_QUOTES)
    return "".join(text.split()).casefold()


def places(cells: Sequence[str]) -> dict[str, list[int]]:
    """Normal form → where it stands in a header row; a unit in brackets at the end may be left out."""
    found: dict[str, list[int]] = {}
    for place, cell in enumerate(cells):
        if name := normal(cell):
            found.setdefault(name, []).append(place)
    for place, cell in enumerate(cells):
        name = normal(cell)
        bare = _UNIT.sub("", name)
        if bare and bare != name and bare not in found:
            found[bare] = [place]
    return found


def nearest(wanted: Iterable[str], present: Sequence[str]) -> str:
    """The header in the file that comes closest to one of those wanted; empty if none does."""
    forms = {normal(cell): cell for cell in present if cell.strip()}
    for name in wanted:
        if close := get_close_matches(normal(name), list(forms), n=1, cutoff=0.5):
            return forms[close[0]]
    return ""

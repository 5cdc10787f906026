"""Which tags stand in a creative's file name?"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import pandas as pd

from configs.name_pattern import Names
from features.readers.attributes import LONG, empty_long
from features.readers.clean_text import clean
from features.schema import KEY

_ENDING = re.compile(r"\.[A-Za-z0-9]{2,4}$")


def tags_in_names(named: pd.DataFrame, names: Names) -> pd.DataFrame:
    """Rows of origin “name” for every tag in a `value` of this long frame of creative names."""
    read = reader(names)
    tags = {name: read(name) for name in named["value"].unique()}
    rows = [
        (*key, tag, value, "name")
        for *key, name in named[[*KEY, "value"]].itertuples(index=False, name=None)
        for tag, value in tags[name].items()
    ]
    return pd.DataFrame(rows, columns=LONG).astype("str") if rows else empty_long()


def reader(names: Names) -> Callable[[str], dict[str, str]]:
    """A function from a file name to its tags."""
    split = re.compile(f"[{re.escape(names.separators)}]")
    patterns = [re.compile(pattern) for pattern in names.patterns]
    synonyms = {_form(word): meant for word, meant in names.synonyms.items()}
    meanings: dict[str, list[tuple[str, str]]] = {}
    for tag, vocabulary in names.vocabulary.items():
        for word in vocabulary:
            meanings.setdefault(_form(word), []).append((tag, word))

    def read(name: str) -> dict[str, str]:
        stem = _ENDING.sub("", name.strip())
        tags: dict[str, str] = {}
        for pattern in patterns:
            if found := pattern.fullmatch(stem):
                tags = {tag: value for tag, raw in found.groupdict().items() if raw and (value := clean(raw))}
                break
        for token in split.split(stem):
            form = _form(token)
            for tag, word in meanings.get(_form(synonyms.get(form, token)), ()):
                if tag not in tags:
                    tags[tag] = word
                    break
        return tags

    return read


def _form(word: str) -> str:
    return unicodedata.normalize("NFKC", word).strip().casefold()

"""Texts in the two languages of readers: Chinese and English."""

import os
from collections.abc import Iterable
from typing import Literal, NamedTuple

Language = Literal["zh", "en"]


class Words(NamedTuple):
    """One text in both languages.

    Attributes:
        zh: Chinese, shown to strategists.
        en: English.
    """

    zh: str
    en: str

    def format(self, **values: object) -> "Words":
        """Fill in the placeholders of both texts, as `str.format` does."""
        return Words(self.zh.format(**values), self.en.format(**values))

    def in_language(self, language: Language) -> str:
        """Return one of the two texts."""
        return self.zh if language == "zh" else self.en


def series(names: Iterable[object]) -> Words:
    """Return names one after another, as each language separates them."""
    listed = list(map(str, names))
    return Words("、".join(listed), ", ".join(listed))


def language_of_locale() -> Language:
    """Return `zh` where the locale of this process is Chinese, else `en`."""
    stated = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "zh" if stated.casefold().startswith("zh") else "en"

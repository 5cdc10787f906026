"""Texts in the two languages of readers: Chinese and English."""

from typing import NamedTuple


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

"""A text in both languages of the reader: Chinese first, then English."""

from typing import NamedTuple


class Words(NamedTuple):
    """The same text twice.

    Attributes:
        zh: What strategists read.
        en: The same in English.
    """

    zh: str
    en: str

    def format(self, **values: object) -> "Words":
        """Fill in the placeholders of both texts."""
        return Words(self.zh.format(**values), self.en.format(**values))

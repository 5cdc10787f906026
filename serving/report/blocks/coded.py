"""A column of texts as the list of its values and one short code an entry."""

from collections.abc import Sequence

LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
"""Codes of a column with few values; none of them needs an escape in JSON or HTML."""
MISSING = "."


def coded(texts: Sequence[str | None]) -> tuple[list[str], str | list[int]]:
    """Values in the order of their first appearance, and the codes: a string of LETTERS, or numbers if values are many.

    None is MISSING or −1.

    >>> coded(["口播", None, "混剪", "口播"])
    (['口播', '混剪'], '0.10')
    """
    values = list(dict.fromkeys(text for text in texts if text is not None))
    place = {text: number for number, text in enumerate(values)}
    if len(values) > len(LETTERS):
        return values, [-1 if text is None else place[text] for text in texts]
    return values, "".join(MISSING if text is None else LETTERS[place[text]] for text in texts)

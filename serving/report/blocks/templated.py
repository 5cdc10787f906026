"""Sentences in two languages that differ by their numbers alone, stored once: templates with gaps, and the numbers."""

import re
from collections.abc import Iterable

from features.bilingual import Words

GAP = "{#}"
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?%?")


def templated(sentences: Iterable[Words]) -> tuple[tuple[list[str], list[str]], list[list[object]]]:
    """Templates of both languages, and of each sentence its two templates and the numbers that fill either.

    Where the numbers of the two languages differ, the English sentence is a template without gaps.

    >>> templated([Words("已消耗 120 元。", "120 CNY spent."), Words("已消耗 3,450 元。", "3,450 CNY spent.")])
    ((['已消耗 {#} 元。'], ['{#} CNY spent.']), [[0, 0, '120'], [0, 0, '3,450']])
    """
    chinese: dict[str, int] = {}
    english: dict[str, int] = {}
    found: list[list[object]] = []
    for zh, en in sentences:
        numbers = [] if GAP in zh + en else _NUMBER.findall(zh)
        same = numbers == _NUMBER.findall(en)
        of_zh = _NUMBER.sub(GAP, zh) if numbers else zh
        of_en = _NUMBER.sub(GAP, en) if numbers and same else en
        places = chinese.setdefault(of_zh, len(chinese)), english.setdefault(of_en, len(english))
        found.append([*places, *numbers])
    return (list(chinese), list(english)), found

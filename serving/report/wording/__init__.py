"""Every sentence of the strategist's report, Chinese and English side by side: no other module holds one.

`common.py` says what several sections say; each other module belongs to the section of its name: TEXTS are headings and
paragraphs, SCRIPT_TEXTS what its script writes, functions put numbers into a sentence. Stages, targets, tags, feature
groups and verdicts are named by their own objects (`features.stages`, `features.targets`, …); what is said of a plan
here and elsewhere: `training.decision.plan`, `overview_words.py` and `row_words.py`. Only one- or two-word
heads of tables and axes are in the templates, next to their columns.
"""

from features.bilingual import Words
from serving.report.wording import (
    cards as cards,
    common as common,
    creatives as creatives,
    diversity as diversity,
    first_screen as first_screen,
    kocs as kocs,
    levers as levers,
    plan as plan,
    reliability as reliability,
    shell as shell,
    track_record as track_record,
)

SECTIONS = (shell, first_screen, levers, creatives, cards, plan, kocs, diversity, track_record, reliability)
"""Modules that hold TEXTS, in the order of the page."""
TEXTS: dict[str, Words] = {name: words for section in SECTIONS for name, words in section.TEXTS.items()}
"""Headings and paragraphs of all sections: a name stands once (`tests/serving/report/test_wording.py`)."""

SCRIPT_TEXTS: dict[str, Words] = {
    name: words for section in SECTIONS for name, words in getattr(section, "SCRIPT_TEXTS", {}).items()
}
"""Texts that scripts write, of all sections: a name stands once."""


def text(name: str, **values: object) -> Words:
    """A heading or paragraph of TEXTS, with its placeholders filled in."""
    return TEXTS[name].format(**values)

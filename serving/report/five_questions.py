"""The five questions of whole-domain promotion, each answered at its own step, or the column that would answer it."""

from serving.report.context import Seen
from serving.report.effects import Baseline, Effect, Figure, Floats, effects, grouping
from serving.report.interactions import Interplay, interplay
from serving.report.phrases import Phrase, phrases

QUESTIONS = {
    "opening": ("hook", ("hold",)),
    "style": ("style", ("order",)),
    "copy": ("selling_point", ("click",)),
    "scene": ("scene", ("order", "value")),
    "audience": ("audience", ("order",)),
}
"""Question → the tag it asks about, and the stages whose factors answer it."""


class Question(Figure):
    """One question.

    Attributes:
        name: Of QUESTIONS.
        tag: It asks about.
        stages: That answer it.
        creatives: Launched, with a value of the tag.
        effects: Of each value, best first.
        interplay: Its strongest pair.
        phrases: Of the copy: what stands out beyond the model.
        missing: Columns or tags that would answer it (`wording.COLUMNS`); empty where it is answered.
    """

    name: str
    tag: str
    stages: list[str]
    creatives: int
    effects: list[Effect]
    interplay: Interplay
    phrases: list[Phrase]
    missing: list[str]


NOTHING = Interplay(looked_at=0, pairs=[])


def questions(seen: Seen, base: Baseline, draws: Floats, z: float) -> list[Question]:
    """All five, in order."""
    return [_question(seen, base, draws, z, name) for name in QUESTIONS]


def _question(seen: Seen, base: Baseline, draws: Floats, z: float, name: str) -> Question:
    tag, wanted = QUESTIONS[name]
    stages = [stage for stage in wanted if seen.funnel.has(stage)]
    missing = [stage for stage in wanted if stage not in stages]
    told: list[Phrase] = []
    found: list[Effect] = []
    pair, count = NOTHING, 0
    if name == "copy":
        missing += [] if "copy_text" in seen.observed else ["copy_text"]
        told = phrases(seen, z) if not missing else []
    if tag not in seen.all_tags:
        missing.append(tag)
    elif stages:
        group = grouping(seen, tag, seen.all_tags[tag])
        found = effects(seen, base, group, stages, draws)
        count = int((group.shares.any(axis=1) & seen.launched).sum())
        pair = interplay(seen, group, stages, z) if tag in seen.tags else NOTHING
    if name == "audience":
        missing.append("repeat_orders")  # no export of 全域推广 tells them
    return Question(
        name=name,
        tag=tag,
        stages=stages,
        creatives=count,
        effects=found,
        interplay=pair,
        phrases=told,
        missing=missing,
    )

"""Five questions about opening, style, copy, scene and audience: tag effects, tag pairs and phrases that answer them.

Each question is answered at its own stages; where columns are missing, it names those that would answer it. Pairs and
phrases go beyond what the model adds up: they are shrunk mean residuals (`contribution_groups.shrunk_cells`).
"""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import norm

from features.funnel import signs_of
from serving.report.context import ReportContext
from serving.report.contribution_groups import StageResidual, shrunk_cells
from serving.report.effects import Baseline, Floats, ReportPart, TagEffect, TagGrouping, group_by_tag, tag_effects

QUESTION_STAGES = {
    "opening": ("hook", ("hold",)),
    "style": ("style", ("order",)),
    "copy": ("selling_point", ("click",)),
    "scene": ("scene", ("order", "value")),
    "audience": ("audience", ("order",)),
}
"""Question → its tag, and the stages whose factors answer it."""
LEAST_PAIR_CREATIVES = 8
FAMILYWISE_ERROR = 0.1
"""Chance that the clearest of all examined pairs is called clear although no pair has an effect (Bonferroni)."""
PHRASE_BREAKS = re.compile(r"[\s,，。.!！?？;；:：、|~～…]+")
LONGEST_PHRASE = 24
LEAST_PHRASE_CREATIVES = 10
MOST_PHRASES = 12


class TagPair(ReportPart):
    """A value of one tag together with a value of another.

    Attributes:
        tag, value: The first.
        other_tag, other: The second.
        creatives: Creatives with both.
        factor: Beyond the product of both effects, shrunk; with its interval.
        clear: Whether it is significant among all examined pairs.
    """

    tag: str
    value: str
    other_tag: str
    other: str
    creatives: int
    factor: float
    low: float
    high: float
    clear: bool


class Interactions(ReportPart):
    """The strongest pairs of one question.

    Attributes:
        examined: Number of pairs with enough creatives.
        pairs: The clearest pair, and the opposite pair of the same value where there is one.
    """

    examined: int
    pairs: list[TagPair]


class PhraseEffect(ReportPart):
    """Click rate of creatives whose copy has a phrase, beyond what the model predicts for them.

    Attributes:
        text: The phrase.
        creatives: Creatives with counts that have it.
        factor: On the click rate, shrunk; with its interval.
        raw: Pooled click rate; None without impressions.
        thin: Fewer creatives than `verdict.min_creatives`.
    """

    text: str
    creatives: int
    factor: float
    low: float
    high: float
    raw: float | None
    thin: bool


class Question(ReportPart):
    """One question and its answer.

    Attributes:
        name: Key of QUESTION_STAGES.
        tag: Tag that it is about.
        stages: Stages that answer it.
        creatives: Launched creatives with a value of the tag.
        effects: Of each value, the largest factor first.
        interactions: Strongest pairs with other tags.
        phrases: Of the copy question.
        missing: Columns or tags that would answer it (named by `wording.columns`).
    """

    name: str
    tag: str
    stages: list[str]
    creatives: int
    effects: list[TagEffect]
    interactions: Interactions
    phrases: list[PhraseEffect]
    missing: list[str]


NO_INTERACTIONS = Interactions(examined=0, pairs=[])


def five_questions(context: ReportContext, base: Baseline, bootstrap_weights: Floats, z: float) -> list[Question]:
    """Answer all questions, in the order of QUESTION_STAGES.

    Args:
        context: The chosen creatives.
        base: Their baseline.
        bootstrap_weights: (draws, creatives) From `effects.bootstrap`.
        z: Half width of an interval in standard deviations.
    """
    return [_question(context, base, bootstrap_weights, z, name) for name in QUESTION_STAGES]


def _question(context: ReportContext, base: Baseline, bootstrap_weights: Floats, z: float, name: str) -> Question:
    tag, wanted = QUESTION_STAGES[name]
    stages = [stage for stage in wanted if context.funnel.has(stage)]
    missing = [stage for stage in wanted if stage not in stages]
    phrases: list[PhraseEffect] = []
    effects: list[TagEffect] = []
    interactions, count = NO_INTERACTIONS, 0
    if name == "copy":
        missing += [] if "copy_text" in context.observed else ["copy_text"]
        phrases = phrase_effects(context, z) if not missing else []
    if tag not in context.all_tags:
        missing.append(tag)
    elif stages:
        group = group_by_tag(context, tag, context.all_tags[tag])
        effects = tag_effects(context, base, group, stages, bootstrap_weights)
        count = int((group.shares.any(axis=1) & context.launched).sum())
        interactions = tag_interactions(context, group, stages, z) if tag in context.tags else NO_INTERACTIONS
    if name == "audience":
        missing.append("repeat_orders")  # no export of 全域推广 has them
    return Question(
        name=name,
        tag=tag,
        stages=stages,
        creatives=count,
        effects=effects,
        interactions=interactions,
        phrases=phrases,
        missing=missing,
    )


def tag_interactions(context: ReportContext, group: TagGrouping, stages: Sequence[str], z: float) -> Interactions:
    """The clearest pair of a tag's values with values of every other tag or the category.

    The factor of a pair is the mean contribution of the model's own pair effect, where it has one, plus the shrunk mean
    residual of the creatives with both values.

    Args:
        context: The chosen creatives.
        group: Grouping by the tag.
        stages: Stages whose factors multiply.
        z: Half width of an interval in standard deviations.
    """
    found: list[tuple[float, float, TagPair]] = []
    others = {**context.tags, **{name: name for name in ("category",) if name in context.observed}}
    for other_tag, column in others.items():
        if other_tag == group.tag:
            continue
        other = group_by_tag(context, other_tag, column)
        if not len(other.values) or not len(group.values):
            continue
        both = (group.codes >= 0) & (other.codes >= 0)
        codes = np.where(both, group.codes * len(other.values) + other.codes, -1)
        of_model = pd.Series(_pair_contributions(context, group.tag, other_tag, stages)).groupby(codes).mean()
        residuals = [context.residuals[stage] for stage in stages]
        for cell in shrunk_cells(residuals, codes, len(group.values) * len(other.values)):
            if cell.creatives < LEAST_PAIR_CREATIVES:
                continue
            log = cell.log + float(of_model[cell.code])
            left, right = divmod(cell.code, len(other.values))
            pair = TagPair(
                tag=group.tag,
                value=group.values[left],
                other_tag=other_tag,
                other=other.values[right],
                creatives=cell.creatives,
                factor=float(np.exp(log)),
                low=float(np.exp(log - z * cell.sd)),
                high=float(np.exp(log + z * cell.sd)),
                clear=False,
            )
            found.append((abs(log) / max(cell.sd, 1e-9), abs(cell.z), pair))
    found.sort(key=lambda entry: -entry[0])
    critical = float(norm.isf(FAMILYWISE_ERROR / 2 / max(len(found), 1)))
    pairs = [pair.model_copy(update={"clear": raw_z >= critical and shrunk_z > z}) for shrunk_z, raw_z, pair in found]
    if not pairs:
        return NO_INTERACTIONS
    first = pairs[0]
    same = [pair for pair in pairs[1:] if (pair.value, pair.other_tag) == (first.value, first.other_tag)]
    opposite = [pair for pair in same if (pair.factor - 1.0) * (first.factor - 1.0) < 0]
    return Interactions(examined=len(pairs), pairs=[first, *opposite[:1]])


def _pair_contributions(context: ReportContext, tag: str, other: str, stages: Sequence[str]) -> Floats:
    """(creatives,) Contributions of the model's own pair effects; zeros where it has none."""
    total = np.zeros(len(context.observed))
    for stage, sign in signs_of(stages).items():
        for name in (f"{tag}*{other}", f"{other}*{tag}"):
            total = total + sign * context.stages[stage].of_group(name)
    return total


def phrase_effects(context: ReportContext, z: float) -> list[PhraseEffect]:
    """Phrases of the copy with the highest and the lowest click rate beyond the model, the highest first.

    The model has components of the whole text and no phrases, so these are residuals, not contributions. Phrases of
    fewer than LEAST_PHRASE_CREATIVES creatives are left out.

    Args:
        context: The chosen creatives.
        z: Half width of an interval in standard deviations.
    """
    texts = context.observed["copy_text"].dropna().astype(str)
    parts = texts.str.split(PHRASE_BREAKS.pattern, regex=True).explode()
    parts = parts[(parts.str.len() > 1) & (parts.str.len() <= LONGEST_PHRASE)].rename("phrase")
    pairs = parts.rename_axis("row").reset_index().drop_duplicates()
    sizes = pairs["phrase"].value_counts()
    pairs = pairs[pairs["phrase"].map(sizes) >= LEAST_PHRASE_CREATIVES]
    codes, names = pd.factorize(pairs["phrase"], sort=True)
    rows = pairs["row"].to_numpy(np.int64)
    click = context.residuals["click"]
    residual = StageResidual(click.deviation[rows], click.weight[rows])
    clicks, shown = (np.nan_to_num(context.counts(name))[rows] for name in ("clicks", "impressions"))
    tops, bottoms = np.bincount(codes, clicks, len(names)), np.bincount(codes, shown, len(names))
    found = [
        PhraseEffect(
            text=str(names[cell.code]),
            creatives=cell.creatives,
            factor=float(np.exp(cell.log)),
            low=float(np.exp(cell.log - z * cell.sd)),
            high=float(np.exp(cell.log + z * cell.sd)),
            raw=float(tops[cell.code] / bottoms[cell.code]) if bottoms[cell.code] > 0 else None,
            thin=cell.creatives < context.settings.verdict.min_creatives,
        )
        for cell in shrunk_cells([residual], codes.astype(np.int64), len(names))
    ]
    found.sort(key=lambda phrase: -phrase.factor)
    return found if len(found) <= MOST_PHRASES else [*found[: MOST_PHRASES // 2], *found[-MOST_PHRASES // 2 :]]

"""What to shoot next: briefs made of tag values whose effect is sure enough, each with the test that would prove it.

A brief is the typical creative of an account, product or KOC with some tags changed to values that `effects.grade`
calls certain or likely to be better there; what cannot be told is never changed to. Every brief is a request to the
service's own function (`serving.inference.predict.predictions`), at age 0.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from features.arrays import Ints
from features.attributes import names_of
from features.point_in_time.entity_history import TAG
from features.schema import MULTI
from serving.api.requests import Creative
from serving.inference.predict import predictions
from serving.report.context import ReportContext
from serving.report.diversity import DIRECTION_TAGS
from serving.report.effects import Grade, ReportPart
from serving.report.levers.parts import Levers, LeverSlice
from serving.report.levers.section import LeverGrade, lever_grades

SHOT_TAGS = (*DIRECTION_TAGS, "style")
"""Tags that a brief may change."""
VALUES_PER_TAG = 3
MOST_CANDIDATES = 200
MOST_BRIEFS = 3
"""Briefs of a slice."""
COPIES = 3
"""Creatives to shoot of one brief: one alone says more about the take than about the brief."""
LEAST_GAIN = 1.02

CandidateCreative = dict[str, Any]
Answer = dict[str, Any]


ValueEffects = Mapping[str, Mapping[str, LeverGrade]]
"""Tag → value → its effect on the main target in one slice, and how sure that is."""


class Change(ReportPart):
    """A tag of a brief that differs from the typical creative.

    Attributes:
        tag: Feature group of the tag.
        old, new: Values; `old` is empty where the typical creative has none.
        grade: How sure it is that the new value is better than the mean creative.
        pooled: Whether that is known from all creatives of the promotion type only.
    """

    tag: str
    old: str
    new: str
    grade: Grade
    pooled: bool


class Brief(ReportPart):
    """A creative worth shooting, against the typical one.

    Attributes:
        promotion_type: For which.
        by, of: For an account, product or KOC (`account_id`, `product_id`, `creator_id`), and its id.
        account_id: The account whose creative it is predicted as; of a product or KOC the one that runs it most.
        tags: Tag → value of everything that can be shot: changed tags and those that stay, except for values that are
            certainly or likely worse than the mean creative.
        changes: What differs from the typical creative, the largest effect first; the first one is what the test
            is about.
        target: ROI target, or GPM without spend.
        value, before: Prediction before launch, and that of the typical creative.
        gain, gain_low, gain_high: `value` over `before`, with the interval of the changed tags' effects.
        creatives: Creatives that the rarest changed value rests on.
        shot_before: Creatives of the slice with the same values of all these tags.
        copies: How many to shoot.
        test_cny: Spend on each until it can be told from the median candidate; None where it cannot be computed.
    """

    promotion_type: str
    by: str
    of: str
    account_id: str
    tags: dict[str, str]
    changes: list[Change]
    target: str
    value: float
    before: float
    gain: float
    gain_low: float
    gain_high: float
    creatives: int
    shot_before: int
    copies: int
    test_cny: float | None


def what_to_shoot(context: ReportContext, levers: Levers, z: float) -> list[Brief]:
    """At most MOST_BRIEFS for each slice (account, product, KOC of a promotion type), the best first.

    A slice in which no value is sure enough has none.

    Args:
        context: The chosen creatives.
        levers: Effects of values, by slice.
        z: Half width of an interval in standard deviations.
    """
    found: list[Brief] = []
    for one in levers.slices:
        if one.by:
            effects: dict[str, dict[str, LeverGrade]] = {}
            for (tag, value), graded in lever_grades(levers, one.promotion_type, one.by, one.of).items():
                effects.setdefault(tag, {})[value] = graded
            found += _briefs(context, one, effects, z)
    return sorted(found, key=lambda brief: -brief.gain_low)


def _briefs(context: ReportContext, one: LeverSlice, effects: ValueEffects, z: float) -> list[Brief]:
    target = context.roi or context.gpm
    observed = context.observed
    is_here = (observed[one.by] == one.of) & (observed["promotion_type"] == one.promotion_type)
    rows = np.flatnonzero(is_here.to_numpy())
    tags = [tag for tag in SHOT_TAGS if tag in context.tags and tag in effects]
    if not target or not tags or not len(rows):
        return []
    typical = typical_creative(context, rows)
    names = {tag: context.tags[tag].removeprefix(TAG) for tag in tags}
    old = {tag: str(typical["tags"].get(names[tag], "")) for tag in tags}
    better = {tag: _better(effects[tag], old[tag]) for tag in tags}
    combinations = list(product(*([old[tag], *better[tag]] for tag in tags)))[1:]
    if not combinations:
        return []
    combinations.sort(key=lambda values: -_log(effects, tags, values, old))
    combinations = combinations[:MOST_CANDIDATES]
    candidates = [
        {**typical, "creative_id": f"b{number}", "tags": {**typical["tags"], **_named(names, values)}}
        for number, values in enumerate(combinations)
    ]
    before, *answers = _predict(context, [typical, *candidates])
    earlier = before["targets"][target]["value"]
    gains = [answer["targets"][target]["value"] / earlier for answer in answers]
    chosen: list[int] = []
    for place in sorted(range(len(combinations)), key=lambda number: -gains[number]):
        # Two briefs differ in two tags or more, unless a single tag is all that can be changed.
        apart = min(2, sum(bool(one) for one in better.values()))
        differs = (sum(a != b for a, b in zip(combinations[place], combinations[other])) >= apart for other in chosen)
        if gains[place] >= LEAST_GAIN and all(differs):
            chosen.append(place)
    shot = pd.DataFrame({tag: observed[context.tags[tag]].iloc[rows].astype(object) for tag in tags})
    found = []
    for place in chosen[:MOST_BRIEFS]:
        values = dict(zip(tags, combinations[place]))
        new = {tag: effects[tag][values[tag]] for tag in tags if values[tag] != old[tag]}
        changed = sorted(new, key=lambda tag: -new[tag].log)
        ends = [effects[tag][value].sd for tag in changed for value in (values[tag], old[tag]) if value in effects[tag]]
        sd = float(np.sqrt(np.square(ends).sum()))
        found.append(
            Brief(
                promotion_type=one.promotion_type,
                by=one.by,
                of=one.of,
                account_id=str(typical["account_id"]),
                tags={tag: value for tag, value in values.items() if value and not _worse(effects[tag], value)},
                changes=[
                    Change(
                        tag=tag,
                        old=old[tag],
                        new=values[tag],
                        grade=new[tag].grade,
                        pooled=new[tag].pooled,
                    )
                    for tag in changed
                ],
                target=target,
                value=answers[place]["targets"][target]["value"],
                before=earlier,
                gain=gains[place],
                gain_low=float(gains[place] * np.exp(-z * sd)),
                gain_high=float(gains[place] * np.exp(z * sd)),
                creatives=min(graded.creatives for graded in new.values()),
                shot_before=int((shot[list(values)] == pd.Series(values)).all(axis=1).sum()),
                copies=COPIES,
                test_cny=answers[place]["test_cny"],
            )
        )
    return found


def _better(effects: Mapping[str, LeverGrade], old: str) -> list[str]:
    """Values that are certainly or likely better than the mean creative, and estimated better than the old value."""
    least = max(0.0, effects[old].log if old in effects else 0.0)
    sure = [value for value, one in effects.items() if one.grade != "unclear" and one.log > least and value != old]
    return sorted(sure, key=lambda value: -effects[value].log)[:VALUES_PER_TAG]


def _worse(effects: Mapping[str, LeverGrade], value: str) -> bool:
    """Whether a value is certainly or likely worse than the mean creative."""
    one = effects.get(value)
    return one is not None and one.grade != "unclear" and one.log < 0


def _log(effects: ValueEffects, tags: Sequence[str], values: Sequence[str], old: Mapping[str, str]) -> float:
    """Sum of the log effects of the changed values."""
    return sum(effects[tag][value].log for tag, value in zip(tags, values) if value != old[tag])


def _named(names: Mapping[str, str], values: Sequence[str]) -> dict[str, str]:
    return {name: value for name, value in zip(names.values(), values) if value}


def _predict(context: ReportContext, creatives: Sequence[CandidateCreative]) -> list[Answer]:
    model = context.loaded_model
    requested = [Creative.model_validate(one) for one in creatives]
    return list(predictions(model, requested, now=model.history_until).answers)


def typical_creative(context: ReportContext, rows: Ints) -> CandidateCreative:
    """The typical creative of some before launch: the most frequent texts, the middle numbers.

    Args:
        context: The chosen creatives.
        rows: Which of them; of the promotion type and the account that are most frequent among them.
    """
    creatives = context.observed.iloc[rows]
    for name in ("promotion_type", "account_id"):
        creatives = creatives[creatives[name] == creatives[name].mode().iat[0]]
    promotion_type = creatives["promotion_type"].iat[0]
    creative: CandidateCreative = {
        "creative_id": "typical",
        "promotion_type": str(promotion_type),
        "account_id": str(creatives["account_id"].iat[0]),
    }
    for name in [name for name in names_of("text", requested=True) if name != "copy_text"]:
        if name in creatives and creatives[name].notna().any():
            if name == "product_id":  # KOC, category and price are then those of this product
                creatives = creatives[creatives[name] == creatives[name].mode().iat[0]]
            creative[name] = str(creatives[name].mode().iat[0])
    for name in names_of("number", requested=True):
        if name in creatives and creatives[name].notna().any():
            creative[name] = float(creatives[name].quantile(0.5, interpolation="nearest"))
    columns = {name: TAG + name for name in context.loaded_model.tags}
    creative["tags"] = {
        name: _tag_values(context, name, str(creatives[column].mode().iat[0]))
        for name, column in columns.items()
        if column in creatives and creatives[column].notna().any()
    }
    return creative


def _tag_values(context: ReportContext, name: str, value: str) -> str | list[str]:
    return value.split(MULTI) if name in context.loaded_model.vocabulary.multi else value

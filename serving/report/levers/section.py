"""Levers: what every value of a tag, KOC, price and duration does at each step of the funnel and to ROI, by slice.

What levers call `unclear` is recommended nowhere in the report: other sections ask `lever_grades`.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from features.attributes import NAMED_BY
from features.stages import COST
from serving.report.context import ReportContext
from serving.report.effects import Grade, ReportPart, TagGrouping
from serving.report.levers.answers import answer_of, finding_of
from serving.report.levers.parts import Lever, LeverCell, LeverQuestion, Levers, LeverSlice, effect_on, graded
from serving.report.levers.slice_effects import (
    KOC,
    LEAST_CREATIVES,
    StageEffects,
    lever_effects,
    lever_groups,
    lever_slices,
)

QUESTIONS: Mapping[str, tuple[str, ...]] = {
    "hook": ("hold",),
    "selling_point": ("click",),
    "style": ("order",),
    "scene": ("order", "value"),
    "audience": (),
    "script": (),
    "face": (),
    KOC: (),
    "price": (),
    "duration": (),
}
"""Lever → the stages at which its question asks first; the bottom line of every answer is the main target."""
NEEDED = {"audience": ("repeat_orders",), "selling_point": ("copy_text",)}
"""Lever → columns that its question needs besides; no source has repeat orders."""
UNKNOWN_COLUMNS = ("repeat_orders",)


class LeverGrade(ReportPart):
    """How sure the effect of a value on the main target is.

    Attributes:
        grade: `certain`, `likely` or `unclear`.
        log, sd: Log factor and its standard deviation.
        creatives: Creatives that it is from.
        pooled: The slice alone cannot tell, so it is from all creatives of the promotion type.
    """

    grade: Grade
    log: float
    sd: float
    creatives: int
    pooled: bool


def levers(context: ReportContext) -> Levers:
    """Effects of all levers in all slices of the chosen creatives."""
    groups, slices = lever_groups(context), lever_slices(context)
    targets = {name: context.funnel.compositions[name].signs for name in (context.roi, context.gpm) if name}
    names = _koc_names(context)
    empty = Levers(
        level=context.settings.interval.level,
        min_creatives=context.settings.verdict.min_creatives,
        stages=[stage.name for stage in context.funnel.stages],
        targets=targets,
        main=next(iter(targets), ""),
        baselines={one.promotion_type: _baseline(context, one.rows) for one in slices if not one.by},
        levers=[
            Lever(tag=group.tag, value=value, name=names.get(value, value) if group.tag == KOC else value)
            for group in groups
            for value in group.values
        ],
        questions=_questions(context, [group.tag for group in groups]),
        slices=[],
    )
    if not groups:
        return empty
    stated = lever_effects(context, groups, slices)
    found = []
    for place, one in enumerate(slices):
        cells = _cells(groups, stated, place, one.by, one.rows.astype(np.float64))
        answers = [answer_of(empty, question, cells) for question in empty.questions]
        found.append(
            LeverSlice(
                promotion_type=one.promotion_type, by=one.by, of=one.of, creatives=int(one.rows.sum()), cells=cells,
                answers=answers, finding=finding_of(empty, cells),
            )
        )  # fmt: skip
    return empty.model_copy(update={"slices": found})


def lever_grades(found: Levers, promotion_type: str, by: str = "", of: str = "") -> dict[tuple[str, str], LeverGrade]:
    """Lever and value → how sure its effect on the main target is; of the slice, else of the whole promotion type.

    Args:
        found: The section.
        promotion_type: Which.
        by: `account_id`, `product_id` or `creator_id`; empty: all creatives of the promotion type.
        of: Its value; one with too few creatives gets what all creatives of the promotion type say.
    """
    signs = found.targets.get(found.main, {})
    grades: dict[tuple[str, str], LeverGrade] = {}
    for one in found.slices:
        whole = not one.by
        if one.promotion_type != promotion_type or not (whole or (one.by, one.of) == (by, of)):
            continue
        for cell in one.cells:
            lever, given = found.levers[cell.lever], graded(found, cell, signs)
            if whole or given != "unclear":  # the whole type comes first
                log, sd = effect_on(found, cell, signs)
                grades[lever.tag, lever.value] = LeverGrade(
                    grade=given, log=log, sd=sd, creatives=cell.creatives, pooled=whole and bool(by)
                )
    return grades


def _koc_names(context: ReportContext) -> dict[str, str]:
    """KOC → name, where a column has it; a name that several have is told apart by the end of the id."""
    creatives = context.loaded.creatives
    if KOC not in creatives or NAMED_BY[KOC] not in creatives:
        return {}
    named = creatives[[KOC, NAMED_BY[KOC]]].dropna().astype(str).drop_duplicates(KOC)
    several = named[NAMED_BY[KOC]].duplicated(keep=False)
    return {
        koc: f"{name} {koc[-4:]}" if twice else name
        for koc, name, twice in zip(named[KOC], named[NAMED_BY[KOC]], several)
    }


def _baseline(context: ReportContext, rows: np.ndarray) -> dict[str, float]:
    """What 1 000 impressions of the mean creative bring and cost, CNY."""
    found = {}
    if context.gpm:
        found[context.gpm] = float(np.exp(context.targets[context.gpm].without_own_evidence[rows].mean()))
    if context.funnel.has(COST.name):
        found[COST.name] = 1000.0 * float(np.exp(context.stages[COST.name].without_own_evidence[rows].mean()))
    return found


def _questions(context: ReportContext, tags: Sequence[str]) -> list[LeverQuestion]:
    observed = context.observed
    columns = {"price": "price_cny", "duration": "duration_s"}
    found = []
    for tag in dict.fromkeys([*QUESTIONS, *tags]):
        stages = QUESTIONS.get(tag, ())
        missing = [stage for stage in stages if not context.funnel.has(stage)]
        missing += [] if tag in tags else [columns.get(tag, tag)]
        missing += [name for name in NEEDED.get(tag, ()) if name in UNKNOWN_COLUMNS or name not in observed]
        found.append(
            LeverQuestion(
                tag=tag,
                stages=[name for name in stages if context.funnel.has(name)],
                missing=missing,
                unanswered=tag not in tags or any(name in UNKNOWN_COLUMNS for name in missing),
            )
        )
    return found


def _cells(
    groups: Sequence[TagGrouping], stated: Mapping[str, StageEffects], place: int, by: str, inside: np.ndarray
) -> list[LeverCell]:
    """Values that occur in a slice, of levers of which it has two values or more."""
    cells: list[LeverCell] = []
    start = 0
    for group in groups:
        sizes = inside @ group.has_value
        if group.tag != by and (sizes > 0).sum() > 1:
            for number in np.flatnonzero(sizes > 0).tolist():
                at = (place, start + number)
                told = sizes[number] >= LEAST_CREATIVES
                cells.append(
                    LeverCell(
                        lever=start + number,
                        creatives=int(sizes[number]),
                        logs=[round(float(one.logs[at]), 4) for one in stated.values()] if told else [],
                        sds=[round(float(one.sds[at]), 4) for one in stated.values()] if told else [],
                    )
                )
        start += len(group.values)
    return cells

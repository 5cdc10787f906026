"""What a slice says in one sentence: the answer of every lever, and the title."""

from collections.abc import Mapping, Sequence

from features.attributes import ATTRIBUTE_OF
from features.stages import COST
from serving.report.levers.parts import LeverAnswer, LeverCell, LeverFinding, LeverQuestion, Levers, effect_on, graded

PRICE = ATTRIBUTE_OF["price_cny"].report_group


def answer_of(found: Levers, question: LeverQuestion, cells: Sequence[LeverCell]) -> LeverAnswer:
    """Best and worst of a lever among the cells of a slice that can be told.

    Args:
        found: The levers.
        question: About which one.
        cells: Of the slice.
    """
    mine = [cell for cell in cells if found.levers[cell.lever].tag == question.tag]
    first = _told(found, mine, dict.fromkeys(question.stages, 1.0)) if question.stages else []
    main = _told(found, mine, found.targets.get(found.main, {}))
    best, worst = [entry for entry in main if entry[0] > 0], [entry for entry in main if entry[0] < 0]
    up = [entry for entry in first if entry[0] > 0]
    return LeverAnswer(
        first=max(up)[1] if up else None,
        best=max(best)[1] if best else None,
        worst=min(worst)[1] if worst else None,
    )


def finding_of(found: Levers, cells: Sequence[LeverCell]) -> LeverFinding:
    """The title of a slice: a reversal where there is one, else the largest effect; prices come last.

    Args:
        found: The levers.
        cells: Of the slice.
    """
    signs = found.targets.get(found.main, {})
    told = [(effect_on(found, cell, signs)[0], cell) for cell in cells if graded(found, cell, signs) != "unclear"]
    filmed = [entry for entry in told if found.levers[entry[1].lever].tag != PRICE] or told
    reversals = []
    for log, cell in filmed:
        up, down = _best_and_worst_stage(found, cell)
        if log < 0 and up and down:
            reversals.append((log, cell.lever, up, down))
    if reversals:
        _, lever, up, down = min(reversals)
        return LeverFinding(kind="reversal", lever=lever, up=up, down=down)
    best = max(filmed, key=lambda entry: entry[0], default=None)
    if best is None or best[0] <= 0:
        best = min(filmed, key=lambda entry: entry[0], default=None)
    if best is None:
        return LeverFinding(kind="none")
    up, down = _best_and_worst_stage(found, best[1])
    return LeverFinding(kind="best" if best[0] > 0 else "worst", lever=best[1].lever, up=up, down=down)


def _best_and_worst_stage(found: Levers, cell: LeverCell) -> tuple[str, str]:
    """Stages at which a value is told to be most better and most worse; lower cost is better."""
    told = [
        (log * (-1.0 if stage == COST.name else 1.0), stage)
        for stage, log in zip(found.stages, cell.logs)
        if graded(found, cell, {stage: 1.0}) != "unclear"
    ]
    up, down = [entry for entry in told if entry[0] > 0], [entry for entry in told if entry[0] < 0]
    return max(up)[1] if up else "", min(down)[1] if down else ""


def _told(found: Levers, cells: Sequence[LeverCell], signs: Mapping[str, float]) -> list[tuple[float, int]]:
    """Log factor and lever of the values that can be told from the mean creative."""
    return [(effect_on(found, cell, signs)[0], cell.lever) for cell in cells if graded(found, cell, signs) != "unclear"]

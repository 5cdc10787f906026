"""Levers as plain data: values, slices, cells, and how sure a cell is."""

from collections.abc import Mapping
from typing import Literal

import numpy as np

from serving.report.effects import Grade, ReportPart, grade


class Lever(ReportPart):
    """A value of a lever.

    Attributes:
        tag: Feature group of the lever.
        value: The value; of a KOC the id.
        name: What people call it.
    """

    tag: str
    value: str
    name: str


class LeverCell(ReportPart):
    """A value in a slice.

    Attributes:
        lever: Index of `Levers.levers`.
        creatives: Creatives of the slice with the value.
        logs: Log factor at each of `Levers.stages`, against the mean creative of the slice; empty with too few
            creatives.
        sds: Their standard deviations.
    """

    lever: int
    creatives: int
    logs: list[float]
    sds: list[float]


class LeverAnswer(ReportPart):
    """Best and worst values of one lever in a slice, as indices of `Levers.levers`; None where none can be told.

    Attributes:
        first: Best at the stages of its question.
        best, worst: On the main target.
    """

    first: int | None
    best: int | None
    worst: int | None


class LeverFinding(ReportPart):
    """What a slice says in one sentence.

    Attributes:
        kind: `reversal` (a value that is better at one stage and worse on the main target), `best` or `worst` (the
            value that moves the main target most), `none` (no value can be told).
        lever: Index of `Levers.levers`; None for `none`.
        up, down: Stages at which the value is most clearly better and worse; empty where there is none.
    """

    kind: Literal["reversal", "best", "worst", "none"]
    lever: int | None = None
    up: str = ""
    down: str = ""


class LeverSlice(ReportPart):
    """Some of the creatives of one promotion type.

    Attributes:
        promotion_type: Which.
        by, of: Column and value that the slice is of; empty: all creatives of the type.
        creatives: Their number.
        cells: Values that occur.
        answers: One per `Levers.questions`.
        finding: The title.
    """

    promotion_type: str
    by: str
    of: str
    creatives: int
    cells: list[LeverCell]
    answers: list[LeverAnswer]
    finding: LeverFinding


class LeverQuestion(ReportPart):
    """One lever, and what is asked of it.

    Attributes:
        tag: Feature group of the lever.
        stages: Stages at which it is asked first.
        missing: Columns, stages or tags that it needs and that are not there (named by `wording.columns`).
        unanswered: What is missing is what it asks about, so that no other figure answers it.
    """

    tag: str
    stages: list[str]
    missing: list[str]
    unanswered: bool


class Levers(ReportPart):
    """The section.

    Attributes:
        level: Of the intervals.
        min_creatives: With fewer creatives a value is at most likely.
        stages: Stages of the funnel.
        targets: Target → stage → sign of its log: ROI, GPM.
        main: The target of the bottom line: ROI, or GPM without spend.
        baselines: Promotion type → GPM target and `cost` → what 1 000 impressions of its mean creative bring and cost,
            CNY.
        levers: All values.
        questions: All levers, those that are asked of first.
        slices: Each promotion type, followed by its accounts, products and KOCs.
    """

    level: float
    min_creatives: int
    stages: list[str]
    targets: dict[str, dict[str, float]]
    main: str
    baselines: dict[str, dict[str, float]]
    levers: list[Lever]
    questions: list[LeverQuestion]
    slices: list[LeverSlice]


def effect_on(found: Levers, cell: LeverCell, signs: Mapping[str, float]) -> tuple[float, float]:
    """Log factor of a cell on a product of stages (stage → sign), and its standard deviation; 0 without effects."""
    if not cell.logs:
        return 0.0, 0.0
    places = [(found.stages.index(name), sign) for name, sign in signs.items() if name in found.stages]
    log = sum(sign * cell.logs[place] for place, sign in places)
    return log, float(np.sqrt(sum(cell.sds[place] ** 2 for place, _ in places)))


def graded(found: Levers, cell: LeverCell, signs: Mapping[str, float]) -> Grade:
    """Grade of a cell on a product of stages; few creatives are never certain."""
    given = grade(*effect_on(found, cell, signs), found.level)
    return "likely" if given == "certain" and cell.creatives < found.min_creatives else given

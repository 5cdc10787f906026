"""Levers: the tables that stand in the page, and what its script makes tables of any slice from."""

from collections.abc import Iterable
from math import exp

from scipy.stats import norm

from features.bilingual import Words
from features.stages import COST
from serving.report import charts, wording
from serving.report.data import ReportData
from serving.report.effects import LIKELY
from serving.report.levers.parts import LeverCell, Levers, LeverSlice, effect_on, graded
from serving.report.levers.slice_effects import LEAST_CREATIVES
from serving.report.wording.common import group, promotion_type, target

MOST_ROWS = 30
"""Values listed for each promotion type where the page has no script, and on paper."""
FRACTIONS = 10_000
"""Effects are embedded as whole numbers of these: with fewer, a factor of six steps would differ from the sentences."""
COPY = "selling_point"
"""Lever whose tab also tells of phrases."""
FIRST_LETTER = 65
"""Code of the letter of a lever's first value; one letter a creative says which value it has."""


def values(data: ReportData) -> dict[str, object]:
    """Title, answers, and the values that can be told, the best first, for each promotion type."""
    found = data.levers
    whole = [one for one in found.slices if not one.by]
    say = wording.levers
    return {
        "steps": [say.STEPS[name] for name in found.stages],
        "main": target(found.main),
        "types": [
            {
                "scope": say.scope(one),
                "title": say.title(found, one),
                "answers": [
                    (say.ASKED.get(question.tag) or say.tab(question.tag), say.answer(found, one, place))
                    for place, question in enumerate(found.questions)
                ],
                "phrases": _phrases(data, one.promotion_type),
                "rows": _rows(found, one),
            }
            for one in whole
        ],
        "pictures": list(_pictures(data, whole)),
    }


def _phrases(data: ReportData, kind: str) -> Words | None:
    mine = [one for one in data.lever_details.phrases if one.promotion_type == kind]
    return wording.levers.phrases(mine, _z(data.levers)) if mine else None


def _z(found: Levers) -> float:
    return float(norm.ppf(0.5 + found.level / 2))


def _rows(found: Levers, one: LeverSlice) -> list[dict[str, object]]:
    signs = found.targets[found.main]
    told = [(*effect_on(found, cell, signs), cell) for cell in one.cells if graded(found, cell, signs) != "unclear"]
    told.sort(key=lambda entry: -entry[0])
    if len(told) > MOST_ROWS:
        told = [*told[: MOST_ROWS // 2], *told[-MOST_ROWS // 2 :]]
    z = _z(found)
    return [
        {
            "tag": wording.levers.tab(found.levers[cell.lever].tag),
            "value": found.levers[cell.lever].name,
            "creatives": cell.creatives,
            "steps": [_step(found, cell, place) for place in range(len(found.stages))],
            "factor": exp(log),
            "low": exp(log - z * sd),
            "high": exp(log + z * sd),
            "grade": graded(found, cell, signs),
            "words": wording.common.GRADES[graded(found, cell, signs)],
        }
        for log, sd, cell in told
    ]


def _step(found: Levers, cell: LeverCell, place: int) -> tuple[str, str]:
    """Class and text of a cell of the strip: an arrow for better or worse, and by how many percent."""
    stage, log = found.stages[place], cell.logs[place]
    given = graded(found, cell, {stage: 1.0})
    if given == "unclear":
        return "unclear", "·"
    better = log < 0 if stage == COST.name else log > 0
    return f"{'good' if better else 'bad'} {given}", f"{'▲' if better else '▼'}{abs(exp(log) - 1.0) * 100:.0f}"


def _pictures(data: ReportData, whole: Iterable[LeverSlice]) -> Iterable[tuple[str, object, object]]:
    """Key (promotion type and question), beeswarm and dependence curve of every lever."""
    types = [one.promotion_type for one in whole]
    tags = [question.tag for question in data.levers.questions]
    curves = {(one.promotion_type, one.tag): one for one in data.lever_details.curves}
    for one in data.lever_details.swarms:
        curve = curves.get((one.promotion_type, one.tag))
        drawn = charts.lever_curve(curve) if curve else None
        yield f"{types.index(one.promotion_type)}-{tags.index(one.tag)}", charts.lever_swarm(one, bool(curve)), drawn


def embedded(data: ReportData) -> dict[str, object]:
    """Everything that the script needs; log factors and their deviations are in ten-thousandths."""
    found, say = data.levers, wording.levers
    tags = [question.tag for question in found.questions]
    types = [one.promotion_type for one in found.slices if not one.by]
    details = data.lever_details
    return {
        "stages": [[name, *say.STEPS[name]] for name in found.stages],
        "reversed": [int(name == COST.name) for name in found.stages],
        "targets": [[*target(name), _signs(found, name)] for name in found.targets],
        "money": [[cny, _signs(found, name), -1 if name == COST.name else 1] for name, cny in _first(found.baselines)],
        "baselines": [list(found.baselines[name].values()) for name in types],
        "level": found.level,
        "apart": [_z(found), float(norm.ppf(LIKELY))],
        "least": found.min_creatives,
        "told": LEAST_CREATIVES,
        "grades": list(wording.common.GRADES.values()),
        "types": [[name, *promotion_type(name)] for name in types],
        "tabs": [[*say.tab(tag), *(say.ASKED.get(tag) or ("", ""))] for tag in tags],
        "levers": [[tags.index(lever.tag), lever.name] for lever in found.levers],
        "slices": [_slice(found, one, types) for one in found.slices],
        "codes": _codes(found, details.members),
        "predicted": [None if one is None else float(f"{one:.3g}") for one in details.predicted],
        "examined": [details.pairs.examined.get(name, 0) for name in types],
        "pairs": [
            [types.index(one.promotion_type), one.lever, *group(one.other_tag), one.other,
             one.creatives, round(one.log, 3), round(one.sd, 3), int(one.clear)]
            for one in details.pairs.pairs
        ],
        "phrases": [_phrases(data, name) for name in types],
        "copy": tags.index(COPY) if COPY in tags else -1,
        "nothing": say.TEXTS["all_unclear"],
    }  # fmt: skip


def _first(baselines: dict[str, dict[str, float]]) -> list[tuple[str, float]]:
    return list(next(iter(baselines.values()), {}).items())


def _signs(found: Levers, name: str) -> list[float]:
    signs = {name: 1.0} if name == COST.name else found.targets[name]
    return [signs.get(stage, 0.0) for stage in found.stages]


def _slice(found: Levers, one: LeverSlice, types: list[str]) -> dict[str, object]:
    """A slice; effects of its values one after the other: log factors of all stages, then their deviations."""
    say, told = wording.levers, [cell for cell in one.cells if cell.logs]
    few = [cell for cell in one.cells if not cell.logs]
    answers = {
        place: say.answer(found, one, place)
        for place in range(len(found.questions))
        if not one.by or say.told_anything(one, place)
    }
    return {
        "type": types.index(one.promotion_type),
        "by": one.by,
        "of": one.of,
        "n": one.creatives,
        "title": say.title(found, one),
        "answers": answers,
        "levers": [cell.lever for cell in told],
        "counts": [cell.creatives for cell in told],
        "effects": [round(number * FRACTIONS) for cell in told for number in (*cell.logs, *cell.sds)],
        "few": [number for cell in few for number in (cell.lever, cell.creatives)],
    }


def _codes(found: Levers, members: list[list[int]]) -> list[str | list[str]]:
    """The value of the lever that each creative has, for each question: a letter, a dot for none, a list of several."""
    first: dict[str, int] = {}
    for place, lever in enumerate(found.levers):
        first.setdefault(lever.tag, place)
    letters: dict[str, list[str]] = {question.tag: [] for question in found.questions}
    for mine in members:
        its: dict[str, str] = {}
        for place in mine:
            tag = found.levers[place].tag
            its[tag] = its.get(tag, "") + chr(FIRST_LETTER + place - first[tag])
        for tag, held in letters.items():
            held.append(its.get(tag, "."))
    return ["".join(held) if all(len(one) == 1 for one in held) else held for held in letters.values()]

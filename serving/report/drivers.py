"""Funnel SHAP: which tag value moves which stage, what drives each stage, and where GPM and net ROI disagree."""

import numpy as np

from features.attributes import ATTRIBUTE_OF, NUMBER_ATTRIBUTES
from serving.report.context import Seen
from serving.report.effects import Baseline, Effect, Figure, Floats, effects, grouping, worth
from serving.report.feature_groups import OWN

MOST_FAMILIES = 8
MOST_POINTS = 240
MOST_VALUES = 12
NUMBERS = {a.report_group: a.name for a in NUMBER_ATTRIBUTES if a.group not in ATTRIBUTE_OF}
"""Family → the number that its dependence is drawn over."""


class HeatRow(Figure):
    """One tag value: its factor at every stage.

    Attributes:
        tag, value: Which.
        creatives: That carry it.
        cells: Stage or target → effect.
        thin: Fewer creatives than a statement needs.
    """

    tag: str
    value: str
    creatives: int
    cells: dict[str, Effect]
    thin: bool


class Swarm(Figure):
    """How far each family moves one stage or target, over the creatives.

    Attributes:
        of: Stage or target.
        families: The largest first.
        sizes: Mean |log| of each.
        points: Log contributions of each, of some creatives.
        shades: Of each point: 0 low … 1 high of the family's number; empty where it has none.
    """

    of: str
    families: list[str]
    sizes: list[float]
    points: list[list[float]]
    shades: list[list[float]]


class Dependence(Figure):
    """How a number moves one stage or target.

    Attributes:
        family: price, duration …
        stage: Which.
        x: The number, of some creatives, rising.
        factors: LoadedModel contributions there.
    """

    family: str
    stage: str
    x: list[float]
    factors: list[float]


class Disagreement(Figure):
    """A tag value that GPM and ROI judge otherwise.

    Attributes:
        tag, value: Which.
        creatives: That carry it.
        gpm, roi: Its factors.
        keep, cost: Those of the stages that ROI counts beside.
        cny: What it adds to GPM at the baseline.
        because: `keep` or `cost`: what makes the difference.
    """

    tag: str
    value: str
    creatives: int
    gpm: float
    roi: float
    keep: float
    cost: float
    cny: float | None
    because: str


def heat(seen: Seen, base: Baseline, draws: Floats) -> list[HeatRow]:
    """Every value of every tag at every stage, tag by tag, the best net ROI (GPM) first."""
    columns = heat_columns(seen)
    found = []
    for tag, column in seen.all_tags.items():
        group = grouping(seen, tag, column)
        by_stage = {
            name: {effect.value: effect for effect in effects(seen, base, group, stages, draws)}
            for name, stages in columns.items()
        }
        sizes = dict(zip(group.values, group.sizes.tolist()))
        last = next(reversed(by_stage.values()))
        for value in sorted(last, key=lambda value: -sizes[value])[:MOST_VALUES]:
            cells = {name: told[value] for name, told in by_stage.items()}
            found.append(HeatRow(tag=tag, value=value, creatives=sizes[value], cells=cells, thin=last[value].thin))
    order = list(seen.all_tags)
    last_name = next(reversed(columns))
    return sorted(found, key=lambda row: (order.index(row.tag), -row.cells[last_name].factor))


def heat_columns(seen: Seen) -> dict[str, list[str]]:
    """Columns of the heat map, and the stages whose factors multiply in each."""
    funnel = seen.funnel
    found = {stage.name: [stage.name] for stage in funnel.stages}
    keep = ["keep"] if funnel.has("keep") else []
    if seen.gpm:
        found[seen.gpm] = [*funnel.to_gmv, *keep]
    if seen.roi and funnel.to_gmv and funnel.has("cost"):
        found[seen.roi] = [*funnel.to_gmv, *keep, "cost"]
    elif seen.roi:
        found[seen.roi] = [*funnel.to_roi, *(keep if not funnel.net_only else [])]
    return found


def swarms(seen: Seen, seed: int = 7) -> list[Swarm]:
    """Of every stage, then of ROI."""
    count = len(seen.observed)
    rows = np.sort(np.random.default_rng(seed).permutation(count)[:MOST_POINTS])
    gathered = {**{s.name: seen.stages[s.name] for s in seen.funnel.stages}}
    if seen.roi:
        gathered[seen.roi] = seen.targets[seen.roi]
    found = []
    for name, parts in gathered.items():
        named = {family: parts.of(family) for family in parts.families} | {OWN: parts.own}
        size = {family: float(np.abs(values - values.mean()).mean()) for family, values in named.items()}
        top = sorted((family for family in size if size[family] > 1e-4), key=lambda f: -size[f])[:MOST_FAMILIES]
        found.append(
            Swarm(
                of=name,
                families=top,
                sizes=[size[family] for family in top],
                points=[np.round(named[family][rows], 3).tolist() for family in top],
                shades=[_shades(seen, family)[rows].tolist() if family in NUMBERS else [] for family in top],
            )
        )
    return found


def _shades(seen: Seen, family: str) -> Floats:
    column = NUMBERS[family]
    if column not in seen.observed:
        return np.full(len(seen.observed), 0.5)
    ranks = seen.observed[column].rank(pct=True).fillna(0.5)
    return np.round(ranks.to_numpy(np.float64), 1)


def dependences(seen: Seen, seed: int = 7) -> list[Dependence]:
    """Of each number, ROI and the three stages it moves most."""
    found = []
    for family, column in NUMBERS.items():
        if column not in seen.observed:
            continue
        number = seen.observed[column].to_numpy(np.float64)
        known = np.flatnonzero(number > 0)
        if len(known) < 2:
            continue
        rows = known[np.random.default_rng(seed).permutation(len(known))[:MOST_POINTS]]
        rows = rows[np.argsort(number[rows], kind="stable")]
        moved = {stage.name: seen.stages[stage.name].of(family) for stage in seen.funnel.stages}
        top = sorted((name for name in moved if moved[name].std() > 0.01), key=lambda name: -moved[name].std())[:3]
        moved |= {seen.roi: seen.targets[seen.roi].of(family)} if seen.roi else {}
        for stage in [*([seen.roi] if seen.roi and top else []), *top]:
            factors = np.round(np.exp(moved[stage][rows]), 4).tolist()
            found.append(Dependence(family=family, stage=stage, x=number[rows].tolist(), factors=factors))
    return found


def disagreements(seen: Seen, base: Baseline, rows: list[HeatRow], most: int = 10) -> list[Disagreement]:
    """Values whose factors on GPM and on ROI lie on different sides of ×1, or far apart; the farthest first."""
    gpm, roi = seen.gpm, seen.roi
    if not gpm or not roi or not seen.funnel.has("cost"):
        return []
    found = []
    for row in rows:
        keep = row.cells["keep"].factor if "keep" in row.cells else 1.0
        cost = row.cells["cost"].factor
        gross = float(np.prod([row.cells[name].factor for name in seen.funnel.to_gmv]))
        net = gross * keep / cost
        apart = abs(np.log(net / gross))
        if row.thin or apart < 0.03 or (apart < 0.08 and (gross - 1.0) * (net - 1.0) >= 0):
            continue
        because = "cost" if abs(np.log(cost)) >= abs(np.log(keep)) else "keep"
        told = Disagreement(
            tag=row.tag, value=row.value, creatives=row.creatives, gpm=gross, roi=net, keep=keep, cost=cost,
            cny=worth(base, seen.funnel.to_gmv, seen.funnel.to_gmv, gross), because=because,
        )  # fmt: skip
        found.append((((gross - 1.0) * (net - 1.0) < 0, apart), told))
    return [told for _, told in sorted(found, key=lambda entry: (-entry[0][0], -entry[0][1]))[:most]]

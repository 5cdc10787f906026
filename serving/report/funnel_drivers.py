"""What moves each stage: heat map of tag effects, beeswarms, dependence curves, and where GPM and ROI disagree."""

from collections.abc import Sequence

import numpy as np

from features.attributes import ATTRIBUTE_OF, NUMBER_ATTRIBUTES
from features.funnel import TARGETS
from serving.report.context import ReportContext
from serving.report.contribution_groups import OWN
from serving.report.effects import Baseline, Floats, ReportPart, TagEffect, added_cny, group_by_tag, tag_effects

MOST_GROUPS = 8
MOST_POINTS = 240
MOST_HEAT_VALUES = 12
NUMBER_OF_GROUP = {a.report_group: a.name for a in NUMBER_ATTRIBUTES if a.group not in ATTRIBUTE_OF}
"""Feature group → the number on the x axis of its dependence curve."""


class HeatRow(ReportPart):
    """One row of the heat map: a tag value at every stage.

    Attributes:
        tag, value: Which.
        creatives: Creatives with the value.
        cells: Stage or target → effect.
        thin: Fewer creatives than `verdict.min_creatives`.
    """

    tag: str
    value: str
    creatives: int
    cells: dict[str, TagEffect]
    thin: bool


class Swarm(ReportPart):
    """Contributions of each feature group to one stage or target, over creatives.

    Attributes:
        of: Stage or target.
        groups: Feature groups, the largest first.
        sizes: Mean absolute contribution of each group, centred.
        points: [group][creative] Contributions of a sample of creatives.
        shades: [group][creative] Rank of the group's number, 0 low … 1 high; empty lists for groups without a number.
    """

    of: str
    groups: list[str]
    sizes: list[float]
    points: list[list[float]]
    shades: list[list[float]]


class Dependence(ReportPart):
    """Contributions of a number to one stage or target, over the number.

    Attributes:
        group: Feature group of the number.
        of: Stage or target.
        x: The number of a sample of creatives, rising.
        factors: exp of their contributions.
    """

    group: str
    of: str
    x: list[float]
    factors: list[float]


class Disagreement(ReportPart):
    """A tag value whose factors on GPM and on ROI differ.

    Attributes:
        tag, value: Which.
        creatives: Creatives with the value.
        gpm, roi: Factors on gross money per impression and on ROI.
        keep, cost: Factors at the two stages that make the difference.
        cny: What the GPM factor adds at the baseline, CNY per 1 000 impressions.
        because: `keep` or `cost`: the larger part of the difference.
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


def heat_map(context: ReportContext, base: Baseline, bootstrap_weights: Floats) -> list[HeatRow]:
    """Every frequent value of every tag at every stage, by tag, the largest factor on the last column first."""
    columns = heat_columns(context)
    found = []
    for tag, column in context.all_tags.items():
        group = group_by_tag(context, tag, column)
        by_stage = {
            name: {effect.value: effect for effect in tag_effects(context, base, group, stages, bootstrap_weights)}
            for name, stages in columns.items()
        }
        sizes = dict(zip(group.values, group.sizes.tolist()))
        last = next(reversed(by_stage.values()))
        for value in sorted(last, key=lambda value: -sizes[value])[:MOST_HEAT_VALUES]:
            cells = {name: effects[value] for name, effects in by_stage.items()}
            found.append(HeatRow(tag=tag, value=value, creatives=sizes[value], cells=cells, thin=last[value].thin))
    order = list(context.all_tags)
    last_column = next(reversed(columns))
    return sorted(found, key=lambda row: (order.index(row.tag), -row.cells[last_column].factor))


def heat_columns(context: ReportContext) -> dict[str, list[str]]:
    """Columns of the heat map (stages, then GPM and ROI) → stages whose factors multiply in each."""
    funnel = context.funnel
    found = {stage.name: [stage.name] for stage in funnel.stages}
    for name in (context.gpm, context.roi):
        if name:
            found[name] = list(TARGETS[name].composition(funnel).signs)
    return found


def swarms(context: ReportContext, seed: int = 7) -> list[Swarm]:
    """Beeswarm data of every stage, then of ROI."""
    count = len(context.observed)
    rows = np.sort(np.random.default_rng(seed).permutation(count)[:MOST_POINTS])
    contributions = {stage.name: context.stages[stage.name] for stage in context.funnel.stages}
    if context.roi:
        contributions[context.roi] = context.targets[context.roi]
    found = []
    for name, grouped in contributions.items():
        by_group = {group: grouped.of_group(group) for group in grouped.groups} | {OWN: grouped.own_evidence}
        size = {group: float(np.abs(values - values.mean()).mean()) for group, values in by_group.items()}
        top = sorted((group for group in size if size[group] > 1e-4), key=lambda group: -size[group])[:MOST_GROUPS]
        found.append(
            Swarm(
                of=name,
                groups=top,
                sizes=[size[group] for group in top],
                points=[np.round(by_group[group][rows], 3).tolist() for group in top],
                shades=[_shades(context, group)[rows].tolist() if group in NUMBER_OF_GROUP else [] for group in top],
            )
        )
    return found


def _shades(context: ReportContext, group: str) -> Floats:
    column = NUMBER_OF_GROUP[group]
    if column not in context.observed:
        return np.full(len(context.observed), 0.5)
    ranks = context.observed[column].rank(pct=True).fillna(0.5)
    return np.round(ranks.to_numpy(np.float64), 1)


def dependences(context: ReportContext, seed: int = 7) -> list[Dependence]:
    """Dependence of ROI, and of the three stages that it moves most, on each number."""
    found = []
    for group, column in NUMBER_OF_GROUP.items():
        if column not in context.observed:
            continue
        number = context.observed[column].to_numpy(np.float64)
        known = np.flatnonzero(number > 0)
        if len(known) < 2:
            continue
        rows = known[np.random.default_rng(seed).permutation(len(known))[:MOST_POINTS]]
        rows = rows[np.argsort(number[rows], kind="stable")]
        logs = {stage.name: context.stages[stage.name].of_group(group) for stage in context.funnel.stages}
        top = sorted((name for name in logs if logs[name].std() > 0.01), key=lambda name: -logs[name].std())[:3]
        logs |= {context.roi: context.targets[context.roi].of_group(group)} if context.roi else {}
        for name in [*([context.roi] if context.roi and top else []), *top]:
            factors = np.round(np.exp(logs[name][rows]), 4).tolist()
            found.append(Dependence(group=group, of=name, x=number[rows].tolist(), factors=factors))
    return found


def disagreements(
    context: ReportContext, base: Baseline, rows: Sequence[HeatRow], most: int = 10
) -> list[Disagreement]:
    """Values whose factors on GPM and on ROI lie on different sides of ×1 or far apart, the farthest first."""
    if not context.gpm or not context.roi or not context.funnel.has("cost"):
        return []
    to_gmv = context.funnel.to_gmv
    found = []
    for row in rows:
        keep = row.cells["keep"].factor if "keep" in row.cells else 1.0
        cost = row.cells["cost"].factor
        gpm = float(np.prod([row.cells[name].factor for name in to_gmv]))
        roi = gpm * keep / cost
        distance, opposite = abs(np.log(roi / gpm)), (gpm - 1.0) * (roi - 1.0)
        if row.thin or distance < 0.03 or (distance < 0.08 and opposite >= 0):
            continue
        because = "cost" if abs(np.log(cost)) >= abs(np.log(keep)) else "keep"
        one = Disagreement(
            tag=row.tag, value=row.value, creatives=row.creatives, gpm=gpm, roi=roi, keep=keep, cost=cost,
            cny=added_cny(base, to_gmv, to_gmv, gpm), because=because,
        )  # fmt: skip
        found.append(((opposite < 0, distance), one))
    return [one for _, one in sorted(found, key=lambda entry: (-entry[0][0], -entry[0][1]))[:most]]

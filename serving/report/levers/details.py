"""What an opened lever shows: SHAP values by value, dependence on a number, best and worst creatives, interplay.

SHAP values are those of the `shap.Explanation` of the main target (`target_explanation`), whose columns are what a
strategist reads as one thing: the feature groups of `contribution_groups`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

from features.arrays import Floats, Mask
from features.attributes import ATTRIBUTE_OF
from features.stages import VALUE
from serving.report.context import ReportContext
from serving.report.contribution_groups import OWN
from serving.report.effects import ReportPart, TagGrouping
from serving.report.levers.pairs import LeverPairs, PhraseEffect, lever_pairs, phrase_effects
from serving.report.levers.parts import Levers
from serving.report.levers.slice_effects import KOC, NUMBERS, Slice, lever_effects, lever_groups, lever_slices

if TYPE_CHECKING:
    import shap

MOST_VALUES = 12
MOST_POINTS = 24
"""Dots of each value in a beeswarm."""
MOST_DOTS = 240
BINS = 12
SEED = 7
"""Seed of the samples that are drawn."""
PRICE = ATTRIBUTE_OF["price_cny"].report_group


class LeverSwarm(ReportPart):
    """Contributions of a lever to the main target, a row a value; centred on the mean creative of the promotion type.

    Attributes:
        promotion_type, tag: Which.
        values: The most frequent values, the largest mean first.
        points: [value][creative] Log factors of a sample of creatives.
    """

    promotion_type: str
    tag: str
    values: list[str]
    points: list[list[float]]


class LeverCurve(ReportPart):
    """Dependence of the main target on a number.

    Attributes:
        promotion_type, tag: Which.
        x: Median of the number in each of some equally filled bins.
        logs: Log factor of each bin, as a lever of its own; `low` and `high` are its interval.
        dots: Number and log factor (of the model) of a sample of creatives.
    """

    promotion_type: str
    tag: str
    x: list[float]
    logs: list[float]
    low: list[float]
    high: list[float]
    dots: list[tuple[float, float]]


class LeverDetails(ReportPart):
    """What is shown of opened levers.

    Attributes:
        swarms: One for each promotion type and lever.
        curves: One for each promotion type and number.
        pairs: Strongest pairs of values.
        phrases: Phrases of the copy.
        predicted: Of each creative the main target as the service predicts it; None before launch.
        members: Of each creative its values, as indices of `Levers.levers`.
    """

    swarms: list[LeverSwarm]
    curves: list[LeverCurve]
    pairs: LeverPairs
    phrases: list[PhraseEffect]
    predicted: list[float | None]
    members: list[list[int]]


def lever_details(context: ReportContext, found: Levers) -> LeverDetails:
    """Details of all levers, for each promotion type.

    Args:
        context: The chosen creatives.
        found: Its levers.
    """
    groups, types = lever_groups(context), {one.promotion_type: one.rows for one in lever_slices(context) if not one.by}
    stages = list(found.targets[found.main])
    explanation = target_explanation(context, found.main)
    draw = np.random.default_rng(SEED)
    names = {(one.tag, one.value): one.name for one in found.levers}
    swarms, curves = [], []
    for promotion_type, rows in types.items():
        for group in groups:
            if group.tag in explanation.feature_names:
                logs = explanation[:, group.tag].values
                logs = logs - logs[rows & group.shares.any(axis=1)].mean() if rows.any() else logs
                swarms.append(_swarm(promotion_type, group, names, rows, logs, draw))
                if group.tag in NUMBERS:
                    curves += _curve(context, found, promotion_type, group.tag, rows, logs, draw)
    predicted = context.predicted[found.main].to_numpy(np.float64)
    nothing = np.zeros((len(predicted), 0))
    has_value = np.concatenate([nothing, *(group.has_value for group in groups)], axis=1)[context.order]
    return LeverDetails(
        swarms=swarms,
        curves=curves,
        pairs=lever_pairs(context, groups, types, stages),
        phrases=phrase_effects(context, types),
        predicted=[float(predicted[row]) if context.launched[row] else None for row in context.order.tolist()],
        members=[np.flatnonzero(line).tolist() for line in has_value],
    )


def target_explanation(context: ReportContext, target: str) -> "shap.Explanation":
    """Contributions to the log of a target by feature group, as the plots of `shap` take them.

    The price also counts for what an order is worth, which the model has in its baseline (`Stage.priced`).

    Args:
        context: The chosen creatives.
        target: Target.

    Returns:
        values (creatives, groups) and base_values (creatives,), which add up to the log prediction; data: the numbers
        of price and duration, else NaN; display_data: what readers see: the value of a tag, the number, a dash.
    """
    import shap

    grouped = context.targets[target]
    names = [*grouped.groups, OWN]
    values = np.column_stack([grouped.logs, grouped.own_evidence])
    base = grouped.baseline
    columns = {**context.all_tags, KOC: KOC, **NUMBERS}
    if PRICE in names and VALUE.name in context.stages and "price_cny" in context.observed:
        worth = np.log(context.features.reference_price)
        values[:, names.index(PRICE)] += worth - worth.mean()
        base = base - (worth - worth.mean())
    data = np.full(values.shape, np.nan)
    words = np.full(values.shape, "–", dtype=object)
    for number, name in enumerate(names):
        if name in columns and columns[name] in context.observed:
            column = context.observed[columns[name]]
            known = column.notna().to_numpy()
            words[known, number] = column[known].astype(str)
            if name in NUMBERS:
                data[:, number] = column.to_numpy(np.float64)
    shown = words.astype(str)  # shap looks into every cell of an array of objects
    return shap.Explanation(values=values, base_values=base, data=data, display_data=shown, feature_names=names)


def _swarm(
    promotion_type: str, group: TagGrouping, names: Mapping[tuple[str, str], str], rows: Mask, logs: Floats,
    draw: np.random.Generator,
) -> LeverSwarm:  # fmt: skip
    sizes = group.has_value[rows].sum(axis=0)
    most = [place for place in np.argsort(-sizes, kind="stable")[:MOST_VALUES].tolist() if sizes[place] > 0]
    of = {place: np.flatnonzero(rows & (group.shares[:, place] > 0)) for place in most}
    most.sort(key=lambda place: -logs[of[place]].mean())
    return LeverSwarm(
        promotion_type=promotion_type,
        tag=group.tag,
        values=[names[group.tag, group.values[place]] for place in most],
        points=[np.round(logs[draw.permutation(of[place])[:MOST_POINTS]], 3).tolist() for place in most],
    )


def _curve(
    context: ReportContext, found: Levers, promotion_type: str, tag: str, rows: Mask, logs: Floats,
    draw: np.random.Generator,
) -> list[LeverCurve]:  # fmt: skip
    """The dependence on a number; none with fewer than two different numbers."""
    number = context.observed[NUMBERS[tag]].to_numpy(np.float64)
    known = rows & (number > 0)
    edges = np.unique(np.quantile(number[known], np.linspace(0, 1, BINS + 1)[1:-1])) if known.any() else np.zeros(0)
    codes = np.where(known, np.searchsorted(edges, number, side="right"), -1)
    occurring = np.unique(codes[known])
    if len(occurring) < 2:
        return []
    shares = (codes[:, None] == occurring).astype(np.float64)
    bins = TagGrouping(tag, tuple(str(code) for code in occurring), shares)
    stated = lever_effects(context, [bins], [Slice(promotion_type, "", "", rows)])
    signs = found.targets[found.main]
    mean = np.sum([sign * stated[name].logs[0] for name, sign in signs.items()], axis=0)
    sd = np.sqrt(np.sum([stated[name].sds[0] ** 2 for name in signs], axis=0))
    z = float(norm.ppf(0.5 + found.level / 2))
    shown = draw.permutation(np.flatnonzero(known))[:MOST_DOTS]
    shown = shown[np.argsort(number[shown], kind="stable")]
    return [
        LeverCurve(
            promotion_type=promotion_type,
            tag=tag,
            x=[float(np.median(number[codes == code])) for code in occurring],
            logs=np.round(mean, 4).tolist(),
            low=np.round(mean - z * sd, 4).tolist(),
            high=np.round(mean + z * sd, 4).tolist(),
            dots=list(zip(number[shown].tolist(), np.round(logs[shown], 3).tolist())),
        )
    ]

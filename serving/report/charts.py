"""Charts of the report: forest rows, beeswarms, dependence curves, the chance of a hit. Colours are CSS classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

from markupsafe import Markup

from features.bilingual import Words
from serving.report.diversity import HitCurve
from serving.report.effects import TagEffect
from serving.report.funnel_drivers import Dependence, Swarm
from training.charts.marks import dot, label, path, picture, points_path, segment
from training.charts.scales import FACTORS, WIDE_FACTORS, Scale, factor_scale, factor_ticks

WIDTH, ROW = 200.0, 18.0
LEAST_REACH, MOST_REACH, MOST_SWARM_REACH = log(1.1), log(2.5), log(6.0)
"""|log factor| at the ends of an axis: no less, no more, no more in a beeswarm."""
SHADES = 3
NAMES_WIDTH = 92.0


@dataclass(frozen=True)
class Forest:
    """Forest plot of a table: one picture a row, and the axis for the row below them."""

    rows: list[Markup]
    axis: Markup


def forest(effects: Sequence[TagEffect]) -> Forest:
    """Factor with interval (dot and bar) and raw factor (ring) of each effect, on one scale of logs."""
    ends = [abs(log(end)) for one in effects for end in (one.low, one.high)]
    reach = min(max([LEAST_REACH, *ends]), MOST_REACH) * 1.05
    scale = factor_scale(reach, 4.0, WIDTH - 4.0)
    ticks = factor_ticks(FACTORS, scale, distance=26.0, margin=14.0)
    axis = [label(x, 11.0, f"×{text}", class_="tick") for text, x in ticks]
    return Forest([_forest_row(one, scale, reach) for one in effects], picture(0.0, 0.0, WIDTH, ROW, *axis))


def _forest_row(effect: TagEffect, scale: Scale, reach: float) -> Markup:
    middle, one = ROW / 2, scale(1.0)
    raw = effect.raw_factor
    ring = [dot(scale(raw), middle, 3.0, class_="rawdot")] if raw and abs(log(raw)) < reach else []
    return picture(
        0.0,
        0.0,
        WIDTH,
        ROW,
        segment(one, 0.0, one, ROW, class_="one"),
        segment(scale(effect.low), middle, scale(effect.high), middle, class_="int"),
        *ring,
        dot(scale(effect.factor), middle, 4.0, class_="dot"),
    )


def beeswarm(swarm: Swarm, names: Sequence[Words], title: Words) -> Markup:
    """A row of dots for each feature group; dots at one place are stacked.

    Args:
        swarm: Contributions of the groups.
        names: Labels of the groups.
        title: Label of the stage or target.
    """
    magnitudes = sorted(abs(value) for values in swarm.points for value in values)
    largest = magnitudes[int(len(magnitudes) * 0.995)] if magnitudes else 0.0
    scale = factor_scale(min(max(LEAST_REACH, largest), MOST_SWARM_REACH) * 1.05, 4.0, WIDTH - 4.0)
    height = len(swarm.points) * ROW
    labels = [
        label(-4.0, number * ROW + ROW / 2 + 3, text, class_=f"who {lang}")
        for number, words in enumerate(names)
        for lang, text in (("zh", words.zh), ("en", words.en))
    ]
    dots = [
        mark
        for number, (values, shades) in enumerate(zip(swarm.points, swarm.shades))
        for mark in _swarm_row(values, shades, number * ROW + ROW / 2, scale)
    ]
    ticks = factor_ticks(WIDE_FACTORS, scale, distance=20.0, margin=8.0)
    return picture(
        -NAMES_WIDTH,
        0.0,
        NAMES_WIDTH + WIDTH,
        height + 16.0,
        *labels,
        segment(scale(1.0), 0.0, scale(1.0), height, class_="one"),
        *dots,
        *(label(x, height + 12.0, f"×{text}", class_="tick") for text, x in ticks),
        title=f"{title.zh} {title.en}",
    )


def _swarm_row(values: Sequence[float], shades: Sequence[float], middle: float, scale: Scale) -> list[Markup]:
    points: list[list[tuple[float, float]]] = [[] for _ in range(SHADES if shades else 1)]
    stacked = dict[int, int]()
    for index, value in enumerate(values):
        x = round(scale(exp(value)), 1)
        bucket = round(x / 1.6)
        step = stacked[bucket] = stacked.get(bucket, -1) + 1
        offset = min((step + 1) // 2 * 1.5, ROW / 2 - 1.5) * (1 if step % 2 else -1)
        shade = min(int(shades[index] * SHADES), SHADES - 1) if shades else 0
        points[shade].append((x, middle + offset))
    return [
        points_path(of_shade, class_=f"points s{shade}" if shades else "points")
        for shade, of_shade in enumerate(points)
        if of_shade
    ]


def dependence_curve(dependence: Dependence, width: float = 220.0, height: float = 110.0) -> Markup:
    """Mean factor over a number (both on log scales), with a tick at the bottom for each number of the data."""
    logs_at: dict[float, list[float]] = {}
    for x, factor in zip(dependence.x, dependence.factors):
        logs_at.setdefault(x, []).append(log(factor))
    numbers = sorted(logs_at)
    reach = max(LEAST_REACH, *(abs(log(factor)) for factor in dependence.factors)) * 1.1
    bottom = height - 22.0
    across = Scale(numbers[0], numbers[-1], 30.0, width - 6.0, "log")
    up = factor_scale(reach, bottom, 6.0)
    curve = [(across(x), up(exp(sum(logs_at[x]) / len(logs_at[x])))) for x in numbers]
    shown = (dependence.x[0], (dependence.x[0] * dependence.x[-1]) ** 0.5, dependence.x[-1])
    return picture(
        0.0,
        0.0,
        width,
        height,
        path([(30.0, 6.0), (30.0, bottom), (width - 6.0, bottom)], class_="axis"),
        segment(30.0, up(1.0), width - 6.0, up(1.0), class_="one"),
        *(segment(across(x), height - 20.0, across(x), height - 25.0, class_="rug") for x in numbers),
        path(curve, class_="curve"),
        *(label(across(x), 101.0, f"{x:.3g}" if x < 1000 else f"{x:.0f}", class_="tick") for x in shown),
        *(label(26.0, y + 3, f"×{text}", class_="tick up") for text, y in factor_ticks(FACTORS, up, distance=14.0)),
    )


def hit_curve(hits: HitCurve, width: float = 320.0, height: float = 170.0) -> Markup:
    """Chance of at least one hit over the number of creatives (a scale of square roots)."""
    bottom = height - 24.0
    across = Scale(0.0, hits.counts[-1], 34.0, width - 8.0, "root")
    up = Scale(0.0, 1.0, bottom, 8.0)
    curves = (("apart", hits.all_different), ("now", hits.current), ("alike", hits.one_direction))
    shares = (0.0, 0.25, 0.5, 0.75, 1.0)
    return picture(
        0.0,
        0.0,
        width,
        height,
        path([(34.0, 8.0), (34.0, bottom), (width - 8.0, bottom)], class_="axis"),
        *(label(across(count), 158.0, count, class_="tick") for count in hits.counts if count not in (2, 3)),
        *(label(30.0, up(share) + 3, f"{share:.0%}", class_="tick up") for share in shares),
        *(segment(34.0, up(share), width - 8.0, up(share), class_="axis") for share in shares),
        *(
            path([(across(count), up(share)) for count, share in zip(hits.counts, values)], class_=f"curve {name}")
            for name, values in curves
        ),
    )

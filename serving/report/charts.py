"""Charts of the report: beeswarms, dependence curves, the chance of a hit. Colours are CSS classes."""

import re
from collections.abc import Sequence
from math import exp, log

from markupsafe import Markup

from serving.report.levers.details import LeverCurve, LeverSwarm
from training.charts.marks import area, label, path, picture, points_path, segment
from training.charts.scales import FACTORS, WIDE_FACTORS, Scale, factor_scale, factor_ticks

WIDTH, ROW, NAMES_WIDTH = 360.0, 24.0, 112.0
LEAST_REACH, MOST_SWARM_REACH = log(1.1), log(6.0)
"""|log factor| at the ends of an axis: no less, no more."""
TICKS = (*FACTORS, *WIDE_FACTORS)
COLOURS, SHADES = 8, 5
"""Colours of values, and of the bands of a number."""
LONGEST_NAME = 14
"""In Latin letters."""


def lever_swarm(swarm: LeverSwarm, rising: bool) -> Markup:
    """A row of dots for each value; dots at one place are stacked; each value has its colour.

    Args:
        swarm: Contributions of a lever.
        rising: The values are bands of a number, so that their colours rise with it.
    """
    magnitudes = sorted(abs(log) for logs in swarm.points for log in logs)
    largest = magnitudes[int(len(magnitudes) * 0.995)] if magnitudes else 0.0
    scale = factor_scale(min(max(LEAST_REACH, largest), MOST_SWARM_REACH) * 1.05, NAMES_WIDTH + 6.0, WIDTH - 6.0)
    height = len(swarm.values) * ROW
    marks = []
    for number, (value, logs) in enumerate(zip(swarm.values, swarm.points)):
        middle = number * ROW + ROW / 2
        marks.append(label(NAMES_WIDTH - 4.0, middle + 5, _shortened(value), class_="who"))
        shade = _rank(value, swarm.values) * (SHADES - 1) // max(len(swarm.values) - 1, 1) if rising else 0
        colour = f"q{shade}" if rising else f"v{number % COLOURS}"
        marks.append(points_path(_stacked(logs, middle, scale), class_=f"points {colour}"))
    ticks = factor_ticks(TICKS, scale, distance=44.0, margin=14.0)
    return picture(
        0.0,
        0.0,
        WIDTH,
        height + 20.0,
        segment(scale(1.0), 0.0, scale(1.0), height, class_="one"),
        *marks,
        *(label(x, height + 15.0, f"×{text}", class_="tick") for text, x in ticks),
    )


def _shortened(name: str) -> str:
    """A name that fits beside the rows; letters beyond Latin ones are twice as wide."""
    width = 0
    for place, letter in enumerate(name):
        width += 1 if ord(letter) < 0x2E80 else 2
        if width > LONGEST_NAME:
            return f"{name[: max(place - 1, 1)]}…"
    return name


def _rank(band: str, bands: Sequence[str]) -> int:
    """Place of a band among the bands by its lower end."""
    ends = sorted(float(re.split(r"[–+]", one)[0]) for one in bands)
    return ends.index(float(re.split(r"[–+]", band)[0]))


def _stacked(logs: Sequence[float], middle: float, scale: Scale) -> list[tuple[float, float]]:
    stacked = dict[int, int]()
    points = []
    for log_factor in logs:
        x = round(scale(exp(log_factor)), 1)
        bucket = round(x / 3.0)
        step = stacked[bucket] = stacked.get(bucket, -1) + 1
        points.append((x, middle + min((step + 1) // 2 * 2.6, ROW / 2 - 2.0) * (1 if step % 2 else -1)))
    return points


def lever_curve(curve: LeverCurve, height: float = 220.0) -> Markup:
    """Factor over a number, both on log scales: estimates by bin as a line with a band, and SHAP values as dots."""
    left, bottom, right = 48.0, height - 26.0, WIDTH - 8.0
    ends = [*curve.low, *curve.high, *(log_factor for _, log_factor in curve.dots)]
    reach = min(max(LEAST_REACH, *(abs(end) for end in ends)), MOST_SWARM_REACH) * 1.05
    numbers = [*curve.x, *(x for x, _ in curve.dots)]
    across = Scale(min(numbers), max(numbers), left, right, "log")
    up = factor_scale(reach, bottom, 8.0)
    places = [across(x) for x in curve.x]
    low, high = ([up(exp(one)) for one in side] for side in (curve.low, curve.high))
    shown = sorted({min(numbers), (min(numbers) * max(numbers)) ** 0.5, max(numbers)})
    return picture(
        0.0,
        0.0,
        WIDTH,
        height,
        path([(left, 8.0), (left, bottom), (right, bottom)], class_="axis"),
        segment(left, up(1.0), right, up(1.0), class_="one"),
        area(places, low, high, class_="band"),
        points_path([(across(x), up(exp(log_factor))) for x, log_factor in curve.dots], class_="points"),
        path([(across(x), up(exp(one))) for x, one in zip(curve.x, curve.logs)], class_="curve"),
        *(
            label(min(max(across(x), left + 14), right - 18), height - 8.0, f"{round(x):,}", class_="tick")
            for x in shown
        ),
        *(label(left - 5, y + 5, f"×{text}", class_="tick up") for text, y in factor_ticks(TICKS, up, 24.0)),
    )

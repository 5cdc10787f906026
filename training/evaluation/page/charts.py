"""Charts of the evaluation's page."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from markupsafe import Markup

from features.bilingual import Words
from features.sanitise import visible_text
from training.charts.axes import DASHED, DOTTED, INCH, SIZE, TEXT, Axes, Axis
from training.charts.scales import decimal_labels, log_ticks, nice_ticks, padded
from training.evaluation.acceptance import Measured, share_band
from training.evaluation.coverage import PROBABILITY_BINS
from training.evaluation.deciles import IDEAL
from training.evaluation.metrics import ALL_AGES, CARRY, EMPIRICAL_BAYES, MIN_METRIC_ROWS, OWN

COLOURS = {OWN: "mark", EMPIRICAL_BAYES: "bayes", CARRY: "carry", IDEAL: "ideal", "total": "mark", "mean": "bayes"}
"""Method or line → CSS variable of its colour."""
RATIO_TICKS = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 8.0)
LONGEST_NAME = 28
MOST_AGES = 6
"""Labels of ages that an axis has room for."""
PREDICTED, ACTUAL = Words("预测", "predicted"), Words("实际", "actual")


def by_age(
    name: str, table: pd.DataFrame, value: str, *, reference: float | None = None,
    allowed: tuple[float, float] | None = None, log: bool = False, share: bool = False,
) -> Markup:  # fmt: skip
    """A line per method over the ages.

    Args:
        name: Name of the picture, unlike any other on the page.
        table: `age_hours`, `method`, `rows`, the value and its ends; ages under MIN_METRIC_ROWS are left out.
        value: Name of the column; its interval, of gpmcast or of totals, is shaded.
        reference: A horizontal line.
        allowed: A shaded stripe.
        log: The vertical axis is logarithmic.
        share: Values are shares of 1, written as percentages.
    """
    rows = table[(table["age_hours"] != ALL_AGES) & (table["rows"] >= MIN_METRIC_ROWS)].dropna(subset=[value])
    ages = sorted(float(age) for age in rows["age_hours"].unique())
    low, high = f"{value}_low", f"{value}_high"
    ends = [name for name in (low, high) if name in rows]
    numbers = _finite(rows[[value, *ends]].to_numpy(np.float64))
    numbers += [*([] if reference is None else [reference]), *(allowed or ())]
    labels = [_age(age) for age in ages]
    still_to_come = "undecided_share" in rows
    if still_to_come:
        shares = {float(row["age_hours"]): float(row["undecided_share"]) for row in rows.to_dict("records")}
        labels = [Words(*(f"{text}\n{shares[age]:.0%}" for text in words)) for age, words in zip(ages, labels)]
    labels = thinned(labels)
    first, last = padded([float(place) for place in range(len(ages))])
    title = Words("投放时长 / 还没花的消耗", "age / spend still to come") if still_to_come else Words("投放时长", "age")
    across = Axis(first, last, range(len(ages)), labels, title)
    below = 0.6 if still_to_come else 0.45
    up = _ratio_axis(rows, low, high) if log else _value_axis(numbers, below, share=share)
    axes = Axes(name, across, up, left=0.42, below=below)
    if allowed is not None:
        axes.stripe(*allowed, "good")
    if reference is not None:
        axes.reference(reference)
    for method, of_method in sorted(rows.groupby("method", sort=False), key=lambda group: group[0] == OWN):
        places = [ages.index(float(age)) for age in of_method["age_hours"]]
        colour = COLOURS.get(str(method), "ink")
        if method in (OWN, "total") and len(ends) == 2:
            axes.band(places, of_method[low], of_method[high], colour)
        axes.line(places, of_method[value], colour, dash="" if str(method) in COLOURS else DASHED)
        axes.points(places, of_method[value], colour)
    return axes.svg()


def gain_curve(name: str, rows: pd.DataFrame) -> Markup:
    """Cumulative share of the outcome over the share of exposure used, for one target and age."""
    gained = [0.0, 1.0, *_finite(rows[["gained", "gained_low", "gained_high"]].to_numpy(np.float64))]
    across = _axis(0.0, 1.0, _most(SIZE[0] - 0.74, 3), title=Words("预测从高到低", "best predicted first"), share=True)
    up = _axis(
        min(gained),
        max(gained),
        _most(SIZE[1] - 0.53, 2),
        title=Words("拿到的结果", "share of the outcome"),
        share=True,
    )
    axes = Axes(name, across, up)
    axes.line((0, 1), (0, 1), "line", 1.0)
    for method, of_method in rows.groupby("method", sort=False):
        colour = COLOURS[str(method)]
        shares = [0.0, *(of_method["tenth"] / 10)]
        if method == OWN:
            axes.band(shares, [0.0, *of_method["gained_low"]], [0.0, *of_method["gained_high"]], colour)
        axes.line(shares, [0.0, *of_method["gained"]], colour, dash=DOTTED if method == IDEAL else "")
    return axes.svg()


def lift_bars(name: str, rows: pd.DataFrame) -> Markup:
    """Outcome of each tenth of exposure over the mean tenth: bars for gpmcast, dots for the baselines."""
    rows = rows[rows["method"] != IDEAL]
    tenths = range(1, 11)
    first, last = padded([0.65, 10.35])
    across = Axis(
        first,
        last,
        tenths,
        [str(tenth) for tenth in tenths],
        Words("第几份（预测从高到低）", "tenth, best predicted first"),
    )
    highest = 1.05 * max([1.0, *_finite(rows["lift"].to_numpy(np.float64))])
    ticks = nice_ticks(0.0, highest, _most(SIZE[1] - 0.53, 2))
    axes = Axes(name, across, Axis(0.0, highest, ticks, decimal_labels(ticks), Words("× 平均", "× mean")))
    for method, of_method in rows.groupby("method", sort=False):
        draw = axes.bars if method == OWN else axes.points
        draw(of_method["tenth"], of_method["lift"], COLOURS[str(method)])
    axes.reference(1.0)
    return axes.svg()


def decile_points(name: str, rows: pd.DataFrame) -> Markup:
    """Predicted against actual by tenth of predictions, on log scales, with the interval of their ratio."""
    rows = rows[(rows["predicted"] > 0) & (rows["actual"] > 0)]
    if not len(rows):
        return Axes(name, Axis(0, 1, (), (), PREDICTED), Axis(0, 1, (), (), ACTUAL)).svg()
    both = rows[["predicted", "actual"]].to_numpy(np.float64)
    low, high = max(both.min(), both.max() / 1e4) * 0.7, both.max() * 1.4
    ticks = log_ticks(low, high) if high < 150 * low else log_ticks(low, high, (1.0,))
    labels = [f"{tick:,.9g}" for tick in ticks]
    across, up = (Axis(low, high, ticks, labels, title, "log") for title in (PREDICTED, ACTUAL))
    axes = Axes(name, across, up)
    axes.band((low, high), (low / 1.18, high / 1.18), (low / 0.85, high / 0.85), "good")
    axes.line((low, high), (low, high), "line", 1.0)
    predicted = rows["predicted"].to_numpy(np.float64)
    least, most = predicted / rows["total_high"], predicted / rows["total_low"].clip(lower=1e-9)
    axes.ranges(predicted, least, most, "mark")
    axes.points(predicted, rows["actual"], "mark")
    return axes.svg()


def reliability_points(name: str, bins: pd.DataFrame, off: float, repeats: int) -> Markup:
    """Stated chances against the observed share, with the allowed difference and the standard error of each share.

    Args:
        name: Name of the picture.
        bins: `stated`, `true`, `rows` of each bin.
        off: Allowed difference.
        repeats: Times that each row was counted.
    """
    ticks = np.linspace(0, 1, PROBABILITY_BINS // 2 + 1).tolist()
    across = Axis(0.0, 1.0, ticks, [f"{tick:.0%}" for tick in ticks], Words("所说的概率", "stated chance"))
    axes = Axes(name, across, Axis(0.0, 1.0, across.ticks, across.labels, Words("兑现的比例", "observed share")))
    axes.band((0, 1), (-off, 1 - off), (off, 1 + off), "good")
    axes.line((0, 1), (0, 1), "line", 1.0)
    stated, true, rows = (bins[column].to_numpy(np.float64) for column in ("stated", "true", "rows"))
    axes.ranges(stated, *share_band(true, rows / repeats), "mark")
    radii = np.sqrt(8.0 + 60.0 * np.sqrt(rows / max(rows.max(), 1))) / 2
    axes.points(stated, true, "mark", radii, opacity=0.8)
    return axes.svg()


def dots(name: str, measured: Sequence[Measured]) -> Markup:
    """A figure with its band for each of several methods, one above the other."""
    size = (4.3, 0.6 + 0.21 * max(len(measured), 3))
    left = 2.1
    numbers = _finite(np.array([[one.low, one.value, one.high] for one in measured]))
    across = _axis(
        min(numbers, default=0.0),
        max(numbers, default=1.0),
        _most(size[0] - left - 0.08, 3),
        title=Words("排序相关", "rank correlation"),
    )
    upwards = list(reversed(measured))
    first, last = padded([float(place) for place in range(len(measured))])
    names = [visible_text(one.of[0])[:LONGEST_NAME] for one in upwards]
    up = Axis(first, last, range(len(measured)), names)
    axes = Axes(name, across, up, size=size, left=left, rows=True)
    for place, one in enumerate(upwards):
        colour = "mark" if one.of[0] == OWN else "ink"
        axes.ranges([place], [one.low], [one.high], colour, 1.5)
        axes.points([one.value], [place], colour)
    return axes.svg()


def _axis(low: float, high: float, most: int, *, title: str | Words = "", share: bool = False) -> Axis:
    """A linear axis with 5 % of room at both ends."""
    first, last = padded([low, high])
    ticks = nice_ticks(first, last, most)
    return Axis(first, last, ticks, [f"{tick:.0%}" for tick in ticks] if share else decimal_labels(ticks), title)


def _value_axis(numbers: Sequence[float], below: float, *, share: bool) -> Axis:
    low, high = padded(numbers)
    high = min(high, 1.02) if share else high
    ticks = nice_ticks(low, high, _most(SIZE[1] - below - 0.08, 2))
    return Axis(low, high, ticks, [f"{tick:.0%}" for tick in ticks] if share else decimal_labels(ticks))


def _ratio_axis(rows: pd.DataFrame, low: str, high: str) -> Axis:
    """Predicted over actual on a log scale: always 0.7–1.4, never beyond 0.2–10."""
    least, most = (_finite(rows[end].replace(0.0, np.nan).to_numpy(np.float64)) for end in (low, high))
    first = max(0.2, min([0.7, *(0.9 * one for one in least)]))
    last = min(10.0, max([1.4, *(1.1 * one for one in most)]))
    ticks = [tick for tick in RATIO_TICKS if first <= tick <= last]
    return Axis(first, last, ticks, [f"{tick:g}" for tick in ticks], kind="log")


def _most(inches: float, per_label: float) -> int:
    """How many labels an axis of this length has room for, at most 9."""
    return max(1, min(int(inches * INCH / (TEXT * per_label)), 9))


def _finite(numbers: Iterable[float] | np.ndarray) -> list[float]:
    flat = np.asarray(numbers, dtype=np.float64).ravel()
    return [float(one) for one in flat[np.isfinite(flat)]]


def _age(hours: float) -> Words:
    if hours == 0:
        return Words("投放前", "start")
    if hours < 72:
        return Words(f"{hours:g}时", f"{hours:g}h")
    return Words(f"{hours / 24:g}天", f"{hours / 24:g}d")


def thinned(labels: list[Words]) -> list[Words]:
    """The labels, every second one empty (or two of three, …) where the axis has no room for all of them."""
    step = -(-len(labels) // MOST_AGES)
    return [words if place % step == 0 else Words("", "") for place, words in enumerate(labels)]

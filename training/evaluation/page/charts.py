"""The pictures of an evaluation's page, as SVG that takes its colours and its font from the page around it.

Words in them are numbers and short English names only: a machine without Chinese fonts draws them all the same.
"""

import re
from collections.abc import Callable, Sequence
from io import StringIO

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from training.evaluation.acceptance import NORMAL, CheckedFigure
from training.evaluation.coverage import PROBABILITY_BINS
from training.evaluation.deciles import IDEAL
from training.evaluation.metrics import ALL_AGES, CARRY, EMPIRICAL_BAYES, MIN_METRIC_ROWS, OWN

COLOURS = {OWN: "own", EMPIRICAL_BAYES: "bayes", CARRY: "carry", IDEAL: "ideal", "total": "own", "mean": "bayes"}
"""Line → name of its colour on the page."""
STAND_INS = {"ink": "#010101", "line": "#020202", "own": "#030303", "bayes": "#040404", "carry": "#050505",
             "ideal": "#060606", "good": "#070707"}  # fmt: skip
SIZE = (3.5, 2.5)
LONGEST = 28
"""Letters of a method's name."""
STYLE = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 8,
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.edgecolor": STAND_INS["line"],
    "axes.labelcolor": STAND_INS["ink"],
    "text.color": STAND_INS["ink"],
    "xtick.color": STAND_INS["ink"],
    "ytick.color": STAND_INS["ink"],
    "grid.color": STAND_INS["line"],
    "grid.alpha": 0.5,
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.5,
    "lines.markersize": 3.5,
}
_LEFT_BEHIND = re.compile(r'<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>| xmlns(:\w+)?="[^"]*"', re.S)
_NAMES = re.compile(r' id="(?:figure|axes|patch|line2d|text|matplotlib\.axis|xtick|ytick|\w+Collection)_\d+"')
_FONT = re.compile(r"font-family: [^;\"]*; ?")


def by_age(
    name: str, table: pd.DataFrame, value: str, *, bands: bool = True, reference: float | None = None,
    allowed: tuple[float, float] | None = None, log: bool = False, share: bool = False,
) -> str:  # fmt: skip
    """A line per method over the ages.

    Args:
        name: Of the picture, unlike any other on the page.
        table: `age_hours`, `method`, `rows`, the value, `_low` and `_high` of it; ages under MIN_METRIC_ROWS are left
            out.
        value: Name of the column.
        bands: Show them for gpmcast; those of the others would hide it.
        reference: A line to compare with.
        allowed: A stripe to lie in.
        log: Scale of the value.
        share: The value is a percentage.
    """
    rows = table[(table["age_hours"] != ALL_AGES) & (table["rows"] >= MIN_METRIC_ROWS)].dropna(subset=[value])
    ages = sorted(rows["age_hours"].unique())

    def draw(axes: Axes) -> None:
        _frame(axes, reference, allowed)
        if log:
            axes.set_yscale("log")
            axes.yaxis.set_minor_locator(NullLocator())
            axes.set_yticks([0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 8.0])
            axes.yaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:g}"))
        elif share:
            axes.yaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:.0%}"))
        for method, of_method in rows.groupby("method", sort=False):
            places = [ages.index(age) for age in of_method["age_hours"]]
            colour = STAND_INS[COLOURS.get(str(method), "ink")]
            dashed = "--" if str(method) not in COLOURS else "-"
            axes.plot(places, of_method[value], marker="o", color=colour, ls=dashed, zorder=3 if method == OWN else 2)
            if bands and method in (OWN, "total") and f"{value}_low" in of_method:
                low, high = of_method[f"{value}_low"], of_method[f"{value}_high"]
                axes.fill_between(places, low, high, color=colour, alpha=0.15, lw=0)
        labels = [_age(age) for age in ages]
        if "undecided_share" in rows:
            shares = rows.drop_duplicates("age_hours").set_index("age_hours")["undecided_share"]
            labels = [f"{_age(age)}\n{shares[age]:.0%}" for age in ages]
        axes.set_xticks(range(len(ages)), labels, fontsize=6.5)
        axes.set_xlabel("age" + (" / spend still to come" if "undecided_share" in rows else ""))
        if share:
            axes.set_ylim(top=min(axes.get_ylim()[1], 1.02))
        if log and len(rows):
            low, high = (rows[f"{value}_{end}"].replace(0.0, np.nan) for end in ("low", "high"))
            axes.set_ylim(max(0.2, min(0.7, low.min() * 0.9)), min(10.0, max(1.4, high.max() * 1.1)))

    return _svg(name, draw, left=0.42, below=0.56 if "undecided_share" in rows else 0.42)


def gain_curve(name: str, rows: pd.DataFrame) -> str:
    """Share gained against the share of exposure used, of one target and age."""

    def draw(axes: Axes) -> None:
        _frame(axes)
        axes.plot([0, 1], [0, 1], color=STAND_INS["line"], lw=1)
        for method, of_method in rows.groupby("method", sort=False):
            colour = STAND_INS[COLOURS[str(method)]]
            shares = [0.0, *of_method["tenth"] / 10]
            axes.plot(shares, [0.0, *of_method["gained"]], color=colour, ls=":" if method == IDEAL else "-")
            if method == OWN:
                low, high = ([0.0, *of_method[f"gained_{end}"]] for end in ("low", "high"))
                axes.fill_between(shares, low, high, color=colour, alpha=0.15, lw=0)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:.0%}"))
        axes.set_xlabel("best predicted first")
        axes.set_ylabel("of all that came")

    return _svg(name, draw)


def lift_bars(name: str, rows: pd.DataFrame) -> str:
    """What came in each tenth over the mean tenth: bars for gpmcast, marks for the rules."""

    def draw(axes: Axes) -> None:
        _frame(axes, reference=1.0)
        for method, of_method in rows[rows["method"] != IDEAL].groupby("method", sort=False):
            colour = STAND_INS[COLOURS[str(method)]]
            if method == OWN:
                axes.bar(of_method["tenth"], of_method["lift"], color=colour, alpha=0.75, width=0.7)
            else:
                axes.plot(of_method["tenth"], of_method["lift"], "o", color=colour, zorder=3)
        axes.set_xticks(range(1, 11))
        axes.set_xlabel("tenth of exposure, best predicted first")
        axes.set_ylabel("× mean")

    return _svg(name, draw)


def decile_points(name: str, rows: pd.DataFrame) -> str:
    """Predicted against what came by tenth, on logarithmic scales, with the band of their ratio."""
    rows = rows[(rows["predicted"] > 0) & (rows["actual"] > 0)]

    def draw(axes: Axes) -> None:
        _frame(axes)
        if not len(rows):
            return
        ends = np.array([rows[["predicted", "actual"]].min().min(), rows[["predicted", "actual"]].max().max()])
        ends = np.array([max(ends[0], ends[1] / 1e4) * 0.7, ends[1] * 1.4])
        axes.fill_between(ends, ends / 1.18, ends / 0.85, color=STAND_INS["good"], alpha=0.15, lw=0)
        axes.plot(ends, ends, color=STAND_INS["line"], lw=1)
        low, high = rows["predicted"] / rows["total_high"], rows["predicted"] / rows["total_low"].clip(lower=1e-9)
        axes.vlines(rows["predicted"], low, high, color=STAND_INS["own"], alpha=0.5, lw=1)
        axes.plot(rows["predicted"], rows["actual"], "o", color=STAND_INS["own"])
        for scale in (axes.set_xscale, axes.set_yscale):
            scale("log")
        axes.set_xlim(*ends)
        axes.set_ylim(*ends)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_minor_locator(NullLocator())
            axis.set_major_locator(LogLocator(subs=(1, 2, 5) if ends[1] < 150 * ends[0] else (1,)))
            axis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:,.9g}"))
        axes.set_xlabel("predicted")
        axes.set_ylabel("came")

    return _svg(name, draw)


def reliability_points(name: str, bins: pd.DataFrame, off: float, asked: int) -> str:
    """Stated chances against the share that came true, with what is allowed and the luck of each point."""

    def draw(axes: Axes) -> None:
        _frame(axes)
        ends = np.array([0.0, 1.0])
        axes.fill_between(ends, ends - off, ends + off, color=STAND_INS["good"], alpha=0.15, lw=0)
        axes.plot(ends, ends, color=STAND_INS["line"], lw=1)
        true = bins["true"].to_numpy(np.float64)
        error = NORMAL * np.sqrt(true * (1.0 - true) * asked / bins["rows"].to_numpy(np.float64))
        axes.vlines(bins["stated"], true - error, true + error, color=STAND_INS["own"], alpha=0.5, lw=1)
        size = 8.0 + 60.0 * np.sqrt(bins["rows"] / max(bins["rows"].max(), 1))
        axes.scatter(bins["stated"], true, s=size, color=STAND_INS["own"], alpha=0.8, lw=0, zorder=3, clip_on=False)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.set_xticks(np.linspace(0, 1, PROBABILITY_BINS // 2 + 1))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:.0%}"))
        axes.set_xlabel("stated chance")
        axes.set_ylabel("came true")

    return _svg(name, draw)


def dots(name: str, measured: Sequence[CheckedFigure], own: str = OWN) -> str:
    """A figure with its band for each of several methods, one above the other."""

    def draw(axes: Axes) -> None:
        _frame(axes)
        axes.grid(axis="y", visible=False)
        for place, one in enumerate(reversed(measured)):
            colour = STAND_INS["own" if one.of[0] == own else "ink"]
            axes.hlines(place, one.low, one.high, color=colour, alpha=0.5, lw=1.5)
            axes.plot([one.value], [place], "o", color=colour)
        axes.set_yticks(range(len(measured)), [_plain(one.of[0]) for one in reversed(measured)], fontsize=7)
        axes.set_xlabel("rank correlation")

    return _svg(name, draw, (3.9, 0.6 + 0.19 * max(len(measured), 3)), left=1.75)


def _frame(axes: Axes, reference: float | None = None, allowed: tuple[float, float] | None = None) -> None:
    axes.grid(visible=True)
    axes.set_axisbelow(True)
    if allowed is not None:
        axes.axhspan(*allowed, color=STAND_INS["good"], alpha=0.15, lw=0)
    if reference is not None:
        axes.axhline(reference, color=STAND_INS["line"], lw=1)


def _svg(
    name: str, draw: Callable[[Axes], None], size: tuple[float, float] = SIZE, left: float = 0.58, below: float = 0.45
) -> str:
    """A drawing without dates, links and names that another picture could have; `left` and `below` in inches.

    Margins are given: to let the library find them costs as much as the drawing.
    """
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": f"gpmcast {name}"}):
        figure = Figure(figsize=size)
        figure.patch.set_visible(False)
        width, height = size
        axes = figure.add_axes((left / width, below / height, 1 - (left + 0.08) / width, 1 - (below + 0.08) / height))
        axes.patch.set_visible(False)
        draw(axes)
        written = StringIO()
        FigureCanvasSVG(figure).print_svg(written, metadata={"Date": None})
    text = written.getvalue()
    text = _NAMES.sub("", _LEFT_BEHIND.sub("", text[text.index("<svg") :]))
    text = _FONT.sub("", text)
    for word, colour in STAND_INS.items():
        text = text.replace(colour, f"var(--{word})")
    text = re.sub(r'<svg ([^>]*?)(?:width|height)="[^"]*"', r"<svg \1", text, count=1)
    text = re.sub(r'<svg ([^>]*?)(?:width|height)="[^"]*"', r'<svg aria-hidden="true" \1', text, count=1)
    return re.sub(r"\n\s*", "\n", text)


def _plain(name: str) -> str:
    """A method's name as every font can draw it."""
    return name.encode("ascii", "replace").decode()[:LONGEST]


def _age(hours: float) -> str:
    return f"{hours:g}h" if hours < 72 else f"{hours / 24:g}d"

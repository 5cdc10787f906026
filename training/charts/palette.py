"""Colours of the evaluation's charts as CSS variables, and a chart as a file of its own."""

import re

from markupsafe import Markup

LIGHT = {
    "paper": "#fff", "ink": "#1c2126", "soft": "#5b6570", "line": "#c9ced4", "panel": "#f5f6f8", "own": "#0067a5",
    "bayes": "#b86e00", "carry": "#78808a", "ideal": "#00795a", "good": "#1d8a4e", "goodback": "#e2f3e8",
    "off": "#8a5a00", "offback": "#fdf0d3", "far": "#b3261e", "farback": "#fbe3e0",
}  # fmt: skip
DARK = {
    "paper": "#14181c", "ink": "#e6e9ec", "soft": "#a3acb5", "line": "#434b54", "panel": "#1d2329", "own": "#5db7ee",
    "bayes": "#f0ac45", "carry": "#9aa3ad", "ideal": "#4fcfa5", "good": "#5fcf8d", "goodback": "#16351f",
    "off": "#f2c063", "offback": "#3d300f", "far": "#ff9288", "farback": "#471b17",
}  # fmt: skip
SIZE = re.compile(r'viewBox="([-\d.]+) ([-\d.]+) ([\d.]+) ([\d.]+)"')


def css(colours: dict[str, str]) -> Markup:
    """Declarations of the variables."""
    return Markup(" ".join(f"--{name}: {value};" for name, value in colours.items()))


def standalone(svg: str, scale: float = 2.0) -> str:
    """Return a chart as an SVG file: with its name space, a size in pixels, a background and the light colours.

    Args:
        svg: Of `training.charts.axes.Axes.svg`.
        scale: Pixels per typographic point.
    """
    found = SIZE.search(svg)
    assert found is not None, "charts have a viewBox"
    left, top, width, height = found.groups()
    size = f'width="{scale * float(width):g}" height="{scale * float(height):g}"'
    style = f"<style>svg {{ {css(LIGHT)} font-family: sans-serif; }}</style>"
    ground = f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="{LIGHT["paper"]}"/>'
    opening, _, rest = svg.partition(">")
    return f'{opening} xmlns="http://www.w3.org/2000/svg" {size}>{style}{ground}{rest}\n'

"""The colours of report, page, evaluation and charts as CSS variables, and a chart as a file of its own.

Good is bluish green and bad is vermilion, which colour-blind readers tell apart (Okabe and Ito, Color Universal Design,
2008). `bayes`, `carry` and `ideal` are the lines of what a model is compared with; its own have `mark`.
"""

import re
from collections.abc import Mapping

LIGHT = {
    "paper": "#faf9f7", "sheet": "#ffffff", "panel": "#f1f3f3", "ink": "#1b2327", "soft": "#55616a",
    "line": "#d6dadc", "key": "#0b5f8c", "on-key": "#ffffff", "key-wash": "#e3eff7", "good": "#00694f",
    "good-wash": "#dff2ea", "bad": "#a8430a", "bad-wash": "#fce9dd", "warn": "#785300", "warn-wash": "#f9efcf",
    "never": "#b3201a", "never-wash": "#fbe3e1", "good1": "#e4f4ed", "good2": "#c1e5d6", "good3": "#8bcfb5",
    "good4": "#52b593", "bad1": "#fdf0e6", "bad2": "#fbdec7", "bad3": "#f5bd94", "bad4": "#ea9862", "up1": "#e6f1f8",
    "up2": "#c5e0f0", "up3": "#93c7e4", "up4": "#5aa9d3", "down1": "#fdf0e2", "down2": "#fbdcb8", "down3": "#f6bd82",
    "down4": "#ec974a", "shade0": "#8fc3e2", "shade1": "#3d7fb0", "shade2": "#0b3d66", "mark": "#0b6ba5",
    "raw": "#7d8890", "shadow": "0 1px 2px rgb(20 30 40 / .07)", "bayes": "#b86e00", "carry": "#78808a",
    "ideal": "#00795a",
}  # fmt: skip
DARK = {
    "paper": "#12171a", "sheet": "#192024", "panel": "#212a2f", "ink": "#e7ebec", "soft": "#a5b0b7",
    "line": "#37424a", "key": "#7cc4f0", "on-key": "#06202f", "key-wash": "#16303f", "good": "#6dd6b0",
    "good-wash": "#12382c", "bad": "#f6a273", "bad-wash": "#45270f", "warn": "#ecca6c", "warn-wash": "#3a3013",
    "never": "#ff948b", "never-wash": "#4a1d1a", "good1": "#152b24", "good2": "#174436", "good3": "#1a6049",
    "good4": "#20805f", "bad1": "#2d2118", "bad2": "#49301b", "bad3": "#6d431f", "bad4": "#955823", "up1": "#16242e",
    "up2": "#17354a", "up3": "#184b6d", "up4": "#1b6593", "down1": "#2b2118", "down2": "#46301a", "down3": "#6b441b",
    "down4": "#935a19", "shade0": "#2c6f9e", "shade1": "#6bbdf0", "shade2": "#d3ecfc", "mark": "#6bbdf0",
    "raw": "#8e98a2", "shadow": "none", "bayes": "#f0ac45", "carry": "#9aa3ad", "ideal": "#4fcfa5",
}  # fmt: skip
PRINT = {
    **LIGHT,
    "paper": "#fff", "sheet": "#fff", "panel": "#f4f4f4", "ink": "#000", "soft": "#444", "line": "#bbb",
    "on-key": "#fff", "warn": "#6a4a00", "raw": "#777", "shadow": "none",
}  # fmt: skip
"""On white paper, whatever the screen has."""
PIXELS_PER_POINT = 2.0
"""Size of a chart that is a file of its own."""
SIZE = re.compile(r'viewBox="([-\d.]+) ([-\d.]+) ([\d.]+) ([\d.]+)"')


def declarations(colours: Mapping[str, str]) -> str:
    """CSS that sets the variables."""
    return " ".join(f"--{name}: {value};" for name, value in colours.items())


def tokens() -> str:
    """CSS of all variables: for light screens, dark ones and print."""
    return (
        f":root {{ color-scheme: light dark; {declarations(LIGHT)} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {declarations(DARK)} }} }}\n"
        f"@media print {{ :root {{ color-scheme: light; {declarations(PRINT)} }} }}\n"
    )


def standalone(svg: str) -> str:
    """Return a chart as an SVG file: with its name space, a size in pixels, a background, the colours of print,
    and English texts.

    Args:
        svg: Of `training.charts.axes.Axes.svg`.
    """
    found = SIZE.search(svg)
    assert found is not None, "charts have a viewBox"
    left, top, width, height = found.groups()
    size = f'width="{PIXELS_PER_POINT * float(width):g}" height="{PIXELS_PER_POINT * float(height):g}"'
    style = f"<style>svg {{ {declarations(PRINT)} font-family: sans-serif; }} .zh {{ display: none; }}</style>"
    ground = f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="{PRINT["paper"]}"/>'
    opening, _, rest = svg.partition(">")
    return f'{opening} xmlns="http://www.w3.org/2000/svg" {size}>{style}{ground}{rest}\n'

"""Format time and memory measured at several sizes as Markdown tables, with growth slopes and goals."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

MAX_SLOPE = 1.1
"""A step that grows faster does not scale."""
GOAL_SIZE, GOAL_SECONDS, GOAL_MB = 10_000_000, 360.0, 8192.0
GOAL_STEPS = ("load", "snapshots", "features")
"""Steps that must fit in this time and memory together at GOAL_SIZE, on two cores."""
TOGETHER = "load to features"

Measured = dict[str, Any]
"""JSON of one size: steps (name → seconds, cpu_seconds, peak_mb), counts, exports, stopped, most_mb."""
Results = Mapping[int, Mapping[str, Any]]
"""Rows of metrics → Measured."""


def slope(rows: Sequence[int], seconds: Sequence[float]) -> float:
    """Least-squares slope of log seconds over log rows; NaN of fewer than two sizes."""
    if len(rows) < 2:
        return float("nan")
    return float(np.polyfit(np.log(rows), np.log(np.maximum(seconds, 1e-9)), 1)[0])


def growth_table(found: Results) -> str:
    """Format seconds and slopes, rows per second, peaks, counts, and whether the goals are reached.

    The steps from the store to features are also added up: where metrics are processed in parts a later step reads
    what the first one reads from one frame, so only their sum is comparable across sizes.
    """
    found = {rows: {**measured, "steps": _with_sum(measured["steps"])} for rows, measured in found.items()}
    names = list(dict.fromkeys(name for measured in found.values() for name in _in_order(measured["steps"])))
    sizes = [_million(rows) for rows in found]
    lines = ["Seconds of each step, by rows of metrics; the slope is that of log seconds over log rows, of all sizes,"]
    lines += ["of the last two, and of CPU time, which is more reliable on a busy machine.", ""]
    lines += _table(
        ["step", *sizes, "slope", "of the last two", "of CPU", "of CPU, last two", f"slope ≤ {MAX_SLOPE:g}"],
        [[_label(name), *_cells(found, name, _seconds), *_slopes(found, name)] for name in names],
    )
    lines += ["", "Rows of metrics per second.", ""]
    whole = [name for name in names if ":" not in name]
    lines += _table(["step", *sizes], [[name, *_cells(found, name, _pace)] for name in whole])
    lines += ["", "Peak memory during each step, with what the process holds from the steps before, in MB.", ""]
    lines += _table(["step", *sizes], [[_label(name), *_cells(found, name, _peak)] for name in names])
    lines += ["", "Counts.", ""]
    lines += _table(["", *sizes], _counts(found))
    return "\n".join([*lines, "", *_goals(found), ""])


def _with_sum(steps: Mapping[str, Mapping[str, float]]) -> dict[str, Mapping[str, float]]:
    if not all(name in steps for name in GOAL_STEPS):
        return dict(steps)
    summed = {what: sum(steps[name][what] for name in GOAL_STEPS) for what in ("seconds", "cpu_seconds")}
    return {**steps, TOGETHER: {**summed, "peak_mb": max(steps[name]["peak_mb"] for name in GOAL_STEPS)}}


def _goals(found: Results) -> list[str]:
    lines = []
    for rows, measured in found.items():
        if stopped := measured.get("stopped"):
            lines.append(f"- {_million(rows)}: “{stopped}” does not fit in {measured['most_mb']:,} MB")
        if TOGETHER not in measured["steps"]:
            continue
        seconds, peak = (measured["steps"][TOGETHER][what] for what in ("seconds", "peak_mb"))
        line = f"- {_million(rows)}, {TOGETHER}: {seconds:,.0f} s, {peak:,.0f} MB at most"
        if rows == GOAL_SIZE:
            line += f"; goals {GOAL_SECONDS:g} s: {_yes_no(seconds <= GOAL_SECONDS)}, "
            line += f"{GOAL_MB:,.0f} MB: {_yes_no(peak <= GOAL_MB)}"
        lines.append(line)
    return lines


def _slopes(found: Results, name: str) -> list[str]:
    steps = {rows: measured["steps"][name] for rows, measured in found.items() if name in measured["steps"]}
    if len(steps) < 2:
        return ["–", "–", "–", "–", "not measured"]
    rows, seconds = list(steps), [step["seconds"] for step in steps.values()]
    cpu = [step["cpu_seconds"] for step in steps.values()]
    whole = slope(rows, seconds)
    slopes = [whole, slope(rows[-2:], seconds[-2:]), slope(rows, cpu), slope(rows[-2:], cpu[-2:])]
    return [*(f"{one:.2f}" for one in slopes), _yes_no(whole <= MAX_SLOPE)]


def _counts(found: Results) -> list[list[str]]:
    exports = {"files": "files", "rows": "rows of files", "bytes": "bytes of files"}
    lines = [[label, *(f"{found[rows]['exports'][name]:,}" for rows in found)] for name, label in exports.items()]
    for name in dict.fromkeys(name for measured in found.values() for name in measured["counts"]):
        counts = [measured["counts"].get(name) for measured in found.values()]
        lines.append([name.replace("_", " "), *("–" if count is None else f"{count:,}" for count in counts)])
    return lines


def _in_order(steps: Mapping[str, Any]) -> list[str]:
    """Names of steps, each before its parts."""
    whole = [name for name in steps if ":" not in name]
    return [part for name in whole for part in [name, *(p for p in steps if p.startswith(f"{name}:"))]]


def _cells(found: Results, name: str, shown: Callable[[int, Mapping[str, float]], str]) -> list[str]:
    steps = {rows: measured["steps"].get(name) for rows, measured in found.items()}
    return ["not measured" if step is None else shown(rows, step) for rows, step in steps.items()]


def _seconds(rows: int, step: Mapping[str, float]) -> str:
    return f"{step['seconds']:,.1f}"


def _pace(rows: int, step: Mapping[str, float]) -> str:
    return f"{rows / step['seconds']:,.0f}"


def _peak(rows: int, step: Mapping[str, float]) -> str:
    return f"{step['peak_mb']:,.0f}"


def _label(name: str) -> str:
    return name if ":" not in name else f"– {name.split(': ')[1]}"


def _million(rows: int) -> str:
    return f"{rows / 1e6:g} M"


def _yes_no(reached: bool) -> str:
    return "yes" if reached else "no"


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    cells = [list(head), ["---"] * len(head), *map(list, body)]
    return [f"| {' | '.join(row)} |" for row in cells]

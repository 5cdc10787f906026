"""How what was measured at several sizes is told: times, memory, and by how much they grow."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

MOST_SLOPE = 1.1
"""A step that grows faster does not scale."""
GOAL_SIZE, GOAL_SECONDS, GOAL_MB = 10_000_000, 360.0, 8192.0
GOAL_STEPS = ("load", "snapshots", "features")
"""From the store to features: to be done at the goal's size in this time and memory on two cores."""
TOGETHER = "load to features"

Results = Mapping[int, Mapping[str, Any]]


def slope(rows: Sequence[int], seconds: Sequence[float]) -> float:
    """Of log seconds over log rows, by least squares: 1 where time grows with the rows; NaN of fewer than two sizes."""
    if len(rows) < 2:
        return float("nan")
    return float(np.polyfit(np.log(rows), np.log(np.maximum(seconds, 1e-9)), 1)[0])


def growth_table(found: Results) -> str:
    """Markdown: seconds and slopes, rows a second, peaks, and whether the goals are kept.

    Beside each step stand those from the store to features as one: where metrics are worked on in parts the later of
    them read what the first has read in one frame, so that their sum alone compares.
    """
    found = {rows: {**measured, "steps": _with_sum(measured["steps"])} for rows, measured in found.items()}
    names = list(dict.fromkeys(name for measured in found.values() for name in _order(measured["steps"])))
    sizes = [_million(rows) for rows in found]
    lines = ["Seconds of each step, by rows of metrics; the slope is that of log seconds over log rows, of all sizes,"]
    lines += ["of the last two, and of processor time, which tells more where other work runs beside.", ""]
    lines += _table(
        ["step", *sizes, "slope", "of the last two", "of CPU", "of CPU, last two", f"slope ≤ {MOST_SLOPE:g}"],
        [[_shown(name), *_cells(found, name, _seconds), *_slopes(found, name)] for name in names],
    )
    lines += ["", "Rows of metrics a second.", ""]
    whole = [name for name in names if ":" not in name]
    lines += _table(["step", *sizes], [[name, *_cells(found, name, _pace)] for name in whole])
    lines += ["", "Peak of memory during each step, with what the process holds from the steps before, in MB.", ""]
    lines += _table(["step", *sizes], [[_shown(name), *_cells(found, name, _peak)] for name in names])
    lines += ["", "What there was.", ""]
    lines += _table(["", *sizes], _counts(found))
    return "\n".join([*lines, "", *_goals(found), ""])


def _with_sum(steps: Mapping[str, Mapping[str, float]]) -> dict[str, Mapping[str, float]]:
    if not all(name in steps for name in GOAL_STEPS):
        return dict(steps)
    summed = {what: sum(steps[name][what] for name in GOAL_STEPS) for what in ("seconds", "cpu_seconds")}
    return {**steps, TOGETHER: {**summed, "peak_mb": max(steps[name]["peak_mb"] for name in GOAL_STEPS)}}


def beside_table(found: Results) -> str:
    """Markdown: another checkout's times and peaks over this one's, and whether both made the same."""
    lines = [
        "Seconds of the other checkout → of this one, in one run, and their ratio; that of processor time and that"
    ]
    lines += ["of the peak of memory.", ""]
    sizes = list(found)
    names = list(dict.fromkeys(name for rows in sizes for name in _order(found[rows]["here"]["steps"])))
    body = []
    for name in names:
        cells = []
        for rows in sizes:
            other, own = (found[rows][side]["steps"].get(name) for side in ("beside", "here"))
            cells.append(
                f"{other['seconds']:,.1f} → {own['seconds']:,.1f} s: {_ratio(other, own, 'seconds')}, "
                f"CPU {_ratio(other, own, 'cpu_seconds')}, memory {_ratio(other, own, 'peak_mb')}"
                if other and own
                else "–"
            )
        body.append([_shown(name), *cells])
    lines += _table(["step", *map(_million, sizes)], body)
    for rows in sizes:
        here, beside = found[rows]["here"]["digests"], found[rows]["beside"]["digests"]
        other = [name for name in here if here[name] != beside.get(name)]
        same = "the same to the last bit" if not other else f"NOT the same: {', '.join(other)}"
        lines += ["", f"{_million(rows)}: {', '.join(here)}: {same}."]
    return "\n".join([*lines, ""])


def _ratio(other: Mapping[str, float], own: Mapping[str, float], name: str) -> str:
    return f"{other[name] / own[name]:.2f} ×"


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
            line += f"; goals {GOAL_SECONDS:g} s: {_kept(seconds <= GOAL_SECONDS)}, "
            line += f"{GOAL_MB:,.0f} MB: {_kept(peak <= GOAL_MB)}"
        lines.append(line)
    return lines


def _slopes(found: Results, name: str) -> list[str]:
    steps = {rows: measured["steps"][name] for rows, measured in found.items() if name in measured["steps"]}
    if len(steps) < 2:
        return ["–", "–", "–", "–", "not measured"]
    rows, seconds = list(steps), [step["seconds"] for step in steps.values()]
    busy = [step["cpu_seconds"] for step in steps.values()]
    whole = slope(rows, seconds)
    told = [whole, slope(rows[-2:], seconds[-2:]), slope(rows, busy), slope(rows[-2:], busy[-2:])]
    return [*(f"{one:.2f}" for one in told), _kept(whole <= MOST_SLOPE)]


def _counts(found: Results) -> list[list[str]]:
    exports = {"files": "files", "rows": "rows of files", "bytes": "bytes of files"}
    lines = [[word, *(f"{found[rows]['exports'][name]:,}" for rows in found)] for name, word in exports.items()]
    names = list(dict.fromkeys(name for measured in found.values() for name in measured["counts"]))
    counts = {name: [measured["counts"].get(name) for measured in found.values()] for name in names}
    told = {name: ["–" if count is None else f"{count:,}" for count in several] for name, several in counts.items()}
    return lines + [[name.replace("_", " "), *cells] for name, cells in told.items()]


def _order(steps: Mapping[str, Any]) -> list[str]:
    """A step before its parts."""
    whole = [name for name in steps if ":" not in name]
    return [part for name in whole for part in [name, *(p for p in steps if p.startswith(f"{name}:"))]]


def _cells(found: Results, name: str, told: Callable[[int, Mapping[str, float]], str]) -> list[str]:
    steps = {rows: measured["steps"].get(name) for rows, measured in found.items()}
    return ["not measured" if step is None else told(rows, step) for rows, step in steps.items()]


def _seconds(rows: int, step: Mapping[str, float]) -> str:
    return f"{step['seconds']:,.1f}"


def _pace(rows: int, step: Mapping[str, float]) -> str:
    return f"{rows / step['seconds']:,.0f}"


def _peak(rows: int, step: Mapping[str, float]) -> str:
    return f"{step['peak_mb']:,.0f}"


def _shown(name: str) -> str:
    return name if ":" not in name else f"– {name.split(': ')[1]}"


def _million(rows: int) -> str:
    return f"{rows / 1e6:g} M"


def _kept(kept: bool) -> str:
    return "yes" if kept else "no"


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    cells = [list(head), ["---"] * len(head), *map(list, body)]
    return [f"| {' | '.join(row)} |" for row in cells]

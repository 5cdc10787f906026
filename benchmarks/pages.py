"""Show a comparison as tables on the console and as Markdown.

    python -m benchmarks.pages FILE.json …

Prints which method is first per figure, for comparisons that `benchmarks.peers` wrote.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NotRequired, TypedDict

import numpy as np
import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.leaderboard import placings, summary
from benchmarks.scores import FIGURES, OURS
from features.sanitise import visible_text
from training.evaluation.metrics import ALL_AGES

WIDTH = 150
"""Columns of the widest table: numbers are never cut off."""


class MethodReport(TypedDict):
    """One method: CPU seconds, setting by target (`all`: of all targets), and why it did not run (else empty)."""

    seconds: float
    settings: dict[str, str]
    not_run: str


class BudgetReport(TypedDict):
    """The replay's budget as a share of later spend, its break-even ROI, and the ROI it funds by."""

    share: float
    break_even: float
    roi: str


class Report(TypedDict):
    """A comparison as JSON: `figures` and `decisions` are rows of frames; both paths and fingerprint name the data."""

    data: dict[str, object]
    methods: dict[str, MethodReport]
    figures: list[dict[str, object]]
    budget: BudgetReport | None
    decisions: list[dict[str, object]]
    paths: NotRequired[list[str]]
    fingerprint: NotRequired[str]


@dataclass(frozen=True)
class TextTable:
    """A table of text cells, as many per row as there are columns."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def main() -> None:
    """Print which method is first per figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, help="JSON of comparisons")
    out = Console()
    for path in parser.parse_args().files:
        report: Report = json.loads(path.read_text(encoding="utf-8"))
        print_table(leaderboard_table(report, f"{path.stem}: which method is first"), out)


def print_report(report: Report, out: Console) -> None:
    """Print all tables."""
    for table in report_tables(report):
        print_table(table, out)


def print_table(table: TextTable, out: Console) -> None:
    """Print one table."""
    shown = Table(title=visible_text(table.title), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for place, name in enumerate(table.columns):
        shown.add_column(name, justify="left" if place == 0 else "right", no_wrap=True)
    for row in table.rows:
        shown.add_row(*(Text(visible_text(cell)) for cell in row))
    out.width = max(out.width, WIDTH)
    out.print(shown, crop=False)


def markdown(report: Report) -> str:
    """Format all tables and the settings of every method as Markdown."""
    lines = [line for table in report_tables(report) for line in markdown_lines(table)]
    lines += ["### Settings", ""]
    for name, method in report["methods"].items():
        lines += [f"- {name}, {target}: {setting}" for target, setting in method["settings"].items()]
    return "\n".join(lines) + "\n"


def markdown_lines(table: TextTable) -> list[str]:
    """Format one table as lines of Markdown."""
    head = [f"### {table.title}", "", _line(table.columns), _line(("---",) * len(table.columns))]
    return [*head, *(_line(row) for row in table.rows), ""]


def report_tables(report: Report) -> list[TextTable]:
    """Every table of a report, in reading order."""
    figures, methods = pd.DataFrame(report["figures"]), report["methods"]
    found = []
    for (against, target), rows in figures.groupby(["against", "target"], sort=False):
        whole = rows[rows["age_hours"] == ALL_AGES]
        for part, of_part in whole.groupby("part", sort=False):
            title = f"{target} against {against}, {part} creatives, {of_part['rows'].iloc[0]:,} rows"
            found.append(figure_table(title, of_part, {name: method["seconds"] for name, method in methods.items()}))
        by_age = rows[(rows["part"] == "all") & (rows["age_hours"] != ALL_AGES) & (rows["figure"] == "spearman")]
        if len(by_age):
            found.append(_by_age(f"{target} against {against}: rank correlation by age in hours", by_age))
    if report["budget"] is not None:
        found.append(_decisions(pd.DataFrame(report["decisions"]), report["budget"]))
    absent = [(name, method["not_run"]) for name, method in methods.items() if method["not_run"]]
    if absent:
        found.append(TextTable("not run", ("method", "why"), absent))
    return [*found, leaderboard_table(report, "Which method is first")]


def leaderboard_table(report: Report, title: str) -> TextTable:
    """One line per ranking: the first method and the place of gpmcast, over all ages and by age."""
    funded_by = report["budget"]["roi"] if report["budget"] else ""
    found = placings(pd.DataFrame(report["figures"]), pd.DataFrame(report["decisions"]), funded_by)
    columns = ("ranking", "by", "first", "with", OURS, "which is", "by age: first/within noise/behind")
    return TextTable(title, columns, summary(found))


def figure_table(title: str, rows: pd.DataFrame, seconds: dict[str, float] | None = None) -> TextTable:
    """One line per method: rank correlation and its difference from ours, each with its band, and other figures.

    Args:
        title: Of the table.
        rows: Rows of `benchmarks.scores.compare` of one target, part and age.
        seconds: Method → CPU seconds; without it there is no such column.
    """
    columns = ("method", "rank", "90 %", "difference", "90 %", *(name.replace("_", " ") for name in FIGURES[1:]))
    lines = []
    for method, of_method in rows.groupby("method", sort=False):
        figure = {row["figure"]: row for row in of_method.to_dict("records")}
        rank = figure["spearman"]
        cells = [
            str(method),
            _number(rank["value"]),
            _band(rank["low"], rank["high"]),
            _number(rank["difference"]),
            _band(rank["difference_low"], rank["difference_high"]),
            *(_number(figure[name]["value"]) for name in FIGURES[1:]),
        ]
        if seconds is not None:
            cells.append(f"{seconds[str(method)]:.0f}" if str(method) in seconds else "")
        lines.append(tuple(cells))
    return TextTable(title, columns if seconds is None else (*columns, "s"), lines)


def _by_age(title: str, rows: pd.DataFrame) -> TextTable:
    table = rows.pivot_table(index="method", columns="age_hours", values="value", sort=False)
    ages = sorted(float(str(age)) for age in table)
    lines = [(str(method), *map(_number, row)) for method, row in zip(table.index, table[ages].to_numpy(np.float64))]
    return TextTable(title, ("method", *(f"{age:g}" for age in ages)), lines)


def _decisions(rows: pd.DataFrame, budget: BudgetReport) -> TextTable:
    whole = rows[rows["age_hours"] == ALL_AGES].sort_values("gain_cny", ascending=False)
    title = f"Replay: {budget['share']:.0%} of later spend by {budget['roi']}, break-even {budget['break_even']:.3g}"
    columns = ("rule", "captured", "90 %", "difference CNY", "90 %", "net gmv", "saved", "hits missed")
    lines = [
        (
            str(row["rule"]),
            _number(row["captured_share"]),
            _band(row["captured_share_low"], row["captured_share_high"]),
            _whole(row["apart_cny"]),
            f"{_whole(row['apart_cny_low'])}…{_whole(row['apart_cny_high'])}",
            *(_number(row[name]) for name in ("net_gmv_share", "saved_share", "missed_share")),
        )
        for row in whole.to_dict("records")
    ]
    return TextTable(title, columns, lines)


def _number(value: float | None) -> str:
    if value is None or np.isnan(value):
        return "·"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.3g}"


def _whole(value: float | None) -> str:
    return "·" if value is None or np.isnan(value) else f"{value:,.0f}"


def _band(low: float | None, high: float | None) -> str:
    return f"{_number(low)}…{_number(high)}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(visible_text(cell).replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    main()

"""How is a comparison shown? The same tables on a screen and as Markdown.

    python -m benchmarks.pages FILE.json …

Prints who is first where, of comparisons that `benchmarks.peers` wrote.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.scores import FIGURES, OURS
from benchmarks.standing import standings, summary
from features.console import plain
from training.evaluation.metrics import ALL_AGES

Report = Mapping[str, object]
WIDTH = 150
"""Columns that the widest table takes: numbers are never cut off."""


@dataclass(frozen=True)
class Sheet:
    """A table of words.

    Attributes:
        title: Above it.
        columns: Names.
        rows: Cells, as many as there are columns.
    """

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def main() -> None:
    """Print who is first where."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, help="JSON of comparisons")
    out = Console()
    for path in parser.parse_args().files:
        report = json.loads(path.read_text(encoding="utf-8"))
        print_sheet(first_sheet(report, f"{path.stem}: who is first where"), out)


def show(report: Report, out: Console) -> None:
    """All tables on the screen."""
    for sheet in sheets(report):
        print_sheet(sheet, out)


def print_sheet(sheet: Sheet, out: Console) -> None:
    """One table on the screen."""
    table = Table(title=plain(sheet.title), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for place, name in enumerate(sheet.columns):
        table.add_column(name, justify="left" if place == 0 else "right", no_wrap=True)
    for row in sheet.rows:
        table.add_row(*(Text(plain(cell)) for cell in row))
    out.width = max(out.width, WIDTH)
    out.print(table, crop=False)


def markdown(report: Report) -> str:
    """All tables as Markdown, and the settings of every method."""
    lines = [line for sheet in sheets(report) for line in sheet_lines(sheet)]
    lines += ["### Settings", ""]
    for name, method in _mapping(report["methods"]).items():
        for about, words in _mapping(_mapping(method)["settings"]).items():
            lines.append(f"- {name}, {about}: {words}")
    return "\n".join(lines) + "\n"


def sheet_lines(sheet: Sheet) -> list[str]:
    """One table as lines of Markdown."""
    head = [f"### {sheet.title}", "", _line(sheet.columns), _line(("---",) * len(sheet.columns))]
    return [*head, *(_line(row) for row in sheet.rows), ""]


def sheets(report: Report) -> list[Sheet]:
    """Every table of a report, in the order of reading."""
    figures = pd.DataFrame(report["figures"])
    found = []
    for (against, target), rows in figures.groupby(["against", "target"], sort=False):
        whole = rows[rows["age_hours"] == ALL_AGES]
        for part, of_part in whole.groupby("part", sort=False):
            title = f"{target} against {against}, {part} creatives, {of_part['rows'].iloc[0]:,} rows"
            found.append(figure_sheet(title, of_part, _mapping(report["methods"])))
        by_age = rows[(rows["part"] == "all") & (rows["age_hours"] != ALL_AGES) & (rows["figure"] == "spearman")]
        if len(by_age):
            found.append(_by_age(f"{target} against {against}: rank correlation by age in hours", by_age))
    if report["decisions"]:
        found.append(_decisions(pd.DataFrame(report["decisions"]), _mapping(report["budget"])))
    absent = [
        (name, str(_mapping(method)["not_run"]))
        for name, method in _mapping(report["methods"]).items()
        if _mapping(method)["not_run"]
    ]
    if absent:
        found.append(Sheet("not run", ("method", "why"), absent))
    return [*found, first_sheet(report, "Who is first where")]


def first_sheet(report: Report, title: str) -> Sheet:
    """A line per contest: who is first, where we stand, over all ages and by age."""
    figures = pd.DataFrame(report["figures"])
    funded_by = str(_mapping(report["budget"])["roi"]) if report["decisions"] else ""
    found = standings(figures, pd.DataFrame(report["decisions"]), funded_by)
    columns = ("contest", "by", "first", "with", OURS, "which is", "by age: first/within noise/behind")
    return Sheet(title, columns, summary(found))


def figure_sheet(title: str, rows: pd.DataFrame, methods: Mapping[str, object]) -> Sheet:
    """A line per method: rank correlation and how far it lies from ours, each with its band, and the other figures."""
    columns = ("method", "rank", "90 %", "apart", "90 %", *(name.replace("_", " ") for name in FIGURES[1:]))
    columns += ("s",) if methods else ()
    lines = []
    for method, of_method in rows.groupby("method", sort=False):
        figure = of_method.set_index("figure")
        rank = figure.loc["spearman"]
        run = methods.get(str(method))
        seconds = f"{float(str(_mapping(run)['seconds'])):.0f}" if run else ""
        lines.append(
            (
                str(method),
                _n(rank["value"]),
                _band(rank["low"], rank["high"]),
                _n(rank["apart"]),
                _band(rank["apart_low"], rank["apart_high"]),
                *(_n(figure.loc[name, "value"]) for name in FIGURES[1:]),
                *((seconds,) if methods else ()),
            )
        )
    return Sheet(title, columns, lines)


def _by_age(title: str, rows: pd.DataFrame) -> Sheet:
    table = rows.pivot_table(index="method", columns="age_hours", values="value", sort=False)
    table = table[sorted(table)]
    lines = [(str(method), *(_n(value) for value in row)) for method, row in zip(table.index, table.to_numpy())]
    return Sheet(title, ("method", *(f"{age:g}" for age in table)), lines)


def _decisions(rows: pd.DataFrame, budget: Mapping[str, object]) -> Sheet:
    whole = rows[rows["age_hours"] == ALL_AGES].sort_values("gain_cny", ascending=False)
    title = (
        f"Replay: {float(str(budget['share'])):.0%} of later spend by {budget['roi']}, "
        f"break-even {float(str(budget['break_even'])):.3g}"
    )
    columns = ("rule", "captured", "90 %", "apart CNY", "90 %", "net gmv", "saved", "hits missed")
    lines = [
        (
            str(row["rule"]),
            _n(row["captured_share"]),
            _band(row["captured_share_low"], row["captured_share_high"]),
            _whole(row["apart_cny"]),
            f"{_whole(row['apart_cny_low'])}…{_whole(row['apart_cny_high'])}",
            *(_n(row[name]) for name in ("net_gmv_share", "saved_share", "missed_share")),
        )
        for row in whole.to_dict("records")
    ]
    return Sheet(title, columns, lines)


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TypeError(f"a mapping was expected, found {type(value).__name__}")
    return value


def _n(value: object) -> str:
    if value is None or pd.isna(value):
        return "·"
    number = float(str(value))
    return f"{number:.3f}" if abs(number) < 10 else f"{number:,.3g}"


def _whole(value: object) -> str:
    return "·" if value is None or pd.isna(value) else f"{float(str(value)):,.0f}"


def _band(low: object, high: object) -> str:
    return f"{_n(low)}…{_n(high)}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(plain(cell).replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    main()

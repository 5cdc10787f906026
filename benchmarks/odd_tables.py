"""Small sample worlds, and reading and changing the tables of their daily exports."""

import csv
import io
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import xlsxwriter

from sample.__main__ import main as write_sample

UNTIL = "2026-06-30"
SHEET = "素材标签表.csv"
ID = "素材ID"

Rows = list[list[str]]
"""Of one file; the first is the header."""
Change = Callable[[Rows], Rows]


def plain_sample(folder: Path, creatives: int = 240, days: int = 60) -> Path:
    """Write a small sample world; return the folder of its exports."""
    out = folder / f"plain-{creatives}-{days}"
    if not out.exists():
        size = ["--creatives", str(creatives), "--days", str(days), "--until", UNTIL]
        write_sample(["--out", str(out), "--truth", str(folder / "truth.parquet"), *size])
    return out


def copy_daily(plain: Path, target: Path) -> None:
    """Copy the daily files and the tag sheet, without hourly pages and workbook."""
    for path in daily_files(plain):
        place = target / path.relative_to(plain)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    shutil.copyfile(plain / SHEET, target / SHEET)


def daily_files(folder: Path) -> list[Path]:
    """List the daily files of a folder."""
    return sorted(folder.glob("*/全域推广数据*.csv"))


def read_rows(path: Path, encoding: str = "gbk") -> Rows:
    """Read the rows of a CSV file."""
    return list(csv.reader(io.StringIO(path.read_text(encoding))))


def write_rows(path: Path, rows: Sequence[Sequence[str]], encoding: str = "gbk") -> None:
    """Write rows as a CSV file, as the platform does."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))


def change_daily(folder: Path, change: Change) -> None:
    """Change the rows (the first is the header) of every daily file."""
    for path in daily_files(folder):
        write_rows(path, change(read_rows(path)))


def renamed(names: Mapping[str, str]) -> Change:
    """Return a change that gives headers other names."""
    return lambda rows: [[names.get(cell, cell) for cell in rows[0]], *rows[1:]]


def without(*headers: str) -> Change:
    """Return a change that drops columns."""

    def drop(rows: Rows) -> Rows:
        kept = [place for place, cell in enumerate(rows[0]) if cell not in headers]
        return [[row[place] for place in kept] for row in rows]

    return drop


def each_cell(header: str, change: Callable[[str], str]) -> Change:
    """Return a change of the cells of one column in the rows of creatives."""

    def changed(rows: Rows) -> Rows:
        place, key = rows[0].index(header), rows[0].index(ID)
        for row in rows[1:]:
            if row[key].isdigit():
                row[place] = change(row[place])
        return rows

    return changed


def write_workbook(path: Path, rows: Sequence[Sequence[object]]) -> None:
    """Write rows as an XLSX file."""
    with xlsxwriter.Workbook(path, {"strings_to_numbers": False, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)


def largest_file(folder: Path) -> Path:
    """Return the largest daily file of a folder."""
    return max(daily_files(folder), key=lambda path: path.stat().st_size)

"""doc"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from configs.export_layout import ExportLayout, LayoutRatio, Unit
from features.readers.cells import is_text
from features.readers.findings import MISSING_VALUE, Findings, counted, example
from features.readers.layouts import unit_of
from features.readers.tables import CanonicalTable, Mask
from features.readers.typed_cells import Floats, NumberColumn, parse_durations, parse_numbers
from features.schema import COUNTS, MONEY_DECIMALS, VALUES

_DIVISORS = {"fen": 100.0, "ms": 1000.0, "percent_points": 100.0}
_SIGNED = ("percent", "percent_points", "fraction")


def read_values(table: CanonicalTable, source: ExportLayout, findings: Findings) -> tuple[pd.DataFrame, Mask]:
    """The value columns that the file has or lets us recover, and the rows in which one cannot be read."""
    values: dict[str, Floats] = {}
    bad = np.zeros(len(table), dtype=bool)
    for name in VALUES:
        if name in source.columns and name in table:
            unit = unit_of(name, source.columns[name].unit)
            values[name], wrong = read_numbers(table, name, unit, findings)
            bad |= wrong
    for name, ratio in source.ratios.items():
        if name in table and ratio.gives not in values and ratio.of in values:
            shares, wrong = read_numbers(table, name, ratio.unit, findings)
            bad |= wrong
            values[ratio.gives] = recover(shares, values[ratio.of], ratio)
    return pd.DataFrame({name: values[name] for name in VALUES if name in values}, index=range(len(table))), bad


def recover(ratios: Floats, of: Floats, ratio: LayoutRatio) -> Floats:
    """The count or sum behind a ratio: whole numbers for counts, MONEY_DECIMALS for sums."""
    known = np.where(ratios == 0, np.nan, ratios) if ratio.zero == "missing" else ratios
    share = 1.0 - known if ratio.lost else known
    result = share * of / ratio.per
    if ratio.nothing == "zero":
        result = np.where((of == 0) & np.isnan(known), 0.0, result)
    return np.round(result, 0 if ratio.gives in COUNTS else MONEY_DECIMALS)


def read_numbers(table: CanonicalTable, name: str, unit: Unit, findings: Findings) -> tuple[Floats, Mask]:
    """One column in its own unit, and where it cannot be read.

    Raises:
        UnusableFile: More than half of the column is no number.
    """
    numbers = parse_durations(table.cells[name]) if unit == "duration" else parse_numbers(table.cells[name])
    bad = numbers.bad.copy()
    if unit not in _SIGNED:
        bad |= numbers.percent
    filled = int((~np.isnan(numbers.values) | bad).sum())
    column = table.headers[name]
    if bad.any():
        shown = example(table.shown(name, int(np.flatnonzero(bad)[0])))
        if 2 * int(bad.sum()) > filled:
            raise findings.unusable(
                found=f"{int(bad.sum())} of {filled} cells that are no number, such as {shown}",
                expected=MISSING_VALUE,
                cure="This seems to be another column than its header says: export the file again.",
                column=column,
            )
        findings.left_out(
            table.numbers[bad],
            found=shown,
            expected=MISSING_VALUE,
            cure="Correct the cells, or export the file again.",
            column=column,
        )
    if numbers.rounded.any():
        findings.note(
            found=f"{int(numbers.rounded.sum())} numbers such as "
            f"{example(table.shown(name, int(np.flatnonzero(numbers.rounded)[0])))}, which are rounded",
            expected="whole numbers",
            cure="They were taken as they stand; export the file again for exact ones.",
            column=column,
        )
    return _in_unit(numbers, unit, table.cells[name], column, findings), bad


def _in_unit(numbers: NumberColumn, unit: Unit, cells: Any, column: str, findings: Findings) -> Floats:
    values = np.where(numbers.bad, np.nan, numbers.values)
    if unit == "percent":
        return values / _percent_divisor(numbers, cells, column, findings)
    if unit == "fraction":
        values = np.where(numbers.percent, values / 100.0, values)
    # Money in a float of a file may carry a tail such as 12.340000000000002.
    return np.round(values / _DIVISORS.get(unit, 1.0), MONEY_DECIMALS) if unit not in _SIGNED else (
        values / _DIVISORS.get(unit, 1.0)
    )  # fmt: skip


def _percent_divisor(numbers: NumberColumn, cells: Any, column: str, findings: Findings) -> float:
    """100 for `12.34%` and 12.34, 1 for 0.1234; one answer for the whole column."""
    known = ~np.isnan(numbers.values) & (numbers.values != 0)
    bare = known & ~numbers.percent
    if numbers.percent.any():
        if bare.any():
            findings.note(
                found=f"{counted(bare, 'cell')} without a % sign in a column that has them",
                expected="a % sign in every cell or in none",
                cure="They were taken as percent; export the file again if that is wrong.",
                column=column,
            )
        return 100.0
    largest = float(numbers.values[known].max()) if known.any() else 0.0
    if largest > 1:
        return 100.0
    if known.any() and is_text(cells):
        findings.note(
            found=f"rates without a % sign, none above {largest:g}",
            expected="a % sign",
            cure="They were taken as fractions (0.12 is 12 %); give the column the unit percent_points in a source "
            "config of your own if they are percent.",
            column=column,
        )
    return 1.0

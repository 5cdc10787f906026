"""Read the value columns (counts and sums) of a metrics file, in canonical units; recover some from ratios."""

from __future__ import annotations

import numpy as np
import pandas as pd

from configs.export_layout import ExportLayout, LayoutRatio, Unit
from features.arrays import Floats, Mask
from features.readers.cells import ArrowColumn, is_text
from features.readers.findings import EXPECTED_NUMBER, Findings, counted, example
from features.readers.layouts import unit_of
from features.readers.tables import CanonicalTable
from features.readers.typed_cells import NumberColumn, parse_durations, parse_numbers
from features.schema import COUNTS, MONEY_DECIMALS, VALUES

_DIVISORS = {"fen": 100.0, "ms": 1000.0, "percent_points": 100.0}
_RATIO_UNITS = ("percent", "percent_points", "fraction")
"""Units in which a % sign is allowed."""


def read_values(table: CanonicalTable, layout: ExportLayout, findings: Findings) -> tuple[pd.DataFrame, Mask]:
    """Read the value columns of a file, and recover those for which it only has a ratio.

    Returns:
        The value columns (one row per row of the table, float64, NaN where missing), and one flag per row: a value
        cannot be read.

    Raises:
        UnusableFile: More than half of a column is not a number.
    """
    values: dict[str, Floats] = {}
    bad = np.zeros(len(table), dtype=bool)
    for name in VALUES:
        if name in layout.columns and name in table:
            unit = unit_of(name, layout.columns[name].unit)
            values[name], wrong = _read_numbers(table, name, unit, findings)
            bad |= wrong
    for name, ratio in layout.ratios.items():
        if name in table and ratio.gives not in values and ratio.of in values:
            shares, wrong = _read_numbers(table, name, ratio.unit, findings)
            bad |= wrong
            values[ratio.gives] = _recover(shares, values[ratio.of], ratio)
    return pd.DataFrame({name: values[name] for name in VALUES if name in values}, index=range(len(table))), bad


def _recover(ratios: Floats, of: Floats, ratio: LayoutRatio) -> Floats:
    """Compute the count or sum behind a ratio, one per row: rounded to integers for counts, MONEY_DECIMALS for sums."""
    known = np.where(ratios == 0, np.nan, ratios) if ratio.zero == "missing" else ratios
    share = 1.0 - known if ratio.lost else known
    result = share * of / ratio.per
    if ratio.nothing == "zero":
        result = np.where((of == 0) & np.isnan(known), 0.0, result)
    return np.round(result, 0 if ratio.gives in COUNTS else MONEY_DECIMALS)


def _read_numbers(table: CanonicalTable, name: str, unit: Unit, findings: Findings) -> tuple[Floats, Mask]:
    """Return one column in its canonical unit, and one flag per row: the cell cannot be read."""
    numbers = parse_durations(table.cells[name]) if unit == "duration" else parse_numbers(table.cells[name])
    bad = numbers.bad.copy()
    if unit not in _RATIO_UNITS:
        bad |= numbers.percent
    filled = int((~np.isnan(numbers.values) | bad).sum())
    column = table.headers[name]
    if bad.any():
        shown = example(table.text_at(name, int(np.flatnonzero(bad)[0])))
        if 2 * int(bad.sum()) > filled:
            raise findings.unusable(
                found=f"{int(bad.sum())} of {filled} cells that are no number, such as {shown}",
                expected=EXPECTED_NUMBER,
                cure="This seems to be another column than its header says: export the file again.",
                zh=f"{filled} 格中有 {int(bad.sum())} 格不是数字，例如 {shown}；应为数字，没有则为“-”。处理："
                f"这一列与表头不符，请重新导出。",
                column=column,
            )
        findings.left_out(
            table.numbers[bad],
            found=shown,
            expected=EXPECTED_NUMBER,
            cure="Correct the cells, or export the file again.",
            zh=f"不是数字：{shown}；应为数字，没有则为“-”。处理：改正这些格，或重新导出。",
            column=column,
        )
    if numbers.rounded.any():
        findings.note(
            found=f"{int(numbers.rounded.sum())} numbers such as "
            f"{example(table.text_at(name, int(np.flatnonzero(numbers.rounded)[0])))}, which are rounded",
            expected="whole numbers",
            cure="They were taken as they stand; export the file again for exact ones.",
            zh=f"{int(numbers.rounded.sum())} 个四舍五入过的数，例如 "
            f"{example(table.text_at(name, int(np.flatnonzero(numbers.rounded)[0])))}；应为完整的数。照原样读取，"
            f"要精确请重新导出。",
            column=column,
        )
    return _in_unit(numbers, unit, table.cells[name], column, findings), bad


def _in_unit(numbers: NumberColumn, unit: Unit, cells: ArrowColumn, column: str, findings: Findings) -> Floats:
    values = np.where(numbers.bad, np.nan, numbers.values)
    if unit == "percent":
        return values / _percent_divisor(numbers, cells, column, findings)
    if unit == "fraction":
        values = np.where(numbers.percent, values / 100.0, values)
    values = values / _DIVISORS.get(unit, 1.0)
    # Money in a float of a file may carry a tail such as 12.340000000000002.
    return values if unit in _RATIO_UNITS else np.round(values, MONEY_DECIMALS)


def _percent_divisor(numbers: NumberColumn, cells: ArrowColumn, column: str, findings: Findings) -> float:
    """Return 100 for a column of `12.34%` or 12.34, 1 for a column of 0.1234; decided once for the whole column."""
    known = ~np.isnan(numbers.values) & (numbers.values != 0)
    bare = known & ~numbers.percent
    if numbers.percent.any():
        if bare.any():
            findings.note(
                found=f"{counted(bare, 'cell')} without a % sign in a column that has them",
                expected="a % sign in every cell or in none",
                cure="They were taken as percent; export the file again if that is wrong.",
                zh=f"{int(bare.sum())} 格没有 %，而同列其他格有；应都有或都没有。按百分数读取，不对请重新导出。",
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
            cure=f"They were taken as fractions (0.12 is 12 %); if they are percent, {findings.surface.percent.en}.",
            zh=f"比率没有 %，最大 {largest:g}；应有 %。按小数读取（0.12 即 12 %）；如果本是百分数，"
            f"{findings.surface.percent.zh}。",
            column=column,
        )
    return 1.0

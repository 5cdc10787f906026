"""KOC, product and price: rows of factor cells."""

from serving.report.blocks.cells import FactorCell, effect_cell, factor_cell
from serving.report.data import ReportData
from serving.report.koc import KocCell

FEW_CREATIVES = 5
"""A KOC's cell with fewer creatives is hatched."""


def values(data: ReportData) -> dict[str, object]:
    """Per KOC: cells of stages, of products and of price bands."""
    level = data.model_quality.level
    return {
        "kocs": [
            (
                koc,
                [effect_cell(koc.stages[name], level) for name in data.kocs.columns],
                [_cell(cell, level) for cell in koc.products],
                [_cell(cell, level) for cell in koc.bands],
            )
            for koc in data.kocs.kocs
        ]
    }


def _cell(cell: KocCell | None, level: float) -> FactorCell | None:
    if cell is None:
        return None
    return factor_cell(cell.factor, cell.low, cell.high, cell.creatives, level, thin=cell.creatives < FEW_CREATIVES)

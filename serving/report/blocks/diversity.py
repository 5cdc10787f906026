"""Diversity: the curve of the chance of a hit."""

from serving.report import charts
from serving.report.data import ReportData


def values(data: ReportData) -> dict[str, object]:
    """The curve; None where chances of a hit are not calibrated."""
    return {"hit_curve": charts.hit_curve(data.diversity.hits) if data.diversity.hits else None}

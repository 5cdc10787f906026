"""Reliability: labels of the mean creative's figures."""

from datetime import datetime, timedelta

from features.bilingual import Words
from serving.report import wording
from serving.report.data import ReportData
from serving.report.wording.common import target


def values(data: ReportData) -> dict[str, object]:
    """Target → what its figure of the mean creative is called."""
    said = wording.TEXTS["typical"]
    names = {name: target(name) for name in (data.gpm, data.roi) if name}
    learned = datetime.fromisoformat(data.model_quality.trained_until) - timedelta(microseconds=1)
    return {
        "learned": f"{learned:%Y-%m-%d}",
        "typical": {n: Words(said.zh.format(of=one.zh), said.en.format(of=one.en)) for n, one in names.items()},
    }

"""First screen: values of its block."""

from serving.report import wording
from serving.report.data import ReportData


def values(data: ReportData) -> dict[str, object]:
    """Titles and answers of the five questions."""
    level, say = data.model_quality.level, wording.levers
    return {"answers": [(say.QUESTION_TITLES[one.name], say.answer(one, level)) for one in data.questions]}

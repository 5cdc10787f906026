"""First screen: values of its block."""

from serving.report import wording
from serving.report.data import ReportData


def values(data: ReportData) -> dict[str, object]:
    """Titles and answers of the five questions, of the promotion type with most creatives."""
    found, say = data.levers, wording.levers
    return {
        "answers": [
            (say.ASKED[one.tag], say.answer(found, found.slices[0], place))
            for place, one in enumerate(found.questions)
            if one.tag in say.ASKED and found.slices
        ]
    }

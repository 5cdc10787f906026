"""Levers: the five questions with their forests, the heat map, beeswarms and dependence curves."""

from features.bilingual import Words
from serving.report import charts, wording
from serving.report.blocks.cells import effect_cell
from serving.report.data import ReportData
from serving.report.five_questions import Question
from serving.report.wording.common import group, target


def values(data: ReportData) -> dict[str, object]:
    """Answers, tables of factors and pictures."""
    level = data.model_quality.level
    labels = {stage.name: Words(stage.zh, stage.en) for stage in data.stages}
    labels |= {name: target(name) for name in (data.gpm, data.roi) if name}
    return {
        "questions": [_question(question, data, level) for question in data.questions],
        "heat": [(row, [effect_cell(row.cells[name], level) for name in data.heat_columns]) for row in data.heat],
        "swarms": [
            (labels[one.of], charts.beeswarm(one, [group(name) for name in one.groups], labels[one.of]))
            for one in data.swarms
            if one.groups
        ],
        "dependences": [(group(one.group), labels[one.of], charts.dependence_curve(one)) for one in data.dependences],
    }


def _question(question: Question, data: ReportData, level: float) -> dict[str, object]:
    units = {stage.name: stage.unit for stage in data.stages}
    pairs, phrases = question.interactions, question.phrases
    return {
        "title": wording.levers.QUESTION_TITLES[question.name],
        "answer": wording.levers.answer(question, level),
        "question": question,
        "forest": charts.forest(question.effects),
        "pairs": wording.levers.strongest_pairs(pairs, level) if pairs.examined else None,
        "phrases": wording.levers.strongest_phrases(phrases, level) if question.name == "copy" and phrases else None,
        "unit": units[question.stages[-1]] if question.stages else "rate",
    }

"""Track record: rows of each period and promotion type with their sentences."""

from serving.report import wording
from serving.report.data import ReportData
from serving.report.track_record_parts import ALL, Breakdown, Number, Told
from training.decision.rules import VERDICT_LABELS
from training.track_record.record import PERIODS

words = wording.track_record


def values(data: ReportData) -> dict[str, object]:
    """By promotion type: panels of the periods, all rows, and lines on how far numbers can be relied on."""
    part = data.track_record
    kinds = sorted({row.promotion_type for row in part.told})
    return {
        "kinds": [
            {
                "name": kind,
                "label": wording.common.promotion_type(kind),
                "periods": [_panel(data, kind, name) for name in (*PERIODS, ALL)],
                "reliance": [
                    line for one in part.reliance if one.promotion_type == kind for line in words.reliance(one)
                ],
                "groups": [_group(one) for one in part.breakdowns if one.promotion_type == kind],
                "examples": [one for one in part.examples if one.promotion_type == kind],
            }
            for kind in kinds
        ],
        "drifts": [words.drift(one) for one in part.drifts],
    }


def _panel(data: ReportData, kind: str, period: str) -> dict[str, object]:
    part = data.track_record
    rows = [row for row in part.told if row.promotion_type == kind and row.period == period]
    order = {name: place for place, name in enumerate(VERDICT_LABELS)}
    rows = sorted(rows, key=lambda row: order[row.decision])
    return {
        "title": words.period(period, part),
        "headline": words.headline(rows),
        "rows": [_row(row) for row in rows],
    }


def _row(row: Told) -> dict[str, object]:
    return {
        "decision": row.decision,
        "label": VERDICT_LABELS[row.decision],
        "told": row.told,
        "judged": row.judged,
        "right": None if row.right is None else f"{row.right.value:.0%}",
        "right_ends": words.ends(row.right, ".0%"),
        "answers": row.right.answers if row.right else 0,
        "base": None if row.base is None else f"{row.base.value:.0%}",
        "spend": row.spend.value if row.spend else None,
        "gain": _money(row.gain),
        "gain_ends": words.ends(row.gain, "+,.0f"),
        "ahead": _money(row.ahead),
        "ahead_ends": words.ends(row.ahead, "+,.0f"),
    }


def _group(one: Breakdown) -> dict[str, object]:
    cells = ((one.rank, ".2f"), (one.ahead, "+.2f"), (one.level, ".2f"), (one.inside, ".0%"))
    return {
        "name": words.group(one),
        "answers": one.level.answers if one.level else 0,
        "cells": [
            (None if number is None else f"{number.value:{digits}}".replace("-", "−"), words.ends(number, digits))
            for number, digits in cells
        ],
    }


def _money(number: Number | None) -> str | None:
    return None if number is None else words.signed(number.value)

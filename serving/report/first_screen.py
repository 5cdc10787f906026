"""First screen: tiles of the last days, what the model can be used for, and what to do today."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.bilingual import Words
from serving.report.cards.card import Card
from serving.report.creative_rows import CreativeRow
from serving.report.daily import DAYS, EARNED, EARNING_SPEND, SPEND, Daily
from serving.report.effects import ReportPart
from training.decision.status import RUNNING
from training.evaluation.acceptance import ASPECTS, Aspect, Judgement, Verdict
from training.evaluation.page.sentences import verdict_words

MOST_TO_DO = 10


class Trust(ReportPart):
    """Whether the figures can be used in one respect, judged on the holdout.

    Attributes:
        aspect: `ranking`, `level`, `intervals` or `chances` of the target that decisions are about.
        target: That target.
        verdict: `usable`, `caution`, `unusable` or `undecided` (`training.evaluation.acceptance`).
        figure: What it rests on: rank correlation, predicted over actual, share of outcomes inside, or observed minus
            stated probability; None where it is undecided.
        factor: Level only: what to multiply predictions by.
        why: The verdict with its reason.
    """

    aspect: Aspect
    target: str
    verdict: Verdict
    figure: float | None
    factor: float
    why: Words


def trust(target: str, judged: Sequence[Judgement], level: float) -> list[Trust]:
    """One judgement an aspect; none without an evaluation of this very model.

    Args:
        target: That decisions are about.
        judged: All judgements of the evaluation.
        level: Nominal coverage of its intervals.
    """
    of_aspect = {one.aspect: one for one in judged if one.of == ("roi" if one.aspect == "chances" else target)}
    return [
        Trust(
            aspect=aspect,
            target=target,
            verdict=of_aspect[aspect].verdict,
            figure=of_aspect[aspect].figure.value if np.isfinite(of_aspect[aspect].figure.value) else None,
            factor=of_aspect[aspect].factor,
            why=verdict_words(of_aspect[aspect], level),
        )
        for aspect in ASPECTS
        if aspect in of_aspect
    ]


@dataclass(frozen=True)
class Tiles:
    """Figures of a period and of the one before it, for some of the creatives of one promotion type.

    Attributes:
        running, ran: Running creatives now, and a period ago.
        spend, spent: CNY in the period, and in the one before; None without the column.
        roi, was_roi: Money over spend in both; None where nothing was spent or money is not known.
        largest_share: Part of the period's money that the creative with most of it brought; None without money.
        roi_target: Targets of the running creatives, weighted by their spend in the period; None without spend.
        more_cny, less_cny: What spending more, and stopping, is worth: sums of the stakes of `scale` and `stop`.
    """

    running: int
    ran: int
    spend: float | None
    spent: float | None
    roi: float | None
    was_roi: float | None
    largest_share: float | None
    roi_target: float | None
    more_cny: float
    less_cny: float


def tiles(creatives: Sequence[CreativeRow], cards: Sequence[Card], daily: Daily, days: int, chosen: set[int]) -> Tiles:
    """Figures of the last days. The script of the page computes the same for what a reader filters.

    Args:
        creatives: All creatives of the report.
        cards: Their cards, in the same order.
        daily: Their sums by day.
        days: Length of the period.
        chosen: Indices of the creatives that count.
    """
    rows = [place for place, index in enumerate(daily.creatives) if index in chosen]
    now, before = slice(DAYS - days, DAYS), slice(DAYS - 2 * days, DAYS - days)

    def total(measure: str, part: slice) -> float | None:
        if measure not in daily.series:
            return None
        return sum(sum(daily.series[measure][row][part]) for row in rows)

    def roi(part: slice) -> float | None:
        earned, spend = total(EARNED, part), total(EARNING_SPEND if EARNING_SPEND in daily.series else SPEND, part)
        return earned / spend if earned is not None and spend else None

    earned = [sum(daily.series[EARNED][row][now]) for row in rows] if EARNED in daily.series else []
    running = [index for index in sorted(chosen) if creatives[index].status == RUNNING]
    spend_of = (
        {index: sum(daily.series[SPEND][row][now]) for row, index in enumerate(daily.creatives)}
        if SPEND in daily.series
        else {}
    )
    asked = [(cards[n].roi_target, spend_of.get(n, 0.0)) for n in running]
    weight = sum(spend for target, spend in asked if target is not None)
    stakes = {
        code: [cards[n].stake_cny or 0.0 for n in running if cards[n].verdict == code] for code in ("scale", "stop")
    }
    return Tiles(
        running=len(running),
        ran=len(chosen & set(daily.ran[days])),
        spend=total(SPEND, now),
        spent=total(SPEND, before),
        roi=roi(now),
        was_roi=roi(before),
        largest_share=max(earned) / sum(earned) if sum(earned) > 0 else None,
        roi_target=sum(target * spend for target, spend in asked if target is not None) / weight if weight else None,
        more_cny=sum(stakes["scale"]),
        less_cny=-sum(stakes["stop"]),
    )


def to_do(creatives: Sequence[CreativeRow], cards: Sequence[Card], chosen: set[int]) -> list[int]:
    """Indices of the running creatives with a decision to act on, by the money at stake, at most MOST_TO_DO."""
    found = [n for n in sorted(chosen) if creatives[n].status == RUNNING and cards[n].verdict and cards[n].stake_cny]
    return sorted(found, key=lambda n: -abs(cards[n].stake_cny or 0.0))[:MOST_TO_DO]

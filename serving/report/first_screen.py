"""First screen: tiles of the last days, what the model can be used for, and what to do today."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.bilingual import Words
from serving.report.cards.card import Card
from serving.report.creative_rows import CreativeRow
from serving.report.daily import DAYS, EARNED, EARNING_SPEND, SPEND, Daily
from serving.report.earlier import EarlierStakes
from serving.report.effects import ReportPart
from training.decision.status import RUNNING
from training.evaluation.acceptance import ASPECTS, Aspect, Judgement, Verdict
from training.evaluation.page.sentences import verdict_words

MOST_TO_DO = 10
WATCH = "watch"
LOOK_AT = 0.8
"""Part of the money at stake of the watched creatives that is worth a look."""


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
        was_more, was_less: The same a period ago; None where nothing had been reported by then.
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
    was_more: float | None
    was_less: float | None


def tiles(
    creatives: Sequence[CreativeRow],
    cards: Sequence[Card],
    daily: Daily,
    earlier: Mapping[int, EarlierStakes],
    days: int,
    chosen: set[int],
) -> Tiles:
    """Figures of the last days. The script of the page computes the same for what a reader filters.

    Args:
        creatives: All creatives of the report.
        cards: Their cards, in the same order.
        daily: Their sums by day.
        earlier: Days back → what decisions were worth then.
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
    was = earlier.get(days)
    then = {"scale": was.scale, "stop": was.stop} if was else {}
    worth_then = {code: sum(cny for index, cny in of.items() if index in chosen) for code, of in then.items()}
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
        was_more=worth_then.get("scale"),
        was_less=-worth_then["stop"] if worth_then else None,
    )


@dataclass(frozen=True)
class Watched:
    """Running creatives that are watched, by what a reader does with them; indices, most money at stake first.

    Attributes:
        first: The fewest with LOOK_AT of the money at stake of all of them: look at these.
        soon: Others whose spend to come will probably decide within the outcome window: wait.
        rest: All others: let them run.
    """

    first: list[int]
    soon: list[int]
    rest: list[int]


def watched(creatives: Sequence[CreativeRow], cards: Sequence[Card], chosen: set[int], days: int) -> Watched:
    """Group the watched creatives. The script of the page does the same for what a reader filters.

    Args:
        creatives, cards, chosen: As of `tiles`.
        days: Of the outcome window.
    """
    found = [n for n in sorted(chosen) if creatives[n].status == RUNNING and cards[n].verdict == WATCH]
    found.sort(key=lambda n: -abs(cards[n].stake_cny or 0.0))
    sums = np.cumsum([abs(cards[n].stake_cny or 0.0) for n in found])
    enough = int(np.searchsorted(sums, LOOK_AT * sums[-1])) + 1 if len(found) and sums[-1] > 0 else 0
    others = found[enough:]
    soon = [n for n in others if (left := cards[n].decide_days) is not None and left <= days]
    return Watched(first=found[:enough], soon=soon, rest=[n for n in others if n not in set(soon)])


def to_do(creatives: Sequence[CreativeRow], cards: Sequence[Card], chosen: set[int]) -> list[int]:
    """Indices of the running creatives with a decision to act on, by the money at stake, at most MOST_TO_DO."""
    found = [n for n in sorted(chosen) if creatives[n].status == RUNNING and cards[n].verdict and cards[n].stake_cny]
    return sorted(found, key=lambda n: -abs(cards[n].stake_cny or 0.0))[:MOST_TO_DO]

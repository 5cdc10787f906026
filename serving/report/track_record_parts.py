"""The parts of the track record in a report: plain numbers, no sentence."""

import numpy as np
import pandas as pd

from serving.report.effects import ReportPart
from training.track_record.refresh import RefreshAdvice
from training.track_record.resampling import Figure

ALL = "all"
"""Period of everything that has matured."""


class Number(ReportPart):
    """A figure with its 90 % interval, None where it has none, and what it rests on."""

    value: float
    low: float | None
    high: float | None
    answers: int
    creatives: int


class Told(ReportPart):
    """What came of one decision.

    Attributes:
        promotion_type, period, decision: Of the answers; the period is a key of PERIODS, or ALL.
        told: Answers with the decision.
        silent: Of these, creatives that got no traffic afterwards.
        judged: Whether the decision can be right or wrong; else `right` is how many reached their ROI target.
        right: Share that was right.
        base: The same share whatever was decided.
        spend: Spend afterwards, CNY.
        gain: Spend × (ROI − ROI target) afterwards, CNY.
        ahead: Gain over as many picks by yesterday's ROI, CNY.
    """

    promotion_type: str
    period: str
    decision: str
    told: int
    silent: int
    judged: bool
    right: Number | None
    base: Number | None
    spend: Number | None
    gain: Number | None
    ahead: Number | None


class RankedLists(ReportPart):
    """Rankings that were answered, by one target.

    Attributes:
        by: The target.
        lists: How many.
        rank: Correlation of their order and outcomes.
        lift: What the first of them brought over what all brought.
        told, corrected, came: Of the first, as in `Reliance`.
    """

    by: str
    lists: int
    rank: Number
    lift: Number | None
    told: Number | None
    corrected: Number | None
    came: Number | None


class Reliance(ReportPart):
    """How good the numbers of one promotion type were; None where not known.

    Attributes:
        promotion_type: Of the answers.
        rank, ahead: Correlation of order and outcome; the same over that of yesterday's ROI.
        level: Forecast over outcome.
        inside: Share of outcomes in their interval.
        stated, reached, skill: Mean stated chance of the ROI target; how often it was reached; by how much their Brier
            score is less than that of the mean for all.
        hit_stated, hit_came, hit_skill: The same of hits.
        lists: Lists of the ten highest of a day.
        told, corrected, came: Their ROI as forecast, as forecast after shrinkage, as it came.
        rankings: That were answered, by target.
    """

    promotion_type: str
    rank: Number | None
    ahead: Number | None
    level: Number | None
    inside: Number | None
    stated: float | None
    reached: Number | None
    skill: Number | None
    hit_stated: float | None
    hit_came: Number | None
    hit_skill: Number | None
    lists: int
    told: Number | None
    corrected: Number | None
    came: Number | None
    rankings: list[RankedLists]


class Breakdown(ReportPart):
    """How good the ROI forecasts of one group were: `by` is `ages`, `account_id` or `version`, `group` its value."""

    promotion_type: str
    by: str
    group: str
    rank: Number | None
    ahead: Number | None
    level: Number | None
    inside: Number | None


class Example(ReportPart):
    """One creative of which something was told.

    Attributes:
        promotion_type, account_id, creative_id, name: Which.
        decision: That was told.
        on: When, ISO date.
        right: Whether it was right.
        asked_roi, told_roi, came_roi: ROI target, forecast, outcome.
        spend_cny, gain_cny: Of the outcome window.
    """

    promotion_type: str
    account_id: str
    creative_id: str
    name: str
    decision: str
    on: str
    right: bool
    asked_roi: float
    told_roi: float
    came_roi: float
    spend_cny: float
    gain_cny: float


class Drift(ReportPart):
    """A change that stands, and what it means for a refit (`training.track_record.refresh.RefreshAdvice`)."""

    promotion_type: str
    cause: str
    began_on: str
    shift: float
    verdict: str
    creatives: int
    moved: Number | None
    again_on: str

    @property
    def advice(self) -> RefreshAdvice:
        """As the words of `training.track_record.words` want it."""
        moved = self.moved
        nothing = (np.nan, np.nan, np.nan, 0, 0)
        figure = Figure._make(nothing) if moved is None else _figure(moved)
        return RefreshAdvice(
            self.promotion_type, self.cause, self.verdict, self.creatives, figure, pd.Timestamp(self.again_on)
        )


class TrackRecordPart(ReportPart):
    """The section.

    Attributes:
        of_backtest: The answers were made afterwards by models of their time.
        since, until: First cutoff that has matured, end of the data, ISO dates; `since` is empty without any.
        given, counted, scored, settled: Numbers of answers.
        unsettled_share: Share of the net money that is an estimate.
        next_on: When the next outcomes come, ISO date; empty where none is open.
        first_on: When what is told today can be compared, ISO date.
        outcome_days, settle_days: Days of an outcome window, and until its figures are final.
        told: By period, promotion type and decision.
        reliance: By promotion type.
        breakdowns: By promotion type and age, account or version of the model.
        examples: The largest by money.
        drifts: That stand.
    """

    of_backtest: bool
    since: str
    until: str
    given: int
    counted: int
    scored: int
    settled: int
    unsettled_share: float
    next_on: str
    first_on: str
    outcome_days: int
    settle_days: float
    told: list[Told]
    reliance: list[Reliance]
    breakdowns: list[Breakdown]
    examples: list[Example]
    drifts: list[Drift]


def _figure(number: Number) -> Figure:
    low, high = (np.nan if end is None else end for end in (number.low, number.high))
    return Figure(number.value, low, high, number.answers, number.creatives)

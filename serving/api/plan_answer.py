"""The answer of `POST /v1/plan`, field by field, with units; sentences are those of the report's section."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from serving.api.responses import AnswerModel, Id, ModelIdentity, Probability, RequestId


class PlanSummary(AnswerModel):
    """Figures of a whole plan; money in CNY."""

    budget: Annotated[float, Field(gt=0, examples=[5000.0])]
    """As asked for."""
    days: Annotated[int, Field(ge=1, examples=[7])]
    """That it is for."""
    roi: Annotated[str, Field(examples=["net_roi"])]
    """The ROI that it is about."""
    candidates: Annotated[int, Field(ge=0, examples=[13])]
    """Creatives that wait."""
    ideas: Annotated[int, Field(ge=0, examples=[11])]
    """Different ideas among them; at most one creative of each is launched."""
    launched: Annotated[int, Field(ge=0, examples=[4])]
    """How many are launched."""
    test_money: Annotated[float, Field(ge=0, examples=[1500.0])]
    """For all launches."""
    running: Annotated[int, Field(ge=0, examples=[9])]
    """Creatives that run."""
    stopped: Annotated[int, Field(ge=0, examples=[1])]
    """Of these, called below their target."""
    scaled: Annotated[int, Field(ge=0, examples=[2])]
    """Of these, called above it."""
    today: Annotated[float, Field(ge=0, examples=[500.0])]
    """Of running creatives, for one day."""
    unspent: Annotated[float, Field(ge=0, examples=[40.0])]
    """Of that, what targets, caps and the bound on change leave."""
    method: Literal["exact", "greedy", ""]
    """How launches were chosen; empty where none were."""
    gain: Annotated[float, Field(examples=[900.0])]
    """Expected net money less target times spend, of the launches."""
    gain_low: Annotated[float, Field(examples=[200.0])]
    """Least over how far delivery follows the budget."""
    gain_high: Annotated[float, Field(examples=[2100.0])]
    """Greatest over the same."""
    gain_gap: Annotated[float, Field(ge=0, examples=[0.04])]
    """Share of the greatest possible gain that may be missing, what was given up for hits included."""
    hits: Annotated[int, Field(ge=1, examples=[1])]
    """The number of hits that `hit_chance` is about."""
    hit_chance: Probability
    """Of at least so many hits among the launches."""
    most_hit_chance: Probability | None
    """Bound on that of every choice with as much gain; null where there is none."""
    error: Probability
    """Bound on the probability that a creative at its target is ever called below it."""
    seed: Annotated[int, Field(examples=[7])]
    """Of all random draws."""
    elasticities: Annotated[list[float], Field(examples=[[0.0, 0.5, 1.0]])]
    """That bands go over: how far delivery follows the money asked for."""


class Sentence(AnswerModel):
    """Something said in two languages; both empty where there is nothing to say."""

    zh: Annotated[str, Field(examples=["两边都没有"])]
    """In Chinese."""
    en: Annotated[str, Field(examples=["on neither side"])]
    """In English."""


class PlanSentences(AnswerModel):
    """What is said of the whole plan, as in the report's section."""

    headline: Sentence
    """Budget, launches, today's money."""
    launches: Sentence
    """What the launches gain, and why the other candidates wait; or why launches cannot be chosen, and the cure, with
    names of fields in backticks."""
    split: Sentence
    """How today's money is split, and which decisions the evidence does not bear out."""
    evidence: Sentence
    """What evidence is."""
    platform: Sentence
    """That the platform delivers, and what bands go over."""
    promise: Sentence
    """What holds, and what does not."""


class PlannedCandidate(AnswerModel):
    """One candidate of a plan; money in CNY."""

    creative_id: Id
    """As asked for."""
    promotion_type: Annotated[str, Field(examples=["live"])]
    """As asked for."""
    account_id: Id
    """As asked for."""
    part: Literal["launch", "reserve"]
    """Whether it is launched."""
    target: Annotated[float, Field(gt=0, examples=[1.5])]
    """ROI to reach."""
    roi: Annotated[float, Field(gt=0, examples=[1.7])]
    """Expected ROI."""
    hit_chance: Probability
    """Of a hit."""
    minimum: Annotated[float, Field(gt=0, examples=[310.0])]
    """Spend before which it cannot be called below its target."""
    told_apart: Annotated[float | None, Field(ge=0, examples=[800.0])]
    """Spend until it can be told from another like it; null where that is not known."""
    test: Annotated[float, Field(ge=0, examples=[450.0])]
    """Test money; 0 of a reserve."""
    gain: Annotated[float, Field(examples=[220.0])]
    """As of the whole plan."""
    gain_low: Annotated[float, Field(examples=[90.0])]
    """As of the whole plan."""
    gain_high: Annotated[float, Field(examples=[400.0])]
    """As of the whole plan."""
    days: Annotated[float, Field(gt=0, examples=[4.2])]
    """Until its test money is spent."""
    days_low: Annotated[float, Field(gt=0, examples=[3.0])]
    """Least over how far delivery follows the budget."""
    days_high: Annotated[float, Field(gt=0, examples=[9.0])]
    """Greatest over the same."""
    standing: Literal["launch", "same_idea", "no_gain", "other"]
    """Launched; else why not: a launch has its idea, it is expected to gain nothing, or others gain more."""
    alike: Annotated[int, Field(ge=1, examples=[2])]
    """Candidates of the same idea, this one included."""
    why: Sentence
    """Why it is launched or not, and where its verdict says something else."""
    takes: Sentence
    """Days of its test."""


class PlannedRunning(AnswerModel):
    """One running creative of a plan; money in CNY."""

    creative_id: Id
    """As asked for."""
    promotion_type: Annotated[str, Field(examples=["live"])]
    """As asked for."""
    account_id: Id
    """As asked for."""
    call: Literal["stop", "scale", "watch"]
    """Below target, above it, or neither is shown yet."""
    evidence_below: Annotated[float, Field(ge=0, examples=[0.4])]
    """e-value; the call is `stop` from 1 / `error` on."""
    evidence_above: Annotated[float, Field(ge=0, examples=[3.1])]
    """e-value; the call is `scale` from 1 / `error` on."""
    target: Annotated[float, Field(gt=0, examples=[1.5])]
    """ROI to reach."""
    roi: Annotated[float, Field(gt=0, examples=[1.7])]
    """Expected ROI."""
    spent: Annotated[float, Field(ge=0, examples=[640.0])]
    """So far."""
    yesterday: Annotated[float, Field(ge=0, examples=[90.0])]
    """Mean daily spend of the last days."""
    today: Annotated[float, Field(ge=0, examples=[117.0])]
    """Money of the day."""
    change: Annotated[float | None, Field(ge=-1, examples=[0.3])]
    """Against `yesterday`; null where that is 0."""
    propensity: Probability
    """With which it runs today."""
    funded: Sentence
    """The same, and what was drawn."""
    evidence: Sentence
    """Its call, and the size of the evidence."""
    notes: Sentence
    """Where verdict, evidence and money of the day do not go together, and why."""


class NotPlanned(AnswerModel):
    """A creative that is in neither list of a plan."""

    creative_id: Id
    """As asked for."""
    promotion_type: Annotated[str, Field(examples=["live"])]
    """As asked for."""
    account_id: Id
    """As asked for."""
    why: Sentence
    """It has stopped, the model's data have metrics of it that the request leaves out, or it waits and launches cannot
    be chosen."""


class PlanAnswer(AnswerModel):
    """The answer of `POST /v1/plan`."""

    request_id: RequestId
    """Also in the header `x-request-id`, the log and the ledger."""
    model: ModelIdentity
    """Which model answered."""
    summary: PlanSummary
    """Of the whole plan."""
    candidates: list[PlannedCandidate]
    """Launches first, then by falling gain."""
    running: list[PlannedRunning]
    """Most money first."""
    left_out: list[NotPlanned]
    """Creatives in neither list."""
    said: PlanSentences
    """The plan in sentences."""

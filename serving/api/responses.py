"""What is answered: the shapes of answers, for the API's description and for the client."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Rate(Answer):
    """What a stage is expected to do."""

    value: float


class Estimate(Rate):
    """A figure and the interval in which it lies as a rule; no interval where the model has none."""

    low: float | None = None
    high: float | None = None


class Warned(Answer):
    """Something to mind about a prediction."""

    code: str
    zh: str
    en: str


class Verdict(Answer):
    """What to do with the creative (`scale`, `test`, `hold`, `stop`; empty: no verdict), and why."""

    name: str
    zh: str
    en: str


class Part(Answer):
    """A contribution: `log` adds up, `factor` multiplies."""

    log: float
    factor: float


class FeaturePart(Part):
    """What one feature contributes; `value` is what the model saw, none where it is not known."""

    name: str
    zh: str
    en: str
    value: float | str | None


class StartPart(Part):
    """What one thing that a creative is, or shares with others, contributes to where its prediction starts."""

    name: str
    zh: str
    en: str


class Explained(Answer):
    """baseline + start + early_evidence + features + others + held_at_1 = log_prediction."""

    log_prediction: float
    baseline: Part
    start: list[StartPart]
    early_evidence: Part
    features: list[FeaturePart]
    others: Part
    """Features not told one by one."""
    held_at_1: Part
    """What was cut off a share above 1; a factor of 1 as a rule."""


class Explanation(Answer):
    """By stage, and by target over all its stages."""

    stages: dict[str, Explained]
    targets: dict[str, Explained]


class Prediction(Answer):
    """What one creative is expected to do over the coming outcome window."""

    creative_id: str
    promotion_type: str
    account_id: str
    age_hours: float
    stages: dict[str, Rate]
    targets: dict[str, Estimate]
    asked_roi: float
    """The creative's own `roi_target`, else that of the model's settings."""
    chance_of_target: float | None
    """P(net ROI ≥ asked_roi), of ROI where net ROI is not predicted; none where it is not calibrated."""
    hit_chance: float | None
    verdict: Verdict
    evidence: dict[str, float | None]
    warnings: list[Warned]
    explanation: Explanation | None = None


class ServedModel(Answer):
    """Which model answered, and until when it knows the others."""

    name: str
    version: str
    trained_until: str
    history_until: str
    basis: str
    outcome_days: int


class PredictAnswer(Answer):
    """In the order of the request."""

    request_id: str
    model: ServedModel
    predictions: list[Prediction]


class Ranked(Answer):
    """One candidate in its place."""

    place: int
    creative_id: str
    promotion_type: str
    account_id: str
    value: float
    chance_in_top: float
    """Probability that it belongs among the first `top`."""
    funded: bool
    warnings: list[Warned]


class RankAnswer(Answer):
    """Best first."""

    request_id: str
    model: ServedModel
    by: str
    top: int
    ranking: list[Ranked]


class ReadCreative(Answer):
    """One creative of an uploaded file.

    `creative` is as in `creatives` of `POST /v1/predict`, without what `missing` names: keys that the file does not
    tell and the caller did not either. `row` is where it first stands, as a spreadsheet counts.
    """

    row: int | None
    name: str | None
    creative: dict[str, object]
    missing: list[str]


class ReadProblem(Answer):
    """What of a file was left out (`row`), or is odd and kept (`note`), and the cure; `count` rows in all."""

    severity: str
    creative_id: str | None
    field: str | None
    column: str | None
    rows: list[int]
    count: int
    found: str
    expected: str
    cure: str


class ReadAnswer(Answer):
    """An uploaded file as creatives; `source` is the layout that it has, `more` how many problems are not told."""

    request_id: str
    source: str
    creatives: list[ReadCreative]
    problems: list[ReadProblem]
    more: int


class Problem(Answer):
    """One problem of a request."""

    creative_id: str | None
    field: str | None
    problem: str
    hint: str


class Errors(Answer):
    """The shape of every error."""

    error: str
    errors: list[Problem]
    request_id: str

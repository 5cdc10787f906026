"""The answers of the service, field by field, with units: source of the OpenAPI document, and types of the client.

Predictions are put together as plain dicts, because building these models costs more than the prediction itself;
`tests/serving/api/test_responses.py` holds every dict equal to its model, field by field and in order.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class AnswerModel(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class PointEstimate(AnswerModel):
    """The expected rate of a funnel stage."""

    value: float | None
    """In the stage's unit (`GET /v1/model`: `stages`); null for a creative with the warning `not_predictable`."""


class IntervalEstimate(AnswerModel):
    """The expected value of a target and its prediction interval; no interval where the model has none."""

    value: float | None
    """GPM and net GPM: CNY per 1,000 impressions; ROI and net ROI: CNY per CNY of spend; volume: impressions.

    Null for a creative with the warning `not_predictable`."""
    low: float | None = None
    """Lower end of the 80 % interval, in the unit of `value`."""
    high: float | None = None
    """Upper end of the 80 % interval, in the unit of `value`."""


class WarningAnswer(AnswerModel):
    """A reason to read a prediction with care."""

    code: str
    """For programs; docs/api.md lists the codes."""
    zh: str
    """The sentence in Chinese."""
    en: str
    """The sentence in English."""


class VerdictAnswer(AnswerModel):
    """What to do with the creative, and why."""

    name: str
    """`scale`, `test`, `hold` or `stop`; empty: no verdict."""
    zh: str
    """The reason in Chinese."""
    en: str
    """The reason in English."""


class Contribution(AnswerModel):
    """An additive contribution to the log of a prediction."""

    log: float
    """Natural log; contributions add up."""
    factor: float
    """exp(log); contributions multiply."""


class FeatureContribution(AnswerModel):
    """The contribution of one feature of the trees (its SHAP value)."""

    name: str
    """Of the feature."""
    zh: str
    """Label in Chinese."""
    en: str
    """Label in English."""
    value: float | str | None
    """Value of the feature: a number in its unit or a category; null where it is not known."""
    log: float
    """Natural log; contributions add up."""
    factor: float
    """exp(log); contributions multiply."""


class PriorContribution(AnswerModel):
    """The contribution of one term of the prior: a fixed effect, or an account, product, KOC or tag value."""

    name: str
    """Of the term."""
    zh: str
    """Label in Chinese."""
    en: str
    """Label in English."""
    log: float
    """Natural log; contributions add up."""
    factor: float
    """exp(log); contributions multiply."""


class AdditiveExplanation(AnswerModel):
    """baseline + start + early_evidence + features + others + held_at_1 = log_prediction."""

    log_prediction: float
    """Natural log of the prediction, in its unit."""
    baseline: Contribution
    """The mean creative at that time; of a target with the expected value of the trees."""
    start: list[PriorContribution]
    """Effects of the funnel model and of empirical Bayes, or terms of later volume; largest first; none that is 0."""
    early_evidence: Contribution
    """The creative's own counts so far."""
    features: list[FeatureContribution]
    """SHAP values of the trees, largest first; none that is 0. A stage has none."""
    others: Contribution
    """Features not listed one by one."""
    held_at_1: Contribution
    """Clipping of a share at 1, of later volume to the range of the training data; a factor of 1 as a rule."""


class PredictionExplanation(AnswerModel):
    """By stage (the funnel model alone), and by target: the signed sum of its heads, each with its weights."""

    stages: dict[str, AdditiveExplanation]
    """Stage → explanation of its rate."""
    targets: dict[str, AdditiveExplanation]
    """Target → explanation of its value."""


class Prediction(AnswerModel):
    """The forecast for one creative over the coming outcome window."""

    creative_id: str
    """As in the request."""
    account_id: str
    """As in the request."""
    promotion_type: str
    """As in the request."""
    age_hours: float
    """Hours since launch; 0 before it."""
    stages: dict[str, PointEstimate]
    """Stage → expected rate."""
    targets: dict[str, IntervalEstimate]
    """Target → expected value and interval; `later_impressions` is the volume."""
    asked_roi: float
    """The creative's own `roi_target`, else that of the model's settings; CNY per CNY."""
    chance_of_target: float | None
    """P(net ROI ≥ asked_roi), of ROI where net ROI is not predicted; null where it is not calibrated."""
    hit_chance: float | None
    """Probability of a hit, as the model's settings define it; null where it is not calibrated."""
    verdict: VerdictAnswer
    """What to do."""
    evidence: dict[str, float | None]
    """Metric → its sum so far (counts, CNY); null where not known."""
    warnings: list[WarningAnswer]
    """Reasons to read it with care."""
    explanation: PredictionExplanation | None = None
    """With `explain`; else, and of a creative with the warning `not_predictable`, left out."""


class ModelIdentity(AnswerModel):
    """Which model answered, and until when its data reach. Times are in the model's time zone."""

    name: str
    """Of the registered model, or of the bundle's folder."""
    version: str
    """Number in the registry, or the first 12 digits of the manifest's sha256."""
    trained_until: str
    """End of the training data, ISO 8601."""
    history_until: str
    """End of what is known of accounts, products, KOCs and tags, ISO 8601."""
    basis: str
    """Which net money: a key of `basis` in the settings."""
    outcome_days: int
    """Length of the outcome window, days."""


class PredictAnswer(AnswerModel):
    """The answer of `POST /v1/predict`."""

    request_id: str
    """Also in the header `x-request-id`, the log and the ledger."""
    model: ModelIdentity
    """Which model answered."""
    predictions: list[Prediction]
    """In the order of the request."""


class RankedCreative(AnswerModel):
    """One candidate in its place."""

    place: int
    """From 1, the best."""
    creative_id: str
    """As in the request."""
    promotion_type: str
    """As in the request."""
    account_id: str
    """As in the request."""
    value: float | None
    """Expected value of the target `by`, in its unit; null for a creative with the warning `not_predictable`."""
    chance_in_top: float | None
    """Probability that it is among the first `top`; null where `value` is."""
    funded: bool
    """Whether it is among the first `top` here; never where `value` is null."""
    warnings: list[WarningAnswer]
    """Reasons to read it with care."""


class RankAnswer(AnswerModel):
    """The answer of `POST /v1/rank`."""

    request_id: str
    """Also in the header `x-request-id`, the log and the ledger."""
    model: ModelIdentity
    """Which model answered."""
    by: str
    """The target that decides the order."""
    top: int
    """How many are wanted, or the budget pays for."""
    ranking: list[RankedCreative]
    """Best first."""


class UploadedCreative(AnswerModel):
    """One creative of an uploaded file."""

    row: int | None
    """Its first row, as a spreadsheet counts; null where it has none."""
    name: str | None
    """Title of the creative in the file."""
    creative: dict[str, object]
    """As in `creatives` of `POST /v1/predict`, without the keys in `missing`."""
    missing: list[str]
    """Keys that neither the file nor the caller gives."""


class FileProblem(AnswerModel):
    """One problem of an uploaded file, and the cure."""

    severity: str
    """`row`: left out (the row, or the field that is named); `note`: odd, and kept."""
    creative_id: str | None
    """Of which creative."""
    field: str | None
    """Field of the creative."""
    column: str | None
    """Column of the file."""
    rows: list[int]
    """Rows, as a spreadsheet counts; the first few."""
    count: int
    """How many rows in all."""
    found: str
    """What the file holds."""
    expected: str
    """What would be right; may be empty."""
    cure: str
    """What to do."""


class ReadAnswer(AnswerModel):
    """The answer of `POST /v1/read`: an uploaded file as creatives."""

    request_id: str
    """Also in the header `x-request-id` and the log."""
    source: str
    """Name of the layout that the file has."""
    creatives: list[UploadedCreative]
    """In the order of the file."""
    problems: list[FileProblem]
    """At most 200."""
    more: int
    """How many problems are not listed."""


class TargetCard(AnswerModel):
    """One target of the model."""

    name: str
    """As in `targets` of a prediction."""
    zh: str
    """Label in Chinese."""
    en: str
    """Label in English."""
    unit: str
    """`cny per 1,000`, `ratio`, `count` or `cny`."""
    rate: bool
    """Whether it is a rate that `/v1/rank` can order by; else it is later volume."""


class StageCard(AnswerModel):
    """One stage of the funnel, or the volume."""

    name: str
    """As in `stages` and `targets` of a prediction."""
    zh: str
    """Label in Chinese."""
    en: str
    """Label in English."""
    unit: str
    """Of its values."""


class TagCard(AnswerModel):
    """One tag of the model."""

    several: bool
    """Whether a creative may have several values of it."""
    values: list[str]
    """Values in the training data."""


class AttributeCard(AnswerModel):
    """One attribute of a creative that requests may name."""

    name: str
    """Field of a creative."""
    type: str
    """`number`, `text` or `time`."""
    zh: str
    """Label in Chinese, with the unit."""
    en: str
    """Label in English, with the unit."""


class FeatureCard(AnswerModel):
    """One feature of the model."""

    name: str
    """As in explanations and in the ledger."""
    zh: str
    """Label in Chinese."""
    en: str
    """Label in English."""
    unit: str
    """Of its values."""
    group: str
    """Group of the catalogue."""


class LimitsCard(AnswerModel):
    """What one request may hold."""

    body_bytes: int
    """Bytes of a body."""
    creatives: int
    """Creatives in one request."""


class ModelAnswer(ModelIdentity):
    """The answer of `GET /v1/model`: which model serves, what it takes, how well it predicted the holdout."""

    created_at: str
    """When the model was trained, ISO 8601, UTC."""
    data_fingerprint: str
    """sha256 of the training data."""
    feature_fingerprint: str
    """sha256 of the feature declarations."""
    net_money: str | None
    """Metric that counts as net money; null where the basis has none."""
    time_zone: str
    """Of all times without an offset."""
    ages_hours: list[int]
    """Ages at which training creatives were observed, hours."""
    promotion_types: list[str]
    """Promotion types of the training data."""
    targets: list[str]
    """Targets that are predicted."""
    target_labels: list[TargetCard]
    """The same with labels and units."""
    not_predicted: dict[str, str]
    """Target → the columns that the training data lack."""
    stages: list[StageCard]
    """Stages of the funnel in order, then the volume."""
    figures: list[str]
    """Metrics that the training data had; others are not used."""
    ranges: dict[str, tuple[float, float]]
    """Attribute, `age_hours`, or metric (its sum over a life) → least and greatest in the training data, in its unit."""
    tags: dict[str, TagCard]
    """Tag → its values."""
    attributes: list[AttributeCard]
    """Attributes of a creative that requests may name."""
    features: list[FeatureCard]
    """In the order of the feature matrix."""
    creatives_known: int
    """Creatives in the as-of table."""
    evaluation: dict[str, float | str | None]
    """Metric → its value on the holdout."""
    limits: LimitsCard
    """What one request may hold."""
    report: bool
    """Whether `/report` exists."""


class ProblemAnswer(AnswerModel):
    """One problem of a request."""

    creative_id: str | None
    """Of which creative; null: of none, or not known."""
    field: str | None
    """Path of the field, as `creatives[2].metrics[0].clicks`; null: the whole request."""
    problem: str
    """What is wrong."""
    hint: str
    """What would be right."""


class ErrorAnswer(AnswerModel):
    """The shape of every error."""

    code: str
    """For programs; docs/api.md lists the codes."""
    zh: str
    """The sentence in Chinese."""
    en: str
    """The sentence in English."""
    error: str
    """The same as `en`."""
    errors: list[ProblemAnswer]
    """Every problem found; at most 200."""
    request_id: str
    """Also in the header `x-request-id` and the log."""

"""The answers of the service, field by field, with units: source of the OpenAPI document, and types of the client.

Predictions are put together as plain dicts, because building these models costs more than the prediction itself;
`tests/serving/api/test_responses.py` holds every dict equal to its model, field by field and in order.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from serving.api.errors import CODES

Id = Annotated[str, Field(examples=["7412345678901234567"])]
RequestId = Annotated[str, Field(examples=["b040c09fa4a7483bb600a9c574bb10b9"])]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$", examples=["0" * 64])]
Zh = Annotated[str, Field(examples=["点击率"])]
En = Annotated[str, Field(examples=["click rate"])]
Log = Annotated[float, Field(examples=[0.131])]
Factor = Annotated[float, Field(ge=0, examples=[1.14])]
Probability = Annotated[float, Field(ge=0, le=1, examples=[0.82])]


class AnswerModel(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class PointEstimate(AnswerModel):
    """The expected rate of a funnel stage."""

    value: Annotated[float | None, Field(ge=0, examples=[0.0592])]
    """In the stage's unit (`GET /v1/model`: `stages`); null for a creative with the warning `not_predictable`."""


class IntervalEstimate(AnswerModel):
    """The expected value of a target and its prediction interval; no interval where the model has none."""

    value: Annotated[float | None, Field(ge=0, examples=[38.4])]
    """GPM and net GPM: CNY per 1,000 impressions; ROI and net ROI: CNY per CNY of spend; volume: impressions.

    Null for a creative with the warning `not_predictable`."""
    low: Annotated[float | None, Field(ge=0, examples=[12.1])] = None
    """Lower end of the 80 % interval, in the unit of `value`."""
    high: Annotated[float | None, Field(ge=0, examples=[71.9])] = None
    """Upper end of the 80 % interval, in the unit of `value`."""


class WarningAnswer(AnswerModel):
    """A reason to read a prediction with care."""

    code: Annotated[str, Field(examples=["unseen_value"])]
    """For programs; docs/api.md lists the codes."""
    zh: Annotated[str, Field(examples=["开头类型“倒叙”在训练数据中没有出现过。"])]
    """The sentence in Chinese."""
    en: Annotated[str, Field(examples=["hook “倒叙” was not in the training data"])]
    """The sentence in English."""


class VerdictAnswer(AnswerModel):
    """What to do with the creative, and why."""

    name: Literal["scale", "hold", "bid_less", "watch", "stop", "first", "reserve", "skip", ""]
    """Running: `scale`, `hold`, `bid_less`, `watch`, `stop`; waiting: `first`, `reserve`, `skip`; empty: it has
    stopped, or no chance is known."""
    zh: Annotated[str, Field(examples=["净ROI达到 1.50 的概率 5%，给够流量达标的把握 4%，已消耗 584 元。"])]
    """The reason in Chinese; of a stopped creative what came of it."""
    en: Annotated[str, Field(examples=["5% chance of net ROI 1.50; 4% sure given enough traffic; 584 CNY spent."])]
    """The reason in English."""


class Contribution(AnswerModel):
    """An additive contribution to the log of a prediction."""

    log: Log
    """Natural log; contributions add up."""
    factor: Factor
    """exp(log); contributions multiply."""


class FeatureContribution(AnswerModel):
    """The contribution of one feature of the trees (its SHAP value)."""

    name: Annotated[str, Field(examples=["tag_hook"])]
    """Of the feature."""
    zh: Zh
    """Label in Chinese."""
    en: En
    """Label in English."""
    value: Annotated[float | str | None, Field(examples=["痛点直击", 99.0])]
    """Value of the feature: a number in its unit or a category; null where it is not known."""
    log: Log
    """Natural log; contributions add up."""
    factor: Factor
    """exp(log); contributions multiply."""


class PriorContribution(AnswerModel):
    """The contribution of one term of the prior: a fixed effect, or an account, product, KOC or tag value."""

    name: Annotated[str, Field(examples=["account"])]
    """Of the term."""
    zh: Zh
    """Label in Chinese."""
    en: En
    """Label in English."""
    log: Log
    """Natural log; contributions add up."""
    factor: Factor
    """exp(log); contributions multiply."""


class AdditiveExplanation(AnswerModel):
    """baseline + start + early_evidence + features + others + held_at_1 = log_prediction."""

    log_prediction: Annotated[float, Field(examples=[3.648])]
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

    creative_id: Id
    """As in the request."""
    account_id: Annotated[str, Field(examples=["1790000000000001"])]
    """As in the request."""
    promotion_type: Annotated[str, Field(examples=["live"])]
    """As in the request."""
    age_hours: Annotated[float, Field(ge=0, examples=[6.0])]
    """Hours since launch; 0 before it."""
    status: Literal["waiting", "running", "stopped"]
    """`waiting`: not shown yet; `running`: shown in the last two days that its account has reported; else `stopped`.

    Reported: until the end of its rows, or of the model's data of the account where that is later."""
    stages: dict[str, PointEstimate]
    """Stage → expected rate."""
    targets: dict[str, IntervalEstimate]
    """Target → expected value and interval; `later_impressions` is the volume."""
    asked_roi: Annotated[float, Field(ge=0, examples=[2.0])]
    """The creative's own `roi_target`, else that of the model's settings; CNY per CNY."""
    chance_of_target: Probability | None
    """P(net ROI ≥ asked_roi), of ROI where net ROI is not predicted; null where it is not calibrated."""
    hit_chance: Probability | None
    """Probability of a hit (`GET /v1/model`: `hit`); null where it is not calibrated."""
    verdict: VerdictAnswer
    """What to do."""
    stake_cny: Annotated[float | None, Field(examples=[320.5])]
    """Running: predicted later spend × (predicted net ROI − asked_roi), CNY; else null, as without ROI."""
    test_cny: Annotated[float | None, Field(ge=0, examples=[180.0])]
    """Waiting: spend in CNY until it can be told from the median candidate (`verdict.distinguish_probability`, 80 %);
    else null, as where the cost of traffic is not known."""
    evidence: Annotated[dict[str, float | None], Field(examples=[{"clicks": 71.0, "orders": None}])]
    """Metric → its sum so far (counts, CNY); null where not known."""
    warnings: list[WarningAnswer]
    """Reasons to read it with care."""
    explanation: PredictionExplanation | None = None
    """With `explain`; else, and of a creative with the warning `not_predictable`, left out."""


class ModelIdentity(AnswerModel):
    """Which model answered, and until when its data reach. Times are in the model's time zone."""

    name: Annotated[str, Field(examples=["gpmcast"])]
    """Of the registered model, or of the bundle's folder."""
    version: Annotated[str, Field(examples=["7"])]
    """Number in the registry, or the first 12 digits of the manifest's sha256."""
    trained_until: Annotated[str, Field(examples=["2026-06-19T00:00:00"])]
    """End of the training data, ISO 8601."""
    history_until: Annotated[str, Field(examples=["2026-06-26T00:00:00"])]
    """End of what is known of accounts, products, KOCs and tags, ISO 8601."""
    basis: Annotated[str, Field(examples=["net_1h"])]
    """Which net money: a key of `basis` in the settings."""
    outcome_days: Annotated[int, Field(ge=1, examples=[7])]
    """Length of the outcome window, days."""


class PredictAnswer(AnswerModel):
    """The answer of `POST /v1/predict`."""

    request_id: RequestId
    """Also in the header `x-request-id`, the log and the ledger."""
    model: ModelIdentity
    """Which model answered."""
    predictions: list[Prediction]
    """In the order of the request."""


class RankedCreative(AnswerModel):
    """One candidate in its place."""

    place: Annotated[int, Field(ge=1, examples=[1])]
    """From 1, the best."""
    creative_id: Id
    """As in the request."""
    promotion_type: Annotated[str, Field(examples=["live"])]
    """As in the request."""
    account_id: Annotated[str, Field(examples=["1790000000000001"])]
    """As in the request."""
    value: Annotated[float | None, Field(ge=0, examples=[2.31])]
    """Expected value of the target `by`, in its unit; null for a creative with the warning `not_predictable`."""
    chance_in_top: Probability | None
    """Probability that it is among the first `top`; null where `value` is."""
    funded: Annotated[bool, Field(examples=[True])]
    """Whether it is among the first `top` here; never where `value` is null."""
    warnings: list[WarningAnswer]
    """Reasons to read it with care."""


class RankAnswer(AnswerModel):
    """The answer of `POST /v1/rank`."""

    request_id: RequestId
    """Also in the header `x-request-id`, the log and the ledger."""
    model: ModelIdentity
    """Which model answered."""
    by: Annotated[str, Field(examples=["net_roi"])]
    """The target that decides the order."""
    top: Annotated[int, Field(ge=0, examples=[1])]
    """How many are wanted, or the budget pays for."""
    ranking: list[RankedCreative]
    """Best first."""


class UploadedCreative(AnswerModel):
    """One creative of an uploaded file."""

    row: Annotated[int | None, Field(ge=1, examples=[2])]
    """Its first row, as a spreadsheet counts; null where it has none."""
    name: Annotated[str | None, Field(examples=["三天见效.mp4"])]
    """Title of the creative in the file."""
    product_name: Annotated[str | None, Field(examples=["轻颜洗发水"])]
    """Name of its product in the file."""
    creator_name: Annotated[str | None, Field(examples=["小美测评"])]
    """Name of its KOC in the file."""
    creative: Annotated[dict[str, object], Field(examples=[{"creative_id": "n1", "price_cny": 99.0}])]
    """As in `creatives` of `POST /v1/predict`, without the keys in `missing`."""
    missing: Annotated[list[str], Field(examples=[["account_id"]])]
    """Keys that neither the file nor the caller gives."""


class FileProblem(AnswerModel):
    """One problem of an uploaded file, and the cure."""

    severity: Literal["row", "note"]
    """`row`: left out (the row, or the field that is named); `note`: odd, and kept."""
    creative_id: Id | None
    """Of which creative."""
    field: Annotated[str | None, Field(examples=["roi_target"])]
    """Field of the creative."""
    column: Annotated[str | None, Field(examples=["目标ROI"])]
    """Column of the file."""
    rows: Annotated[list[int], Field(examples=[[2, 3]])]
    """Rows, as a spreadsheet counts; the first few."""
    count: Annotated[int, Field(ge=0, examples=[2])]
    """How many rows in all."""
    found: Annotated[str, Field(examples=["Input should be less than or equal to 1000"])]
    """What the file holds."""
    expected: Annotated[str, Field(examples=["a number from 0 to 1000"])]
    """What would be right; may be empty."""
    cure: Annotated[str, Field(examples=["see GET /v1/schema/predict"])]
    """What to do."""
    zh: Annotated[str, Field(examples=["2 行是合计；应为每行一条素材。已略过。"])]
    """All three in Chinese."""


class ReadAnswer(AnswerModel):
    """The answer of `POST /v1/read`: an uploaded file as creatives."""

    request_id: RequestId
    """Also in the header `x-request-id` and the log."""
    source: Annotated[str, Field(examples=["tag_sheet"])]
    """Name of the layout that the file has."""
    creatives: list[UploadedCreative]
    """In the order of the file."""
    problems: list[FileProblem]
    """At most 200."""
    more: Annotated[int, Field(ge=0, examples=[0])]
    """How many problems are not listed."""


class TargetCard(AnswerModel):
    """One target of the model."""

    name: Annotated[str, Field(examples=["net_gpm"])]
    """As in `targets` of a prediction."""
    zh: Zh
    """Label in Chinese."""
    en: En
    """Label in English."""
    unit: Annotated[str, Field(examples=["cny per 1,000"])]
    """`cny per 1,000`, `ratio`, `count` or `cny`."""
    rate: Annotated[bool, Field(examples=[True])]
    """Whether it is a rate that `/v1/rank` can order by; else it is later volume."""


class StageCard(AnswerModel):
    """One stage of the funnel, or the volume."""

    name: Annotated[str, Field(examples=["click"])]
    """As in `stages` and `targets` of a prediction."""
    zh: Zh
    """Label in Chinese."""
    en: En
    """Label in English."""
    unit: Annotated[str, Field(examples=["ratio"])]
    """Of its values."""


class TagCard(AnswerModel):
    """One tag of the model."""

    several: Annotated[bool, Field(examples=[False])]
    """Whether a creative may have several values of it."""
    values: Annotated[list[str], Field(examples=[["悬念", "痛点直击"]])]
    """Values in the training data."""


class AttributeCard(AnswerModel):
    """One attribute of a creative that requests may name."""

    name: Annotated[str, Field(examples=["price_cny"])]
    """Field of a creative."""
    type: Literal["number", "text", "time"]
    """`number`, `text` or `time`."""
    zh: Zh
    """Label in Chinese, with the unit."""
    en: En
    """Label in English, with the unit."""


class FeatureCard(AnswerModel):
    """One feature of the model."""

    name: Annotated[str, Field(examples=["early:clicks_per_impression"])]
    """As in explanations and in the ledger."""
    zh: Zh
    """Label in Chinese."""
    en: En
    """Label in English."""
    unit: Annotated[str, Field(examples=["ratio"])]
    """Of its values."""
    group: Annotated[str, Field(examples=["early"])]
    """Group of the catalogue."""


class HitCard(AnswerModel):
    """What a hit is."""

    zh: Annotated[str, Field(examples=["7 天净成交额居同推广方式前 5%"])]
    """In Chinese."""
    en: Annotated[str, Field(examples=["top 5% of its promotion type by net GMV in 7 days"])]
    """In English."""


class LimitsCard(AnswerModel):
    """What one request may hold."""

    body_bytes: Annotated[int, Field(ge=1024, examples=[8_000_000])]
    """Bytes of a body."""
    creatives: Annotated[int, Field(ge=1, le=500, examples=[500])]
    """Creatives in one request."""


class SourceCard(AnswerModel):
    """Where the model comes from."""

    following: Annotated[str, Field(examples=["the registry http://mlflow:5000 (MLFLOW_TRACKING_URI)"])]
    """The registry that the service follows, or the bundle folder, and what named it."""
    confirmed: Annotated[bool, Field(examples=[True])]
    """Whether the model is the one that was named there when the service last asked."""
    note: Annotated[str, Field(examples=[""])]
    """Why it is not, or which other champions there are; empty for nothing to say."""


class ModelAnswer(ModelIdentity):
    """The answer of `GET /v1/model`: which model serves, what it takes, how well it predicted the holdout."""

    created_at: Annotated[str, Field(examples=["2026-06-27T02:10:00+00:00"])]
    """When the model was trained, ISO 8601, UTC."""
    data_fingerprint: Sha256
    """sha256 of the training data."""
    feature_fingerprint: Sha256
    """sha256 of the feature declarations."""
    net_money: Annotated[str | None, Field(examples=["net_gmv_cny"])]
    """Metric that counts as net money; null where the basis has none."""
    time_zone: Annotated[str, Field(examples=["Asia/Shanghai"])]
    """Of all times without an offset."""
    ages_hours: Annotated[list[int], Field(examples=[[0, 6, 24, 72]])]
    """Ages at which training creatives were observed, hours."""
    promotion_types: Annotated[list[str], Field(examples=[["live", "product"]])]
    """Promotion types of the training data."""
    targets: Annotated[list[str], Field(examples=[["gpm", "net_gpm", "roi", "net_roi", "later_impressions"]])]
    """Targets that are predicted."""
    target_labels: list[TargetCard]
    """The same with labels and units."""
    not_predicted: Annotated[dict[str, str], Field(examples=[{"net_roi": "net_gmv_cny"}])]
    """Target → the columns that the training data lack."""
    stages: list[StageCard]
    """Stages of the funnel in order, then the volume."""
    hit: HitCard | None
    """What `hit_chance` is the chance of; null where it is not predicted."""
    figures: Annotated[list[str], Field(examples=[["impressions", "clicks", "orders"]])]
    """Metrics that the training data had; others are not used."""
    ranges: Annotated[dict[str, tuple[float, float]], Field(examples=[{"price_cny": (9.9, 1299.0)}])]
    """Attribute, `age_hours`, or metric (its sum over a life) → least and greatest in the training data."""
    tags: dict[str, TagCard]
    """Tag → its values."""
    attributes: list[AttributeCard]
    """Attributes of a creative that requests may name."""
    features: list[FeatureCard]
    """In the order of the feature matrix."""
    creatives_known: Annotated[int, Field(ge=0, examples=[40_000])]
    """Creatives in the as-of table."""
    evaluation: Annotated[dict[str, float | str | None], Field(examples=[{"gpm/spearman": 0.84}])]
    """Metric → its value on the holdout."""
    limits: LimitsCard
    """What one request may hold."""
    report: Annotated[bool, Field(examples=[False])]
    """Whether `/report` exists."""
    source: SourceCard
    """Where the model comes from."""


class ProblemAnswer(AnswerModel):
    """One problem of a request."""

    creative_id: Id | None
    """Of which creative; null: of none, or not known."""
    field: Annotated[str | None, Field(examples=["creatives[1].acount_id"])]
    """Path of the field, as `creatives[2].metrics[0].clicks`; null: the whole request."""
    problem: Annotated[str, Field(examples=["Extra inputs are not permitted"])]
    """What is wrong."""
    hint: Annotated[str, Field(examples=["did you mean account_id?"])]
    """What would be right."""
    zh: Annotated[str, Field(examples=["没有叫这个名字的项；是不是 account_id？"])]
    """Both in Chinese."""


class ErrorAnswer(AnswerModel):
    """The shape of every error."""

    code: Annotated[str, Field(json_schema_extra={"enum": sorted(CODES)}, examples=["not_understood"])]
    """For programs; docs/api.md lists the codes."""
    zh: Annotated[str, Field(examples=["请求无法理解。"])]
    """The sentence in Chinese."""
    en: Annotated[str, Field(examples=["The request is not understood."])]
    """The sentence in English."""
    error: Annotated[str, Field(examples=["The request is not understood."])]
    """The same as `en`."""
    errors: list[ProblemAnswer]
    """Every problem found; at most 200."""
    request_id: RequestId
    """Also in the header `x-request-id` and the log."""

"""The requests that the service takes: unknown fields, other types and numbers out of bounds are refused."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model

from features.attributes import CREATIVE_ATTRIBUTES, Attribute
from features.funnel import RateTarget
from features.schema import VALUES

MOST_METRICS_ROWS = 1000
"""Rows of metrics of one creative: forty days by the hour."""
MOST_CREATIVES = 500
"""Creatives in one request, unless the setting `limits.creatives` is smaller."""


def _between_2000_and_2100(moment: datetime) -> datetime:
    plain = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    if not datetime(2000, 1, 1) <= plain < datetime(2100, 1, 1):
        raise ValueError("is not between 2000 and 2100")
    return moment


class StrictModel(BaseModel):
    """A part of a request: unknown fields and values of another type are errors."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


Id = Annotated[str, Field(min_length=1, max_length=128, examples=["7412345678901234567"])]
TagValue = Annotated[str, Field(min_length=1, max_length=100)]
Amount = Annotated[float, Field(ge=0, lt=1e9)]
Moment = Annotated[datetime, AfterValidator(_between_2000_and_2100)]


def _attribute_field(attribute: Attribute) -> tuple[Any, None]:
    """Type of an attribute in a request, and its default: not known."""
    bounds: dict[str, Any] = {**attribute.bounds}
    if attribute.type == "text" and attribute.name != "copy_text":
        bounds["min_length"] = 1
    about = f"{attribute.label.en}{f', {attribute.unit.en}' if attribute.unit.en else ''}; {attribute.full_label.zh}"
    of_type: Any = {"number": float, "time": Moment, "text": str}[attribute.type]
    return Annotated[Annotated[of_type, Field(**bounds)] | None, Field(description=about)], None


if TYPE_CHECKING:

    class MetricValues(StrictModel):
        """Counts, and sums in CNY or seconds, of one period: one field per value column of `features.schema`."""

        def __getattr__(self, name: str) -> Any: ...

    class CreativeAttributes(StrictModel):
        """The attributes that requests may name, one field each (`features.attributes`)."""

        def __getattr__(self, name: str) -> Any: ...

else:
    MetricValues = create_model(
        "MetricValues",
        __base__=StrictModel,
        __doc__="Counts, and sums in CNY or seconds, of one period. A value not given is not known, which is not 0.",
        **dict.fromkeys(VALUES, (Amount | None, None)),
    )
    CreativeAttributes = create_model(
        "CreativeAttributes",
        __base__=StrictModel,
        **{attribute.name: _attribute_field(attribute) for attribute in CREATIVE_ATTRIBUTES if attribute.requested},
    )


class MetricsRow(MetricValues):
    """The metrics of one period: an hour, a day, or the time between two readings."""

    period_start: Moment = Field(examples=["2026-06-01T09:00:00"])
    period_end: Moment = Field(examples=["2026-06-01T10:00:00"])


class LifetimeSums(MetricValues):
    """The metrics from launch until an age."""

    age_hours: Annotated[float, Field(gt=0, le=24 * 400)]


class Creative(CreativeAttributes):
    """One creative, before its launch or while it runs. Times without an offset are in the model's time zone.

    Its attributes are those of `features.attributes`; `roi_target` is the team's target, and the answer gives the
    probability that net ROI reaches it.
    """

    creative_id: Id
    promotion_type: Annotated[str, Field(min_length=1, max_length=64, examples=["live", "product"])]
    account_id: Id
    tags: Annotated[
        dict[
            Annotated[str, Field(min_length=1, max_length=64)],
            TagValue | Annotated[list[TagValue], Field(max_length=20)],
        ],
        Field(max_length=60, examples=[{"hook": "痛点直击", "scene": "居家"}]),
    ] = {}  # noqa: RUF012 (pydantic copies it)
    """Tag name → value; a list of values where the model takes several (`GET /v1/model` names them)."""
    metrics: Annotated[list[MetricsRow], Field(max_length=MOST_METRICS_ROWS)] | None = None
    sums: LifetimeSums | None = None
    """Instead of `metrics`."""


class PredictRequest(StrictModel):
    """Creatives to be predicted."""

    creatives: Annotated[list[Creative], Field(min_length=1, max_length=MOST_CREATIVES)]
    explain: bool = False
    top: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Features listed one by one in each explanation, the rest as one sum; none: all."""
    model_version: Annotated[str, Field(max_length=64)] | None = None
    """Answer only if this version serves; else 409."""


class RankRequest(StrictModel):
    """Candidates to be put in order; either `budget_cny` or `top` gives how many are wanted."""

    creatives: Annotated[list[Creative], Field(min_length=1, max_length=MOST_CREATIVES)]
    by: RateTarget = "net_roi"
    budget_cny: Annotated[float, Field(gt=0, lt=1e9)] | None = None
    spend_cny: Annotated[float, Field(gt=0, lt=1e9)] | None = None
    """What trying one candidate costs; needed with a budget."""
    top: Annotated[int, Field(ge=1, le=MOST_CREATIVES)] | None = None
    model_version: Annotated[str, Field(max_length=64)] | None = None


RequestT = TypeVar("RequestT", PredictRequest, RankRequest)


@cache
def with_limit(model: type[RequestT], most_creatives: int) -> type[RequestT]:
    """This request with the limit on creatives that the settings give: validation, error text and schema follow.

    Args:
        model: A request.
        most_creatives: Creatives in one request, at most MOST_CREATIVES.
    """
    if most_creatives == MOST_CREATIVES:
        return model
    creatives: Any = Annotated[list[Creative], Field(min_length=1, max_length=most_creatives)]
    return create_model(model.__name__, __base__=model, __doc__=model.__doc__, creatives=creatives)

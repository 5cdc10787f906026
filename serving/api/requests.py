"""The requests that the service takes: unknown fields, other types and numbers out of bounds are refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, NotRequired, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, create_model, with_config
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from configs.export_layout import read_layout
from configs.settings import CONFIG_DIR
from features.attributes import CREATIVE_ATTRIBUTES, Attribute
from features.schema import COUNTS, LARGEST, VALUES
from features.targets import RateTarget
from training.decision.plan.refusals import MOST_BUDGET

MOST_METRICS_ROWS = 1000
"""Rows of metrics of one creative: forty days by the hour."""
MOST_CREATIVES = 500
"""Creatives in one request, unless the setting `limits.creatives` is smaller."""
MOST_TAGS = 60
"""Tags of one creative."""
LISTED_FEATURES = 20
"""Features listed in the explanation of a target, where the request does not say how many."""


def _between_2000_and_2100(moment: datetime) -> datetime:
    # The years 1 and 9999 cannot be converted to every time zone.
    plain = moment.astimezone(UTC) if moment.tzinfo and 1999 <= moment.year <= 2100 else moment
    if not 2000 <= plain.year < 2100:
        raise PydanticCustomError("year_out_of_range", "is not between 2000 and 2100")
    return moment


class StrictModel(BaseModel):
    """A part of a request: unknown fields and values of another type are errors."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


TEXT = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]*$"
"""Text that every database and file format keeps: tabs and line ends are its only control characters."""
ID = r"^[^\u0000-\u001f\u007f-\u009f\ufffe\uffff]*$"
"""Text in one line."""


@cache
def promotion_type_names() -> Mapping[str, str]:
    """Name of a promotion type as the platform and people write it → its name here, as tag sheets are read."""
    return read_layout(CONFIG_DIR / "sources" / "tag_sheet.yaml").promotion_type.values


def promotion_type_of(name: str) -> str:
    """The promotion type of this name; a name that nobody knows stays as it is."""
    return promotion_type_names().get(name, name)


Id = Annotated[str, Field(min_length=1, max_length=128, pattern=ID, examples=["7412345678901234567"])]
TagValue = Annotated[str, Field(min_length=1, max_length=100, pattern=TEXT)]
Moment = Annotated[datetime, AfterValidator(_between_2000_and_2100)]
Version = Annotated[str, Field(max_length=64, pattern=ID)]


def _attribute_field(attribute: Attribute) -> tuple[Any, None]:
    """Type of an attribute in a request, and its default: not known."""
    bounds: dict[str, Any] = {**attribute.bounds}
    if attribute.type == "text":
        bounds["pattern"] = ID if attribute.name.endswith("_id") else TEXT
        bounds["min_length"] = 0 if attribute.name == "copy_text" else 1
    about = f"{attribute.label.en}{f', {attribute.unit.en}' if attribute.unit.en else ''}; {attribute.full_label.zh}"
    of_type: Any = {"number": float, "time": Moment, "text": str}[attribute.type]
    return Annotated[Annotated[of_type, Field(**bounds)] | None, Field(description=about)], None


if TYPE_CHECKING:
    MetricsRow = dict[str, Any]
    LifetimeSums = dict[str, Any]

    class CreativeAttributes(StrictModel):
        """The attributes that requests may name, one field each (`features.attributes`)."""

        def __getattr__(self, name: str) -> Any: ...

else:
    FIGURES = {
        name: NotRequired[
            Annotated[
                Annotated[float, Field(ge=0, lt=LARGEST[name])] | None,
                Field(description=f"{'Count' if name in COUNTS else 'Seconds' if name == 'watch_s' else 'CNY'}."),
            ]
        ]
        for name in VALUES
    }

    def _figures(name: str, about: str, **fields: Any) -> Any:
        """A dict of these fields and of one per value column of `features.schema`: much faster than a model."""
        figures = with_config(StrictModel.model_config)(TypedDict(name, {**fields, **FIGURES}))
        figures.__doc__ = f"{about} A value not given is not known, which is not 0."
        return figures

    MetricsRow = _figures(
        "MetricsRow",
        "The metrics of one period: an hour, a day, or the time between two readings.",
        period_start=Annotated[Moment, Field(examples=["2026-06-01T09:00:00"])],
        period_end=Annotated[Moment, Field(examples=["2026-06-01T10:00:00"])],
    )
    LifetimeSums = _figures(
        "LifetimeSums",
        "The metrics from launch until an age.",
        age_hours=Annotated[float, Field(gt=0, le=24 * 400)],
    )
    CreativeAttributes = create_model(
        "CreativeAttributes",
        __base__=StrictModel,
        **{attribute.name: _attribute_field(attribute) for attribute in CREATIVE_ATTRIBUTES if attribute.requested},
    )


def _noted(creative: Creative, info: ValidationInfo) -> Creative:
    """Keep a creative that has the declared shape for further checks, even where others have not."""
    if info.context is not None:
        info.context.append(creative)
    return creative


class Creative(CreativeAttributes):
    """One creative, before its launch or while it runs. Times without an offset are in the model's time zone.

    Its attributes are those of `features.attributes`; `roi_target` is the team's target, and the answer gives the
    probability that net ROI reaches it.
    """

    creative_id: Id
    promotion_type: Annotated[
        str,
        Field(min_length=1, max_length=64, pattern=ID, examples=["live", "product"]),
        AfterValidator(promotion_type_of),
    ]
    """`live` (also 推直播, 直播) or `product` (also 推商品, 商品); answers name it `live` or `product`."""
    account_id: Id
    tags: Annotated[
        dict[
            Annotated[str, Field(min_length=1, max_length=64, pattern=TEXT)],
            TagValue | Annotated[list[TagValue], Field(max_length=20, fail_fast=True)],
        ],
        Field(max_length=MOST_TAGS, examples=[{"hook": "痛点直击", "scene": "居家"}]),
    ] = {}  # noqa: RUF012 (pydantic copies it)
    """Tag name → value; a list of values where the model takes several (`GET /v1/model` names them)."""
    metrics: Annotated[list[MetricsRow], Field(max_length=MOST_METRICS_ROWS, fail_fast=True)] | None = None
    sums: LifetimeSums | None = None
    """Instead of `metrics`."""


ListedCreative = Annotated[Creative, AfterValidator(_noted)]


class PredictRequest(StrictModel):
    """Creatives to be predicted."""

    creatives: Annotated[list[ListedCreative], Field(min_length=1, max_length=MOST_CREATIVES)]
    explain: bool = False
    top: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Features listed one by one in the explanation of each target, the rest as one sum; none: 20; 1000: all."""
    model_version: Version | None = None
    """Answer only if this version serves; else 409."""


def listed(request: PredictRequest) -> int:
    """How many features its explanations list one by one."""
    return request.top or LISTED_FEATURES


class RankRequest(StrictModel):
    """Candidates to be put in order; either `budget_cny` or `top` gives how many are wanted."""

    creatives: Annotated[list[ListedCreative], Field(min_length=1, max_length=MOST_CREATIVES)]
    by: RateTarget = "net_roi"
    budget_cny: Annotated[float, Field(gt=0, lt=1e9)] | None = None
    spend_cny: Annotated[float, Field(gt=0, lt=1e9)] | None = None
    """What trying one candidate costs; needed with a budget."""
    top: Annotated[int, Field(ge=1, le=MOST_CREATIVES)] | None = None
    model_version: Version | None = None


class PlanRequest(StrictModel):
    """Creatives to be planned for under a budget: those that wait are candidates, the others run."""

    creatives: Annotated[list[ListedCreative], Field(min_length=1, max_length=MOST_CREATIVES)]
    budget_cny: Annotated[
        float | None, Field(json_schema_extra={"exclusiveMinimum": 0, "maximum": MOST_BUDGET, "examples": [5000.0]})
    ] = None
    """For the days of one outcome window; needed. A budget that is none is refused as by `make plan`, in words."""
    launch: Annotated[int, Field(ge=1, le=MOST_CREATIVES)] | None = None
    """How many candidates; none: as many as add expected gain."""
    model_version: Version | None = None


RequestT = TypeVar("RequestT", PredictRequest, RankRequest, PlanRequest)


@cache
def with_limit(model: type[RequestT], most_creatives: int) -> type[RequestT]:
    """This request with the limit on creatives that the settings give: validation, error text and schema follow.

    Args:
        model: A request.
        most_creatives: Creatives in one request, at most MOST_CREATIVES.
    """
    if most_creatives == MOST_CREATIVES:
        return model
    creatives: Any = Annotated[list[ListedCreative], Field(min_length=1, max_length=most_creatives)]
    return create_model(model.__name__, __base__=model, __doc__=model.__doc__, creatives=creatives)

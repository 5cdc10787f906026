"""What may be asked: the requests, closed and strict. What is not understood is refused, never guessed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model

from features.attributes import CREATIVE_ATTRIBUTES, Attribute
from features.schema import VALUES

MOST_ROWS = 1000
"""Of metrics, a creative: forty days by the hour."""


def _in_our_time(moment: datetime) -> datetime:
    plain = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    if not datetime(2000, 1, 1) <= plain < datetime(2100, 1, 1):
        raise ValueError("is not between 2000 and 2100")
    return moment


class Closed(BaseModel):
    """A part of a request: fields it does not know, and values of other types, are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


Id = Annotated[str, Field(min_length=1, max_length=128, examples=["7412345678901234567"])]
Word = Annotated[str, Field(min_length=1, max_length=100)]
Amount = Annotated[float, Field(ge=0, lt=1e9)]
Moment = Annotated[datetime, AfterValidator(_in_our_time)]


def _attribute_field(attribute: Attribute) -> tuple[Any, None]:
    """Type of an attribute in a request, and its default: not known."""
    bounds: dict[str, Any] = {**attribute.bounds}
    if attribute.type == "text" and attribute.name != "copy_text":
        bounds["min_length"] = 1
    about = f"{attribute.label.en}{f', {attribute.unit.en}' if attribute.unit.en else ''}; {attribute.full_label.zh}"
    of_type: Any = {"number": float, "time": Moment, "text": str}[attribute.type]
    return Annotated[Annotated[of_type, Field(**bounds)] | None, Field(description=about)], None


if TYPE_CHECKING:

    class Figures(Closed):
        """Counts and sums of a period, one field per value column of `features.schema`."""

        def __getattr__(self, name: str) -> Any: ...

    class CreativeAttributes(Closed):
        """The attributes that requests may name, one field each (`features.attributes`)."""

        def __getattr__(self, name: str) -> Any: ...

else:
    Figures = create_model(
        "Figures",
        __base__=Closed,
        __doc__="Counts and sums of a period; a figure that is not named is not known, which is not 0.",
        **dict.fromkeys(VALUES, (Amount | None, None)),
    )
    CreativeAttributes = create_model(
        "CreativeAttributes",
        __base__=Closed,
        **{attribute.name: _attribute_field(attribute) for attribute in CREATIVE_ATTRIBUTES if attribute.requested},
    )


class Row(Figures):
    """What one period counted: an hour, a day, or whatever was read."""

    period_start: Moment = Field(examples=["2026-06-01T09:00:00"])
    period_end: Moment = Field(examples=["2026-06-01T10:00:00"])


class Sums(Figures):
    """What was counted from launch until an age."""

    age_hours: Annotated[float, Field(gt=0, le=24 * 400)]


class Creative(CreativeAttributes):
    """One creative, before its launch or while it runs. Times without an offset are in the model's time zone.

    Its attributes are those of `features.attributes`; `roi_target` is the team's target, and the answer says how likely
    net ROI reaches it.
    """

    creative_id: Id
    promotion_type: Annotated[str, Field(min_length=1, max_length=64, examples=["live", "product"])]
    account_id: Id
    tags: Annotated[
        dict[Annotated[str, Field(min_length=1, max_length=64)], Word | Annotated[list[Word], Field(max_length=20)]],
        Field(max_length=60, examples=[{"hook": "痛点直击", "scene": "居家"}]),
    ] = {}  # noqa: RUF012 (pydantic copies it)
    """Tag name → value; a list of values where the model takes several (`GET /v1/model` names them)."""
    metrics: Annotated[list[Row], Field(max_length=MOST_ROWS)] | None = None
    sums: Sums | None = None
    """Instead of `metrics`."""


class PredictRequest(Closed):
    """Creatives to be predicted."""

    creatives: Annotated[list[Creative], Field(min_length=1, max_length=500)]
    explain: bool = False
    top: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Features told one by one in each explanation, the rest as one sum; none: all."""
    model_version: Annotated[str, Field(max_length=64)] | None = None
    """Answer only if this version serves; else 409."""


class RankRequest(Closed):
    """Candidates to be put in order; either `budget_cny` or `top` says how many are wanted."""

    creatives: Annotated[list[Creative], Field(min_length=1, max_length=500)]
    by: Literal["gpm", "net_gpm", "roi", "net_roi"] = "net_roi"
    budget_cny: Annotated[float, Field(gt=0, lt=1e9)] | None = None
    spend_cny: Annotated[float, Field(gt=0, lt=1e9)] | None = None
    """What trying one candidate costs; needed with a budget."""
    top: Annotated[int, Field(ge=1, le=500)] | None = None
    model_version: Annotated[str, Field(max_length=64)] | None = None

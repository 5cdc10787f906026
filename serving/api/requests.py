"""What may be asked: the requests, closed and strict. What is not understood is refused, never guessed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

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


class Figures(Closed):
    """Counts and sums of a period; a figure that is not named is not known, which is not 0."""

    impressions: Amount | None = None
    clicks: Amount | None = None
    cart_clicks: Amount | None = None
    orders: Amount | None = None
    net_orders: Amount | None = None
    plays: Amount | None = None
    plays_2s: Amount | None = None
    plays_3s: Amount | None = None
    plays_5s: Amount | None = None
    plays_10s: Amount | None = None
    finishes: Amount | None = None
    likes: Amount | None = None
    comments: Amount | None = None
    shares: Amount | None = None
    follows: Amount | None = None
    spend_cny: Amount | None = None
    base_spend_cny: Amount | None = None
    boost_spend_cny: Amount | None = None
    gmv_cny: Amount | None = None
    net_gmv_cny: Amount | None = None
    settled_gmv_7d_cny: Amount | None = None
    settled_gmv_14d_cny: Amount | None = None
    settled_gmv_30d_cny: Amount | None = None
    settled_gmv_90d_cny: Amount | None = None
    watch_s: Amount | None = None


class Row(Figures):
    """What one period counted: an hour, a day, or whatever was read."""

    period_start: Moment = Field(examples=["2026-06-01T09:00:00"])
    period_end: Moment = Field(examples=["2026-06-01T10:00:00"])


class Sums(Figures):
    """What was counted from launch until an age."""

    age_hours: Annotated[float, Field(gt=0, le=24 * 400)]


class Creative(Closed):
    """One creative, before its launch or while it runs. Times without an offset are in the model's time zone."""

    creative_id: Id
    promotion_type: Annotated[str, Field(min_length=1, max_length=64, examples=["live", "product"])]
    account_id: Id
    product_id: Id | None = None
    creator_id: Id | None = None
    creator_followers: Annotated[float, Field(ge=0, lt=1e9)] | None = None
    category: Word | None = None
    creative_source: Word | None = None
    copy_text: Annotated[str, Field(max_length=2000)] | None = None
    price_cny: Annotated[float, Field(ge=0, lt=1e7)] | None = None
    duration_s: Annotated[float, Field(ge=0, le=36_000)] | None = None
    roi_target: Annotated[float, Field(ge=0, le=1000)] | None = None
    """The team's target; the answer tells how likely net ROI reaches it."""
    created_at: Moment | None = None
    launched_at: Moment | None = None
    tags: Annotated[
        dict[Annotated[str, Field(min_length=1, max_length=64)], Word | Annotated[list[Word], Field(max_length=20)]],
        Field(max_length=60, examples=[{"hook": "痛点直击", "scene": "居家"}]),
    ] = {}
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

"""The data contract: names of keys, value columns and attributes, and the schemas of the frames.

A frame whose name ends in `_` is not checked yet; `check_metrics` and `check_creatives` return the checked frame. Times
are naive and in the time zone of the settings. A missing value is NaN (NaT, None), never 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from features.attributes import TAG_LABELS, names_of
from features.bilingual import Words
from features.errors import Problem

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa

KEY = ["promotion_type", "account_id", "creative_id"]
"""Identifies a creative. The same asset in two accounts, or in both promotion types, is two creatives."""

PERIOD = ["grain", "period_start", "period_end"]
"""The period of a row of metrics; KEY + PERIOD is the primary key of metrics.

The grain is `hour`, `day` or `range` (several days) as exported; `reading`: a running total at one moment
(period_start = period_end), only in the store; `gap`: the increment between two readings, only in loaded frames."""

COUNTS = [
    "impressions",
    "clicks",
    "cart_clicks",
    "orders",
    "net_orders",
    "plays",
    "plays_2s",
    "plays_3s",
    "plays_5s",
    "plays_10s",
    "finishes",
    "likes",
    "comments",
    "shares",
    "follows",
]
SUMS = [
    "spend_cny",
    "base_spend_cny",
    "boost_spend_cny",
    "gmv_cny",
    "net_gmv_cny",
    "settled_gmv_7d_cny",
    "settled_gmv_14d_cny",
    "settled_gmv_30d_cny",
    "settled_gmv_90d_cny",
    "watch_s",
]
VALUES = COUNTS + SUMS
"""Value columns of metrics: float64, counts and sums, never ratios. A frame has those that its files give."""
VALUE_LABELS = {
    "impressions": Words("展示次数", "impressions"),
    "clicks": Words("点击次数", "clicks"),
    "cart_clicks": Words("购物车点击次数", "cart clicks"),
    "orders": Words("成交订单数", "orders"),
    "net_orders": Words("净成交订单数", "net orders"),
    "plays": Words("播放数", "plays"),
    **{f"plays_{seconds}s": Words(f"{seconds}秒播放数", f"{seconds}-s plays") for seconds in (2, 3, 5, 10)},
    "finishes": Words("完播数", "finished plays"),
    "likes": Words("点赞数", "likes"),
    "comments": Words("评论数", "comments"),
    "shares": Words("分享数", "shares"),
    "follows": Words("新增粉丝数", "new followers"),
    "spend_cny": Words("消耗", "spend"),
    "base_spend_cny": Words("基础消耗", "base spend"),
    "boost_spend_cny": Words("追投消耗", "boost spend"),
    "gmv_cny": Words("成交金额", "GMV"),
    "net_gmv_cny": Words("净成交金额", "net GMV"),
    **{
        f"settled_gmv_{days}d_cny": Words(f"{days}日结算金额", f"GMV settled in {days} days")
        for days in (7, 14, 30, 90)
    },
    "watch_s": Words("播放时长", "seconds watched"),
}
"""What people call a value column of metrics."""

RARE = ["clicks", "cart_clicks", "orders", "net_orders", "likes", "comments", "shares", "follows"]
LARGEST = dict.fromkeys(VALUES, 1e9) | dict.fromkeys(RARE, 1e8)
"""What every value of a creative stays below, in one row and over its life: no creative of the platform reaches it, and
sums of many creatives stay exact (`features.point_in_time.windowed_sums`)."""

MONEY_DECIMALS = 4
"""Money and seconds are rounded to 1e-4, so that sums in units of 1e-4 are exact integers in any order."""

TIMES, NUMBERS, TEXTS = (names_of(of_type) for of_type in ("time", "number", "text"))
TAGS = list(TAG_LABELS)
ATTRIBUTES = TIMES + NUMBERS + TEXTS
"""Attribute columns of creatives, besides the tags (`features.attributes`)."""

MULTI = "|"
"""Separator of the values of a multi-valued attribute."""

ANY = ""
"""Key value of an attribute row that holds for every account or promotion type (a tag sheet often names neither)."""

ORIGINS = ["name", "export", "sheet"]
"""Sources of attributes, weakest first: the file-name parser, an export, the team's own sheet."""


@dataclass(frozen=True)
class ExportRead:
    """The content of one export file.

    Attributes:
        path: The file as given.
        sha256: Of its bytes.
        source: Name of the layout that recognised it.
        metrics: KEY + PERIOD + `row` (row number in the file) + the value columns that the file has; unique by KEY +
            PERIOD.
        attributes: KEY + `name`, `value` (text; several joined by MULTI), `origin` (one of ORIGINS); unique by KEY +
            name + origin. Parts of the KEY may be ANY, except creative_id.
        problems: Everything that was left out or looks wrong, with the cure.
        rows: KEY + `row`: the first row of each creative that was taken, also of one of which the file says nothing
            else; None if unknown.
    """

    path: str
    sha256: str
    source: str
    metrics: pd.DataFrame
    attributes: pd.DataFrame
    problems: list[Problem] = field(default_factory=list)
    rows: pd.DataFrame | None = None


@dataclass(frozen=True)
class Loaded:
    """The content of a store or dataset: the input of features, training and prediction.

    Attributes:
        metrics: `metrics_schema`; increments that do not overlap, sorted by KEY + period_start.
        creatives: `creatives_schema`; one row per KEY, with and without metrics.
        notes: Counts of what was resolved while loading (overlaps, falling totals, long gaps …), by name.
    """

    metrics: pd.DataFrame
    creatives: pd.DataFrame
    notes: dict[str, int] = field(default_factory=dict)


@cache
def metrics_schema() -> pa.DataFrameSchema:
    """Schema of metrics."""
    import pandera.pandas as pa  # slow to load, and needed only to check frames

    return pa.DataFrameSchema(
        {
            **_key(),
            "grain": pa.Column(str, pa.Check.isin(["hour", "day", "range", "gap"])),
            "period_start": pa.Column("datetime64[us]"),
            "period_end": pa.Column("datetime64[us]"),
            **{name: pa.Column(float, pa.Check.ge(0), nullable=True, required=False) for name in VALUES},
        },
        checks=pa.Check(
            lambda metrics: metrics["period_start"] < metrics["period_end"],
            error="a period must end after it starts",
        ),
        unique=[*KEY, "period_start"],
        strict=True,
    )


@cache
def creatives_schema() -> pa.DataFrameSchema:
    """Schema of creatives."""
    import pandera.pandas as pa

    return pa.DataFrameSchema(
        {
            **_key(),
            **{name: pa.Column("datetime64[us]", nullable=True, required=False) for name in TIMES},
            **{name: pa.Column(float, pa.Check.ge(0), nullable=True, required=False) for name in NUMBERS},
            **{name: pa.Column(str, nullable=True, required=False) for name in TEXTS},
            "tag_.*": pa.Column(str, nullable=True, required=False, regex=True),
        },
        unique=KEY,
        strict=True,
    )


def check_metrics(metrics_: pd.DataFrame) -> pd.DataFrame:
    """Return the frame if it fits `metrics_schema`; otherwise raise pandera's SchemaErrors with everything wrong."""
    return metrics_schema().validate(metrics_, lazy=True)


def check_creatives(creatives_: pd.DataFrame) -> pd.DataFrame:
    """Return the frame if it fits `creatives_schema`; otherwise raise pandera's SchemaErrors with everything wrong."""
    return creatives_schema().validate(creatives_, lazy=True)


def _key() -> dict[str, pa.Column]:
    import pandera.pandas as pa

    return {name: pa.Column(str, pa.Check.str_length(min_value=1)) for name in KEY}

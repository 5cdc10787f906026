"""The words of the data: keys, value columns, attributes, and the checked shapes of the frames.

A frame whose name ends in `_` has not been checked yet; `check_metrics` and `check_creatives` return it without.
Times are naive and in the time zone of the settings. Missing is NaN (NaT, None), never 0.
"""

from dataclasses import dataclass, field

import pandas as pd
import pandera.pandas as pa

from features.attributes import TAG_LABELS, names_of
from features.errors import Problem

KEY = ["promotion_type", "account_id", "creative_id"]
"""What one creative is: the same asset in two accounts, or in both promotion types, is two rows of traffic."""

PERIOD = ["grain", "period_start", "period_end"]
"""What one row of metrics is about. The natural key of metrics is KEY + PERIOD."""

GRAINS = ["hour", "day", "range", "gap", "reading"]
"""`hour`, `day`, `range` (several days in one row) as exported; `reading`: the state of a running total at one
moment (period_start = period_end = the moment it was read), only inside the store; `gap`: the increment between two
readings, only outside it."""

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
"""Value columns of metrics: float64, counts and sums, never ratios. A frame holds those that its sources have."""

MONEY_DECIMALS = 4
"""Money and seconds are kept to 1e-4, so that sums of any order are exact in a float64 (see features.window)."""

TIMES, NUMBERS, TEXTS = (names_of(of_type) for of_type in ("time", "number", "text"))
TAGS = list(TAG_LABELS)
ATTRIBUTES = TIMES + NUMBERS + TEXTS
"""Columns of what is known of a creative itself, besides its tags (`features.attributes`)."""

MULTI = "|"
"""Between the values of a multi-valued attribute in its text form."""

ANY = ""
"""Key value of an attribute row that holds for every account or promotion type (a tag sheet often names neither)."""

ORIGINS = ["name", "export", "sheet"]
"""Where an attribute was read, weakest first: the file-name parser, an export, the team's own sheet."""


@dataclass(frozen=True)
class ExportRead:
    """What one file gave.

    Attributes:
        path: The file as given.
        sha256: Of its bytes.
        source: Name of the source config that recognised it.
        metrics: KEY + PERIOD + `row` (spreadsheet row number) + the value columns this file has. Unique by
            KEY + PERIOD.
        attributes: KEY + `name`, `value` (text; several joined by MULTI), `origin` (one of ORIGINS). Unique by
            KEY + name + origin. KEY parts may be ANY, creative_id never.
        problems: Everything that was left out or looks wrong, with the cure.
        rows: KEY + `row`: where each creative first stands in the file; None where that is not known.
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
    """What the store gives to everything after it.

    Attributes:
        metrics: `metrics_schema`: increments that do not overlap, sorted by KEY + period_start.
        creatives: `creatives_schema`: one row per KEY, of those with metrics and those only announced.
        notes: Counts of what was resolved on the way (overlaps, decreasing totals, gaps …), by name.
    """

    metrics: pd.DataFrame
    creatives: pd.DataFrame
    notes: dict[str, int] = field(default_factory=dict)


def _key() -> dict[str, pa.Column]:
    return {name: pa.Column(str, pa.Check.str_length(min_value=1)) for name in KEY}


metrics_schema = pa.DataFrameSchema(
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

creatives_schema = pa.DataFrameSchema(
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
    """The frame itself if it has the shape of metrics; raises pandera's SchemaErrors with all that is wrong."""
    return metrics_schema.validate(metrics_, lazy=True)


def check_creatives(creatives_: pd.DataFrame) -> pd.DataFrame:
    """The frame itself if it has the shape of creatives; raises pandera's SchemaErrors with all that is wrong."""
    return creatives_schema.validate(creatives_, lazy=True)

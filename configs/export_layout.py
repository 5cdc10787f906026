"""How one layout of export files is read: which headers it has and what they mean."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from configs.settings import Basis, Section
from configs.yaml_file import parse, read_yaml

Unit = Literal[
    "id", "text", "list", "count", "cny", "fen", "number", "percent", "percent_points", "fraction", "ratio",
    "s", "ms", "duration", "time", "date", "hour",
]  # fmt: skip
"""`percent`: the cells decide (a % sign, or the largest value); `percent_points`: 12.34 is 12.34 %; `fraction`: 0.1234
is 12.34 %; `duration`: MM:SS or seconds; `list`: several values in one cell."""

Headers = tuple[str, ...]


class LayoutMatch(Section):
    """By which headers a file of this layout is known. Case, spaces and the width of brackets do not matter."""

    all: tuple[Headers, ...] = ()
    """Each must be there; an entry with several headers asks for any one of them."""
    any: Headers = ()
    """At least one must be there."""
    none: Headers = ()
    """Not one may be there."""
    file_name: str = ""
    """Regular expression that must be found in the file's name; empty: any name."""

    @field_validator("all", mode="before")
    @classmethod
    def _single_headers(cls, entries: object) -> object:
        if not isinstance(entries, list):
            return entries
        return [[entry] if isinstance(entry, str) else entry for entry in entries]

    @field_validator("file_name")
    @classmethod
    def _is_pattern(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from error
        return pattern


class LayoutColumn(Section):
    """A column of the file that holds one canonical value. Written short as one header or a list of headers."""

    headers: Headers = Field(min_length=1)
    """The names it goes by; the first that the file has is taken."""
    unit: Unit | None = None
    """None: the natural unit of the canonical name."""
    required: bool = False

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: object) -> object:
        if isinstance(given, str):
            return {"headers": [given]}
        return {"headers": given} if isinstance(given, list) else given


class LayoutRatio(Section):
    """A ratio from which a count or sum is recovered where the file lacks that itself: gives = ratio × of ÷ per."""

    headers: Headers = Field(min_length=1)
    unit: Unit
    gives: str
    of: str
    per: Annotated[float, Field(gt=0)] = 1.0
    """1000 for a cost per thousand."""
    lost: bool = False
    """The ratio is the share that is lost: gives = (1 − ratio) × of."""
    zero: Literal["zero", "missing"] = "zero"
    """What a ratio of exactly 0 says."""
    nothing: Literal["zero", "missing"] = "zero"
    """What `gives` is where there is no ratio because `of` is 0."""


class HeaderRule(Section):
    """If one of these headers is there, it is this promotion type."""

    any: Headers = Field(min_length=1)
    then: str


class PromotionRules(Section):
    """How the promotion type of a row is known: its own column, then headers, then the file's name, then a constant."""

    values: dict[str, str] = Field(default_factory=dict)
    """Value of the column `promotion_type` → promotion type."""
    by_header: tuple[HeaderRule, ...] = ()
    """In this order; the first that holds decides."""
    by_file_name: dict[str, str] = Field(default_factory=dict)
    """Part of the file's name → promotion type."""
    constant: str = ""


class ExportLayout(Section):
    """One layout of export files."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    match: LayoutMatch
    origin: Literal["export", "sheet"] = "export"
    """Whether attributes come from a platform or from the team's own sheet, which wins."""
    bases: tuple[Basis, ...] = ()
    """ROI bases under which this file's money may be used; empty: all."""
    promotion_type: PromotionRules = PromotionRules()
    constants: dict[str, str] = Field(default_factory=dict)
    """Canonical name (account_id, an attribute) → the value every row has where the file has no such column."""
    columns: dict[str, LayoutColumn]
    """Canonical name (see features.schema; also date, hour, read_at) → column."""
    ratios: dict[str, LayoutRatio] = Field(default_factory=dict)
    tags: dict[str, str] = Field(default_factory=dict)
    """Header → tag of this name."""
    extra: bool = False
    """Headers that are named nowhere here become tags of the team's own (if settings.tags.extra says so)."""
    never_tags: Headers = ()
    """A header with one of these words in it is never such a tag: it tells an outcome, not what the creative is."""
    ignore: Headers = ()
    """Headers that are left out without a note."""
    not_creatives: Headers = ("全部", "合计", "总计", "汇总", "小计", "total", "-", "--")
    """Ids (and dates) of rows that are totals and not creatives."""
    aggregates: Headers = ()
    """Names of rows that stand for many creatives at once."""
    time_zone: str = ""
    """Of the file's times; empty: that of the settings."""
    grain: Literal["hour", "day", "range"] | None = None
    """None: an hour column, else a date column, else the file name's range says."""
    cumulative: bool = False
    """Values are running totals, read at the time in `read_at`."""

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name or "UTC")
        except (KeyError, ValueError) as error:
            raise ValueError(f"no time zone is called {name!r}; expected a name such as UTC") from error
        return name

    @field_validator("ignore", "never_tags", "not_creatives", "aggregates", mode="before")
    @classmethod
    def _texts(cls, entries: Any) -> Any:
        return [str(entry) for entry in entries] if isinstance(entries, list) else entries

    @model_validator(mode="after")
    def _fits_together(self) -> ExportLayout:
        if "creative_id" not in self.columns:
            raise ValueError("columns.creative_id is missing: say under which header the creative's id stands")
        if self.cumulative and "read_at" not in self.columns:
            raise ValueError("cumulative: columns.read_at is missing: say when each running total was read")
        return self


def read_layout(path: Path) -> ExportLayout:
    """The source config in a YAML file.

    Raises:
        ConfigError: It is not YAML, or keys or values are wrong; the message names each with its path.
    """
    return parse(ExportLayout, read_yaml(path), path)

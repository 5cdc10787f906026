"""The layout of one kind of export file: its headers, their meaning and their units."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from configs.settings import Basis
from configs.yaml_file import Section, parse, read_yaml

Unit = Literal[
    "id", "text", "list", "count", "cny", "fen", "number", "percent", "percent_points", "fraction", "ratio",
    "s", "ms", "duration", "time", "date", "hour",
]  # fmt: skip
"""`percent`: the cells decide (a % sign, or the largest value); `percent_points`: 12.34 is 12.34 %; `fraction`: 0.1234
is 12.34 %; `duration`: MM:SS or seconds; `list`: several values in one cell."""

Headers = tuple[str, ...]


class LayoutMatch(Section):
    """Which headers identify a file of this layout. Case, spaces and the width of brackets do not matter."""

    all: tuple[Headers, ...] = ()
    """Each must be present; of an entry with several headers, any one of them."""
    any: Headers = ()
    """At least one must be present."""
    none: Headers = ()
    """None may be present."""
    file_name: str = ""
    """Regular expression that must match somewhere in the file's name; empty: any name."""
    any_cells: dict[str, str] = Field(default_factory=dict)
    """Header → regular expression: where the start of its first cell fits, that counts as one of `any`."""
    none_cells: dict[str, str] = Field(default_factory=dict)
    """Header → regular expression that the start of its first cell may not fit."""

    @field_validator("all", mode="before")
    @classmethod
    def _single_headers(cls, entries: object) -> object:
        if not isinstance(entries, list):
            return entries
        return [[entry] if isinstance(entry, str) else entry for entry in entries]

    @field_validator("file_name", "any_cells", "none_cells")
    @classmethod
    def _is_pattern(cls, given: str | dict[str, str]) -> str | dict[str, str]:
        for pattern in given.values() if isinstance(given, dict) else [given]:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"is not a regular expression: {error}") from error
        return given


class LayoutColumn(Section):
    """The column of one canonical name. Short form in YAML: one header or a list of headers."""

    headers: Headers = Field(min_length=1)
    """Possible headers; the first that the file has is used."""
    unit: Unit | None = None
    """None: the default unit of the canonical name."""
    required: bool = False

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: object) -> object:
        if isinstance(given, str):
            return {"headers": [given]}
        return {"headers": given} if isinstance(given, list) else given


class LayoutRatio(Section):
    """A ratio from which a count or sum is recovered if the file has no column for it: gives = ratio × of ÷ per."""

    headers: Headers = Field(min_length=1)
    unit: Unit
    gives: str
    of: str
    per: Annotated[float, Field(gt=0)] = 1.0
    """1000 for a cost per thousand."""
    lost: bool = False
    """The ratio is the lost share (refunds): gives = (1 − ratio) × of ÷ per."""
    zero: Literal["zero", "missing"] = "zero"
    """Meaning of a ratio of exactly 0."""
    nothing: Literal["zero", "missing"] = "zero"
    """Value of `gives` where the ratio is empty because `of` is 0."""


class HeaderRule(Section):
    """If one of these headers is present, the file has this promotion type."""

    any: Headers = Field(min_length=1)
    then: str


class PromotionRules(Section):
    """Sources of a row's promotion type, in this order: its own column, headers, the file's name, a constant."""

    values: dict[str, str] = Field(default_factory=dict)
    """Value of the column `promotion_type` → promotion type."""
    by_header: tuple[HeaderRule, ...] = ()
    """The first rule that applies decides."""
    by_file_name: dict[str, str] = Field(default_factory=dict)
    """Part of the file's name → promotion type."""
    constant: str = ""


class ExportLayout(Section):
    """One layout of export files, as a source config (YAML) describes it."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    zh: str = ""
    """Name in Chinese sentences; empty: `name`."""
    match: LayoutMatch
    origin: Literal["export", "sheet"] = "export"
    """Whether attributes come from a platform export or from the team's own sheet, which takes precedence."""
    bases: tuple[Basis, ...] = ()
    """ROI bases under which this file's money may be used; empty: all."""
    promotion_type: PromotionRules = PromotionRules()
    constants: dict[str, str] = Field(default_factory=dict)
    """Canonical name (account_id, an attribute) → value of every row if the file has no such column."""
    columns: dict[str, LayoutColumn]
    """Canonical name (features/schema.py; also date, hour, read_at) → column."""
    synonyms: dict[str, Headers] = Field(default_factory=dict)
    """Canonical name → short headers that mean the same in one promotion type or another: taken where the file states
    its promotion type and has none of the column's own headers, else suggested."""
    suggestions: dict[str, Headers] = Field(default_factory=dict)
    """Canonical name → headers that may be meant for it: never taken, only suggested."""
    ratios: dict[str, LayoutRatio] = Field(default_factory=dict)
    tags: dict[str, str] = Field(default_factory=dict)
    """Header → name of the tag."""
    extra: bool = False
    """Read headers that the layout does not name as additional tags (if settings.tags.extra is set)."""
    never_tags: Headers = ()
    """A header that contains one of these words is never a tag: it states an outcome, which would leak."""
    ignore: Headers = ()
    """Headers that are skipped without a note."""
    not_creatives: Headers = ("全部", "合计", "总计", "汇总", "小计", "total", "-", "--")
    """Ids (and dates) of total rows."""
    aggregates: Headers = ()
    """Names of rows that aggregate several creatives."""
    time_zone: str = ""
    """Time zone of the file's times; empty: that of the settings."""
    grain: Literal["hour", "day", "range"] | None = None
    """None: by the hour column if there is one, else the date column, else the range of days in the file's name."""
    cumulative: bool = False
    """Values are running totals at the time in `read_at`."""

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
    def _texts(cls, entries: object) -> object:
        return [str(entry) for entry in entries] if isinstance(entries, list) else entries

    @model_validator(mode="after")
    def _fits_together(self) -> ExportLayout:
        unknown = [name for name in (*self.synonyms, *self.suggestions) if name not in self.columns]
        if unknown:
            raise ValueError(f"synonyms and suggestions: {', '.join(unknown)} stands not under columns")
        if "creative_id" not in self.columns:
            raise ValueError("columns.creative_id is missing: name the header of the creative's id")
        if self.cumulative and "read_at" not in self.columns:
            raise ValueError(
                "cumulative: columns.read_at is missing: name the header of the time at which each total was read"
            )
        return self


def read_layout(path: Path) -> ExportLayout:
    """Read one export layout from a YAML file.

    Raises:
        ConfigError: It is not YAML, or keys or values are wrong; the message names each with its path.
    """
    return parse(ExportLayout, read_yaml(path), path)

"""Which layouts are known: every source config of the settings, its names checked against the schema."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from configs.errors import ConfigError
from configs.export_layout import Source, Unit, read_source
from configs.settings import Settings
from features.schema import ATTRIBUTES, COUNTS, NUMBERS, SUMS, TAGS, TEXTS, TIMES, VALUES

PLACES = ["creative_id", "account_id", "promotion_type", "date", "hour", "read_at"]
"""Canonical columns that say what a row is about."""

COLUMNS = [*PLACES, *VALUES, *ATTRIBUTES, *TAGS]
"""Every canonical column a source config can name."""


def load_sources(settings: Settings) -> list[Source]:
    """All source configs, a later folder's replacing an earlier one's of the same name.

    Raises:
        ConfigError: A config cannot be used, or the settings ask for one that is not there.
    """
    known: dict[str, Source] = {}
    for folder in settings.source_dirs:
        if not folder.is_dir():
            raise ConfigError(f"source_dirs: {folder} is no folder.")
        for path in sorted(folder.glob("*.yaml")):
            source = read_source(path)
            _check_names(source, path)
            known[source.name] = source
    unknown = [name for name in settings.sources if name not in known]
    if unknown:
        raise ConfigError(
            f"sources: there is no source config called {', '.join(unknown)}; known: {', '.join(sorted(known))}."
        )
    chosen = settings.sources or tuple(known)
    return [source for name, source in known.items() if name in chosen]


def unit_of(name: str, unit: Unit | None) -> Unit:
    """The unit that a source config gives, or the natural one of the canonical name."""
    return unit or _NATURAL[name]


def _check_names(source: Source, path: Path) -> None:
    _all_known(source.columns, COLUMNS, path, "columns")
    _all_known([r.gives for r in source.ratios.values()], VALUES, path, "ratios (gives)")
    _all_known([r.of for r in source.ratios.values()], VALUES, path, "ratios (of)")
    _all_known(source.constants, ["account_id", "promotion_type", *ATTRIBUTES, *TAGS], path, "constants")
    taken = [name for name in (*source.tags.values(), *source.ratios) if name in COLUMNS]
    if taken:
        raise ConfigError(
            f"{path}: {', '.join(taken)}: is a canonical name; give it under columns, or use another name."
        )


def _all_known(names: Iterable[str], known: list[str], path: Path, where: str) -> None:
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
            raise ConfigError(f"{path}: {where}: there is no canonical column called {name}; {hint}")


_NATURAL: dict[str, Unit] = {
    **dict.fromkeys(["creative_id", "account_id", "product_id", "creator_id"], "id"),
    **dict.fromkeys(COUNTS, "count"),
    **dict.fromkeys(SUMS, "cny"),
    **dict.fromkeys(NUMBERS, "number"),
    **dict.fromkeys(TIMES, "time"),
    **dict.fromkeys([name for name in [*TEXTS, *TAGS] if not name.endswith("_id")], "text"),
    "promotion_type": "text",
    "date": "date",
    "hour": "hour",
    "read_at": "time",
    "watch_s": "s",
    "duration_s": "duration",
    "platform_label": "list",
}

"""Source configs that read the headers of these files: the known ones, with the suggested headers added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from configs.export_layout import ExportLayout
from configs.settings import Settings
from configs.yaml_file import parse, read_yaml
from features.errors import InputError
from features.readers.header_names import normalise_header
from features.readers.headers import Suggestion
from features.readers.survey import FileSurvey


def yaml_line(layout: ExportLayout, suggestion: Suggestion) -> str:
    """Return the line of a source config under which a suggested header is read."""
    if suggestion.name in layout.columns:
        listed = ", ".join([*layout.columns[suggestion.name].headers, suggestion.header])
        return f"columns: {{{suggestion.name}: [{listed}]}}"
    listed = ", ".join([*layout.ratios[suggestion.name].headers, suggestion.header])
    return f"ratios: {{{suggestion.name}: {{headers: [{listed}], …}}}}"


def suggested(files: Sequence[FileSurvey]) -> dict[str, list[Suggestion]]:
    """Return the suggestions of all files by layout, each once."""
    found: dict[str, list[Suggestion]] = {}
    for file in files:
        for suggestion in file.suggestions if file.layout else ():
            listed = found.setdefault(file.layout.name, []) if file.layout else []
            if suggestion not in listed:
                listed.append(suggestion)
    return found


def write_sources(file: Path, files: Sequence[FileSurvey], settings: Settings) -> list[Path]:
    """Write the source configs with the suggested headers added.

    Args:
        file: Where to write the config of the layout with most suggestions; those of others stand beside it, called
            `<name>-<layout>.yaml`.
        files: Of the data.
        settings: Of the run; its `source_dirs` have the known source configs.

    Returns:
        The files written; none without suggestions.

    Raises:
        InputError: The file cannot be written.
    """
    by_layout = sorted(suggested(files).items(), key=lambda one: -len(one[1]))
    written = []
    for place, (name, suggestions) in enumerate(by_layout):
        path = file if place == 0 else file.with_name(f"{file.stem}-{name}.yaml")
        content = with_headers(_content(name, settings), suggestions)
        parse(ExportLayout, content, path)
        text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, default_flow_style=None, width=110)
        about = f"# {name} with headers of your own. It replaces the source config of the same name.\n"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(about + text, encoding="utf-8")
        except OSError as error:
            raise InputError(
                f"{path}: cannot be written: {error.strerror}. Name another file.",
                zh=f"{path}：写不了（{error.strerror}）。处理：换一个文件名。",
            ) from None
        written.append(path)
    return written


def with_headers(content: Mapping[str, Any], suggestions: Sequence[Suggestion]) -> dict[str, Any]:
    """Return the content of a source config with suggested headers added to its columns, and to what identifies it."""
    changed: dict[str, Any] = deepcopy(dict(content))
    for suggestion in suggestions:
        section = "columns" if suggestion.name in changed["columns"] else "ratios"
        column = changed[section][suggestion.name]
        named = column if isinstance(column, dict) else {"headers": column}
        headers = named["headers"]
        known = [headers] if isinstance(headers, str) else list(headers)
        named = {**named, "headers": [*known, suggestion.header]}
        changed[section][suggestion.name] = named if isinstance(column, dict) else named["headers"]
        _identify(changed.setdefault("match", {}), known, suggestion.header)
        for other in ("synonyms", "suggestions"):  # it is a header of its own now
            if suggestion.name in changed.get(other, {}):
                left = [one for one in changed[other][suggestion.name] if one != suggestion.header]
                changed[other][suggestion.name] = left
    return changed


def _identify(match: dict[str, Any], known: Sequence[str], header: str) -> None:
    """Let a header identify a layout wherever one of the known headers of its column does."""
    forms = set(map(normalise_header, known))
    groups = [[group] if isinstance(group, str) else list(group) for group in match.get("all", [])]
    for group in groups:
        if forms & set(map(normalise_header, group)):
            group.append(header)
    if groups:
        match["all"] = groups
    if forms & set(map(normalise_header, match.get("any", []))):
        match["any"] = [*match["any"], header]


def _content(name: str, settings: Settings) -> dict[str, Any]:
    """Return the content of the source config of this name; one in a later folder replaces one in an earlier."""
    found: dict[str, Any] = {}
    for folder in settings.source_dirs:
        for path in sorted(folder.glob("*.yaml")):
            content = read_yaml(path)
            if isinstance(content, dict) and content.get("name") == name:
                found = content
    return found

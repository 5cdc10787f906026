"""Settings of the file-name tag parser: separators, regular expressions, and the vocabulary of each tag."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from pydantic import Field, field_validator

from configs.yaml_file import Section, parse, read_yaml


class FileNamePatterns(Section):
    """How tags are read from a creative's file name. Patterns apply first; the vocabulary adds the tags they lack."""

    separators: str = Field(default="-_—–", min_length=1)
    """Characters that separate tokens."""
    patterns: tuple[str, ...] = ()
    """Regular expressions for the whole name without its extension; the first match gives one tag per named group."""
    vocabulary: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Tag → its values. A value of two tags goes to the first of them that has no value yet."""
    synonyms: dict[str, str] = Field(default_factory=dict)
    """Spelling in a name → the value of the vocabulary it stands for."""

    @field_validator("patterns")
    @classmethod
    def _with_groups(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                groups = re.compile(pattern).groupindex
            except re.error as error:
                raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error
            if not groups:
                raise ValueError(f"{pattern!r} names no tag; write a group such as (?P<hook>[^-]+)")
        return patterns


def load_names(path: Path) -> FileNamePatterns:
    """Read the parser's settings.

    Raises:
        ConfigError: The file is absent, or keys or values are wrong.
    """
    return _loaded(path, path.read_bytes() if path.is_file() else b"")


@lru_cache(maxsize=8)
def _loaded(path: Path, content: bytes) -> FileNamePatterns:
    """Parse once per content: every export file needs the parser."""
    return parse(FileNamePatterns, read_yaml(path), path)

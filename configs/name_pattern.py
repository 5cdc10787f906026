"""How a team writes tags into file names: separators, patterns by place, and the words of each tag."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from pydantic import Field, field_validator

from configs.settings import Section
from configs.yaml_file import parse, read_yaml


class FileNamePatterns(Section):
    """The file-name tag parser. Patterns come first; the vocabulary fills in what they leave open."""

    separators: str = Field(default="-_—–", min_length=1)
    """Every letter of it ends a token."""
    patterns: tuple[str, ...] = ()
    """Regular expressions for the whole name without its ending; the first that fits gives a tag per named group."""
    vocabulary: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Tag → its words. A word of two tags goes to the first of them that has no word yet."""
    synonyms: dict[str, str] = Field(default_factory=dict)
    """Word in a name → the word of the vocabulary it stands for."""

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
    """The parser's settings; raises ConfigError where they cannot be used."""
    return _loaded(path, path.read_bytes() if path.is_file() else b"")


@lru_cache(maxsize=8)
def _loaded(path: Path, content: bytes) -> FileNamePatterns:
    """The same, read anew where the content has changed: every export asks for it."""
    return parse(FileNamePatterns, read_yaml(path), path)

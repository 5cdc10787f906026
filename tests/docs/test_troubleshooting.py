"""Every message that the troubleshooting page quotes is a message of the code, in both languages the same ones."""

import ast
import re
from pathlib import Path

import pytest

from benchmarks.odd_exports import odd_inputs

ROOT = Path(__file__).parents[2]
CHINESE, _, ENGLISH = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8").partition("\n## English\n")
QUOTED = re.compile(r"\*\*`([^`]+)`\*\*")
PACKAGES = ("configs", "features", "serving", "training")


def texts() -> list[str]:
    """Every string of the code; those of an f-string in parts."""
    modules = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    nodes = [node for path in modules for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


@pytest.mark.parametrize("page", [CHINESE, ENGLISH], ids=["zh", "en"])
def test_every_quoted_message_is_one_of_the_code(page: str) -> None:
    quoted, said = QUOTED.findall(page), texts()
    assert len(quoted) > 20
    assert [fragment for fragment in quoted if not any(fragment in text for text in said)] == []


def test_both_languages_have_the_same_entries() -> None:
    entries = [re.findall(r"^\*\*`|^### ", page, re.M) for page in (CHINESE, ENGLISH)]
    assert entries[0] == entries[1]
    assert len(QUOTED.findall(CHINESE)) == len(QUOTED.findall(ENGLISH))


def test_the_tables_show_every_odd_input() -> None:
    for odd in odd_inputs():
        assert f"| {odd.about.zh} |" in CHINESE
        assert f"| {odd.about.en} |" in ENGLISH

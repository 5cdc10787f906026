"""Chinese texts have full-width punctuation: the messages of the code, the pages, and what people read of the docs."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("configs", "features", "serving", "training")
HAN = "\u3400-\u9fff"
AFTER = rf"[{HAN}、。，：；？！）”》…] ?[,:;?!()]"
BEFORE = rf"[,:;?!()] ?[{HAN}“《]"
HALF_WIDTH = re.compile(f"{AFTER}|{BEFORE}")
ENGLISH = ("en", "found", "expected", "cure", "hint")
"""Parameters that take English, which may name a Chinese header."""
PATTERN = re.compile(r"\\|\(\?|\)\$")
"""What occurs in a regular expression alone."""
PAGES = (
    *sorted((ROOT / "training").rglob("*.j2")),
    *sorted((ROOT / "serving").rglob("*.j2")),
    *sorted((ROOT / "serving").rglob("*.html")),
    *sorted((ROOT / "serving").rglob("*.js")),
    *(ROOT / "docs" / name for name in ("troubleshooting.md", "tutorial.md")),
)


def is_english(text: str) -> bool:
    """Whether a text has more English words than Chinese characters beside names of columns."""
    return len(re.findall(r"[A-Za-z]{3,}", text)) >= len(re.findall(f"[{HAN}]", text)) / 3


def english_parts(tree: ast.AST) -> set[int]:
    """Nodes of strings that are English: docstrings, the second of `Words`, and parameters that take English."""
    found: set[int] = set()
    for node in ast.walk(tree):
        parts: list[ast.AST] = []
        if isinstance(node, ast.Expr):
            parts = [node.value]
        elif isinstance(node, ast.Call):
            parts = [keyword.value for keyword in node.keywords if keyword.arg in ENGLISH]
            if getattr(node.func, "id", "") == "Words":
                parts += node.args[1:2]
        found.update(id(inner) for part in parts for inner in ast.walk(part) if not isinstance(node, ast.Expr))
        found.update(id(part) for part in parts if isinstance(part, ast.Constant))
    return found


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of every string of a module that is not English; what an f-string fills in is one letter."""
    tree = ast.parse(path.read_text("utf-8"))
    left_out = english_parts(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            left_out.update(map(id, node.values))
            if id(node) not in left_out:
                parts = [part.value if isinstance(part, ast.Constant) else "X" for part in node.values]
                yield node.lineno, "".join(map(str, parts))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left_out:
            yield node.lineno, node.value


@pytest.mark.parametrize("package", PACKAGES)
def test_messages_have_full_width_punctuation(package: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text[:80]}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for line, text in texts(path)
        if HALF_WIDTH.search(text) and not PATTERN.search(text) and not is_english(text)
    ]
    assert found == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages_have_full_width_punctuation(path: Path) -> None:
    found = [
        f"{number}: {line.strip()[:100]}"
        for number, line in enumerate(path.read_text("utf-8").partition("\n## English\n")[0].splitlines(), 1)
        if HALF_WIDTH.search(re.sub(r"\]\([^)]*\)|`[^`]*`|\{\{.*?\}\}", "", line)) and not is_english(line)
    ]
    assert found == []

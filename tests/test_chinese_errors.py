"""Every error that a person can meet is told in Chinese too."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOLD = {"PartitionError", "EngineError", "StoreError", "InputError", "TooThinError", "BundleError"}
"""Errors that commands show to whoever called them."""
IN_ONE_LANGUAGE = {"training/doctor/first_step.py"}
"""States findings in the language of the command already."""


def calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in TOLD:
            yield node


def test_every_error_of_a_command_has_a_chinese_message() -> None:
    paths = [path for folder in ("features", "training") for path in (ROOT / folder).rglob("*.py")]
    found = [(path, call) for path in paths for call in calls(path)]
    assert len(found) > 50
    english = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path, call in found
        if str(path.relative_to(ROOT)) not in IN_ONE_LANGUAGE
        and not any(given.arg in ("zh", None) for given in call.keywords)
    ]
    assert not english

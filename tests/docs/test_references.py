"""Files, modules, commands and links that the documentation and the docstrings name exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("benchmarks", "configs", "features", "sample", "serving", "training")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

QUOTED = re.compile(r"`([^`\n]+)`")
FILE = re.compile(
    rf"(?<![\w/.])(?:(?:{'|'.join((*PACKAGES, 'docs', 'tests'))})/[\w./*-]*[\w*/]|[\w-]+\.(?:toml|lock)|Makefile)(?!\w)"
)
NAME = re.compile(rf"(?:{'|'.join(PACKAGES)})(?:\.[A-Za-z_]\w*)+")
MODULE = re.compile(rf"python -m ((?:{'|'.join(PACKAGES)})(?:\.\w+)*)")
TARGET = re.compile(r"(?:^|[`&;] *)make ([a-z][a-z-]*)(?![a-z-=])")
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def quoted(path: Path) -> Iterator[str]:
    """Everything in backticks, without fenced code blocks."""
    text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    yield from QUOTED.findall(text)


def is_defined(name: str) -> bool:
    """Whether a dotted name is a module, or a module followed by names that occur in it as code."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        base = ROOT.joinpath(*parts[:length])
        module = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
        if module.exists():
            code = re.sub(r'"""(?s:.*?)"""', "", module.read_text("utf-8"))
            return all(re.search(rf"\b{word}\b", code) for word in parts[length:])
    return False


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=relative)
def test_files_and_names_in_backticks_exist(page: Path) -> None:
    files = [file for text in quoted(page) for file in FILE.findall(text)]
    assert not [file for file in files if not list(ROOT.glob(file))]
    assert not [text for text in quoted(page) if NAME.fullmatch(text) and not is_defined(text)]


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_commands_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {target for line in text.splitlines() for target in TARGET.findall(line.strip())}
    named |= {target for code in QUOTED.findall(text) for target in TARGET.findall(code)}
    assert not named - targets
    places = {name: ROOT.joinpath(*name.split(".")) for name in MODULE.findall(text)}
    runnable = {
        name for name, path in places.items() if (path / "__main__.py").exists() or path.with_suffix(".py").exists()
    }
    assert not set(places) - runnable


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for file, anchor in LINK.findall(page.read_text("utf-8")):
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), file
        assert not anchor or anchor in anchors(target), f"{file}#{anchor}"


@pytest.mark.parametrize("module", MODULES, ids=relative)
def test_files_and_names_in_docstrings_exist(module: Path) -> None:
    tokens = set(quoted(module))
    assert not [token for token in tokens if NAME.fullmatch(token) and not is_defined(token)]
    files = [token for token in tokens if FILE.fullmatch(token)]
    assert not [file for file in files if not list(ROOT.glob(file))]

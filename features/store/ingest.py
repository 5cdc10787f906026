"""How a pile of files becomes part of the store: each on its own, none spoiling the others, nothing lost."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from configs import __version__
from configs.errors import GpmcastError
from configs.export_layout import ExportLayout
from configs.settings import Settings
from features.errors import InputError, Problem
from features.readers.export_file import read_export
from features.readers.find_files import find_files
from features.readers.layouts import load_layouts
from features.schema import ExportRead
from features.store.duckdb_store import ImportResult, KnownFile, Store

Progress = Callable[[int, int, Path], None]
"""Called before each file with files done, files in all, and the file."""


@dataclass(frozen=True)
class FileReport:
    """What became of one file.

    Attributes:
        status: `added`; `known`: the store had it, read in the same way; `unusable`: left out, see problems.
        source: Name of the source config that recognised it, where one did.
        added: What it changed in the store; None for a file that was left out.
        problems: All that was found in it, now or when it was first read.
    """

    path: Path
    status: Literal["added", "known", "unusable"]
    source: str
    added: ImportResult | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class IngestReport:
    """What became of all files, in the order they were taken."""

    files: tuple[FileReport, ...]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problems of all files."""
        return tuple(problem for file in self.files for problem in file.problems)


def ingest(
    store: Store,
    paths: Sequence[str | Path],
    settings: Settings,
    *,
    strict: bool = False,
    progress: Progress | None = None,
) -> IngestReport:
    """Take files, folders and patterns into the store, later files winning over earlier ones.

    Each file is one transaction. With `strict` all files together are one, and a file or a row that cannot be
    used undoes it.

    Raises:
        InputError: No file could be used; or strict, and something could not be.
    """
    files = find_files([str(path) for path in paths])
    sources = load_layouts(settings)
    prints = {source.name: fingerprint(source, settings) for source in sources}
    reports: list[FileReport] = []
    # While one file is stored the next is read: DuckDB leaves Python to others while it works.
    with ThreadPoolExecutor(1) as reader, store.transaction() if strict else nullcontext():

        def begin(path: Path) -> _PendingFile:
            return _begin(store, path, prints, lambda: reader.submit(read_export, path, settings, sources))

        begun = begin(files[0])
        for done, path in enumerate(files):
            if progress is not None:
                progress(done, len(files), path)
            begun.wait()
            now, begun = begun, begin(files[done + 1]) if done + 1 < len(files) else begun
            reports.append(_take(store, now, prints, partial(read_export, path, settings, sources)))
        report = IngestReport(tuple(reports))
        refused = [problem for problem in report.problems if problem.severity != "note"]
        if strict and refused:
            raise InputError("Nothing was imported, because --strict was given and there are problems:", refused)
    if all(file.status == "unusable" for file in reports):
        raise InputError("None of the files could be used:", report.problems)
    return report


def fingerprint(source: ExportLayout, settings: Settings) -> str:
    """What decides how files of this source are read; a file read under another one is read again."""
    names = settings.names.read_bytes() if settings.names.exists() else b""
    told = settings.model_dump_json(include={"time_zone", "basis", "tags"})
    parts = [__version__.encode(), source.model_dump_json().encode(), names, told.encode()]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


@dataclass(frozen=True)
class _PendingFile:
    """A file whose turn is to come.

    Attributes:
        read: What it gives, once it is read; None where the store has it already.
    """

    path: Path
    read: Future[ExportRead] | None

    def wait(self) -> None:
        """Until it is read, or cannot be."""
        if self.read is not None:
            wait([self.read])


def _begin(store: Store, path: Path, prints: dict[str, str], start: Callable[[], Future[ExportRead]]) -> _PendingFile:
    try:
        known = store.known(_hash(path), str(path))
    except OSError:
        return _PendingFile(path, None)  # told when it is its turn
    return _PendingFile(path, None if _is_same(known, prints) else start())


def _take(store: Store, begun: _PendingFile, prints: dict[str, str], read_now: Callable[[], ExportRead]) -> FileReport:
    path, sha256, known = begun.path, "", None
    try:
        sha256 = _hash(path)
        known = store.known(sha256, str(path))  # asked again: the file before may have been the same
        if known is not None and _is_same(known, prints):
            return FileReport(path, "known", known.source, None, tuple(store.problems(sha256)))
        read = read_now() if begun.read is None else begun.read.result()
    except (GpmcastError, OSError) as error:
        return _left_out(store, path, sha256, known, _problems_of(error, path))
    if any(problem.severity == "file" for problem in read.problems):
        return _left_out(store, path, read.sha256, known, read.problems)
    added = store.add(read, prints.get(read.source, ""))
    return FileReport(path, "added", read.source, added, tuple(read.problems))


def _is_same(known: KnownFile | None, prints: dict[str, str]) -> bool:
    """Whether the store has the file, read in the same way."""
    return known is not None and prints.get(known.source) == known.fingerprint


def _left_out(
    store: Store, path: Path, sha256: str, known: KnownFile | None, problems: Sequence[Problem]
) -> FileReport:
    with store.transaction():
        if known is not None:
            store.withdraw(known)
        store.reject(str(path), sha256, problems)
    return FileReport(path, "unusable", "", None, tuple(problems))


def _problems_of(error: Exception, path: Path) -> list[Problem]:
    if isinstance(error, InputError) and error.problems:
        return list(error.problems)
    found = error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)
    return [Problem("file", str(path), found, "a file that can be read", "Export it again, or leave it out.")]


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""Import export files into the store, each in a transaction of its own; a bad file never affects the others."""

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
from features.errors import InputError, Problem, unopened
from features.readers.containers import sha256_of
from features.readers.export_file import read_export
from features.readers.find_files import find_files
from features.readers.layouts import load_layouts
from features.readers.names_of_files import account_in_folder, span_in_name
from features.schema import ExportRead
from features.store.duckdb_store import ImportResult, KnownFile, Store

Progress = Callable[[int, int, Path], None]
"""Progress callback, called before each file with the number of files done, of all files, and the file."""


@dataclass(frozen=True)
class FileReport:
    """Result of one file.

    Attributes:
        path: The file.
        status: `added`; `known`: the store already had it, read in the same way; `unusable`: left out, see problems.
        source: Name of the layout that recognised it; empty if none did.
        added: What it changed in the store; None unless `added`.
        problems: All problems found in it, now or when it was first read.
    """

    path: Path
    status: Literal["added", "known", "unusable"]
    source: str
    added: ImportResult | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class IngestReport:
    """Results of all files, in the order of import."""

    files: tuple[FileReport, ...]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Return the problems of all files."""
        return tuple(problem for file in self.files for problem in file.problems)


def ingest(
    store: Store,
    paths: Sequence[str | Path],
    settings: Settings,
    *,
    strict: bool = False,
    progress: Progress | None = None,
) -> IngestReport:
    """Import files, folders and patterns into the store; later files win over earlier ones.

    Args:
        store: An open store.
        paths: Files, folders and glob patterns.
        settings: Of the run.
        strict: Make all files one transaction, and roll it back if any file or row cannot be used.
        progress: Called before each file.

    Raises:
        InputError: No file can be used; or strict, and some file or row cannot.
    """
    files = find_files([str(path) for path in paths])
    layouts = load_layouts(settings)
    same = _SameReading({layout.name: layout for layout in layouts}, settings, {str(path) for path in files})
    reports: list[FileReport] = []
    # While one file is stored, a thread reads the next: DuckDB releases the GIL while it works.
    with ThreadPoolExecutor(1) as reader, store.transaction() if strict else nullcontext():

        def start(path: Path) -> _PendingFile:
            return _start_reading(store, path, same, lambda: reader.submit(read_export, path, settings, layouts))

        pending = start(files[0])
        for done, path in enumerate(files):
            if progress is not None:
                progress(done, len(files), path)
            pending.wait()
            current, pending = pending, start(files[done + 1]) if done + 1 < len(files) else pending
            reports.append(_import(store, current, same, partial(read_export, path, settings, layouts)))
        report = IngestReport(tuple(reports))
        refused = [problem for problem in report.problems if problem.severity != "note"]
        if strict and refused:
            raise InputError(
                "Nothing was imported, because --strict was given and there are problems:",
                refused,
                zh="什么都没有导入：有问题，而命令带了 --strict：",
            )
    if all(file.status == "unusable" for file in reports):
        raise InputError("None of the files could be used:", report.problems, zh="没有一个文件能用：")
    return report


def fingerprint(layout: ExportLayout, settings: Settings, path: Path) -> str:
    """Hash everything besides its bytes that decides how a file is read; under another hash it is read again.

    That is the layout, the settings, the parser of file names, and what the path states: account, promotion type, days.
    """
    names = settings.names.read_bytes() if settings.names.exists() else b""
    relevant = settings.model_dump_json(include={"time_zone", "basis", "tags"})
    types = [part for part in layout.promotion_type.by_file_name if part in path.name]
    stated = repr((account_in_folder(path), types, span_in_name(path)))
    parts = [__version__.encode(), layout.model_dump_json().encode(), names, relevant.encode(), stated.encode()]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


@dataclass(frozen=True)
class _SameReading:
    """Decides whether the store already has a file, read in the same way.

    Attributes:
        layouts: Layout of each name.
        settings: Of the run.
        given: Paths of all files of this import.
    """

    layouts: dict[str, ExportLayout]
    settings: Settings
    given: set[str]

    def fingerprint(self, source: str, path: Path) -> str:
        """Return the fingerprint of a file under a layout; empty for a layout that is not known."""
        layout = self.layouts.get(source)
        return fingerprint(layout, self.settings, path) if layout else ""

    def __call__(self, known: KnownFile | None, path: Path) -> bool:
        if known is None:
            return False
        # A file that was moved is read again where its new path states something else; a copy beside it is not.
        at = Path(known.path) if known.path in self.given else path
        return self.fingerprint(known.source, at) == known.fingerprint


@dataclass(frozen=True)
class _PendingFile:
    """A file that is imported next.

    Attributes:
        path: The file.
        read: Its content, once it is read; None if the store already has it or it cannot be opened.
    """

    path: Path
    read: Future[ExportRead] | None

    def wait(self) -> None:
        """Wait until it is read."""
        if self.read is not None:
            wait([self.read])


def _start_reading(
    store: Store, path: Path, same: _SameReading, read: Callable[[], Future[ExportRead]]
) -> _PendingFile:
    try:
        known = store.known(sha256_of(path), str(path))
    except OSError:
        return _PendingFile(path, None)  # reported by `_import`
    return _PendingFile(path, None if same(known, path) else read())


def _import(store: Store, pending: _PendingFile, same: _SameReading, read_now: Callable[[], ExportRead]) -> FileReport:
    path, sha256, known = pending.path, "", None
    try:
        sha256 = sha256_of(path)
        known = store.known(sha256, str(path))  # again, for the file before may have been the same
        if known is not None and same(known, path):
            return FileReport(path, "known", known.source, None, tuple(store.problems(sha256)))
        read = read_now() if pending.read is None else pending.read.result()
    except (GpmcastError, OSError) as error:
        return _left_out(store, path, sha256, known, _problems_of(error, path))
    if any(problem.severity == "file" for problem in read.problems):
        return _left_out(store, path, read.sha256, known, read.problems)
    added = store.add(read, same.fingerprint(read.source, path))
    return FileReport(path, "added", read.source, added, tuple(read.problems))


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
    if isinstance(error, OSError):
        return [unopened(str(path), error)]
    zh = f"读取失败（{error}）；应为可以读取的文件。处理：重新导出，或拿掉它。"
    return [
        Problem("file", str(path), str(error), "a file that can be read", "Export it again, or leave it out.", zh=zh)
    ]

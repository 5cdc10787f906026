"""Find the export files that paths on the command line name: files, folders and glob patterns."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from features.bilingual import series
from features.errors import InputError

EXTENSIONS = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls", ".json", ".jsonl", ".parquet", ".gz")
"""Extensions that are read in a folder. A file given by its own name is read whatever its extension."""

_TEMPORARY = ("~$", ".", "._")
_LEFTOVERS = (".part", ".tmp", ".crdownload", ".download")
_EXPECTED_FILES = f"files ending in {' '.join(EXTENSIONS)}"
_EXPECTED_FILES_ZH = f"扩展名为 {' '.join(EXTENSIONS)} 的文件"


def find_files(paths: Sequence[str]) -> list[Path]:
    """Return the files of these paths, each once; those of a folder or a pattern are sorted.

    Raises:
        InputError: A path does not exist, or has no file to read.
    """
    if not paths:
        raise InputError(
            f"No data were given: expected a file, a folder or a pattern of {_EXPECTED_FILES}.",
            zh=f"没有给出数据；应为文件、文件夹或通配符，{_EXPECTED_FILES_ZH}。处理：写上 DATA=<文件夹>。",
        )
    found: dict[Path, Path] = {}
    for given in paths:
        for path in _files_of(given):
            found.setdefault(path.resolve(), path)
    return list(found.values())


def _files_of(given: str) -> list[Path]:
    path = Path(given)
    if path.is_file():
        return [path]
    if path.is_dir():
        return _in_folder(path)
    hits = [Path(hit) for hit in sorted(glob.glob(given, recursive=True))]
    if not hits:
        pattern = glob.has_magic(given)
        kind = "nothing matches this pattern" if pattern else "there is no such file or folder"
        kind_zh = "没有文件符合这个通配符" if pattern else "没有这个文件或文件夹"
        raise InputError(
            f"{given}: {kind}. Expected a file, a folder or a pattern of {_EXPECTED_FILES}. Check the path.",
            zh=f"{given}：{kind_zh}；应为文件、文件夹或通配符，{_EXPECTED_FILES_ZH}。处理：检查路径。",
        )
    files = [file for hit in hits for file in (_listed(hit) if hit.is_dir() else [hit]) if _readable(file, hit)]
    if not files:
        raise _nothing_to_read(given, hits)
    return files


def _in_folder(folder: Path) -> list[Path]:
    everything = _listed(folder)
    files = [file for file in everything if _readable(file, folder)]
    if not files:
        raise _nothing_to_read(str(folder), everything)
    return files


def _listed(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _readable(file: Path, below: Path) -> bool:
    parts = file.relative_to(below).parts if file != below else (file.name,)
    if any(part.startswith(_TEMPORARY) for part in parts):
        return False
    return file == below or (file.suffix.casefold() in EXTENSIONS and not file.name.endswith(_LEFTOVERS))


def _nothing_to_read(given: str, seen: Iterable[Path]) -> InputError:
    counts = Counter(path.suffix or path.name for path in seen)
    found = series(f"{count} × {ending}" for ending, count in counts.most_common(6))
    return InputError(
        f"{given}: found {found.en or 'nothing'}; expected {_EXPECTED_FILES}. Put the exports into it, or "
        "name another folder.",
        zh=f"{given}：里面是{f' {found.zh}' if found.zh else '空的'}；应为{_EXPECTED_FILES_ZH}。"
        "处理：把导出文件放进去，或换一个文件夹。",
    )

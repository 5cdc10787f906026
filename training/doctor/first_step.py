"""The doctor as the first step of training: it stops a run whose data do not fit together before they are imported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from configs.settings import Settings
from features.bilingual import Language
from features.errors import InputError
from features.readers.containers import sha256_of
from features.readers.find_files import find_files
from features.store.duckdb_store import open_store
from features.store.inputs import dataset_of
from training.doctor.examine import MOST_BYTES, examine
from training.doctor.screen import show_refusal


def refuse_faults(
    data: Sequence[str], store: Path, settings: Settings, language: Language, out: Console, *, without_tags: bool
) -> None:
    """Examine exports that are not all in the store yet; print the findings and raise where something stops training.

    Data beyond MOST_BYTES are not read twice: what stops them is found after their import (`features.store.joins`).

    Args:
        data: As given on the command line.
        store: File of the workspace's store; it need not exist.
        settings: Of the run.
        language: Of what is printed.
        out: Console to print on.
        without_tags: Go on where the tag sheet does not join.

    Raises:
        InputError: Something must be corrected first.
    """
    if dataset_of(data, settings) is not None:
        return
    files = find_files(list(data))
    if sum(path.stat().st_size for path in files) > MOST_BYTES or _all_known(files, store):
        return
    found = examine(data, settings, without_tags=without_tags)
    if found.faults:
        show_refusal(found, language, out)
        raise InputError("\n".join(fault.in_language(language) for fault in found.faults))


def _all_known(files: Sequence[Path], store: Path) -> bool:
    """Whether the store has all of these files."""
    if not store.exists():
        return False
    with open_store(store, read_only=True) as opened:
        return all(opened.known(sha256_of(path), str(path)) is not None for path in files)

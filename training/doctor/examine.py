"""Examine data before anything is fitted, and refuse to train on those that do not join."""

from pathlib import Path

from configs.settings import Settings
from features.bilingual import Language
from features.errors import InputError
from features.store.duckdb_store import open_store
from features.store.joins import joins_of


def refuse_lost_joins(store: Path, settings: Settings, language: Language, *, without_tags: bool) -> None:
    """Raise where metrics, accounts and the tag sheet do not fit together.

    Args:
        store: File of the store that holds the data.
        settings: Of the run.
        language: Of the message.
        without_tags: Go on where the tag sheet does not join.

    Raises:
        InputError: An account is needed, or the sheet does not join.
    """
    with open_store(store, read_only=True) as opened:
        joins = joins_of(opened, settings)
    faults = [joins.account_fault, None if without_tags else joins.tag_fault]
    found = [fault.in_language(language) for fault in faults if fault]
    if found:
        raise InputError("\n".join(found))

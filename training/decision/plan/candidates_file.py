"""Candidates from a file in the layout of a tag sheet, added to the data of a plan."""

from pathlib import Path

import pandas as pd

from configs.settings import Settings
from features.readers.export_file import read_export
from features.readers.layouts import load_layouts
from features.schema import KEY, Loaded, check_creatives
from features.store.load import creative_table
from training.data.metrics_source import InMemorySource, MetricsSource
from training.decision.plan import words


def with_candidates(source: MetricsSource, path: Path, settings: Settings) -> tuple[InMemorySource, pd.DataFrame]:
    """Add the creatives of a file to the data; nothing is written to a store.

    Args:
        source: Metrics and creatives, in memory.
        path: The file; rows without an account or promotion type take those of the data where there is one alone.
        settings: Of the run: layouts, names, tags.

    Returns:
        The data with the creatives, and KEY of those in the file. A creative that the data have keeps their row.

    Raises:
        InputError: The data are not in memory, or the file or a row of it cannot be used.
    """
    if not isinstance(source, InMemorySource):
        raise words.refusal(words.CANDIDATES_LARGE)
    read = read_export(path, settings, load_layouts(settings))
    known = source.creatives
    table, notes = creative_table(read.attributes, known[KEY])
    table = table[table["creative_id"].isin(read.attributes["creative_id"])]
    left_out = notes.get("announced_without_account", 0)
    if left_out or not len(table):
        raise words.refusal(words.unusable_candidates(path.name, left_out, read.problems))
    new = table[~pd.MultiIndex.from_frame(table[KEY]).isin(pd.MultiIndex.from_frame(known[KEY]))]
    new = new[[name for name in map(str, new) if not name.startswith("tag_") or name in known or settings.tags.extra]]
    creatives = pd.concat([known, new], ignore_index=True).sort_values(KEY, ignore_index=True) if len(new) else known
    loaded = Loaded(source.loaded.metrics, check_creatives(creatives), source.loaded.notes)
    return InMemorySource(loaded), table[KEY].reset_index(drop=True)

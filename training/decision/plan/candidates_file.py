"""Candidates from a file in the layout of a tag sheet, added to the data of a plan."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd

from configs.settings import Settings
from features.bilingual import Words
from features.errors import InputError, Problem, row_problem
from features.readers.export_file import read_export
from features.readers.layouts import load_layouts
from features.schema import ANY, KEY, ExportRead, Loaded, check_creatives
from features.store.creative_table import creative_table
from training.data.metrics_source import InMemorySource, MetricsSource
from training.decision.plan.refusals import CANDIDATES_LARGE, NO_CREATIVE_IN_FILE, refused

LACKING = {
    ("account_id",): Words("没有账户ID", "no account id"),
    ("promotion_type",): Words("没有推广方式", "no promotion type"),
    ("promotion_type", "account_id"): Words("没有推广方式和账户ID", "neither promotion type nor account id"),
}
"""Parts of the key that a row does not give, nor the data → what is said of it."""


def with_candidates(source: MetricsSource, path: Path, settings: Settings) -> tuple[InMemorySource, pd.DataFrame]:
    """Add the creatives of a file to the data; nothing is written to a store.

    Args:
        source: Metrics and creatives, in memory.
        path: The file; rows without an account or promotion type take those of the data where there is one alone.
        settings: Of the run: layouts, names, tags.

    Returns:
        The data with the creatives, and KEY of those in the file. A creative that the data have keeps their row.

    Raises:
        InputError: The data are not in memory, or the file or a row of it cannot be used; each problem has its rows.
    """
    if not isinstance(source, InMemorySource):
        raise refused(CANDIDATES_LARGE)
    read = read_export(path, settings, load_layouts(settings))
    known = source.creatives
    table, _ = creative_table(read.attributes, known[KEY])
    table = table[table["creative_id"].isin(read.attributes["creative_id"])]
    problems = [replace(one, file=path.name) for one in read.problems if one.severity != "note"]
    problems += _unusable(read, set(table["creative_id"]), path.name)
    if problems:
        raise InputError(f"{path.name}: the candidates cannot be used", problems, zh=f"{path.name}：候选不能用")
    if not len(table):
        raise refused(NO_CREATIVE_IN_FILE, file=path.name)
    new = table[~pd.MultiIndex.from_frame(table[KEY]).isin(pd.MultiIndex.from_frame(known[KEY]))]
    new = new[[name for name in map(str, new) if not name.startswith("tag_") or name in known or settings.tags.extra]]
    creatives = pd.concat([known, new], ignore_index=True).sort_values(KEY, ignore_index=True) if len(new) else known
    loaded = Loaded(source.loaded.metrics, check_creatives(creatives), source.loaded.notes)
    return InMemorySource(loaded), table[KEY].reset_index(drop=True)


def _unusable(read: ExportRead, usable: set[str], file: str) -> Iterator[Problem]:
    """What rows of a file lack that are read and are no candidates."""
    if read.rows is None:
        return
    rows = read.rows[~read.rows["creative_id"].isin(usable)]
    blank = ~rows["creative_id"].isin(read.attributes["creative_id"])
    if blank.any():
        yield row_problem(
            file,
            rows.loc[blank, "row"].to_numpy(),
            found="an id and nothing else",
            expected="a product, a KOC, a price or a tag",
            cure="Fill in what the creative is, or delete the row.",
            zh="只有素材ID，商品、达人、价格和标签全是空的，没有东西可比。处理：至少补上商品、达人或一个标签，或删掉这一行。",
        )
    for parts, what in LACKING.items():
        lack = ~blank & (rows["account_id"].eq(ANY) == ("account_id" in parts))
        lack &= rows["promotion_type"].eq(ANY) == ("promotion_type" in parts)
        if lack.any():
            yield row_problem(
                file,
                rows.loc[lack, "row"].to_numpy(),
                found=what.en,
                expected="creative id, account id and promotion type",
                cure="The data have several of them, so fill it in.",
                zh=f"{what.zh}，数据里不止一个，猜不出来。处理：补上。",
            )

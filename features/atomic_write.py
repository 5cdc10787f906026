"""Write files atomically: a file appears complete or not at all."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from configs.errors import ConfigError
from features.sanitise import spreadsheet_cell
from features.schema import KEY

PLAIN_ID = re.compile(r"[\w-]+")


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write CSV or Parquet, by the file's ending.

    CSV is UTF-8 with BOM, which spreadsheets need for Chinese; texts that a spreadsheet would evaluate as a formula get
    an apostrophe in front. Ids of letters, digits, `_` and `-` stay as they are, for other tools join by them.
    """
    refuse_ending(path)
    with draft(path) as unfinished:
        if path.suffix == ".csv":
            texts = table.select_dtypes(exclude=["number", "bool", "datetime"]).columns
            safe = table.assign(
                **{str(name): table[name].map(_id_cell if name in KEY else spreadsheet_cell) for name in texts}
            )
            safe.to_csv(unfinished, index=False, encoding="utf-8-sig", float_format="%.9g")
        else:
            table.to_parquet(unfinished, index=False)


def _id_cell(value: object) -> object:
    return value if isinstance(value, str) and PLAIN_ID.fullmatch(value) else spreadsheet_cell(value)


def write_text(text: str, path: Path) -> None:
    """Write a text as UTF-8."""
    with draft(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


@contextmanager
def draft(path: Path) -> Iterator[Path]:
    """A file beside `path` to write to, which takes its place at the end; nothing changes where writing fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    try:
        yield Path(name)
        os.chmod(name, 0o644)
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def refuse_ending(path: Path) -> None:
    """Raise ConfigError for a file that is neither CSV nor Parquet by its ending."""
    if path.suffix not in (".csv", ".parquet"):
        raise ConfigError(
            f"{path}: expected a file that ends in .csv or .parquet.",
            zh=f"{path}：输出文件要以 .csv 或 .parquet 结尾。处理：改名，例如 {path.stem}.csv（Excel 能打开）。",
        )

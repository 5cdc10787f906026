"""How a Parquet file becomes columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.readers.cells import plain
from features.readers.findings import Findings
from features.readers.grid import Grid, Rows


def parquet_grid(content: bytes, findings: Findings) -> Grid:
    """The table; its first row counts as row 2, as if the header stood above it."""
    try:
        table: Any = pq.read_table(pa.BufferReader(content))
    except (pa.ArrowException, OSError) as error:
        raise findings.unusable(
            found=f"a Parquet file that is cut off or damaged ({str(error)[:120]})",
            expected="a whole Parquet file",
            cure="Write or copy it again.",
        ) from None
    numbers = np.arange(2, table.num_rows + 2, dtype=np.int64)
    return Grid("", [list(table.column_names)], lambda _: Rows([plain(c) for c in table.columns], numbers))

"""A plan as files: a CSV with a row per creative, and beside it a JSON with every figure."""

from pathlib import Path

import orjson
import pandas as pd

from features.atomic_write import write_table, write_text
from training.decision.plan.make_plan import Plan

FIRST = ["part", "creative_name", "call", "test", "today", "propensity"]


def write_plan(plan: Plan, path: Path) -> Path:
    """Write both files; return the path of the JSON.

    Args:
        plan: The plan.
        path: CSV or Parquet.
    """
    table = pd.concat([plan.candidates, plan.running], ignore_index=True)
    first = [name for name in FIRST if name in table]
    write_table(table[[*first, *(name for name in map(str, table) if name not in first)]], path)
    beside = path.with_suffix(".json")
    options = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NAIVE_UTC
    write_text(orjson.dumps(plan.document(), option=options).decode(), beside)
    return beside

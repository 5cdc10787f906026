"""Is the same thing said twice in one file? Once is enough if both agree; if not, neither is believed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.readers.findings import Findings, counted, example
from features.schema import KEY, PERIOD


def without_repeats(metrics: pd.DataFrame, findings: Findings) -> pd.DataFrame:
    """Rows unique by KEY + PERIOD; `row` is the row number."""
    natural = [*KEY, *PERIOD]
    repeated = metrics.duplicated(natural, keep=False)
    if not repeated.any():
        return metrics
    twice = metrics[repeated]
    values = [name for name in metrics if name not in natural and name != "row"]
    groups = twice.groupby(natural, sort=False)
    codes = groups.ngroup()
    filled = twice[values].fillna(-1.0)
    firsts = filled.groupby(codes).transform("first")
    differs = filled != firsts
    torn = differs.any(axis=1).groupby(codes).transform("any")
    if torn.any():
        place = int(np.flatnonzero(differs.any(axis=1))[0])
        name = next(name for name in values if differs[name].iloc[place])
        one = twice[codes == codes.iloc[place]]
        column = one[name]
        findings.left_out(
            one["row"].tolist() + twice.loc[torn & (codes != codes.iloc[place]), "row"].tolist(),
            found=f"several rows for creative {example(one['creative_id'].iloc[0])} and one period that differ in "
            f"{name}: {column.iloc[0]:g} in row {one['row'].iloc[0]}, "
            f"{twice[name].iloc[place]:g} in row {twice['row'].iloc[place]}",
            expected="one row per creative and period",
            cure="Two exports seem to be pasted together: give them as files of their own, or split them by what makes "
            "the rows differ (account, promotion type, hour).",
        )
    extra = twice.duplicated(natural, keep="first") & ~torn
    if extra.any():
        findings.note(
            found=f"{counted(extra)} that repeat another row",
            expected="one row per creative and period",
            cure="Each was taken once.",
            rows=twice.loc[extra, "row"].to_numpy(),
        )
    gone = torn | extra
    return metrics.drop(index=gone.index[gone])

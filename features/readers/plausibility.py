"""Can these numbers be? What contradicts the meaning of a column is left out; what is merely odd is kept."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.readers.findings import Findings, counted
from features.readers.table import Ints, Mask
from features.schema import COUNTS, SUMS

_CENT = 0.011
_PARTS = 0.021
"""Three amounts rounded to a cent each."""

_GROSS = {
    "net_gmv_cny": "gmv_cny",
    "settled_gmv_7d_cny": "gmv_cny",
    "settled_gmv_14d_cny": "gmv_cny",
    "settled_gmv_30d_cny": "gmv_cny",
    "settled_gmv_90d_cny": "gmv_cny",
    "net_orders": "orders",
}
"""Value → the value it is a part of. Platforms do count more plays than impressions, and more clicks: not here."""


def impossible(values: pd.DataFrame, numbers: Ints, headers: Mapping[str, str], findings: Findings) -> Mask:
    """Rows with a negative value, or with more left after refunds than was sold."""
    bad = np.zeros(len(values), dtype=bool)
    for name in values:
        below = values[name].to_numpy() < 0
        if below.any():
            findings.left_out(
                numbers[below & ~bad],
                found=f"{values[name].to_numpy()[below].min():g}",
                expected="0 or more",
                cure="Corrections and refunds of the platform change past rows instead: export the file again.",
                column=headers.get(name, name),
            )
            bad |= below
    for part, whole in _GROSS.items():
        if part in values and whole in values:
            above = (values[part] > values[whole] + _CENT).to_numpy() & ~bad
            if above.any():
                place = int(np.flatnonzero(above)[0])
                findings.left_out(
                    numbers[above],
                    found=f"{values[part].iloc[place]:g}, more than {headers.get(whole, whole)} "
                    f"({values[whole].iloc[place]:g})",
                    expected=f"at most {headers.get(whole, whole)}",
                    cure="Net is what is left of gross: check whether the columns are mixed up, and export again.",
                    column=headers.get(part, part),
                )
                bad |= above
    return bad


def note_oddities(values: pd.DataFrame, numbers: Ints, findings: Findings) -> None:
    """Counts of what looks wrong and is kept as the platform gives it."""
    if {"clicks", "impressions"} <= set(values):
        more = (values["clicks"] > values["impressions"]).to_numpy()
        if more.any():
            findings.note(
                found=f"{counted(more)} with more clicks than impressions",
                expected="at most one click per impression",
                cure="They were kept: the platform does this now and then.",
                rows=numbers[more],
            )
    if {"spend_cny", "base_spend_cny", "boost_spend_cny"} <= set(values):
        rest = values["spend_cny"] - values["base_spend_cny"] - values["boost_spend_cny"]
        off = (rest.abs() > _PARTS).to_numpy()
        if off.any():
            findings.note(
                found=f"{counted(off)} whose spend is not base plus boost, by up to {rest.abs().max():.2f}",
                expected="spend = base + boost",
                cure="They were kept as they are.",
                rows=numbers[off],
            )


def tidy(values: pd.DataFrame, recovered: set[str]) -> pd.DataFrame:
    """Parts recovered from a rounded ratio, brought back to the whole they belong to."""
    clipped = values.copy()
    for part in recovered & set(_GROSS):
        whole = _GROSS[part]
        if whole in values:
            slack = np.maximum(0.01 * values[whole], _CENT if part in SUMS else 1.0 if part in COUNTS else 0.0)
            close = (values[part] > values[whole]) & (values[part] <= values[whole] + slack)
            clipped[part] = values[part].mask(close, values[whole])
    return clipped

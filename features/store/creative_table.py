"""One row of typed attributes and tags per creative, from rows of single attributes."""

import numpy as np
import pandas as pd

from features.schema import ANY, ATTRIBUTES, KEY, NUMBERS, ORIGINS, TIMES

_KEY_PATTERNS = [[*KEY], ["account_id", "creative_id"], ["promotion_type", "creative_id"], ["creative_id"]]
"""Parts of the KEY that an attribute row can name, most specific first; the other parts are ANY."""


def creative_table(attributes: pd.DataFrame, units: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Build one row of typed attributes and tags per creative.

    Of several values of one attribute the one of the strongest origin wins, and among those the one with the most
    specific key.

    Args:
        attributes: KEY + `name`, `origin`, `value` (text); parts of the KEY may be ANY.
        units: KEY of the creatives with metrics. Creatives that only `attributes` names are added.

    Returns:
        KEY, ATTRIBUTES (typed) and tags as `tag_<name>`, sorted by KEY; and counts of what could not be used.
    """
    attributes = attributes[attributes["value"].notna() & (attributes["value"] != "")]
    units, without_account = _with_announced(attributes, units[KEY].drop_duplicates())
    units = units.sort_values(KEY, ignore_index=True)
    long = _assign_to_units(attributes, units)
    wide = long.pivot(index="unit", columns="name", values="value").reindex(range(len(units)))
    creatives = units.copy()
    unusable = 0
    for name in [*ATTRIBUTES, *sorted(set(map(str, wide.columns)) - set(ATTRIBUTES))]:
        if name not in wide.columns:
            continue
        typed = _typed(name, wide[name])
        unusable += int((typed.isna() & wide[name].notna()).sum())
        if typed.notna().any():
            creatives[name if name in ATTRIBUTES else f"tag_{name}"] = typed.to_numpy()
    notes = {"announced_without_account": without_account, "attribute_values_unusable": unusable}
    return creatives, {name: count for name, count in notes.items() if count}


def _with_announced(attributes: pd.DataFrame, units: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Add creatives without metrics to the units.

    Returns:
        The units, and the number of creatives without metrics whose account or promotion type is unknown.
    """
    rows = attributes[KEY].drop_duplicates()
    exact = (rows["account_id"] != ANY) & (rows["promotion_type"] != ANY)
    units = pd.concat([units, rows[exact]], ignore_index=True).drop_duplicates()
    loose = rows[~exact]
    matched = np.zeros(len(loose), dtype=bool)
    for on in _KEY_PATTERNS[1:]:
        fits = _has_pattern(loose, on).to_numpy()
        known = pd.MultiIndex.from_frame(units[on])
        matched |= fits & pd.MultiIndex.from_frame(loose[on]).isin(known)
    announced = loose[~matched].copy()
    for part in ["promotion_type", "account_id"]:
        only = units[part].unique()
        if len(only) == 1:
            announced[part] = announced[part].where(announced[part] != ANY, only[0])
    resolved = (announced["account_id"] != ANY) & (announced["promotion_type"] != ANY)
    units = pd.concat([units, announced[resolved]], ignore_index=True).drop_duplicates()
    left_out = set(announced.loc[~resolved, "creative_id"]) - set(announced.loc[resolved, "creative_id"])
    return units, len(left_out)


def _assign_to_units(attributes: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """Return `unit` (row of `units`), `name` and `value`: the winning value of each unit and attribute."""
    numbered = units.assign(unit=np.arange(len(units)))
    origin = attributes["origin"].map({origin: place for place, origin in enumerate(ORIGINS)}).astype(np.int64)
    found = []
    for exactness, on in enumerate(reversed(_KEY_PATTERNS)):
        fits = _has_pattern(attributes, on)
        rows = attributes.loc[fits, [*on, "name", "value"]].assign(rank=origin[fits] * len(_KEY_PATTERNS) + exactness)
        found.append(rows.merge(numbered[[*on, "unit"]], on=on)[["unit", "name", "value", "rank"]])
    long = pd.concat(found, ignore_index=True).sort_values("rank", kind="stable")
    return long.drop_duplicates(["unit", "name"], keep="last")


def _has_pattern(rows: pd.DataFrame, on: list[str]) -> pd.Series:
    """Flag rows whose key names exactly these parts."""
    fits = pd.Series(True, index=rows.index)
    for part in ["promotion_type", "account_id"]:
        fits &= (rows[part] != ANY) == (part in on)
    return fits


def _typed(name: str, values: pd.Series) -> pd.Series:
    """Convert the text of one attribute to its type; text that cannot be converted is missing."""
    if name in NUMBERS:
        number = pd.to_numeric(values, errors="coerce").astype(float)
        return number.where(np.isfinite(number) & (number >= 0))
    if name in TIMES:
        return pd.to_datetime(values, format="ISO8601", errors="coerce").astype("datetime64[us]")
    return values.astype("str")

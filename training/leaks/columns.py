"""Candidate columns of checks 7 to 9 as integer levels: features, attributes, parts of ids, missing-value patterns."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.arrays import Floats, Ints
from features.attributes import NUMBER_ATTRIBUTES, OUTCOMES
from features.matrix.catalogue import Feature
from features.matrix.feature_matrix import Features, Fitted
from features.point_in_time.entity_history import TAG
from features.schema import KEY, NUMBERS, TEXTS
from training.leaks.outcome_ranks import OutcomeRanks, ranks_in

PARENTS = {
    **{a.feature_name: a.name for a in NUMBER_ATTRIBUTES},
    "price_band": "price_cny",
    "creation_delay": "created_at",
}
"""Feature → the attribute it is computed from, where the names differ."""

BLENDS = ("base_", "own_")
"""Prefixes of features that combine all others, as those of the group `funnel` do."""

OWN_GROUPS = ("early", "pacing", "paid", "funnel")
"""Feature groups counted from the creative's own rows."""
DATED_GROUPS = (*OWN_GROUPS, "history", "siblings")
"""Feature groups counted from rows with a date, which checks 1 to 4 recompute."""
MAX_LEVELS = 20
CREATIVES_PER_LEVEL = 20
NUMERIC_SHARE = 0.9
"""Share of values that are numbers from which a text column is treated as numeric."""
UNIQUE_SHARE = 0.9
"""Share of different values from which a text column is treated as an id."""


@dataclass(frozen=True)
class CandidateColumn:
    """A column whose association with later outcomes is tested.

    Attributes:
        name: Display name.
        family: Attributes it is computed from; columns of the same family are left out of what it is compared with.
        levels: Level of each creative; 0 is missing.
        dated: True if it is counted from rows with a date, so that checks 1 to 4 cover it.
    """

    name: str
    family: frozenset[str]
    levels: Ints
    dated: bool = False


def is_blend(feature: Feature) -> bool:
    """Return whether a feature combines all others: it is no single column, and would pass a leak of any of them on."""
    return feature.group == "funnel" or feature.name.startswith(BLENDS)


def family_of(feature: str, fitted: Fitted) -> frozenset[str]:
    """Return the attributes that a feature is computed from; its own name where there are none."""
    for entity in fitted.entities:
        stages = [stage.name for stage in fitted.funnel.stages] + ["volume"]
        if feature in (f"launched_{entity.name}", *(f"hist_{entity.name}_{stage}" for stage in stages)):
            return frozenset(entity.columns[1:])
    if feature.startswith("text_"):
        return frozenset({"copy_text"})
    return frozenset({PARENTS.get(feature, feature.partition("=")[0])})


def single_features(features: Features, fitted: Fitted, ranks: OutcomeRanks) -> list[CandidateColumn]:
    """Return the features that are computed from one attribute each, with the trees' values as levels."""
    found = []
    for feature in features.catalogue:
        family = family_of(feature.name, fitted)
        mixed = is_blend(feature) or len(family) > 1
        if mixed or (not ranks.before_delivery and feature.group in OWN_GROUPS):
            continue
        values = features.values[feature.name]
        levels = codes(values) if feature.categorical else bins(values)
        found.append(CandidateColumn(feature.name, family, levels, feature.group in DATED_GROUPS))
    return [column for column in found if np.ptp(column.levels)]


def attributes(creatives: pd.DataFrame, cells: Ints) -> list[CandidateColumn]:
    """Return attributes and tags as written, also those the model does not use; numbers also as ranks inside a cell.

    A pasted total depends on the size of its account; its rank inside the cell does not.
    """
    found = []
    for name in map(str, creatives):
        numbers: Floats | None
        if name in NUMBERS:
            numbers = creatives[name].to_numpy(np.float64)
        elif name.startswith(TAG) or (name in TEXTS and name not in OUTCOMES):
            numbers = as_numbers(creatives[name])
        else:
            continue
        if numbers is None:
            found.append(CandidateColumn(name, frozenset({name}), codes(creatives[name])))
        else:
            found.append(CandidateColumn(name, frozenset({name}), bins(numbers)))
            found.append(CandidateColumn(f"{name} (inside a week)", frozenset({name}), bins(ranks_in(numbers, cells))))
    return [column for column in found if np.ptp(column.levels)]


def orders_of_ids(creatives: pd.DataFrame, launched: pd.Series, cells: Ints) -> list[CandidateColumn]:
    """Return ids by order (over all and inside a cell), by first characters and by last character.

    The order inside a cell is the residual of a regression on launch time, because ids are assigned as time passes.
    """
    found = []
    time = ranks_in(launched.to_numpy("datetime64[s]").astype(np.float64), cells)
    for name in ["creative_id", *id_like(creatives)]:
        values = creatives[name]
        number = places_in_order(values)
        inside = ranks_in(number, cells)
        known = np.isfinite(inside)
        slope = float(inside[known] @ time[known]) / max(float(time[known] @ time[known]), 1e-9)
        views = {
            "in order": bins(number),
            "in order inside a week": bins(inside - slope * time),
            "first characters": codes(values.str[:3]),
            "last characters": codes(values.str[-1:]),
        }
        found += [CandidateColumn(f"{name} ({view})", frozenset({name}), levels) for view, levels in views.items()]
    return [column for column in found if np.ptp(column.levels)]


def missing_patterns(creatives: pd.DataFrame) -> list[CandidateColumn]:
    """Return missing-value indicators; attributes that are missing for the same creatives are one column."""
    patterns: dict[bytes, list[str]] = {}
    for name in map(str, creatives.columns.difference([*KEY, *OUTCOMES], sort=False)):
        known = creatives[name].notna().to_numpy(np.bool_)
        if known.any() and not known.all():
            patterns.setdefault(known.tobytes(), []).append(name)
    return [
        CandidateColumn(", ".join(names), frozenset(names), np.frombuffer(pattern, dtype=bool).astype(np.int64))
        for pattern, names in patterns.items()
    ]


def id_like(creatives: pd.DataFrame) -> list[str]:
    """Return the text columns whose values are nearly unique, short and present for half of the creatives."""
    found = []
    for name in [name for name in map(str, creatives) if name.startswith(TAG) or name == "creative_name"]:
        values = creatives[name].dropna()
        short = values.str.len().le(64).mean() if len(values) else 0.0
        if (
            len(values) >= len(creatives) / 2
            and values.nunique() >= UNIQUE_SHARE * len(values)
            and short > NUMERIC_SHARE
        ):
            found.append(name)
    return found


def places_in_order(values: pd.Series) -> Floats:
    """Return the rank of each id, by its first run of three or more digits where most ids have one, else as text.

    Digits are compared as zero-padded text: nineteen of them do not fit a float.
    """
    digits = values.str.extract(r"(\d{3,})", expand=False)
    if digits.notna().mean() > NUMERIC_SHARE:
        values = digits.str.lstrip("0").str.zfill(int(digits.str.len().max()))
    return np.asarray(values.rank(method="dense"), dtype=np.float64)


def as_numbers(values: pd.Series) -> Floats | None:
    """Return a text column as numbers; None unless nearly all values are numbers and there are many of them."""
    numbers = pd.to_numeric(values.str.replace(",", "").str.removesuffix("%"), errors="coerce")
    known = int(values.notna().sum())
    if not known or numbers.notna().sum() < NUMERIC_SHARE * known or numbers.nunique() <= MAX_LEVELS:
        return None
    return np.asarray(numbers, dtype=np.float64)


def codes(values: pd.Series | Floats) -> Ints:
    """Return the level of each value, (creatives,); 0 for missing."""
    return np.asarray(pd.factorize(values)[0] + 1, dtype=np.int64)


def bins(values: Floats) -> Ints:
    """Return levels, (creatives,), by quantile of the creatives and by quantile of the different values; 0 for missing.

    Quantiles of the different values separate columns that are 0 for most creatives.
    """
    known = values[np.isfinite(values)]
    count = int(np.clip(len(known) // CREATIVES_PER_LEVEL, 2, MAX_LEVELS))
    if not len(known):
        return np.zeros(len(values), dtype=np.int64)
    places = np.linspace(0, 1, count + 1)[1:-1]
    edges = np.unique(np.concatenate([np.quantile(known, places), np.quantile(np.unique(known), places)]))
    return np.where(np.isfinite(values), np.searchsorted(edges, values, side="left") + 1, 0).astype(np.int64)

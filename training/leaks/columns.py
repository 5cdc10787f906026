"""Which columns could know too much? Features, attributes as written, ids in order, what is filled in: as levels."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.attributes import NUMBER_ATTRIBUTES
from features.matrix.feature_matrix import Features, Fitted
from features.point_in_time.entity_history import TAG
from features.schema import KEY, NUMBERS, TEXTS
from training.leaks.evidence import OutcomeRanks, ranks_in
from training.leaks.later import Floats, Ints

PARENTS = {
    **{a.feature_name: a.name for a in NUMBER_ATTRIBUTES},
    "price_band": "price_cny",
    "creation_delay": "created_at",
}
"""Feature → the attribute it is made of, where the names differ."""

BLENDS = ("base_", "own_")
"""Features that mix all others: none of them is a single column, and each would hand a leak on."""

OWN_LIFE = ("early", "pacing", "paid")
DATED = (*OWN_LIFE, "history", "siblings")
MOST_LEVELS = 20
ROWS_A_LEVEL = 20
NUMERIC = 0.9
"""Share of values that are numbers from which a column of words counts as one of numbers."""
NEARLY_UNIQUE = 0.9


@dataclass(frozen=True)
class CandidateColumn:
    """A column that is tried.

    Attributes:
        name: Told to people.
        family: Attributes it is made of; its relatives are kept out of what it is compared with.
        levels: One a creative of the evidence; 0 is missing.
        dated: It is counted from rows with a date, which the checks of time make again: those prove or fail it.
    """

    name: str
    family: frozenset[str]
    levels: Ints
    dated: bool = False


def family_of(feature: str, fitted: Fitted) -> frozenset[str]:
    """The attributes that a feature is made of; its own name where it is made of none."""
    for entity in fitted.entities:
        stages = [stage.name for stage in fitted.funnel.stages] + ["volume"]
        if feature in (f"launched_{entity.name}", *(f"hist_{entity.name}_{stage}" for stage in stages)):
            return frozenset(entity.columns[1:])
    if feature.startswith("text_"):
        return frozenset({"copy_text"})
    return frozenset({PARENTS.get(feature, feature.partition("=")[0])})


def single_features(features: Features, fitted: Fitted, evidence: OutcomeRanks) -> list[CandidateColumn]:
    """Features that stand on one attribute each, as the trees see them."""
    found = []
    for feature in features.catalogue:
        family = family_of(feature.name, fitted)
        mixed = feature.name.startswith(BLENDS) or len(family) > 1
        if mixed or (not evidence.unborn and feature.group in OWN_LIFE):
            continue
        values = features.values[feature.name]
        levels = codes(values) if feature.categorical else bins(values)
        found.append(CandidateColumn(feature.name, family, levels, feature.group in DATED))
    return [column for column in found if np.ptp(column.levels)]


def attributes(creatives: pd.DataFrame, cells: Ints) -> list[CandidateColumn]:
    """Attributes and tags as they are written, those of the team's own too; numbers also in order inside a cell.

    A sum pasted in is as large as its account; inside its own cell it is as telling as any.
    """
    found = []
    for name in creatives:
        if name in NUMBERS:
            numbers = creatives[name].to_numpy(np.float64)
        elif name.startswith(TAG) or (name in TEXTS and name != "platform_label"):
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
    """Ids in order, over all and inside a cell; their first characters; their last digits.

    Inside a cell the order is told less what the hour of launch says of it: ids are given as time goes by.
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


def filled_in(creatives: pd.DataFrame) -> list[CandidateColumn]:
    """Whether an attribute is known; attributes known of the same creatives are one column."""
    patterns: dict[bytes, list[str]] = {}
    for name in creatives.columns.difference([*KEY, "platform_label"], sort=False):
        known = creatives[name].notna().to_numpy()
        if known.any() and not known.all():
            patterns.setdefault(known.tobytes(), []).append(name)
    return [
        CandidateColumn(", ".join(names), frozenset(names), np.frombuffer(pattern, dtype=bool).astype(np.int64))
        for pattern, names in patterns.items()
    ]


def id_like(creatives: pd.DataFrame) -> list[str]:
    """Columns of words nearly every creative has another value of, and that are no prose and no measure."""
    found = []
    for name in [name for name in creatives if name.startswith(TAG) or name == "creative_name"]:
        values = creatives[name].dropna()
        short = values.str.len().le(64).mean() if len(values) else 0.0
        if len(values) >= len(creatives) / 2 and values.nunique() >= NEARLY_UNIQUE * len(values) and short > NUMERIC:
            found.append(name)
    return found


def places_in_order(values: pd.Series) -> Floats:
    """Rank of each id: as whole numbers where all are, by their digits where most have some, else as words.

    Whole numbers are compared digit by digit: nineteen of them do not fit a float.
    """
    digits = values.str.extract(r"(\d{3,})", expand=False)
    told = digits if digits.notna().mean() > NUMERIC else values
    padded = told.str.lstrip("0").str.zfill(int(told.str.len().max())) if told is digits else told
    return padded.rank(method="dense").to_numpy(np.float64)


def as_numbers(values: pd.Series) -> Floats | None:
    """Words as numbers, where nearly all are and there are many."""
    numbers = pd.to_numeric(values.str.replace(",", "").str.removesuffix("%"), errors="coerce")
    known = int(values.notna().sum())
    if not known or numbers.notna().sum() < NUMERIC * known or numbers.nunique() <= MOST_LEVELS:
        return None
    return numbers.to_numpy(np.float64)


def codes(values: pd.Series | Floats) -> Ints:
    """A level per value; 0 for missing."""
    return np.asarray(pd.factorize(values)[0] + 1, dtype=np.int64)


def bins(values: Floats) -> Ints:
    """A level per stretch of equally many creatives, and of equally many different values; 0 for missing.

    Most outcomes are 0 for most creatives: equal stretches alone would not part the few that are not.
    """
    known = values[np.isfinite(values)]
    count = int(np.clip(len(known) // ROWS_A_LEVEL, 2, MOST_LEVELS))
    if not len(known):
        return np.zeros(len(values), dtype=np.int64)
    places = np.linspace(0, 1, count + 1)[1:-1]
    edges = np.unique(np.concatenate([np.quantile(known, places), np.quantile(np.unique(known), places)]))
    return np.where(np.isfinite(values), np.searchsorted(edges, values, side="left") + 1, 0).astype(np.int64)

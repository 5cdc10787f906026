"""Exact SHAP values of boosted trees from lookup tables: those of LightGBM's `pred_contrib`, several times as fast.

Path-dependent TreeSHAP (Lundberg, Erion and Lee 2018), tabulated per leaf. A tree is a sum over its leaves: leaf ℓ adds
its value v where every split on its path sends the row to it. Let U be the distinct features on that path. For feature
j of U, o_j ∈ {0, 1} is 1 if the row follows all of the path's splits on j, and z_j is the product of the cover ratios
(child's training rows over its parent's) of these splits, which the path-dependent expectation puts in the place of o_j
where j is not known. With a set S of features known, the leaf
adds v · Π_{j∈S} o_j · Π_{j∉S} z_j, so the Shapley value of feature i at this leaf is

    φ_i = v · (o_i − z_i) · Σ_{S ⊆ U∖i}  |S|! (|U|−1−|S|)! / |U|!  · Π_{j∈S} o_j · Π_{j∉S, j≠i} z_j

and the sum over S is read off the coefficients of the polynomial Π_{j≠i} (z_j + o_j t): the coefficient of t^s gathers
all S of size s. It depends on the row through the bits o alone, so it can be tabulated beforehand.

When a model is loaded, the leaves of each tree are packed into groups whose paths together hold at most MOST_BITS
splits, and for every group the table *decisions of its splits → contribution of each of its features* is filled. A row
then costs one comparison with all splits of all boosters at once, one number of bits a group, one gather from the
tables and one `bincount`. Nothing is approximated; the tables are compared with `pred_contrib` before they are used.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import factorial
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

GOOD_BITS = 8
"""Splits of a group, unless one path alone has more: a table has 2^bits rows."""
MOST_BITS = 14
"""Splits of the longest path that can be tabulated."""
MOST_CELLS = 20_000_000
"""Cells of all tables together (8 bytes each); more is refused."""
CELLS_AT_ONCE = 1 << 20
ZERO = 1e-35
"""LightGBM treats smaller absolute values as 0."""
CLOSE = 1e-9


class NotTabulable(ValueError):
    """A booster that this method cannot tabulate; the message states why."""


Steps = tuple[tuple[int, bool, float], ...]
"""Of each split on a path: its number, whether the path goes left, cover ratio of the child."""


class _Leaf:
    """A leaf: its value, its path, and by distinct feature of the path the splits and the product of ratios."""

    def __init__(self, value: float, path: Steps, feature_of: Sequence[int]) -> None:
        self.value = value
        self.path = path
        self.used = list(dict.fromkeys(feature_of[number] for number, _, _ in path))
        self.ratio = [1.0] * len(self.used)
        for number, _, cover in path:
            self.ratio[self.used.index(feature_of[number])] *= cover


@dataclass(frozen=True)
class _Group:
    splits: list[int]
    features: list[int]
    table: Floats
    """(2^splits, features) Contributions by pattern of decisions."""


class TreeTables:
    """The tables of several boosters, evaluated together."""

    def __init__(self, boosters: Mapping[str, tuple[lgb.Booster, Sequence[int]]]) -> None:
        """Fill the tables.

        Args:
            boosters: By name: a booster, and the columns of the rows that are its features, in its order.

        Raises:
            NotTabulable: A tree has paths too long, linear leaves, or leaves that no training row fell into.
        """
        self._width = {name: len(columns) + 1 for name, (_, columns) in boosters.items()}
        splits: list[dict[str, Any]] = []
        groups: list[_Group] = []
        base = np.zeros(sum(self._width.values()))
        first = 0
        for name, (booster, columns) in boosters.items():
            before, packs = len(splits), []
            for tree in booster.dump_model()["tree_info"]:
                walked, expected = _walk(tree["tree_structure"], splits)
                base[first + len(columns)] += expected
                packs += _packs(walked)
            feature_of = [split["split_feature"] for split in splits]
            packed = [[_Leaf(value, path, feature_of) for value, path in pack] for pack in packs]
            shares = iter(_shapley([leaf.ratio for pack in packed for leaf in pack]))
            groups += [_group(pack, feature_of, first, shares) for pack in packed]
            for split in splits[before:]:
                split["column"] = columns[split["split_feature"]]
            first += self._width[name]
        self._base = base
        self._take_splits(splits)
        self._take_groups(groups)

    def contributions(self, rows: Floats) -> dict[str, Floats]:
        """By booster: (rows, features + 1), as `Booster.predict(…, pred_contrib=True)`; last the expected value."""
        count, slots = len(rows), len(self._base)
        bits = self._decisions(rows)
        pattern = np.zeros((count, len(self._group_base)), dtype=np.int64)
        if len(self._group_base):
            pattern = np.add.reduceat(bits[:, self._bit_split] * self._bit_value, self._bit_first, axis=1)
        starts = self._group_base + pattern * self._group_width
        cells = self._tables[starts[:, self._cell_group] + self._cell_within]
        where = self._cell_slot + np.arange(count)[:, None] * slots
        summed = np.bincount(where.ravel(), weights=cells.ravel(), minlength=count * slots)
        total: Floats = summed.reshape(count, slots) + self._base
        by_booster, first = {}, 0
        for name, width in self._width.items():
            by_booster[name] = total[:, first : first + width]
            first += width
        return by_booster

    def _take_splits(self, splits: list[dict[str, Any]]) -> None:
        self._column = np.array([split["column"] for split in splits], dtype=np.int64)
        numeric = [split["decision_type"] == "<=" for split in splits]
        self._threshold = np.array(
            [s["threshold"] if plain else np.nan for s, plain in zip(splits, numeric)], dtype=float
        )
        missing = [split["missing_type"] for split in splits]
        self._default_left = np.array([bool(split["default_left"]) for split in splits], dtype=bool)
        self._nan_is_missing = np.array([name == "NaN" for name in missing], dtype=bool)
        self._zero_is_missing = np.array([name == "Zero" for name in missing], dtype=bool)
        self._chosen = np.flatnonzero(~np.array(numeric, dtype=bool))
        members = [[int(code) for code in str(splits[number]["threshold"]).split("||")] for number in self._chosen]
        self._left = np.zeros((len(members), max((max(codes) for codes in members), default=0) + 2), dtype=bool)
        for row, codes in zip(self._left, members):
            row[codes] = True

    def _take_groups(self, groups: list[_Group]) -> None:
        sizes = np.array([group.table.size for group in groups], dtype=np.int64)
        if sizes.sum() > MOST_CELLS:
            raise NotTabulable(f"tables of {sizes.sum():,} cells are too large")
        self._tables = np.concatenate([group.table.ravel() for group in groups] or [np.zeros(0)])
        self._group_base = np.cumsum(sizes) - sizes
        self._group_width = np.array([len(group.features) for group in groups], dtype=np.int64)
        lengths = np.array([len(group.splits) for group in groups], dtype=np.int64)
        self._bit_split = np.array([split for group in groups for split in group.splits], dtype=np.int64)
        self._bit_value = np.array([1 << bit for group in groups for bit in range(len(group.splits))], dtype=np.int64)
        self._bit_first = np.cumsum(lengths) - lengths
        self._cell_group = np.repeat(np.arange(len(groups)), self._group_width)
        self._cell_within = np.array([place for width in self._group_width for place in range(width)], dtype=np.int64)
        self._cell_slot = np.array([slot for group in groups for slot in group.features], dtype=np.int64)

    def _decisions(self, rows: Floats) -> npt.NDArray[np.bool_]:
        """(rows, splits) Whether each row goes left at each split, as LightGBM decides it."""
        values = rows[:, self._column]
        unknown = np.isnan(values)
        values = np.where(unknown & ~self._nan_is_missing, 0.0, values)
        left = values <= self._threshold
        missing = (unknown & self._nan_is_missing) | (self._zero_is_missing & (np.abs(values) <= ZERO))
        left = np.where(missing, self._default_left, left)
        if len(self._chosen):
            values = rows[:, self._column[self._chosen]]
            last = self._left.shape[1] - 1  # a code that goes right at every split
            known = np.isfinite(values) & (values > -1.0) & (values < last)
            codes = np.where(known, values, last).astype(np.int64)
            left[:, self._chosen] = self._left[np.arange(len(self._chosen)), codes]
        return left


def agrees(tables: TreeTables, boosters: Mapping[str, tuple[lgb.Booster, Sequence[int]]], rows: Floats) -> bool:
    """Whether tables and `pred_contrib` agree on these rows, to 1e-9 of the scale of the contributions."""
    tabulated = tables.contributions(rows)
    for name, (booster, columns) in boosters.items():
        expected = booster.predict(rows[:, list(columns)], pred_contrib=True, num_threads=1)
        scale = max(1.0, float(np.abs(expected).max()))
        if not np.allclose(tabulated[name], expected, rtol=0.0, atol=CLOSE * scale):
            return False
    return True


SPLIT = ("split_feature", "threshold", "decision_type", "default_left", "missing_type")
Walked = tuple[float, Steps]


def _walk(root: dict[str, Any], splits: list[dict[str, Any]]) -> tuple[list[Walked], float]:
    """Values and paths of a tree's leaves, and the tree's expected value; its splits are added to `splits`."""
    if "leaf_value" in root:
        return [], float(root["leaf_value"])
    found: list[Walked] = []
    rows = float(root["internal_count"])
    expected = 0.0
    stack: list[tuple[dict[str, Any], Steps]] = [(root, ())]
    while stack:
        node, path = stack.pop()
        if "leaf_value" in node:
            if "leaf_features" in node or "leaf_coeff" in node:
                raise NotTabulable("a tree has linear leaves")
            found.append((float(node["leaf_value"]), path))
            expected += float(node["leaf_value"]) * float(node["leaf_count"]) / rows
            continue
        number = len(splits)
        splits.append({name: node[name] for name in SPLIT})
        for side, left in (("right_child", False), ("left_child", True)):
            child = node[side]
            cover = float(child.get("internal_count", child.get("leaf_count", 0))) / float(node["internal_count"] or 1)
            if cover <= 0.0:
                raise NotTabulable("a leaf has no training rows")
            stack.append((child, (*path, (number, left, cover))))
    return found, expected


def _packs(leaves: list[Walked]) -> list[list[Walked]]:
    """The leaves of a tree in groups that share a table; neighbours share most of their paths."""
    packs: list[list[Walked]] = []
    used: set[int] = set()
    for value, path in leaves:
        if len(path) > MOST_BITS:
            raise NotTabulable(f"a path has {len(path)} splits, {MOST_BITS} can be tabulated")
        more = used | {number for number, _, _ in path}
        if not packs or len(more) > max(GOOD_BITS, len(used)):
            packs.append([])
            more = {number for number, _, _ in path}
        packs[-1].append((value, path))
        used = more
    return packs


def _group(leaves: list[_Leaf], feature_of: Sequence[int], first: int, shares: Iterator[Floats]) -> _Group:
    splits = list(dict.fromkeys(number for leaf in leaves for number, _, _ in leaf.path))
    features = list(dict.fromkeys(feature_of[number] for number in splits))
    slot = {feature: place for place, feature in enumerate(features)}
    bit = {number: place for place, number in enumerate(splits)}
    patterns = np.arange(1 << len(splits))
    goes_left = ((patterns >> np.arange(len(splits))[:, None]) & 1).astype(bool)
    table = np.zeros((len(patterns), len(features)))
    for leaf in leaves:
        follows = np.ones((len(leaf.used), len(patterns)), dtype=bool)
        for number, left, _ in leaf.path:
            follows[leaf.used.index(feature_of[number])] &= goes_left[bit[number]] == left
        bits = (1 << np.arange(len(leaf.used))) @ follows
        table[:, [slot[feature] for feature in leaf.used]] += leaf.value * next(shares)[bits]
    return _Group(splits, [first + feature for feature in features], table)


def _shapley(ratios: Sequence[Sequence[float]]) -> list[Floats]:
    """Σ_S of the docstring times (o_i − z_i) for leaves of value 1, given their z: bits of o × features."""
    shares: list[Floats] = [np.zeros((1, 0))] * len(ratios)
    alike: dict[int, list[int]] = {}
    for place, ratio in enumerate(ratios):
        alike.setdefault(len(ratio), []).append(place)
    for count, places in alike.items():
        step = max(1, CELLS_AT_ONCE >> (count + 3))
        for begin in range(0, len(places), step):
            chosen = places[begin : begin + step]
            for place, table in zip(chosen, _shapley_alike(np.array([ratios[place] for place in chosen]))):
                shares[place] = table
    return shares


def _shapley_alike(ratio: Floats) -> Floats:
    """The same of leaves with equally many features: leaves × bits × features."""
    leaves, count = ratio.shape
    follows = ((np.arange(1 << count)[:, None] >> np.arange(count)) & 1).astype(np.float64)
    weights = np.array([factorial(s) * factorial(count - 1 - s) / factorial(count) for s in range(count)])
    shares = np.empty((leaves, 1 << count, count))
    for one in range(count):
        # By the power of t first; each factor (z + o·t) shifts and adds.
        coefficients = np.zeros((count, leaves, 1 << count))
        coefficients[0] = 1.0
        for other in range(count):
            if other != one:
                shifted = coefficients[:-1] * follows[:, other]
                coefficients *= ratio[:, other, None]
                coefficients[1:] += shifted
        shares[:, :, one] = (follows[:, one] - ratio[:, one, None]) * np.tensordot(weights, coefficients, axes=1)
    return shares

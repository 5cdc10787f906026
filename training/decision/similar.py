"""Which creatives are the same idea (同质化): the same product in the same account, shown in the same way.

Two creatives of one account, promotion type and product are the same idea if

- they share all of IDEA_TAGS that the data have, which must be LEAST_TAGS or more, or
- their copies are near-duplicates and they share at least half of the IDEA_TAGS that both have.

Copies are compared as sets of character bigrams by the Jaccard index (Broder 1997, "On the resemblance and containment
of documents"): |A ∩ B| / |A ∪ B|. A group has a first creative, the one delivered first, and every other member is the
same idea as that one; so a chain of small changes does not join what differs at its ends.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from features.arrays import Floats, Ints
from features.point_in_time.entity_history import TAG

Pairs = tuple[Ints, Ints, Floats]

IDEA_TAGS = ("hook", "scene", "face", "script")
"""Tags that make up what a creative shows; music, audience or a team's own tags do not make another idea."""
LEAST_TAGS = 3
"""Tags that creatives must share to be the same idea whatever their copies say."""
NEAR_DUPLICATE = 0.8
"""Jaccard index from which two copies are near-duplicates: one character of twenty changed leaves 17 / 21."""
LEAST_BIGRAMS = 4
"""Copies with fewer bigrams are too short to compare."""
ROWS_AT_ONCE = 512
"""Copies whose overlaps are counted together; bounds the memory of a large group."""


@dataclass(frozen=True)
class SameIdeas:
    """Groups of creatives with the same idea; every array has one entry a creative, in the order of the rows given.

    Attributes:
        first: Row of the first creative of the group; its own row if it is the first or alone.
        size: Creatives in the group; 1 if it is alone.
        copy_similarity: Jaccard index of its copy and that of the first creative; NaN where either has no copy, and
            for the first creative itself.
        near_copy: Row of the creative with the most similar copy among those of the same account, promotion type and
            product, if they are near-duplicates, whatever their tags are; −1 if there is none.
        near_copy_similarity: Jaccard index of both copies; NaN if there is none.
    """

    first: Ints
    size: Ints
    copy_similarity: Floats
    near_copy: Ints
    near_copy_similarity: Floats

    @property
    def groups(self) -> list[list[int]]:
        """Rows of every group of two or more: its first creative, then the others in row order; largest first."""
        members: dict[int, list[int]] = {}
        for row in np.flatnonzero(self.size > 1).tolist():
            first = int(self.first[row])
            found = members.setdefault(first, [first])
            if row != first:
                found.append(row)
        return sorted(members.values(), key=lambda rows: (-len(rows), rows[0]))


def same_ideas(creatives: pd.DataFrame) -> SameIdeas:
    """Group creatives by shared tags and copy.

    Args:
        creatives: One row per creative: `promotion_type`, `account_id`, and those of `product_id`, `copy_text`,
            `launched_at`, `created_at` and `tag_…` that the data have. Without products an account is one product.
    """
    count = len(creatives)
    tags = _tag_codes(creatives)
    copies, sets = _bigram_sets(creatives)
    pairs = _near_duplicates(_blocks(creatives), copies, sets)
    near, near_similarity = _nearest(count, pairs)
    likeness = [dict[int, float]() for _ in range(count)]
    left, right, similarity = pairs
    for one, other, value in zip(left.tolist(), right.tolist(), similarity.tolist()):
        likeness[one][other] = likeness[other][one] = value
    first = _first_creatives(creatives, tags, likeness)
    own = np.arange(count)
    return SameIdeas(
        first=first,
        size=np.bincount(first, minlength=count)[first],
        copy_similarity=np.where(first == own, np.nan, _similarity(copies, sets, own, first)),
        near_copy=near,
        near_copy_similarity=near_similarity,
    )


def shared_tags(creatives: pd.DataFrame, others: Ints) -> list[list[str]]:
    """Names of the IDEA_TAGS that each creative has in common with another one.

    Args:
        creatives: As in `same_ideas`.
        others: (creatives,) Row of the other one: of the first creative of its group, say.
    """
    shared: list[list[str]] = [[] for _ in others]
    for name in IDEA_TAGS:
        if TAG + name in creatives:
            codes = pd.factorize(creatives[TAG + name])[0]
            for row in np.flatnonzero((codes >= 0) & (codes == codes[others])).tolist():
                shared[row].append(name)
    return shared


def normalised(copy: str) -> str:
    """A copy without what does not make another text: width, case, spaces, punctuation, emoji.

    >>> normalised("买1送1!  限时 OFF")
    '买1送1限时off'
    """
    return "".join(letter for letter in unicodedata.normalize("NFKC", copy).casefold() if letter.isalnum())


def _blocks(creatives: pd.DataFrame) -> Ints:
    """(creatives,) Code of promotion type, account and product; a creative without a product is compared with those
    of its account that have none either."""
    names = [name for name in ("promotion_type", "account_id", "product_id") if name in creatives]
    codes = creatives.groupby(names, dropna=False, sort=False).ngroup()
    return np.asarray(codes.to_numpy(np.int64))


def _tag_codes(creatives: pd.DataFrame) -> Ints:
    """(creatives, tags) Codes of the values of IDEA_TAGS that some creative has; −1 where it has none."""
    codes = [pd.factorize(creatives[TAG + name])[0] for name in IDEA_TAGS if TAG + name in creatives]
    known = [column for column in codes if (column >= 0).any()]
    return np.column_stack(known).astype(np.int64) if known else np.zeros((len(creatives), 0), dtype=np.int64)


def _bigram_sets(creatives: pd.DataFrame) -> tuple[Ints, sparse.csr_matrix]:
    """(creatives,) number of its normalised copy, −1 without one that can be compared; and the bigrams of each copy.

    The matrix is (copies, bigrams) of 0 and 1.
    """
    texts = creatives["copy_text"] if "copy_text" in creatives else pd.Series([None] * len(creatives), dtype="object")
    raw, values = pd.factorize(texts)
    cleaned = [normalised(str(value)) for value in values]
    sets = [{text[at : at + 2] for at in range(len(text) - 1)} for text in cleaned]
    distinct = sorted(set(cleaned))
    number = {text: place for place, text in enumerate(distinct)}
    places = np.array([number[text] for text in cleaned], dtype=np.int64)
    set_of = dict(zip(cleaned, sets))
    vocabulary: dict[str, int] = {}
    columns, ends = [], [0]
    for text in distinct:
        columns += sorted(vocabulary.setdefault(pair, len(vocabulary)) for pair in sorted(set_of[text]))
        ends.append(len(columns))
    shape = (len(distinct), len(vocabulary))
    matrix = sparse.csr_matrix((np.ones(len(columns), dtype=np.int32), columns, ends), shape=shape)
    usable = np.array([len(own) >= LEAST_BIGRAMS for own in sets], dtype=bool)
    number_of = np.append(np.where(usable, places, -1), -1).astype(np.int64)
    return number_of[raw], matrix


def _near_duplicates(blocks: Ints, copies: Ints, sets: sparse.csr_matrix) -> Pairs:
    """Pairs of rows of one block whose copies are near-duplicates: first row, second row, Jaccard index."""
    found: list[Pairs] = []
    rows = np.flatnonzero(copies >= 0)
    order = rows[np.argsort(blocks[rows], kind="stable")]
    edges = np.flatnonzero(np.diff(blocks[order])) + 1
    for members in np.split(order, edges):
        if len(members) > 1:
            found += _pairs_of_block(members, copies[members], sets)
    if not found:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)
    left, right, similarity = (np.concatenate(part) for part in zip(*found))
    return left, right, similarity


def _pairs_of_block(rows: Ints, copies: Ints, sets: sparse.csr_matrix) -> Iterator[Pairs]:
    """Near-duplicates among some rows: of distinct copies, then of the rows that have them."""
    distinct, place = np.unique(copies, return_inverse=True)
    own = sets[distinct]
    sizes = np.asarray(own.sum(axis=1)).ravel()
    alike = [rows[place == number] for number in range(len(distinct))]
    for at in range(0, len(distinct), ROWS_AT_ONCE):
        shared = (own[at : at + ROWS_AT_ONCE] @ own.T).tocoo()
        one, other = shared.row.astype(np.int64) + at, shared.col.astype(np.int64)
        jaccard = shared.data / (sizes[one] + sizes[other] - shared.data)
        kept = (jaccard >= NEAR_DUPLICATE) & (one <= other)
        for a, b, value in zip(one[kept].tolist(), other[kept].tolist(), jaccard[kept].tolist()):
            left, right = np.repeat(alike[a], len(alike[b])), np.tile(alike[b], len(alike[a]))
            upper = left < right if a == b else np.ones(len(left), dtype=bool)
            yield left[upper], right[upper], np.full(int(upper.sum()), value)


def _nearest(count: int, pairs: Pairs) -> tuple[Ints, Floats]:
    """(creatives,) the row with the most similar copy, the lowest of equal ones, or −1; and that similarity."""
    left, right, similarity = (np.concatenate(part) for part in zip(pairs, (pairs[1], pairs[0], pairs[2])))
    order = np.lexsort((right, -similarity, left))
    owners, begin = np.unique(left[order], return_index=True)
    near, value = np.full(count, -1, dtype=np.int64), np.full(count, np.nan)
    near[owners], value[owners] = right[order][begin], similarity[order][begin]
    return near, value


def _first_creatives(creatives: pd.DataFrame, tags: Ints, likeness: Sequence[dict[int, float]]) -> Ints:
    """(creatives,) Row of the first creative of each creative's group."""
    blocks, enough = _blocks(creatives), tags.shape[1] >= LEAST_TAGS
    complete = (tags >= 0).all(axis=1) & enough
    keys = [(block, *line) for block, line in zip(blocks.tolist(), tags.tolist())]
    position = np.empty(len(creatives), dtype=np.int64)
    order = _by_first_delivery(creatives)
    position[order] = np.arange(len(order))
    first = np.full(len(creatives), -1, dtype=np.int64)
    of_tags: dict[tuple[int, ...], int] = {}
    for row in order.tolist():
        leaders = [other for other in likeness[row] if first[other] == other and _half_shared(tags[row], tags[other])]
        if complete[row] and keys[row] in of_tags:
            leaders.append(of_tags[keys[row]])
        first[row] = min(leaders, key=lambda other: int(position[other])) if leaders else row
        if first[row] == row and complete[row]:
            of_tags[keys[row]] = row
    return first


def _half_shared(one: Ints, other: Ints) -> bool:
    """Whether two creatives share at least half of the tags that both have."""
    both = (one >= 0) & (other >= 0)
    return 2 * int((both & (one == other)).sum()) >= int(both.sum())


def _by_first_delivery(creatives: pd.DataFrame) -> Ints:
    """Rows by launch, those not launched after them by upload, equal ones in row order."""
    last = np.iinfo(np.int64).max
    keys = [np.arange(len(creatives))]
    for name in ("created_at", "launched_at"):
        if name in creatives:
            moments = creatives[name].to_numpy("datetime64[us]")
            keys.append(np.where(np.isnat(moments), last, moments.astype(np.int64)))
    return np.asarray(np.lexsort(keys))


def _similarity(copies: Ints, sets: sparse.csr_matrix, rows: Ints, others: Ints) -> Floats:
    """(rows,) Jaccard index of the copies of rows and others; NaN where either has no copy."""
    found = np.full(len(rows), np.nan)
    known = np.flatnonzero((copies[rows] >= 0) & (copies[others] >= 0))
    if len(known):
        one, other = sets[copies[rows[known]]], sets[copies[others[known]]]
        shared = np.asarray(one.multiply(other).sum(axis=1)).ravel()
        sizes = np.asarray(one.sum(axis=1)).ravel() + np.asarray(other.sum(axis=1)).ravel()
        found[known] = shared / (sizes - shared)
    return found

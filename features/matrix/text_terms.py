"""Words that tell what a component of copy texts stands for: those whose copies score highest on it.

A component of a singular value decomposition has no name of its own. Here every word that is not too rare is correlated
with the scores over all copies, and the highest stand for the component: where they are in a copy, its score is high.
Chinese is written without spaces: a run of two to LONGEST characters is a word where no cut of it leaves two parts that
meet hardly more often than chance has it (pointwise mutual information; Church and Hanks 1990).
"""

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

from features.arrays import Floats

TERMS = 3
"""Words of a component."""
LEAST_COPIES = 5
"""Copies with a word below which it names nothing."""
LONGEST = 6
"""Characters of a word."""
MOST_RUNS = 6000
"""The most frequent runs that are counted."""
HANGS_TOGETHER = 3.0
"""How much more often than by chance both parts of every cut of a word meet."""
AS_GOOD = 0.95
"""Share of the correlation of a word at which a longer one that holds it takes its place."""
RUNS = re.compile(r"[\u4e00-\u9fff]+|[a-z]{2,}")


def runs_of(copy: str) -> Iterator[str]:
    """Runs of one to LONGEST Chinese characters, and words in Latin letters, lower case."""
    for run in RUNS.findall(copy.lower()):
        if run.isascii():
            yield run
        else:
            yield from (run[at : at + size] for size in range(1, LONGEST + 1) for at in range(len(run) - size + 1))


def terms_of(copies: Sequence[str], scores: Floats) -> tuple[tuple[str, ...], ...]:
    """At most TERMS words for each component, the most telling first; none of them overlaps another.

    Args:
        copies: Different copy texts.
        scores: (copies, components) Of the same.
    """
    count = CountVectorizer(analyzer=runs_of, binary=True, min_df=LEAST_COPIES, max_features=MOST_RUNS)
    try:
        carried = count.fit_transform(copies)
    except ValueError:  # no run is in enough copies
        return tuple(() for _ in range(scores.shape[1]))
    held = np.asarray(carried.sum(axis=0)).ravel()  # by so many copies
    share = held / len(copies)
    runs = [str(run) for run in count.get_feature_names_out()]
    shares = dict(zip(runs, share.tolist()))
    tells = [place for place, run in enumerate(runs) if held[place] < len(copies) and _is_word(run, shares)]
    words = np.array(tells, dtype=np.int64)
    centred = scores - scores.mean(axis=0)
    spread = np.sqrt(share * (1.0 - share))[words, None] * np.maximum(centred.std(axis=0), 1e-12)
    correlations = (carried.T @ centred / len(copies))[words] / spread
    return tuple(_first([runs[place] for place in words], one) for one in correlations.T)


def _is_word(run: str, shares: Mapping[str, float]) -> bool:
    """Whether a run hangs together at every cut; shares: run → share of the copies that hold it."""
    if run.isascii():
        return True
    cuts = [(run[:at], run[at:]) for at in range(1, len(run))]
    return len(run) > 1 and all(
        shares[run] >= HANGS_TOGETHER * shares.get(left, 1.0) * shares.get(right, 1.0) for left, right in cuts
    )


def _first(words: Sequence[str], correlations: Floats) -> tuple[str, ...]:
    """The words with the highest correlations above 0, without those that overlap a higher one."""
    found: list[str] = []
    order = [place for place in np.argsort(-correlations, kind="stable").tolist() if correlations[place] > 0]
    for place in order:
        if len(found) == TERMS:
            break
        as_good = [n for n in order if correlations[n] >= AS_GOOD * correlations[place] and words[place] in words[n]]
        word = max((words[n] for n in as_good), key=len)
        if not any(_overlap(word, other) for other in found):
            found.append(word)
    return tuple(found)


def _overlap(one: str, other: str) -> bool:
    """Whether two words share two characters in a row; words in Latin letters: whether they are the same."""
    if one.isascii() or other.isascii():
        return one == other
    return any(one[at : at + 2] in other for at in range(len(one) - 1))

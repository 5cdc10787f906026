"""Encode categories and texts as numbers: codes of categories, flags of multi-valued tags, components of copy texts.

Fitted on training creatives only and kept with the model as plain data. A value that is not in the training data has no
code: it is missing to the model, and a warning names it. Copy texts are hashed character n-grams, reduced by a
truncated singular value decomposition (latent semantic analysis, Deerwester et al. 1990).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict
from scipy.sparse import csr_matrix
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import HashingVectorizer

from configs.settings import Settings, Text
from features.arrays import Floats
from features.matrix.catalogue import PLAIN_CODES
from features.matrix.text_terms import terms_of
from features.point_in_time.array_frame import ArrayFrame, Categories, look_up
from features.point_in_time.number_columns import Names, NumberColumns
from features.schema import MULTI


@dataclass(frozen=True, eq=False)
class EncoderTables:
    """Look-up tables of an encoder, derived from its data.

    Attributes:
        codes: Column → value → its code.
        weights: (buckets, components) weights of the text features.
        coded: Columns of codes.
        flags: Columns of flags.
        parts: Columns of text features.
    """

    codes: Mapping[str, Mapping[str, float]]
    weights: Floats
    coded: Names
    flags: Names
    parts: Names


class Encoder(BaseModel):
    """Fitted codes and weights, as plain data.

    Attributes:
        codes: Column → values with a code (their position): those on enough training creatives.
        multi: Multi-valued tag column → values with a flag of their own.
        seen: Column → every value of the training creatives, with a code or without.
        ngrams: Shortest and longest character n-grams.
        buckets: Number of hash buckets of the n-grams.
        components: (components, buckets) weights of the text features.
        terms: Of each component: words that it stands for. Empty in models of earlier versions, whose components have
            numbers alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    codes: Mapping[str, tuple[str, ...]]
    multi: Mapping[str, tuple[str, ...]]
    seen: Mapping[str, tuple[str, ...]]
    ngrams: tuple[int, int]
    buckets: int
    components: tuple[tuple[float, ...], ...]
    terms: tuple[tuple[str, ...], ...] = ()

    @cached_property
    def tables(self) -> EncoderTables:
        """Look-up tables, made once."""
        codes = {name: {value: float(code) for code, value in enumerate(known)} for name, known in self.codes.items()}
        flags = (f"{column}={value}" for column, values in self.multi.items() for value in values)
        parts = (f"text_{part}" for part in range(1, len(self.components) + 1))
        return EncoderTables(
            codes, np.array(self.components).T, *(Names(tuple(names)) for names in (codes, flags, parts))
        )


def fit_encoder(creatives: pd.DataFrame, settings: Settings) -> Encoder:
    """Fit codes, flags and text components on the creatives of the training period.

    Args:
        creatives: Checked creatives, training ones only.
        settings: Of the run.
    """
    codes, multi, seen = {}, {}, {}
    for column in [*PLAIN_CODES, *(name for name in map(str, creatives) if name.startswith("tag_"))]:
        if column not in creatives:
            continue
        many = column.removeprefix("tag_") in settings.tags.multi
        values = creatives[column].dropna()
        counts = (values.str.split(MULTI, regex=False).explode() if many else values).value_counts()
        if counts.empty:
            continue
        seen[column] = tuple(sorted(counts.index))
        common = tuple(sorted(counts.index[counts >= settings.tags.min_creatives]))
        if many:
            multi[column] = common
        else:
            codes[column] = common
    components, terms = _fit_text(creatives, settings.text)
    return Encoder(
        codes=codes,
        multi=multi,
        seen=seen,
        ngrams=settings.text.ngrams,
        buckets=settings.text.buckets,
        components=components,
        terms=terms,
    )


def encode(creatives: ArrayFrame, encoder: Encoder) -> NumberColumns:
    """(rows,) of every encoded column, in the order of the creatives; NaN where a value has no code."""
    tables, count = encoder.tables, len(creatives)
    codes = look_up(creatives.categories_of(tables.codes), list(tables.codes.values()), np.nan, np.nan, count=count)
    flags = []
    for column, values in encoder.multi.items():
        tags = creatives.categories_of([column])[0] or Categories(np.full(count, -1, dtype=np.int64), [])
        carried = [frozenset(text.split(MULTI)) for text in tags.values]
        table = [[*(float(value in one) for one in carried), np.nan] for value in values]
        flags.append(np.array(table).reshape(len(values), len(tags.values) + 1)[:, tags.codes])
    of_multi = np.concatenate([np.zeros((0, count)), *flags])
    return NumberColumns([(tables.coded, codes), (tables.flags, of_multi), (tables.parts, _text(creatives, encoder).T)])


def _hashed(copies: Sequence[str], ngrams: tuple[int, int], buckets: int) -> csr_matrix:
    """Signed counts of hashed n-grams, each text's of length 1: HashingVectorizer without its checks of every call."""
    analyze, hasher = _hashing(ngrams, buckets)
    counts = hasher.transform(analyze(copy) for copy in copies)
    squares = np.add.reduceat(np.append(counts.data**2, 0.0), counts.indptr[:-1])
    lengths = np.diff(counts.indptr)
    norms = np.sqrt(np.where(lengths > 0, squares, 0.0))
    counts.data /= np.repeat(norms, lengths)
    return counts


@cache
def _hashing(ngrams: tuple[int, int], buckets: int) -> tuple[Callable[[str], list[str]], FeatureHasher]:
    words = HashingVectorizer(analyzer="char", ngram_range=ngrams)
    return words.build_analyzer(), FeatureHasher(n_features=buckets, input_type="string", dtype=np.float64)


def _fit_text(creatives: pd.DataFrame, text: Text) -> tuple[tuple[tuple[float, ...], ...], tuple[tuple[str, ...], ...]]:
    """`components` and `terms` of an encoder; both empty with too few texts."""
    if "copy_text" not in creatives or text.components == 0:
        return (), ()
    copies: Sequence[str] = sorted(creatives["copy_text"].dropna().unique())
    if len(copies) <= 5 * text.components:
        return (), ()
    from sklearn.decomposition import TruncatedSVD  # slow to load, and needed only to fit

    svd = TruncatedSVD(text.components, random_state=0)
    scores = svd.fit_transform(_hashed(copies, text.ngrams, text.buckets))
    # Seven digits are plenty for a score, and keep the file of a model small.
    weights = tuple(tuple(float(f"{weight:.7g}") for weight in row) for row in svd.components_)
    return weights, terms_of(copies, scores)


def _text(creatives: ArrayFrame, encoder: Encoder) -> Floats:
    """(rows, components) scores of the copy text; NaN without one."""
    if not encoder.components:
        return np.empty((len(creatives), 0))
    if "copy_text" not in creatives:
        return np.full((len(creatives), len(encoder.components)), np.nan)
    copies = creatives.categories("copy_text")
    scores = np.full((len(copies.values) + 1, len(encoder.components)), np.nan)  # the last row serves code −1: no text
    if len(copies.values):
        scores[:-1] = _hashed(copies.values, encoder.ngrams, encoder.buckets) @ encoder.tables.weights
    return scores[copies.codes]

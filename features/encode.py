"""How words become numbers: codes of tag values, flags of multi-valued tags, components of the copy text.

Fitted on training creatives only and kept with the model as plain data. A value that training never saw has no code:
it is missing to the model, and named in a warning.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer

from configs.settings import Settings, Text
from features.catalogue import PLAIN_CODES
from features.schema import MULTI


class Encoder(BaseModel):
    """The fitted maps.

    Attributes:
        codes: Column → values with a code (their position): those on enough training creatives.
        multi: Multi-valued tag column → values with a flag of their own.
        seen: Column → every value of the training creatives, coded or not.
        ngrams: Least and greatest length of the character n-grams.
        buckets: Into how many they are hashed.
        components: One list of `buckets` weights a text feature.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    codes: Mapping[str, tuple[str, ...]]
    multi: Mapping[str, tuple[str, ...]]
    seen: Mapping[str, tuple[str, ...]]
    ngrams: tuple[int, int]
    buckets: int
    components: tuple[tuple[float, ...], ...]


def fit_encoder(creatives: pd.DataFrame, settings: Settings) -> Encoder:
    """Maps from the creatives of the training period.

    Args:
        creatives: Checked creatives, training ones only.
        settings: Of the run.
    """
    codes, multi, seen = {}, {}, {}
    for column in [*PLAIN_CODES, *(name for name in creatives if name.startswith("tag_"))]:
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
    return Encoder(
        codes=codes,
        multi=multi,
        seen=seen,
        ngrams=settings.text.ngrams,
        buckets=settings.text.buckets,
        components=_fit_text(creatives, settings.text),
    )


def encode(creatives: pd.DataFrame, encoder: Encoder) -> pd.DataFrame:
    """The encoded columns of these creatives, in their order; NaN where a value has no code."""
    columns: dict[str, np.ndarray] = {}
    for column, values in encoder.codes.items():
        codes = {value: float(code) for code, value in enumerate(values)}
        held = creatives[column] if column in creatives else pd.Series(index=creatives.index, dtype=object)
        place, held_values = pd.factorize(held)
        columns[column] = np.array([*(codes.get(value, np.nan) for value in held_values), np.nan])[place]
    for column, values in encoder.multi.items():
        held = creatives[column] if column in creatives else pd.Series(index=creatives.index, dtype=object)
        padded = MULTI + held.fillna("").astype(str) + MULTI
        for value in values:
            flag = padded.str.contains(MULTI + value + MULTI, regex=False).to_numpy(np.float64)
            columns[f"{column}={value}"] = np.where(held.isna(), np.nan, flag)
    for part, weights in enumerate(_text(creatives, encoder).T, start=1):
        columns[f"text_{part}"] = weights
    return pd.DataFrame(columns, index=creatives.index)


def unseen_values(creatives: pd.DataFrame, encoder: Encoder) -> pd.Series:
    """For each creative, the values that training never saw, as `column: value` joined by commas; empty for none."""
    found = pd.Series("", index=creatives.index, dtype=object)
    for column, known in encoder.seen.items():
        if column not in creatives:
            continue
        values = creatives[column].dropna()
        many = column in encoder.multi
        strange = [value for value in values.unique() if not set(value.split(MULTI) if many else [value]) <= set(known)]
        rows = values.index[values.isin(strange)]
        name = column.removeprefix("tag_")
        found.loc[rows] += [f"{name}: {value}, " for value in values.loc[rows]]
    return found.str.removesuffix(", ").astype(str)


def _vectorizer(ngrams: tuple[int, int], buckets: int) -> HashingVectorizer:
    return HashingVectorizer(analyzer="char", ngram_range=ngrams, n_features=buckets, dtype=np.float64)


def _fit_text(creatives: pd.DataFrame, text: Text) -> tuple[tuple[float, ...], ...]:
    if "copy_text" not in creatives or text.components == 0:
        return ()
    copies: Sequence[str] = sorted(creatives["copy_text"].dropna().unique())
    if len(copies) <= 5 * text.components:
        return ()
    svd = TruncatedSVD(text.components, random_state=0)
    svd.fit(_vectorizer(text.ngrams, text.buckets).transform(copies))
    # Seven digits are plenty for a score, and keep the file of a model small.
    return tuple(tuple(float(f"{weight:.7g}") for weight in row) for row in svd.components_)


def _text(creatives: pd.DataFrame, encoder: Encoder) -> np.ndarray:
    if not encoder.components:
        return np.empty((len(creatives), 0))
    if "copy_text" not in creatives:
        return np.full((len(creatives), len(encoder.components)), np.nan)
    codes, copies = pd.factorize(creatives["copy_text"])
    scores = np.full((len(copies) + 1, len(encoder.components)), np.nan)  # the last row serves code −1: no text
    if len(copies):
        hashed = _vectorizer(encoder.ngrams, encoder.buckets).transform(copies)
        scores[:-1] = hashed @ np.array(encoder.components).T
    return scores[codes]

"""The feature matrix: one function builds it for training, batch prediction and the service."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import accumulate, pairwise

import numpy as np
import pandas as pd

from features.arrays import Floats
from features.attributes import NUMBER_ATTRIBUTES
from features.funnel import Funnel
from features.funnel_model.empirical_bayes import PriorArrays, Priors, stack_priors
from features.funnel_model.model import FunnelModel
from features.funnel_model.posterior import Posteriors, posteriors_of
from features.matrix.block_names import BlockNames
from features.matrix.catalogue import NUMBERS, Catalogue, catalogue
from features.matrix.encoders import Encoder, encode
from features.point_in_time.array_frame import ArrayFrame, Rows
from features.point_in_time.entity_history import MARKET, Entity
from features.point_in_time.number_columns import Names, NumberColumns
from features.schema import KEY
from features.targets import Head

FEATURES_VERSION = 5
"""Increase it whenever a feature is added or computed in another way: names of studies and of tables of sharded runs
contain it, and bundles of another version are refused."""
PRICE_BANDS_CNY = np.array([0.0, 30.0, 60.0, 100.0, 200.0, 500.0, 1000.0])
THURSDAY = 3
"""Weekday of 1970-01-01, Monday being 0."""
LEAST_PLAYS = 20
"""Fewest plays from which a play rate is a feature; with fewer it is missing."""
PLAIN = ("launch_hour", "tag_overlap_share")
PLAIN_COUNTS = ("live_siblings", "recent_launches")
LOGGED = ("age", "log_impressions", "log_last_day", "log_spend", *PLAIN_COUNTS, "creation_delay")
SHARES = ("rate_5s", "rate_10s", "rate_finish", "watched_share", "last_day_share", "late_half_share", "boost_share")
LEAST_WHOLE = np.array([[LEAST_PLAYS]] * 4 + [[0]] * 3)
"""(SHARES, 1) Least number that a share is taken of."""
IS_LOG = np.array([[attribute.log] for attribute in NUMBER_ATTRIBUTES])
PRICE, DURATION = ([a.name for a in NUMBER_ATTRIBUTES].index(name) for name in ("price_cny", "duration_s"))
NUMBER_NAMES = Names(
    (*(a.feature_name for a in NUMBER_ATTRIBUTES), *PLAIN, *LOGGED, *SHARES, "price_band", "launch_weekday")
)
"""Names of the lines of `numbers`."""
NUMBER_PARTS = [
    slice(first, end)
    for first, end in pairwise(
        accumulate((len(NUMBER_ATTRIBUTES), len(PLAIN), len(LOGGED) - 1, len(SHARES), len(SHARES)), initial=0)
    )
]
"""Parts of the columns that `numbers` reads: as in `_counted`; creation delay is none of them."""


@dataclass(frozen=True)
class Fitted:
    """Everything fitted on the training period that features are computed with.

    Attributes:
        funnel: The funnel.
        priors: Stage → its prior.
        encoder: Of categories and texts.
        entities: What creatives share, by which histories are counted.
        numbers: Names out of `features.matrix.catalogue.NUMBERS` that some training row has.
        funnel_models: By rising origin: each applies to the cutoffs from its origin to that of the next.
    """

    funnel: Funnel
    priors: Priors
    encoder: Encoder
    entities: tuple[Entity, ...]
    numbers: tuple[str, ...]
    funnel_models: tuple[FunnelModel, ...] = ()

    @property
    def newest(self) -> "Fitted":
        """The same with the last funnel model alone, which applies to predictions from now on."""
        return replace(self, funnel_models=self.funnel_models[-1:])

    @cached_property
    def prior_arrays(self) -> PriorArrays:
        """The priors of all stages as arrays."""
        return stack_priors(self.funnel.stages, self.priors)

    @cached_property
    def block_names(self) -> BlockNames:
        """Names of the blocks that the feature matrix is put together from."""
        shared = [entity.name for entity in self.entities if entity != MARKET]
        return BlockNames.of(self.funnel, self.declared.names, shared, self.prior_arrays.entities)

    @cached_property
    def declared(self) -> Catalogue:
        """The features, in the order of the columns."""
        return declare(self)


class FeatureMatrix:
    """Numbers by row and feature.

    Attributes:
        names: Of the features, in the order of the columns.
        matrix: (rows, features) float64, C-contiguous.
    """

    __slots__ = ("_places", "matrix", "names")

    def __init__(self, names: tuple[str, ...], matrix: Floats, places: Mapping[str, int] | None = None) -> None:
        """Take the matrix as it is.

        Args:
            names: As in Attributes.
            matrix: As in Attributes.
            places: Name → its column, where the caller has it.
        """
        self.names = names
        self.matrix = matrix
        self._places = {name: place for place, name in enumerate(names)} if places is None else places

    def __len__(self) -> int:
        return len(self.matrix)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __getitem__(self, name: str) -> Floats:
        """(rows,) one feature."""
        return self.matrix[:, self._places[name]]

    def select(self, names: Sequence[str]) -> Floats:
        """(rows, names) some features."""
        return self.matrix[:, [self._places[name] for name in names]]

    def take(self, rows: Rows) -> "FeatureMatrix":
        """These rows."""
        return FeatureMatrix(self.names, self.matrix[rows], self._places)

    def frame(self) -> pd.DataFrame:
        """As a pandas frame."""
        return pd.DataFrame(self.matrix, columns=list(self.names), copy=False)


@dataclass(frozen=True)
class Features:
    """The feature matrix of some snapshots, with what it is made of; axis 0 of every array: snapshots.

    Attributes:
        keys: KEY, `age_hours`, `cutoff`, `launched_at`, `elapsed_hours`.
        values: One column per feature of the catalogue, in its order.
        posteriors: Of the funnel model.
        reference_price: (rows,) CNY that an order is measured against (see `features.stages.Stage.priced`).
        catalogue: The declared features.
    """

    keys: ArrayFrame
    values: FeatureMatrix
    posteriors: Posteriors
    reference_price: Floats
    catalogue: Catalogue

    def take(self, rows: Rows) -> "Features":
        """The features of these rows."""
        parts = self.keys.take(rows), self.values.take(rows), self.posteriors.take(rows)
        return Features(*parts, self.reference_price[rows], self.catalogue)

    @cached_property
    def log_rates(self) -> Floats:
        """(2, S, rows) log rate of every stage by the funnel model, and by empirical Bayes before own counts.

        `value` in CNY per order; at most 0 for shares.
        """
        arrays = self.posteriors.history.arrays
        logs = np.array([self.posteriors.log_rate, self.posteriors.history.log_rate])
        if arrays.priced:
            logs[:, arrays.priced] += np.log(self.reference_price)
        if arrays.shares:
            logs[:, arrays.shares] = np.minimum(logs[:, arrays.shares], 0.0)
        return logs

    def log_stage_rates(self) -> dict[str, Floats]:
        """Stage → (rows,) log rate by the funnel model, as in `log_rates`."""
        return dict(zip(self.posteriors.stages, self.log_rates[0]))

    def log_product(self, head: Head) -> Floats:
        """(2, rows) log of the product of a head's stages, as in `log_rates`; computed once."""
        found = self._log_products.get(head)
        if found is None:
            rates = dict(zip(self.posteriors.stages, self.log_rates.swapaxes(0, 1)))
            found = self._log_products[head] = head.log_product(rates)
        return found

    @cached_property
    def _log_products(self) -> dict[Head, Floats]:
        return {}


def build_features(observed: ArrayFrame, fitted: Fitted) -> Features:
    """Build the feature matrix.

    Args:
        observed: Counts of snapshots (`features.point_in_time.counts.observe`).
        fitted: On the training period.
    """
    declared = fitted.block_names.declared
    values, placed = np.empty((len(observed), len(declared.all))), 0
    features = Features(
        keys=observed.select([*KEY, "age_hours", "cutoff", "launched_at", "elapsed_hours"]),
        values=FeatureMatrix(declared.all, values, declared.places),
        posteriors=posteriors_of(observed, fitted.funnel, fitted.priors, fitted.funnel_models, fitted.prior_arrays),
        reference_price=observed.floats("reference_price"),
        catalogue=fitted.declared,
    )
    for columns in _columns(observed, fitted, features):
        placed += columns.place(declared, values.T)
    if placed != len(declared.all):
        raise KeyError("a declared feature was not computed")
    return features


def declare(fitted: Fitted) -> Catalogue:
    """Declare the features that follow from what was fitted, in the order of the columns."""
    return catalogue(
        fitted.funnel,
        present=fitted.numbers,
        codes=list(fitted.encoder.codes),
        multi=[(column, value) for column, values in fitted.encoder.multi.items() for value in values],
        text=fitted.encoder.terms or [()] * len(fitted.encoder.components),
        shared=[entity.name for entity in fitted.entities if entity != MARKET],
    )


def numbers_present(observed: ArrayFrame, funnel: Funnel) -> tuple[str, ...]:
    """Names out of NUMBERS that are known in at least one row."""
    known = numbers(observed, funnel)
    return tuple(feature.name for feature in NUMBERS if not np.isnan(known[feature.name]).all())


def numbers(observed: ArrayFrame, funnel: Funnel) -> NumberColumns:
    """Name of NUMBERS → (rows,) feature; NaN where the data lack it."""
    known = observed.known(_counted(funnel.volume_of))
    attributes, plain, counts, parts, wholes = (known[lines] for lines in NUMBER_PARTS)
    logs = np.log(np.where(attributes > 0, attributes, np.nan))
    launched, created = observed.times("launched_at"), observed.times("created_at")
    delay = np.maximum((launched - created) / np.timedelta64(1, "h"), 0.0)
    shares = parts / np.where((wholes > 0) & (wholes >= LEAST_WHOLE), wholes, np.nan)
    shares[SHARES.index("watched_share")] /= np.exp(logs[DURATION])
    price, weekday = attributes[PRICE], (launched.astype("datetime64[D]").astype(np.int64) + THURSDAY) % 7.0
    band = np.where(price > 0, PRICE_BANDS_CNY.searchsorted(price, side="right") - 1.0, np.nan)
    found = [
        np.where(IS_LOG, logs, attributes),
        plain,
        np.log1p(np.concatenate([counts, delay[None]])),
        shares,
        np.array([band, np.where(np.isnat(launched), np.nan, weekday)]),
    ]
    return NumberColumns([(NUMBER_NAMES, np.concatenate(found))])


@cache
def _counted(volume: str) -> Names:
    """Columns that `numbers` reads: attributes, what stays as it is, what is logged, parts and wholes of shares."""
    plays = ["early:plays_5s", "early:plays_10s", "early:finishes", "early:watch_s"]
    parts = [*plays, f"last_day:{volume}", f"late_half:{volume}", "early:boost_spend_cny"]
    wholes = [*["early:plays"] * len(plays), *[f"early:{volume}"] * 2, "early:spend_cny"]
    counts = ["elapsed_hours", f"early:{volume}", f"last_day:{volume}", "early:spend_cny", *PLAIN_COUNTS]
    return Names((*(a.name for a in NUMBER_ATTRIBUTES), *PLAIN, *counts, *parts, *wholes))


def _columns(observed: ArrayFrame, fitted: Fitted, features: Features) -> Iterator[NumberColumns]:
    """All features, a few arrays at a time, as they may be large."""
    yield encode(observed, fitted.encoder)
    yield numbers(observed, fitted.funnel)
    names, history = fitted.block_names, features.posteriors.history
    yield NumberColumns([(names.stages, _of_stages(features.posteriors))])
    yield NumberColumns([(names.heads, _of_heads(features, fitted.funnel))])
    yield NumberColumns([(names.factors, history.log_entity_effects.reshape(len(names.factors.all), len(observed)))])
    launched, total = observed.stack(names.launched), observed.stack(names.volume)
    others = np.log1p(np.concatenate([total / np.where(launched > 0, launched, np.nan), launched]))
    yield NumberColumns([(names.others, others)])


def _of_stages(own: Posteriors) -> Floats:
    """(parts · S, rows) features of every stage."""
    bayes = own.history.log_rate
    base = bayes - np.log(own.history.market_rate)
    parts = [own.log_own_evidence, np.log1p(own.own_events), base, bayes, own.log_prior, own.log_rate, own.variance]
    return np.concatenate(parts)


def _of_heads(features: Features, funnel: Funnel) -> Floats:
    """(parts · heads, rows) features of every head."""
    rates, bayes = np.array([features.log_product(head) for head in funnel.heads]).swapaxes(0, 1)
    return np.concatenate([rates, rates - bayes])

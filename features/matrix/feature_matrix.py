"""The feature matrix: one function builds it for training, batch prediction and the service."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from features.attributes import NUMBER_ATTRIBUTES
from features.funnel import Funnel
from features.funnel_model.empirical_bayes import PriorArrays, Priors, stack_priors
from features.funnel_model.model import FunnelModel
from features.funnel_model.posterior import StagePosterior, posteriors_of
from features.matrix.block_names import BlockNames
from features.matrix.catalogue import NUMBERS, Catalogue, catalogue
from features.matrix.encoders import Encoder, encode
from features.point_in_time.array_frame import ArrayFrame, Floats, Rows
from features.point_in_time.entity_history import MARKET, Entity
from features.point_in_time.number_columns import Names, place_lines
from features.schema import KEY

FEATURES_VERSION = 5
"""Increase it whenever a feature is added or computed in another way: names of studies and of tables of sharded runs
contain it, and bundles of another version are refused."""
PRICE_BANDS_CNY = [0, 30, 60, 100, 200, 500, 1000]
THURSDAY = 3
"""Weekday of 1970-01-01, Monday being 0."""
NUMBER_NAMES = Names(tuple(feature.name for feature in NUMBERS))
LEAST_PLAYS = 20
"""Fewest plays from which a play rate is a feature; with fewer it is missing."""


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
        posteriors: Stage → posterior of the funnel model.
        reference_price: (rows,) CNY that an order is measured against (see `features.funnel.Stage.priced`).
        catalogue: The declared features.
    """

    keys: ArrayFrame
    values: FeatureMatrix
    posteriors: dict[str, StagePosterior]
    reference_price: Floats
    catalogue: Catalogue

    def log_stage_rates(self, funnel: Funnel, *, empirical_bayes: bool = False) -> dict[str, Floats]:
        """Stage → (rows,) log rate of the funnel model (`log_stage_rates`); computed once."""
        if empirical_bayes not in self._log_rates:
            found = log_stage_rates(self.posteriors, funnel, self.reference_price, empirical_bayes=empirical_bayes)
            self._log_rates[empirical_bayes] = found
        return self._log_rates[empirical_bayes]

    @cached_property
    def _log_rates(self) -> dict[bool, dict[str, Floats]]:
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
    for names, lines in _blocks(observed, fitted, features):
        placed += place_lines(lines, names, declared, values.T)
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
        text=len(fitted.encoder.components),
        shared=[entity.name for entity in fitted.entities if entity != MARKET],
    )


def numbers_present(observed: ArrayFrame, funnel: Funnel) -> tuple[str, ...]:
    """Names out of NUMBERS that are known in at least one row."""
    known = numbers(observed, funnel)
    return tuple(feature.name for feature in NUMBERS if not np.isnan(known[feature.name]).all())


def numbers(observed: ArrayFrame, funnel: Funnel) -> dict[str, Floats]:
    """Name of NUMBERS → (rows,) feature; NaN where the data lack it."""
    known = observed.floats
    launched = observed["launched_at"].astype("datetime64[us]", copy=False)
    never = np.full(len(launched), "NaT", dtype="datetime64[us]")
    created = observed["created_at"].astype("datetime64[us]", copy=False) if "created_at" in observed else never
    delay = (launched - created) / np.timedelta64(1, "h")
    weekday = (launched.astype("datetime64[D]").astype(np.int64) + THURSDAY) % 7.0
    price = known("price_cny")
    plays, spend = known("early:plays"), known("early:spend_cny")
    enough = np.where(plays >= LEAST_PLAYS, plays, np.nan)
    life, day, half = (known(f"{part}:{funnel.volume_of}") for part in ("early", "last_day", "late_half"))
    some = np.where(life > 0, life, np.nan)
    return {
        **{a.feature_name: _log(known(a.name)) if a.log else known(a.name) for a in NUMBER_ATTRIBUTES},
        "price_band": np.where(price > 0, np.searchsorted(PRICE_BANDS_CNY, price, side="right") - 1.0, np.nan),
        "creation_delay": np.log1p(np.maximum(delay, 0.0)),
        "launch_hour": known("launch_hour"),
        "launch_weekday": np.where(np.isnat(launched), np.nan, weekday),
        "rate_5s": known("early:plays_5s") / enough,
        "rate_10s": known("early:plays_10s") / enough,
        "rate_finish": known("early:finishes") / enough,
        "watched_share": known("early:watch_s") / enough / np.exp(_log(known("duration_s"))),
        "age": np.log1p(known("elapsed_hours")),
        "log_impressions": np.log1p(life),
        "log_last_day": np.log1p(day),
        "last_day_share": day / some,
        "late_half_share": half / some,
        "log_spend": np.log1p(spend),
        "boost_share": known("early:boost_spend_cny") / np.where(spend > 0, spend, np.nan),
        "live_siblings": np.log1p(known("live_siblings")),
        "recent_launches": np.log1p(known("recent_launches")),
        "tag_overlap_share": known("tag_overlap_share"),
    }


def _blocks(observed: ArrayFrame, fitted: Fitted, features: Features) -> Iterator[tuple[Names, Floats]]:
    """All features, each (rows,), as lines of arrays with their names; one array at a time, as they may be large."""
    yield from encode(observed, fitted.encoder).blocks
    known = numbers(observed, fitted.funnel)
    yield NUMBER_NAMES, np.array([known[name] for name in NUMBER_NAMES.all])
    names = fitted.block_names
    yield names.stages, _of_stages(features.posteriors)
    yield names.heads, _of_heads(features, fitted.funnel)
    for of_stage, posterior in zip(names.factors, features.posteriors.values()):
        yield of_stage, posterior.log_entity_effects.whole
    launched, total = observed.stack(names.launched), observed.stack(names.volume)
    yield names.others, np.log1p(np.concatenate([total / np.where(launched > 0, launched, np.nan), launched]))


def _of_stages(posteriors: Mapping[str, StagePosterior]) -> Floats:
    """(parts · S, rows) features of every stage."""
    own, events, bayes, market, prior, variance = (
        np.array([getattr(posterior, name) for posterior in posteriors.values()])
        for name in ("log_own_evidence", "own_events", "log_empirical_bayes", "market_rate", "log_prior", "variance")
    )
    parts = [own, np.log1p(events), bayes - np.log(market), bayes, prior, prior + own, variance]
    return np.concatenate(parts)


def _of_heads(features: Features, funnel: Funnel) -> Floats:
    """(parts · heads, rows) features of every head."""
    rates, bayes = (features.log_stage_rates(funnel, empirical_bayes=which) for which in (False, True))
    logs = np.array([head.log_product(rates) for head in funnel.heads])
    return np.concatenate([logs, logs - [head.log_product(bayes) for head in funnel.heads]])


def log_stage_rates(
    posteriors: Mapping[str, StagePosterior], funnel: Funnel, reference_price: Floats, *, empirical_bayes: bool = False
) -> dict[str, Floats]:
    """Stage → (N,) log rate, `value` in CNY per order; at most 0 for shares.

    Args:
        posteriors: Of every stage, for N rows.
        funnel: The funnel.
        reference_price: (N,) CNY.
        empirical_bayes: Empirical Bayes before own counts, in place of the posterior.
    """
    own = [posteriors[stage.name] for stage in funnel.stages]
    logs = np.array([one.log_empirical_bayes if empirical_bayes else one.log_rate for one in own])
    if any(stage.priced for stage in funnel.stages):
        log_price = np.log(reference_price)
        for stage, log_rate in zip(funnel.stages, logs):
            log_rate += log_price if stage.priced else 0.0
    for stage, log_rate in zip(funnel.stages, logs):
        if stage.share:
            np.minimum(log_rate, 0.0, out=log_rate)
    return {stage.name: log_rate for stage, log_rate in zip(funnel.stages, logs)}


def _log(values: Floats) -> Floats:
    return np.log(np.where(values > 0, values, np.nan))

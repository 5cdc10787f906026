"""The feature matrix: one function builds it for training, batch prediction and the service."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from features.attributes import NUMBER_ATTRIBUTES
from features.funnel import VOLUME, Funnel
from features.funnel_model.empirical_bayes import PriorArrays, Priors, stack_priors
from features.funnel_model.model import FunnelModel
from features.funnel_model.posterior import StagePosterior, posteriors_of
from features.matrix.catalogue import NUMBERS, Catalogue, catalogue
from features.matrix.encoders import Encoder, encode
from features.point_in_time.array_frame import ArrayFrame, Floats, Rows
from features.point_in_time.entity_history import MARKET, Entity
from features.schema import KEY

FEATURES_VERSION = 5
"""Increase it whenever a feature is added or computed in another way: names of studies and of tables of sharded runs
contain it, and bundles of another version are refused."""
PRICE_BANDS_CNY = [0, 30, 60, 100, 200, 500, 1000]
THURSDAY = 3
"""Weekday of 1970-01-01, Monday being 0."""
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

    def __init__(self, names: tuple[str, ...], matrix: Floats) -> None:
        """Take the matrix as it is."""
        self.names = names
        self.matrix = matrix
        self._places = {name: place for place, name in enumerate(names)}

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
        return FeatureMatrix(self.names, self.matrix[rows])

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
        """Stage → (rows,) log rate of the funnel model (`log_stage_rates`)."""
        return log_stage_rates(self.posteriors, funnel, self.reference_price, empirical_bayes=empirical_bayes)


def build_features(observed: ArrayFrame, fitted: Fitted) -> Features:
    """Build the feature matrix.

    Args:
        observed: Counts of snapshots (`features.point_in_time.counts.observe`).
        fitted: On the training period.
    """
    posteriors = posteriors_of(observed, fitted.funnel, fitted.priors, fitted.funnel_models, fitted.prior_arrays)
    reference_price = observed.floats("reference_price")
    columns = {
        **encode(observed, fitted.encoder),
        **numbers(observed, fitted.funnel),
        **_stage_columns(posteriors),
        **_head_columns(posteriors, fitted.funnel, reference_price),
        **_history(observed, fitted, posteriors),
    }
    declared = fitted.declared
    values = np.empty((len(observed), len(declared.names)))
    for place, name in enumerate(declared.names):
        values[:, place] = columns[name]
    return Features(
        keys=observed.select([*KEY, "age_hours", "cutoff", "launched_at", "elapsed_hours"]),
        values=FeatureMatrix(tuple(declared.names), values),
        posteriors=posteriors,
        reference_price=reference_price,
        catalogue=declared,
    )


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


def _stage_columns(posteriors: dict[str, StagePosterior]) -> dict[str, Floats]:
    columns: dict[str, Floats] = {}
    for name, posterior in posteriors.items():
        columns[f"own_{name}"] = posterior.log_own_evidence
        columns[f"own_events_{name}"] = np.log1p(posterior.own_events)
        columns[f"base_{name}"] = posterior.log_empirical_bayes - np.log(posterior.market_rate)
        columns[f"bayes_{name}"] = posterior.log_empirical_bayes
        columns[f"prior_{name}"] = posterior.log_prior
        columns[f"rate_{name}"] = posterior.log_rate
        columns[f"variance_{name}"] = posterior.variance
    return columns


def _head_columns(posteriors: dict[str, StagePosterior], funnel: Funnel, reference_price: Floats) -> dict[str, Floats]:
    columns: dict[str, Floats] = {}
    rates = log_stage_rates(posteriors, funnel, reference_price)
    bayes = log_stage_rates(posteriors, funnel, reference_price, empirical_bayes=True)
    for head in funnel.heads:
        columns[f"funnel_{head.name}"] = head.log_product(rates)
        columns[f"funnel_less_bayes_{head.name}"] = columns[f"funnel_{head.name}"] - head.log_product(bayes)
    return columns


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
    found = {}
    for stage in funnel.stages:
        own = posteriors[stage.name]
        log_rate = own.log_empirical_bayes if empirical_bayes else own.log_rate
        log_rate = log_rate + np.log(reference_price) if stage.priced else log_rate
        found[stage.name] = np.minimum(log_rate, 0.0) if stage.share else log_rate
    return found


def _history(observed: ArrayFrame, fitted: Fitted, posteriors: dict[str, StagePosterior]) -> dict[str, Floats]:
    columns: dict[str, Floats] = {}
    volume = fitted.funnel.volume_of
    names = [entity.name for entity in fitted.entities if entity != MARKET]
    for stage in fitted.funnel.stages:
        factors = posteriors[stage.name].log_entity_effects
        columns |= {f"hist_{name}_{stage.name}": factors[name] for name in names}
    launched = observed.stack([f"launched:{name}" for name in names])
    total = observed.stack([f"hist:{name}:{volume}" for name in names])
    each = np.log1p(total / np.where(launched > 0, launched, np.nan))
    columns |= {f"hist_{name}_{VOLUME}": line for name, line in zip(names, each)}
    columns |= {f"launched_{name}": line for name, line in zip(names, np.log1p(launched))}
    return columns


def _log(values: Floats) -> Floats:
    return np.log(np.where(values > 0, values, np.nan))

"""Feature rows: the one function that training, batch prediction and the service share."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from configs.settings import Settings
from features.catalogue import NUMBERS, Feature, catalogue
from features.encode import Encoder, encode
from features.funnel import VOLUME, Plan
from features.history import MARKET
from features.observe import observe, observed_entities
from features.priors import Floats, Priors
from features.schema import KEY, Loaded
from features.start import StageStart, entity_factor, start

PRICE_BANDS_CNY = [0, 30, 60, 100, 200, 500, 1000]
LEAST_PLAYS = 20
"""Plays under which a play rate says too little to be shown to the trees."""


@dataclass(frozen=True)
class Fitted:
    """What features need from the training period.

    Attributes:
        plan: The funnel.
        priors: Of every stage.
        encoder: Of words.
    """

    plan: Plan
    priors: Priors
    encoder: Encoder


@dataclass(frozen=True)
class Features:
    """Feature rows with what they stand on.

    Attributes:
        keys: KEY, age_hours, cutoff … of each row: the snapshot's own columns.
        values: One float64 column per feature of the catalogue, in its order and no others.
        starts: Of every stage, in row order.
        reference_price: What an order is measured against (see `features.funnel.Stage.priced`).
        catalogue: The declared features.
    """

    keys: pd.DataFrame
    values: pd.DataFrame
    starts: dict[str, StageStart]
    reference_price: Floats
    catalogue: list[Feature]


def build_features(snapshots: pd.DataFrame, loaded: Loaded, fitted: Fitted, settings: Settings) -> Features:
    """Features of these snapshots as they stood at their cutoffs.

    Each row depends on its own snapshot and on `loaded` up to its cutoff alone, bit for bit: not on the other rows.
    """
    return describe(observe(snapshots, loaded, fitted.plan, settings), fitted)


def describe(observed: pd.DataFrame, fitted: Fitted) -> Features:
    """Features from counts already observed (the part that depends on what was fitted)."""
    plan = fitted.plan
    starts = start(observed, plan, fitted.priors)
    shared = [name for name in observed_entities(observed) if name != MARKET.name]
    words = encode(observed, fitted.encoder)
    numbers = _numbers(observed, plan)
    columns = {**words, **numbers, **_stage_columns(starts), **_history(observed, fitted, starts, shared)}
    declared = catalogue(
        plan,
        present=[feature.name for feature in NUMBERS if feature.name in numbers],
        codes=list(fitted.encoder.codes),
        multi=[(column, value) for column, values in fitted.encoder.multi.items() for value in values],
        text=len(fitted.encoder.components),
        shared=shared,
    )
    values = pd.DataFrame({feature.name: columns[feature.name] for feature in declared}, dtype=np.float64)
    return Features(
        keys=observed[[*KEY, "age_hours", "cutoff", "launched_at", "elapsed_hours"]],
        values=values,
        starts=starts,
        reference_price=observed["reference_price"].to_numpy(np.float64),
        catalogue=declared,
    )


def _numbers(observed: pd.DataFrame, plan: Plan) -> dict[str, Floats]:
    def known(name: str) -> Floats | None:
        return observed[name].to_numpy(np.float64) if name in observed else None

    columns: dict[str, Floats] = {}

    def put(name: str, values: Floats | None) -> None:
        if values is not None and not np.isnan(values).all():
            columns[name] = values

    price = known("price_cny")
    put("log_price", None if price is None else _log(price))
    if price is not None:
        band = np.searchsorted(PRICE_BANDS_CNY, price, side="right") - 1.0
        put("price_band", np.where(np.isnan(price), np.nan, band))
    for name, source in (("log_duration", "duration_s"), ("log_followers", "creator_followers")):
        held = known(source)
        put(name, None if held is None else _log(held))
    put("roi_target", known("roi_target"))
    launched = observed["launched_at"]
    if "created_at" in observed:
        delay = (launched - observed["created_at"]) / pd.Timedelta(hours=1)
        put("creation_delay", np.log1p(delay.clip(lower=0).to_numpy(np.float64)))
    put("launch_hour", launched.dt.hour.where(observed["launch_to_the_hour"]).to_numpy(np.float64))
    put("launch_weekday", launched.dt.dayofweek.to_numpy(np.float64))

    plays = known("early:plays")
    if plays is not None:
        enough = np.where(plays >= LEAST_PLAYS, plays, np.nan)
        for name, figure in (("rate_5s", "plays_5s"), ("rate_10s", "plays_10s"), ("rate_finish", "finishes")):
            held = known(f"early:{figure}")
            put(name, None if held is None else held / enough)
        watched, duration = known("early:watch_s"), known("duration_s")
        if watched is not None and duration is not None:
            put("watched_share", watched / enough / np.where(duration > 0, duration, np.nan))

    columns["age"] = np.log1p(observed["elapsed_hours"].to_numpy(np.float64))
    volume = plan.volume_of
    life, day, half = (known(f"{part}:{volume}") for part in ("early", "last_day", "late_half"))
    if life is not None and day is not None and half is not None:
        some = np.where(life > 0, life, np.nan)
        columns |= {
            "log_impressions": np.log1p(life),
            "log_last_day": np.log1p(day),
            "last_day_share": day / some,
            "late_half_share": half / some,
        }
    spend, boost = known("early:spend_cny"), known("early:boost_spend_cny")
    put("log_spend", None if spend is None else np.log1p(spend))
    if spend is not None and boost is not None:
        put("boost_share", boost / np.where(spend > 0, spend, np.nan))
    put("live_siblings", np.log1p(observed["live_siblings"].to_numpy(np.float64)))
    put("recent_launches", np.log1p(observed["recent_launches"].to_numpy(np.float64)))
    put("tag_overlap_share", known("tag_overlap_share"))
    return columns


def _stage_columns(starts: dict[str, StageStart]) -> dict[str, Floats]:
    columns: dict[str, Floats] = {}
    for name, begin in starts.items():
        columns[f"own_{name}"] = begin.log_own
        columns[f"own_events_{name}"] = np.log1p(begin.own_events)
        columns[f"base_{name}"] = begin.log_base - np.log(begin.market)
    return columns


def _history(
    observed: pd.DataFrame, fitted: Fitted, starts: dict[str, StageStart], shared: Sequence[str]
) -> dict[str, Floats]:
    columns: dict[str, Floats] = {}
    volume = fitted.plan.volume_of
    for name in shared:
        for stage in fitted.plan.stages:
            prior = fitted.priors[stage.name]
            factor = entity_factor(stage, observed, prior, name, starts[stage.name].market)
            columns[f"hist_{name}_{stage.name}"] = np.log(factor)
        launched = observed[f"launched:{name}"].to_numpy(np.float64)
        total = observed[f"hist:{name}:{volume}"].to_numpy(np.float64)
        each = total / np.where(launched > 0, launched, np.nan)
        columns[f"hist_{name}_{VOLUME}"] = np.log1p(each)
        columns[f"launched_{name}"] = np.log1p(launched)
    return columns


def _log(values: Floats) -> Floats:
    return np.log(np.where(values > 0, values, np.nan))

"""Everything a report looks at, computed once: the chosen creatives, their predictions, contributions and counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.settings import Settings
from features.errors import InputError
from features.funnel import Funnel, Stage
from features.funnel_model.empirical_bayes import ratio_and_events, stage_counts
from features.matrix.catalogue import TAG_NAMES
from features.matrix.feature_matrix import Features, build_features
from features.point_in_time.counts import observe
from features.point_in_time.entity_history import TAG, entity_name
from features.point_in_time.snapshots import latest_snapshots
from features.schema import KEY, Loaded
from serving.inference.loaded_model import LoadedModel
from serving.inference.predict import stage_contributions
from serving.report.feature_groups import Gathered, gather
from training.boosting.stage_targets import actual_targets
from training.decision.advice import advise
from training.explanation.contributions import check_additivity, target_contributions
from training.labels.outcomes import MATURE, outcomes

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Chosen:
    """Which creatives a report is about; empty or None: all.

    Attributes:
        account: Its id.
        product: Its id.
        since: Launched from then on, or not yet.
    """

    account: str = ""
    product: str = ""
    since: pd.Timestamp | None = None


@dataclass(frozen=True)
class Residual:
    """Of each creative at one stage.

    Attributes:
        off: Observed over expected, less 1; 0 where nothing was counted.
        weight: One over its variance; 0 where nothing was counted.
    """

    off: Floats
    weight: Floats


@dataclass(frozen=True)
class Seen:
    """What a report looks at; every frame and array has one row per chosen creative, in one order.

    Attributes:
        served: The model.
        loaded: All data.
        now: End of the last period in them.
        chosen: The question.
        observed: What each creative is and has counted (`features.point_in_time.counts`).
        features: Of the model.
        predicted: Rates, targets, intervals, chances, verdicts (`training.decision.predict`).
        stages: By stage: contributions by family.
        targets: By target: the same.
        at_launch: Targets predicted at age 0, without the creative's own counts.
        came: What the first outcome window brought: targets, `later:…`, `known`.
        everyone: All creatives of the data, chosen or not: what they are, and the columns of `came`.
    """

    served: LoadedModel
    loaded: Loaded
    now: pd.Timestamp
    chosen: Chosen
    observed: pd.DataFrame
    features: Features
    predicted: pd.DataFrame
    stages: Mapping[str, Gathered]
    targets: Mapping[str, Gathered]
    at_launch: pd.DataFrame
    came: pd.DataFrame
    everyone: pd.DataFrame

    @property
    def funnel(self) -> Funnel:
        """The funnel."""
        return self.served.model.fitted.funnel

    @property
    def settings(self) -> Settings:
        """Of the model's run."""
        return self.served.manifest.settings

    @property
    def roi(self) -> str:
        """The ROI that verdicts are about; empty where none is predicted."""
        return self.funnel.main_roi

    @property
    def gpm(self) -> str:
        """The GPM that the report is about; empty where none is predicted."""
        return self.funnel.main_gpm

    @cached_property
    def tags(self) -> dict[str, str]:
        """Single-valued tag, by its family's name → its column."""
        return {
            name: column for name, column in self.all_tags.items() if column[4:] not in self.served.vocabulary.multi
        }

    @cached_property
    def all_tags(self) -> dict[str, str]:
        """The same of every tag."""
        known = list(TAG_NAMES)
        names = sorted(self.served.tags, key=lambda name: known.index(name) if name in known else len(known))
        return {entity_name(TAG + name): TAG + name for name in names if TAG + name in self.observed}

    def figure(self, name: str) -> Floats:
        """What each creative has counted so far; NaN where that is not known."""
        column = f"early:{name}"
        if column not in self.observed:
            return np.full(len(self.observed), np.nan)
        return self.observed[column].to_numpy(np.float64)

    @cached_property
    def residuals(self) -> dict[str, Residual]:
        """By stage: how far each creative is from what is expected of it without its own counts."""
        return {stage.name: _residual(self, stage) for stage in self.funnel.stages}

    @cached_property
    def launched(self) -> npt.NDArray[np.bool_]:
        """Which have been delivered."""
        return self.observed["age_hours"].to_numpy(np.float64) > 0


def see(served: LoadedModel, loaded: Loaded, chosen: Chosen) -> Seen:
    """Look at the chosen creatives.

    Raises:
        InputError: None is chosen, and what could be.
    """
    if loaded.metrics.empty:
        raise InputError("The data hold no metrics, so there is nothing to report. Import reports too.")
    fitted, settings = served.model.fitted, served.manifest.settings
    now = loaded.metrics["period_end"].max()
    everyone = latest_snapshots(loaded.metrics, loaded.creatives, now)
    kept = _kept(everyone, loaded, chosen)
    rows = everyone[kept].reset_index(drop=True)
    # As in batch predictions, all look at the others as they stand now.
    observed = observe(rows, loaded, fitted.funnel, fitted.entities, settings, as_of=now)
    features = build_features(observed, fitted)
    predicted = served.model.predict(features)
    predicted = pd.concat([predicted, advise(predicted, features, observed, served.model, settings).frame()], axis=1)
    parts = stage_contributions(served, features)
    of_targets = {name: target_contributions(name, fitted.funnel, parts) for name in fitted.funnel.targets}
    for name, part in (parts | of_targets).items():
        if name in predicted:
            check_additivity(part, predicted[name].to_numpy(np.float64), name)
    catalogue = {feature.name: feature for feature in served.catalogue}
    names = [stage.name for stage in fitted.funnel.stages]
    begins = _at_launch(rows)
    unlaunched = observe(begins, loaded, fitted.funnel, fitted.entities, settings, as_of=now)
    came = _came(everyone, loaded, fitted.funnel, settings)
    return Seen(
        served=served,
        loaded=loaded,
        now=now,
        chosen=chosen,
        observed=observed,
        features=features,
        predicted=predicted,
        stages={name: gather(part, catalogue, names) for name, part in parts.items()},
        targets={name: gather(part, catalogue, names) for name, part in of_targets.items()},
        at_launch=served.model.predict(build_features(unlaunched, fitted)),
        came=came[kept].reset_index(drop=True),
        everyone=pd.concat([everyone[KEY].merge(loaded.creatives, how="left", on=KEY), came], axis=1),
    )


def _residual(seen: Seen, step: Stage) -> Residual:
    gathered = seen.stages[step.name]
    rate = np.exp(gathered.total - gathered.own) / (seen.features.reference_price if step.priced else 1.0)
    prior = seen.served.model.fitted.priors[step.name]
    ratio, events = ratio_and_events(step.is_poisson, *stage_counts(step, seen.observed, "early:"), rate)
    weight = np.divide(1.0, prior.dispersion / np.maximum(events, 1e-12) + prior.creative_variance)
    return Residual(np.where(events > 0, ratio - 1.0, 0.0), np.where(events > 0, weight, 0.0))


def _came(rows: pd.DataFrame, loaded: Loaded, funnel: Funnel, settings: Settings) -> pd.DataFrame:
    found = outcomes(_at_launch(rows), loaded, funnel, settings)
    known = (found["state"] == MATURE).to_numpy() & (rows["age_hours"] > 0).to_numpy()
    return pd.concat([actual_targets(found, funnel), found], axis=1).assign(known=known)


def _at_launch(rows: pd.DataFrame) -> pd.DataFrame:
    """The same creatives before anything of theirs was counted."""
    ran = rows["age_hours"] > 0
    return rows.assign(
        age_hours=0.0, elapsed_hours=0.0, cutoff=rows["launched_at"].where(ran, rows["cutoff"]).astype("datetime64[us]")
    )


def _kept(rows: pd.DataFrame, loaded: Loaded, chosen: Chosen) -> npt.NDArray[np.bool_]:
    creatives = loaded.creatives
    kept = np.ones(len(rows), dtype=bool)
    if chosen.account:
        kept &= (rows["account_id"] == chosen.account).to_numpy()
        if not kept.any():
            raise InputError(f"No creative of account {chosen.account}. Accounts here: {_some(rows['account_id'])}.")
    if chosen.product:
        if "product_id" not in creatives:
            raise InputError("--product: these data name no product. Add 商品ID (product_id) to the tag sheet.")
        products = rows[KEY].merge(creatives, how="left", on=KEY)["product_id"]
        mine = (products == chosen.product).to_numpy(dtype=bool)
        if not (kept & mine).any():
            raise InputError(f"No creative of product {chosen.product}. Products here: {_some(products[kept])}.")
        kept &= mine
    if chosen.since is not None:
        kept &= ~(rows["launched_at"] < chosen.since).to_numpy() | (rows["age_hours"] == 0).to_numpy()
        if not kept.any():
            last = rows["launched_at"].max()
            raise InputError(f"No creative was launched since {chosen.since:%Y-%m-%d}; the last one {last:%Y-%m-%d}.")
    return kept


def _some(values: pd.Series, most: int = 8) -> str:
    found = sorted(values.dropna().astype(str).unique())
    return ", ".join(found[:most]) + (f" and {len(found) - most} more" if len(found) > most else "")

"""A model bundle in memory: checked, with its as-of table, and the names that requests may use."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from configs.settings import BASES
from features.arrays import Floats
from features.attributes import NUMBER_ATTRIBUTES
from features.bilingual import Words
from features.matrix.catalogue import Feature
from features.point_in_time.as_of_history import AsOfHistory
from features.point_in_time.as_of_table import life_ranges, read_as_of
from features.point_in_time.entity_history import TAG
from features.point_in_time.number_columns import Names
from features.schema import KEY, VALUES
from serving.api.contradictions import ModelVocabulary
from serving.inference.explain import FeatureTexts
from training.boosting.model import CreativeModel
from training.decision.advice import facts_of
from training.decision.rules import hit_words
from training.errors import BundleError
from training.registry.bundle import Manifest, load_bundle

EARLY = "early:"
"""What columns of counts begin with that are sums over the life of a creative so far."""


@dataclass(frozen=True)
class BundleLocation:
    """A bundle to be served.

    Attributes:
        folder: Its folder.
        name: Of the registered model; empty for a plain folder.
        version: Its number in the registry; empty for a plain folder.
        manifest_sha256: Hash of its manifest; empty where that file cannot be read. It changes with every file of the
            bundle, so two equal locations are the same model.
        others: Other champions that could serve; a change of them alone is no other model.
    """

    folder: Path
    name: str
    version: str
    manifest_sha256: str
    others: tuple[str, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return f"{self.name} version {self.version}" if self.name else str(self.folder)


@dataclass(frozen=True)
class LoadedModel:
    """A model and all that answers are computed from.

    Attributes:
        model: The fitted model.
        manifest: Manifest of its bundle.
        as_of: Counts of accounts, products, KOCs and tags as of the end of the bundle's data.
        metric_columns: Value columns of metrics that the training data had.
        ranges: Numeric attribute, `age_hours`, or value column of metrics (its sum over a life) → least and greatest in
            the training data.
        known_ids: Account, product, KOC, as far as the model uses them → those of the training data.
        name: Of the registered model, or of the bundle's folder.
        version: Its number in the registry, or the first 12 digits of the manifest's sha256.
        folder: Folder of the bundle.
        sha256: Of the bundle's manifest, which holds that of every file.
    """

    model: CreativeModel
    manifest: Manifest
    as_of: AsOfHistory
    metric_columns: tuple[str, ...]
    ranges: dict[str, tuple[float, float]]
    known_ids: dict[str, frozenset[str]]
    name: str
    version: str
    folder: Path
    sha256: str

    @cached_property
    def hit_words(self) -> Words | None:
        """What counts as a hit; None where chances of one are not predicted."""
        facts = facts_of(self.model, self.manifest.settings)
        return hit_words(facts, "") if facts.hit_measure else None

    @cached_property
    def catalogue(self) -> list[Feature]:
        """The features, in the order of the feature matrix's columns."""
        return self.model.fitted.declared

    @cached_property
    def feature_names(self) -> list[str]:
        """Names of the features, in the same order."""
        return [feature.name for feature in self.catalogue]

    @cached_property
    def feature_texts(self) -> FeatureTexts:
        """What explanations say of its features."""
        return FeatureTexts.of(self.catalogue, self.model.fitted.encoder)

    @cached_property
    def tags(self) -> dict[str, tuple[str, ...]]:
        """Tag → its values in the training data."""
        seen = self.model.fitted.encoder.seen
        return {name.removeprefix(TAG): values for name, values in seen.items() if name.startswith(TAG)}

    @cached_property
    def tag_names(self) -> list[str]:
        """Names of its tags."""
        return list(self.tags)

    @cached_property
    def categories(self) -> dict[str, frozenset[str]]:
        """Categorical column → its categories in the training data."""
        return {name: frozenset(values) for name, values in self.model.fitted.encoder.seen.items()}

    @cached_property
    def known_values(self) -> dict[str, frozenset[str]]:
        """Attribute or tag → its values in the training data; the promotion type is not among them."""
        known = self.known_ids | self.categories
        return {name: values for name, values in known.items() if name != "promotion_type"}

    @cached_property
    def promotion_types(self) -> frozenset[str]:
        """Promotion types of the training data."""
        return frozenset(name for prior in self.model.fitted.priors.values() for name in prior.rate)

    @cached_property
    def used_attributes(self) -> list[str]:
        """Attributes of a creative that the model uses; the key is not among them."""
        fitted = self.model.fitted
        shared = [column for entity in fitted.entities for column in entity.columns]
        numbers = [a.name for a in NUMBER_ATTRIBUTES if a.log and a.feature_name in fitted.numbers]
        return [name for name in dict.fromkeys([*self.categories, *shared, *numbers]) if name not in KEY]

    @cached_property
    def used_metrics(self) -> list[str]:
        """Value columns of metrics that the funnel counts."""
        fitted, net_money = self.model.fitted, BASES[self.manifest.settings.basis][0]
        names = set(fitted.funnel.counted_columns) | ({net_money} if fitted.funnel.has("keep") else set())
        return [name for name in self.metric_columns if name in names]

    @cached_property
    def unused_metrics(self) -> frozenset[str]:
        """Value columns of metrics that the training data did not have."""
        return frozenset(VALUES) - frozenset(self.metric_columns)

    @cached_property
    def creative_ranges(self) -> dict[str, tuple[float, float]]:
        """Those of `ranges` that are of `age_hours` and numbers of creatives."""
        return {name: ends for name, ends in self.ranges.items() if name not in VALUES}

    @cached_property
    def life_limits(self) -> tuple[Names, Floats]:
        """Columns of counts with the sums of value columns over a life, and (columns, 2) their `ranges`."""
        known = {name: ends for name, ends in self.ranges.items() if name in VALUES}
        return Names(tuple(EARLY + name for name in known)), np.array(list(known.values())).reshape(-1, 2)

    @cached_property
    def vocabulary(self) -> ModelVocabulary:
        """The names and the time zone that requests are checked against."""
        multi = {name.removeprefix(TAG) for name in self.model.fitted.encoder.multi}
        return ModelVocabulary(
            tags=frozenset(self.tags),
            multi=frozenset(multi),
            time_zone=self.manifest.settings.time_zone,
            typical_price=self.model.fitted.funnel.typical_price or 0.0,
        )

    @cached_property
    def zone(self) -> ZoneInfo:
        """Time zone of all its times."""
        return ZoneInfo(self.manifest.settings.time_zone)

    @cached_property
    def history_until(self) -> datetime:
        """Strictly before which its history of other creatives is, in its time zone."""
        return self.as_of.moment.to_pydatetime()

    @cached_property
    def identity(self) -> dict[str, object]:
        """`model` of every answer (`serving.api.responses.ModelIdentity`)."""
        return {
            "name": self.name,
            "version": self.version,
            "trained_until": self.manifest.trained_until,
            "history_until": self.history_until.isoformat(),
            "basis": self.manifest.settings.basis,
            "outcome_days": self.manifest.settings.outcome_days,
        }

    @cached_property
    def hit(self) -> dict[str, object] | None:
        """What hit chances are about: `measure`, and `threshold` by promotion type; None where none are stated."""
        uncertainty = self.model.uncertainty
        if uncertainty is None or not uncertainty.hit_measure:
            return None
        return {"measure": uncertainty.hit_measure, "threshold": dict(uncertainty.hit_thresholds)}


@dataclass(frozen=True)
class ModelSource:
    """Where the model comes from, for people who run the service.

    Attributes:
        following: The bundle folder, or the registry with what named it; without passwords.
        confirmed: Whether the loaded model is what that place named when it was last asked.
        note: Why it is not, or which other champions there are; empty for nothing to say.
    """

    following: str
    confirmed: bool
    note: str


def load_model(folder: Path, name: str = "", version: str = "") -> LoadedModel:
    """Load the bundle in this folder and check every byte of it.

    Raises:
        BundleError: It is refused, or holds no as-of table.
    """
    model, manifest = load_bundle(folder)
    try:
        frozen = read_as_of(folder)
    except FileNotFoundError:
        raise BundleError(
            f"{folder}: holds no as-of table (asof.parquet), which serving needs. Train again with this version.",
            zh=f"{folder}：没有历史表（asof.parquet），报告和服务需要它。处理：用这个版本重新训练。",
        ) from None
    as_of = AsOfHistory(frozen.table, model.fitted.entities, frozen.moment)
    sha256 = (folder / "manifest.sha256").read_text(encoding="ascii").strip()
    return LoadedModel(
        model=model,
        manifest=manifest,
        as_of=as_of,
        metric_columns=frozen.metrics,
        ranges=frozen.ranges | life_ranges(frozen.table),
        known_ids=frozen.ids,
        name=name or folder.name,
        version=version or sha256[:12],
        folder=folder,
        sha256=sha256,
    )

"""A model that is ready to answer: loaded, checked, with what it knows of others."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

import lightgbm as lgb
import numpy as np

from configs.settings import BASES
from features.attributes import NUMBER_ATTRIBUTES
from features.funnel import counted_columns
from features.matrix.catalogue import Feature
from features.point_in_time.as_of_file import read_as_of
from features.point_in_time.as_of_table import Standing
from features.point_in_time.entity_history import TAG
from features.schema import KEY
from serving.api.validation import Known
from training.boosting.model import CreativeModel
from training.boosting.single_row import quickened
from training.errors import BundleError
from training.explanation.treeshap_tables import CannotTable, TreeTables, agrees
from training.registry.bundle import Manifest, load_bundle

log = logging.getLogger("gpmcast.serving")

ROWS_TO_TRY = 24
"""Rows on which the tables are held against LightGBM."""


@dataclass(frozen=True)
class LoadedModel:
    """Everything that answers are made of.

    Attributes:
        model: The model.
        manifest: What its bundle says of itself.
        standing: The others, as they stood when the bundle was made.
        figures: Value columns of metrics that its data had.
        ranges: Number, or `age_hours` → the least and the greatest that its data had.
        name: Of the registered model, or of the bundle's folder.
        version: Its number in the registry, or the start of its fingerprint.
        tables: Contributions of its trees; None where they are LightGBM's own to tell.
    """

    model: CreativeModel
    manifest: Manifest
    standing: Standing
    figures: tuple[str, ...]
    ranges: dict[str, tuple[float, float]]
    name: str
    version: str
    tables: TreeTables | None

    @cached_property
    def catalogue(self) -> list[Feature]:
        """The features, in the order of their columns."""
        return self.model.fitted.declared

    @cached_property
    def feature_names(self) -> list[str]:
        """Names of the features, in the order of their columns."""
        return [feature.name for feature in self.catalogue]

    @cached_property
    def labels(self) -> dict[str, tuple[str, str]]:
        """Feature → what strategists read, and the same in English."""
        return {feature.name: (feature.zh, feature.en) for feature in self.catalogue}

    @cached_property
    def tags(self) -> dict[str, tuple[str, ...]]:
        """Tag → every value that training saw."""
        seen = self.model.fitted.encoder.seen
        return {name.removeprefix(TAG): values for name, values in seen.items() if name.startswith(TAG)}

    @cached_property
    def seen(self) -> dict[str, frozenset[str]]:
        """Column → every word of it that training saw."""
        return {name: frozenset(values) for name, values in self.model.fitted.encoder.seen.items()}

    @cached_property
    def wanted(self) -> list[str]:
        """What the model uses of what a creative is."""
        fitted = self.model.fitted
        shared = [column for entity in fitted.entities for column in entity.columns]
        numbers = [a.name for a in NUMBER_ATTRIBUTES if a.log and a.feature_name in fitted.numbers]
        return [name for name in dict.fromkeys([*self.seen, *shared, *numbers]) if name not in KEY]

    @cached_property
    def needed(self) -> list[str]:
        """Value columns of metrics that the funnel counts."""
        fitted, basis = self.model.fitted, BASES[self.manifest.settings.basis][0]
        names = set(counted_columns(fitted.funnel)) | ({basis} if fitted.funnel.has("keep") else set())
        return [name for name in self.figures if name in names]

    @cached_property
    def known(self) -> Known:
        """What requests may name."""
        multi = {name.removeprefix(TAG) for name in self.model.fitted.encoder.multi}
        return Known(
            tags=frozenset(self.tags),
            multi=frozenset(multi),
            time_zone=self.manifest.settings.time_zone,
            creatives=500,
        )

    @cached_property
    def tag_names(self) -> list[str]:
        """Names of its tags."""
        return list(self.tags)

    @cached_property
    def zone(self) -> ZoneInfo:
        """Time zone of all its times."""
        return ZoneInfo(self.manifest.settings.time_zone)

    @cached_property
    def kinds(self) -> frozenset[str]:
        """Promotion types that training saw."""
        return frozenset(kind for prior in self.model.fitted.priors.values() for kind in prior.rate)

    @cached_property
    def told(self) -> dict[str, object]:
        """Of itself, in every answer."""
        return {
            "name": self.name,
            "version": self.version,
            "trained_until": self.manifest.trained_until,
            "history_until": self.standing.moment.isoformat(),
            "basis": self.manifest.settings.basis,
            "outcome_days": self.manifest.settings.outcome_days,
        }


def load_model(folder: Path, name: str = "", version: str = "") -> LoadedModel:
    """The bundle in this folder, every byte of it checked.

    Raises:
        BundleError: It is refused, or holds no as-of table.
    """
    model, manifest = load_bundle(folder)
    try:
        known = read_as_of(folder)
    except FileNotFoundError:
        raise BundleError(
            f"{folder}: holds no as-of table (asof.parquet), which serving needs. Train again with this version."
        ) from None
    standing = Standing(known.table, model.fitted.funnel, model.fitted.entities, known.moment)
    rows, place = _rows_to_try(model), {feature.name: number for number, feature in enumerate(model.fitted.declared)}
    columns = {stage: [place[name] for name in model.columns[stage]] for stage in model.boosters}
    boosters = {stage: (booster, columns[stage]) for stage, booster in model.boosters.items()}
    tables = _tables(boosters, rows)
    model = replace(model, boosters=quickened(model.boosters, {stage: rows[:, columns[stage]] for stage in columns}))
    fingerprint = (folder / "manifest.sha256").read_text(encoding="ascii")[:12]
    return LoadedModel(
        model=model,
        manifest=manifest,
        standing=standing,
        figures=known.metrics,
        ranges=known.ranges,
        name=name or folder.name,
        version=version or fingerprint,
        tables=tables,
    )


def _tables(boosters: Mapping[str, tuple[lgb.Booster, Sequence[int]]], rows: np.ndarray) -> TreeTables | None:
    """Tables of these trees, held against LightGBM; where they do not agree, LightGBM goes on telling."""
    try:
        tables = TreeTables(boosters)
    except CannotTable as error:
        log.warning("contributions come from LightGBM, which is slower: %s", error)
        return None
    if not agrees(tables, boosters, rows):
        log.error("contributions come from LightGBM: the tables of these trees tell otherwise")
        return None
    return tables


def _rows_to_try(model: CreativeModel) -> np.ndarray:
    draw = np.random.default_rng(0)
    declared = model.fitted.declared
    rows = draw.normal(0.0, 3.0, (ROWS_TO_TRY, len(declared)))
    for place, feature in enumerate(declared):
        if feature.categorical:
            rows[:, place] = draw.integers(0, len(model.fitted.encoder.codes[feature.name]) + 1, ROWS_TO_TRY)
    rows[draw.random(rows.shape) < 0.2] = np.nan
    return rows

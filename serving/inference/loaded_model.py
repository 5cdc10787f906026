"""A model bundle in memory: checked, with its as-of table, the names that requests may use, and SHAP tables."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from configs.settings import BASES
from features.attributes import NUMBER_ATTRIBUTES
from features.funnel import counted_columns
from features.matrix.catalogue import Feature
from features.point_in_time.as_of_table import AsOfHistory, read_as_of
from features.point_in_time.entity_history import TAG
from features.schema import KEY
from serving.api.validation import ModelVocabulary
from training.boosting.model import CreativeModel
from training.errors import BundleError
from training.explanation.treeshap_tables import NotTabulable, TreeTables, agrees
from training.lightgbm_single_row import with_single_row_calls
from training.registry.bundle import Manifest, load_bundle

log = logging.getLogger("gpmcast.serving")

ROWS_TO_TRY = 24
"""Random rows on which SHAP tables and single-row calls are compared with LightGBM."""


@dataclass(frozen=True)
class LoadedModel:
    """A model and all that answers are computed from.

    Attributes:
        model: The fitted model.
        manifest: Manifest of its bundle.
        as_of: Counts of accounts, products, KOCs and tags as of the end of the bundle's data.
        metric_columns: Value columns of metrics that the training data had.
        ranges: Numeric attribute, or `age_hours` → least and greatest value in the training data.
        name: Of the registered model, or of the bundle's folder.
        version: Its number in the registry, or the first 12 digits of the manifest's sha256.
        tables: SHAP tables of its trees; None where LightGBM's `pred_contrib` is used.
    """

    model: CreativeModel
    manifest: Manifest
    as_of: AsOfHistory
    metric_columns: tuple[str, ...]
    ranges: dict[str, tuple[float, float]]
    name: str
    version: str
    tables: TreeTables | None

    @cached_property
    def catalogue(self) -> list[Feature]:
        """The features, in the order of the feature matrix's columns."""
        return self.model.fitted.declared

    @cached_property
    def feature_names(self) -> list[str]:
        """Names of the features, in the same order."""
        return [feature.name for feature in self.catalogue]

    @cached_property
    def labels(self) -> dict[str, tuple[str, str]]:
        """Feature → its label in Chinese and in English."""
        return {feature.name: (feature.zh, feature.en) for feature in self.catalogue}

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
        names = set(counted_columns(fitted.funnel)) | ({net_money} if fitted.funnel.has("keep") else set())
        return [name for name in self.metric_columns if name in names]

    @cached_property
    def vocabulary(self) -> ModelVocabulary:
        """The names and the time zone that requests are checked against."""
        multi = {name.removeprefix(TAG) for name in self.model.fitted.encoder.multi}
        return ModelVocabulary(
            tags=frozenset(self.tags), multi=frozenset(multi), time_zone=self.manifest.settings.time_zone
        )

    @cached_property
    def zone(self) -> ZoneInfo:
        """Time zone of all its times."""
        return ZoneInfo(self.manifest.settings.time_zone)

    @cached_property
    def identity(self) -> dict[str, object]:
        """`model` of every answer (`serving.api.responses.ModelIdentity`)."""
        return {
            "name": self.name,
            "version": self.version,
            "trained_until": self.manifest.trained_until,
            "history_until": self.as_of.moment.isoformat(),
            "basis": self.manifest.settings.basis,
            "outcome_days": self.manifest.settings.outcome_days,
        }


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
            f"{folder}: holds no as-of table (asof.parquet), which serving needs. Train again with this version."
        ) from None
    as_of = AsOfHistory(frozen.table, model.fitted.entities, frozen.moment)
    rows, place = _rows_to_try(model), {feature.name: number for number, feature in enumerate(model.fitted.declared)}
    columns = {stage: [place[name] for name in model.columns[stage]] for stage in model.boosters}
    boosters = {stage: (booster, columns[stage]) for stage, booster in model.boosters.items()}
    tables = _tables(boosters, rows)
    model = replace(
        model, boosters=with_single_row_calls(model.boosters, {stage: rows[:, columns[stage]] for stage in columns})
    )
    sha256 = (folder / "manifest.sha256").read_text(encoding="ascii")[:12]
    return LoadedModel(
        model=model,
        manifest=manifest,
        as_of=as_of,
        metric_columns=frozen.metrics,
        ranges=frozen.ranges,
        name=name or folder.name,
        version=version or sha256,
        tables=tables,
    )


def _tables(
    boosters: Mapping[str, tuple[lgb.Booster, Sequence[int]]], rows: npt.NDArray[np.float64]
) -> TreeTables | None:
    """SHAP tables of these trees, compared with LightGBM's `pred_contrib`; None where they differ or cannot be made.

    Args:
        boosters: Stage → booster, and the columns of `rows` that are its features.
        rows: Rows to compare on; axis 0: rows, axis 1: features of the matrix.
    """
    try:
        tables = TreeTables(boosters)
    except NotTabulable as error:
        log.warning("contributions come from LightGBM, which is slower: %s", error)
        return None
    if not agrees(tables, boosters, rows):
        log.error("contributions come from LightGBM: the tables of these trees give other values")
        return None
    return tables


def _rows_to_try(model: CreativeModel) -> npt.NDArray[np.float64]:
    """Random feature values with unseen codes and missing values; axis 0: ROWS_TO_TRY rows, axis 1: features."""
    draw = np.random.default_rng(0)
    declared = model.fitted.declared
    rows = draw.normal(0.0, 3.0, (ROWS_TO_TRY, len(declared)))
    for place, feature in enumerate(declared):
        if feature.categorical:
            rows[:, place] = draw.integers(0, len(model.fitted.encoder.codes[feature.name]) + 1, ROWS_TO_TRY)
    rows[draw.random(rows.shape) < 0.2] = np.nan
    return rows

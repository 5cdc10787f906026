"""Bundle: a model as a folder of plain data, LightGBM text and JSON, every file with its sha256; no code, no pickle."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightgbm as lgb
from pydantic import BaseModel, ConfigDict, ValidationError

import configs
from configs.settings import Dask, Settings
from features.bilingual import Words
from features.funnel import Funnel
from features.funnel_model.empirical_bayes import StagePrior
from features.funnel_model.model import from_document, to_document
from features.matrix.encoders import Encoder
from features.matrix.feature_matrix import FEATURES_VERSION, Fitted, declare
from features.point_in_time.as_of_table import AsOf, write_as_of
from features.point_in_time.entity_history import Entity
from features.stages import Stage
from training.boosting.model import Choice, CreativeModel, FittedHead
from training.boosting.stack import Stack
from training.boosting.volume import CHOICES, VolumeHead
from training.errors import BundleError
from training.labels.calibration import Calibration
from training.registry.bundle_files import CURE, MANIFEST, SEAL, check_files, file_sha256, read_sealed_manifest
from training.uncertainty import read_uncertainty

FORMAT = 6
TREES = "trees_"
"""Prefix of the files with trees, before the name of the head."""


class Manifest(BaseModel):
    """What a bundle is.

    Attributes:
        format: Of the bundle's files.
        version: Of gpmcast, when it was written.
        created_at: UTC, ISO 8601.
        data_fingerprint: sha256 of the metrics and creatives it was made from.
        data_until: End of the last period in them.
        trained_until: The training outcomes were known by then, ISO 8601.
        feature_fingerprint: sha256 of the feature catalogue and of what shapes its values.
        settings: Of the run.
        summary: Figures of the evaluation, by name.
        choices: By head, how it was chosen: what a refresh uses again.
        files: Name → sha256.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    version: str
    created_at: str
    data_fingerprint: str
    data_until: str
    trained_until: str
    feature_fingerprint: str
    settings: Settings
    summary: dict[str, float | str | None]
    choices: dict[str, Choice]
    files: dict[str, str]


def save_bundle(
    folder: Path,
    model: CreativeModel,
    settings: Settings,
    *,
    created_at: str,
    data_fingerprint: str,
    data_until: str,
    trained_until: str,
    summary: Mapping[str, float | str | None],
    choices: Mapping[str, Choice] | None = None,
    known: AsOf | None = None,
    card: str = "",
    mlmodel: str = "",
) -> None:
    """Write a bundle atomically, replacing an earlier one.

    Args:
        folder: Of the bundle.
        model: To be written.
        settings: Of the run.
        created_at, data_fingerprint, data_until, trained_until, summary, choices: As in `Manifest`.
        known: As-of table of the other creatives, with which the bundle can be served without the data.
        card: Markdown of the model card; empty for none.
        mlmodel: Of `training.registry.mlflow_tracking.mlmodel_text`; empty for none.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".bundle-", dir=folder.parent))
    draft.chmod(0o755)  # a model is read by whoever serves it
    try:
        fitted = model.fitted
        documents: dict[str, Any] = {
            "funnel.json": asdict(fitted.funnel),
            "priors.json": {name: asdict(prior) for name, prior in fitted.priors.items()},
            "funnel_models.json": [to_document(state) for state in fitted.newest.funnel_models],
            "encoder.json": fitted.encoder.model_dump(mode="json"),
            "entities.json": [asdict(entity) for entity in fitted.entities],
            "features.json": {
                "numbers": fitted.numbers,
                "catalogue": [[one.name, one.unit, one.group, one.categorical] for one in declare(fitted)],
            },
            "heads.json": {name: {"stack": asdict(h.stack), "level": h.level} for name, h in model.heads.items()},
            "volume.json": model.volume.document(),
            "dispersion.json": dict(model.dispersion),
        }
        if model.calibration is not None:
            documents["calibration.json"] = model.calibration.model_dump(mode="json")
        if model.uncertainty is not None:
            documents["uncertainty.json"] = model.uncertainty.document()
        for name, content in documents.items():
            (draft / name).write_text(_json(content), encoding="utf-8")
        of_volume = {CHOICES[figure]: booster for figure, booster in model.volume.boosters.items()}
        for name, booster in {**model.boosters, **of_volume}.items():
            (draft / f"{TREES}{name}.txt").write_text(booster.model_to_string(), encoding="utf-8")
        if known is not None:
            write_as_of(draft, known)
        for name, text in (("model_card.md", card), ("MLmodel", mlmodel)):
            if text:
                (draft / name).write_text(text, encoding="utf-8")
        manifest = Manifest(
            format=FORMAT,
            version=configs.__version__,
            created_at=created_at,
            data_fingerprint=data_fingerprint,
            data_until=data_until,
            trained_until=trained_until,
            feature_fingerprint=feature_fingerprint(fitted, settings),
            settings=settings.model_copy(update={"dask": Dask()}),  # of the machine, and may hold a password
            summary=dict(summary),
            choices=dict(choices or {}),
            files={path.name: file_sha256(path) for path in sorted(draft.iterdir())},
        )
        (draft / MANIFEST).write_text(_json(manifest.model_dump(mode="json")), encoding="utf-8")
        (draft / SEAL).write_text(file_sha256(draft / MANIFEST) + "\n", encoding="ascii")
        _swap(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def load_bundle(folder: Path) -> tuple[CreativeModel, Manifest]:
    """Load the model of a bundle and check every byte of it.

    Raises:
        BundleError: A file is missing, added or changed; the format or the features are of another version.
    """
    manifest = read_manifest(folder)
    check_files(folder, manifest.files)
    documents = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    try:
        fitted = Fitted(
            funnel=_funnel(documents["funnel"]),
            priors={name: StagePrior(**prior) for name, prior in documents["priors"].items()},
            encoder=Encoder.model_validate(documents["encoder"]),
            entities=tuple(Entity(e["name"], tuple(e["columns"])) for e in documents["entities"]),
            numbers=tuple(documents["features"]["numbers"]),
            funnel_models=tuple(from_document(state) for state in documents["funnel_models"]),
        )
        boosters = {
            path.stem.removeprefix(TREES): lgb.Booster(model_str=path.read_text(encoding="utf-8"))
            for path in sorted(folder.glob(f"{TREES}*.txt"))
        }
        volume = VolumeHead.from_document(
            documents["volume"], {figure: boosters[name] for figure, name in CHOICES.items() if name in boosters}
        )
        saved = documents["heads"]
        heads = {
            h.name: FittedHead(h, Stack(**saved[h.name]["stack"]), boosters.get(h.name), saved[h.name]["level"])
            for h in fitted.funnel.heads
        }
        known = documents.get("uncertainty")
        uncertainty = None if known is None else read_uncertainty(known)
        counted = documents.get("calibration")
        calibration = None if counted is None else Calibration.model_validate(counted)
        dispersion = {str(name): float(bound) for name, bound in documents.get("dispersion", {}).items()}
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise BundleError(
            f"{folder}: was written by another version of gpmcast ({manifest.version}). {CURE.en}",
            zh=f"{folder}：是别的版本（{manifest.version}）的模型。处理：{CURE.zh}",
        ) from error
    expected = feature_fingerprint(fitted, manifest.settings)
    if expected != manifest.feature_fingerprint:
        raise BundleError(
            f"{folder}: was trained on other features (fingerprint {manifest.feature_fingerprint[:12]}, this version "
            f"computes {expected[:12]}). Train again, or use gpmcast {manifest.version}.",
            zh=f"{folder}：训练时的特征与这个版本的不同。处理：重新 make train，或用 gpmcast {manifest.version}。",
        )
    return CreativeModel(fitted, volume, heads, uncertainty, dispersion, calibration), manifest


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a bundle and check its hash and format; the other files are not read."""
    content = read_sealed_manifest(folder)
    if content.get("format") != FORMAT:
        raise BundleError(
            f"{folder}: is a bundle of format {content.get('format')}, this version reads {FORMAT}. {CURE.en}",
            zh=f"{folder}：是别的版本的模型（格式 {content.get('format')}，应为 {FORMAT}）。处理：{CURE.zh}",
        )
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        raise BundleError(
            f"{folder}: {MANIFEST} cannot be read by this version: {error}. {CURE.en}",
            zh=f"{folder}：这个版本读不了 {MANIFEST}。处理：{CURE.zh}",
        ) from None


def feature_fingerprint(fitted: Fitted, settings: Settings) -> str:
    """Return the sha256 of the feature catalogue without labels, and of the settings that change feature values."""
    shaping = settings.model_dump(
        mode="json", include={"time_zone", "basis", "report_delay_hours", "history_days", "tags", "text"}
    )
    content = {
        "version": FEATURES_VERSION,
        "catalogue": [[one.name, one.unit, one.group, one.categorical] for one in declare(fitted)],
        "settings": shaping,
    }
    return hashlib.sha256(_json(content).encode()).hexdigest()


def _swap(draft: Path, folder: Path) -> None:
    # A folder that holds files cannot be replaced in one step: the old one steps aside, and back if that fails.
    if not folder.exists():
        os.replace(draft, folder)
        return
    aside = Path(tempfile.mkdtemp(prefix=".bundle-old-", dir=folder.parent))
    try:
        os.replace(folder, aside)
        try:
            os.replace(draft, folder)
        except BaseException:
            os.rename(aside, folder)
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _funnel(content: dict[str, Any]) -> Funnel:
    stages = tuple(Stage(**{**stage, "label": Words(*stage["label"])}) for stage in content["stages"])
    return Funnel(
        **{**content, "stages": stages, "to_gmv": tuple(content["to_gmv"]), "to_roi": tuple(content["to_roi"])}
    )


def _json(content: object) -> str:
    # Not sorted: the order of columns and of sums is part of what a model is.
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)

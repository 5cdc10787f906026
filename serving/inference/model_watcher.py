"""Find the model to serve, and replace the loaded model in the running process when a new one appears.

The model is a bundle folder, or the version that a local MLflow registry has under the alias `champion`. Importing
MLflow takes seconds and is not needed here: the alias is read from the registry's SQLite file, read-only
(`tests/serving/inference/test_model_watcher.py` compares the result with MLflow's own).
"""

import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np
import pandas as pd

from configs.errors import GpmcastError
from serving.api.requests import Creative, MetricsRow
from serving.inference.loaded_model import LoadedModel, load_model
from serving.inference.predict import predictions
from serving.settings import ServiceSettings
from training.errors import BundleError

log = logging.getLogger("gpmcast.serving")

CHAMPION = "champion"
QUERY = """
SELECT alias.name, alias.version, version.source
FROM registered_model_aliases AS alias
JOIN model_versions AS version ON version.name = alias.name AND version.version = alias.version
WHERE alias.alias = ?
"""


@dataclass(frozen=True)
class BundleLocation:
    """A bundle to be served.

    Attributes:
        folder: Its folder.
        name: Of the registered model; empty for a plain folder.
        version: Its number in the registry; empty for a plain folder.
        manifest_sha256: Hash of its manifest; empty where that file cannot be read. It changes with every file of the
            bundle, so two equal locations are the same model.
    """

    folder: Path
    name: str
    version: str
    manifest_sha256: str

    def __str__(self) -> str:
        return f"{self.name} version {self.version}" if self.name else str(self.folder)


def find_bundle(settings: ServiceSettings) -> BundleLocation:
    """The bundle that the settings select now.

    Raises:
        BundleError: There is none; the message says what to do.
    """
    if settings.bundle is not None:
        return _location(settings.bundle, "", "")
    if not settings.registry.is_file():
        raise BundleError(f"{settings.registry}: there is no registry. Run `make train`, or name a bundle (--bundle).")
    uri = f"{settings.registry.resolve().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=1)) as connection:
            rows = connection.execute(QUERY, (CHAMPION,)).fetchall()
    except sqlite3.Error as error:
        raise BundleError(f"{settings.registry}: cannot be read as an MLflow registry: {error}.") from error
    wanted = [row for row in rows if settings.registered_model in ("", row[0])]
    if not wanted:
        raise BundleError(f"{settings.registry}: has no champion. Run `make train`, or name a bundle (--bundle).")
    if len(wanted) > 1:
        names = ", ".join(sorted(row[0] for row in wanted))
        raise BundleError(f"{settings.registry}: has several champions; name one with --name: {names}.")
    name, version, source = wanted[0]
    parts = urlsplit(source)
    if parts.scheme not in ("", "file"):
        raise BundleError(f"{name} version {version}: lies at {source}; only bundles on this machine are served.")
    return _location(Path(url2pathname(parts.path)), str(name), str(version))


def _location(folder: Path, name: str, version: str) -> BundleLocation:
    try:
        manifest_sha256 = (folder / "manifest.sha256").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        manifest_sha256 = ""
    return BundleLocation(folder, name, version, manifest_sha256)


class ModelWatcher:
    """The loaded model, and the thread that looks for a new one.

    Attributes:
        loaded: The model that answers requests; None while none could be loaded.
    """

    def __init__(self, settings: ServiceSettings, on_outcome: Callable[[str], None] = lambda outcome: None) -> None:
        """Load nothing yet.

        Args:
            settings: Of the service.
            on_outcome: Called with `swapped` when a model was loaded, with `refused` when one was refused.
        """
        self._settings = settings
        self._on_outcome = on_outcome
        self._location: BundleLocation | None = None
        self._last_error = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="model-watch", daemon=True)
        self.loaded: LoadedModel | None = None

    def start(self) -> None:
        """Load the model and start the thread; if loading fails, the thread tries again."""
        self.check()
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()

    def check(self) -> None:
        """Load the selected bundle if it changed; if it is refused, the model loaded before stays."""
        try:
            location = find_bundle(self._settings)
            if location == self._location:
                return
            loaded = load_model(location.folder, location.name, location.version)
            self_test(loaded)
        except Exception as error:  # no defect of a bundle may end the service: it is logged
            self._refuse(error)
            return
        # `loaded` changes by one assignment: a request uses the old model or the new one, never parts of both.
        self._location, self.loaded, self._last_error = location, loaded, ""
        log.info("serving %s, trained until %s", location, loaded.manifest.trained_until)
        self._on_outcome("swapped")

    def _refuse(self, error: Exception) -> None:
        message = str(error) if isinstance(error, GpmcastError) else f"{type(error).__name__}: {error}"
        if message != self._last_error:  # logged once, tried again every time: a bundle may still be being copied
            self._last_error = message
            log.error("model refused, %s: %s", "the old one goes on" if self.loaded else "there is none", message)
            self._on_outcome("refused")

    def _watch(self) -> None:
        while not self._stop.wait(self._settings.watch_seconds):
            self.check()


def self_test_creatives(loaded: LoadedModel) -> list[Creative]:
    """Two creatives with categories and numbers of the training data: one before launch, one three hours old."""
    moment = loaded.as_of.moment.to_pydatetime()
    first = {name: sorted(values)[0] for name, values in loaded.categories.items() if values}
    tags: dict[str, str | list[str]] = {n: first[f"tag_{n}"] for n in loaded.tags if f"tag_{n}" in first}
    attributes: dict[str, Any] = {name: value for name, value in first.items() if name in Creative.model_fields}
    attributes.setdefault("promotion_type", min(loaded.promotion_types))
    attributes |= {name: low for name, (low, _) in loaded.ranges.items() if name in Creative.model_fields}
    start = moment - pd.Timedelta(hours=3).to_pytimedelta()
    counts = {"impressions": 900.0, "clicks": 50.0, "orders": 3.0, "plays": 900.0, "spend_cny": 150.0, "gmv_cny": 300.0}
    row = MetricsRow(
        period_start=start,
        period_end=moment,
        **{name: value for name, value in counts.items() if name in loaded.metric_columns},
    )
    new = Creative(creative_id="self-test-1", account_id="self-test", tags=tags, **attributes)
    return [new, new.model_copy(update={"creative_id": "self-test-2", "metrics": [row]})]


def self_test(loaded: LoadedModel) -> None:
    """Predict two creatives with explanations, in one batch and one by one.

    Raises:
        BundleError: A prediction is not finite, an explanation does not add up, or a prediction depends on the batch.
    """
    creatives = self_test_creatives(loaded)
    now = loaded.as_of.moment
    together = predictions(loaded, creatives, now=now, explain=True).answers
    alone = [predictions(loaded, [one], now=now, explain=True).answers[0] for one in creatives]
    if together != alone:
        raise BundleError(f"{loaded.name} {loaded.version}: a prediction depends on the batch. Train again.")
    for answer in together:
        values = [estimate["value"] for part in ("stages", "targets") for estimate in answer[part].values()]  # type: ignore[attr-defined]
        if not np.isfinite(values).all():
            raise BundleError(f"{loaded.name} {loaded.version}: a self-test prediction is not finite. Train again.")

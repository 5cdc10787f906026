"""Find the model to serve, and replace the loaded model in the running process when a new one appears.

The model is a bundle folder, or the version that an MLflow registry has under the alias `champion`: a SQLite file, a
server, a database. MLflow itself is not loaded here (`training.registry.champion_finder`). The champion that served
last is kept in a cache: it serves at once after a restart, and goes on where the registry cannot be reached or names a
champion that is refused.
"""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd

from configs.errors import GpmcastError
from serving.api.requests import Creative, MetricsRow
from serving.inference.loaded_model import BundleLocation, LoadedModel, ModelSource, load_model
from serving.inference.predict import predictions
from serving.settings import ServiceSettings
from training.errors import BundleError
from training.mlflow_address import mlflow_address
from training.registry.champion_finder import ChampionFinder, Found

log = logging.getLogger("gpmcast.serving")

DATABASE = Path("var/mlflow.db")
"""The registry, where neither a setting nor MLflow's environment variables name another."""


def finder_of(settings: ServiceSettings, *, preferred: str = "", database: Path = DATABASE) -> ChampionFinder:
    """What finds the champion of the registry that the settings, else the environment, name.

    Args:
        settings: Of the service.
        preferred: Registered model that is taken if it has a champion, where the settings name none.
        database: SQLite registry that is followed where nothing else is named.
    """
    address = mlflow_address(database, settings.registry)
    return ChampionFinder(
        address, settings.model_cache, settings.model_bytes, name=settings.registered_model, preferred=preferred
    )


def find_bundle(settings: ServiceSettings, *, preferred: str = "", database: Path = DATABASE) -> BundleLocation:
    """The bundle that the settings select now; arguments as of `finder_of`.

    Raises:
        BundleError: There is none; the message says what to do.
    """
    if settings.bundle is not None:
        return _folder_location(settings.bundle)
    finder = finder_of(settings, preferred=preferred, database=database)
    return _location(finder, finder.find())


def note_on_others(location: BundleLocation) -> str:
    """A sentence that names the other champions; empty where there are none."""
    if not location.others:
        return ""
    return (
        f"{location} is the newest of several champions; the others: {', '.join(location.others)}. "
        "Another one serves by `make serve NAME=…` (setting registered_model)."
    )


def _folder_location(folder: Path) -> BundleLocation:
    try:
        manifest_sha256 = (folder / "manifest.sha256").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        manifest_sha256 = ""
    return BundleLocation(folder, "", "", manifest_sha256)


def _location(finder: ChampionFinder, found: Found) -> BundleLocation:
    return BundleLocation(finder.folder(found), found.name, found.version, found.sha256, found.others)


class ModelWatcher:
    """The loaded model, and the thread that looks for a new one.

    Attributes:
        loaded: The model that answers requests; None while none could be loaded.
        location: Its bundle.
        source: Where it comes from.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        on_outcome: Callable[[str], None] = lambda outcome: None,
        on_check: Callable[[], None] = lambda: None,
    ) -> None:
        """Load nothing yet.

        Args:
            settings: Of the service.
            on_outcome: Called with `swapped` when a model was loaded, with `restored` when it was the one that served
                before a restart, with `refused` when one was refused.
            on_check: Called after every check.
        """
        self._settings = settings
        self._on_outcome = on_outcome
        self._on_check = on_check
        self._finder = finder_of(settings) if settings.bundle is None else None
        following = f"the registry {self._finder.address}" if self._finder else f"the bundle {settings.bundle}"
        self._last_error = ""
        self._refused: tuple[BundleLocation, str] | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="model-watch", daemon=True)
        self.loaded: LoadedModel | None = None
        self.location: BundleLocation | None = None
        self.source = ModelSource(following, False, "")

    def start(self) -> None:
        """Load the model and start the thread that looks for another one.

        Of a registry the champion that served last is loaded, and the thread asks at once for a newer one.
        """
        log.info("following %s", self.source.following)
        if self._finder is None:
            self.check()
        else:
            self.restore()
        self._on_check()
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._finder is not None:
            self._finder.close()

    def restore(self) -> None:
        """Load the champion that served last, where there is one."""
        good = self._finder.last_good() if self._finder else None
        if self._finder is None or good is None:
            return
        try:
            self._load(_location(self._finder, good), "restored")
        except Exception as error:  # a defective cache is no reason not to ask the registry
            self._note_failure(error)
            return
        note = "The champion that served last serves until the registry has answered."
        self.source = ModelSource(self.source.following, False, note)

    def check(self) -> None:
        """Load the selected bundle if it changed; if it is refused, the model loaded before stays."""
        try:
            if self._finder is None:
                found, location = None, find_bundle(self._settings)
            else:
                found = self._finder.find()
                location = _location(self._finder, found)
            if self._refused and self._refused[0] == location:
                raise BundleError(self._refused[1])  # a new one: the traceback of one that is raised again grows
            if location != self.location:
                self._load(location, "swapped")
        except Exception as error:  # no defect of a bundle may end the service: it is logged
            if not self._stop.is_set():
                self._note_failure(error)
            return
        if self._finder is not None and found is not None:
            self._finder.record_good(found)
        self._last_error = ""
        note = note_on_others(location)
        if note and note != self.source.note:
            log.warning("%s", note)
        self.source = ModelSource(self.source.following, True, note)

    def _load(self, location: BundleLocation, outcome: str) -> None:
        try:
            loaded = load_model(location.folder, location.name, location.version)
            self_test(loaded)
        except GpmcastError as refusal:
            message = f"{location}: {refusal}"
            # What lies whole in the cache stays refused; a folder may still be being copied.
            if self._finder is not None and self._finder.is_whole(location.manifest_sha256):
                self._refused = (location, message)
            raise BundleError(message) from refusal
        # `loaded` changes by one assignment: a request uses the old model or the new one, never parts of both.
        self.location, self.loaded = location, loaded
        log.info("serving %s, trained until %s", location, loaded.manifest.trained_until)
        self._on_outcome(outcome)

    def _note_failure(self, error: Exception) -> None:
        message = str(error) if isinstance(error, GpmcastError) else f"{type(error).__name__}: {error}"
        if message != self._last_error:  # logged once, tried again every time: a bundle may still be being copied
            self._last_error = message
            log.error("no new model, %s: %s", "the old one goes on" if self.loaded else "there is none", message)
            self._on_outcome("refused")
        what = f"{self.location} goes on" if self.loaded else "No model is loaded"
        self.source = ModelSource(self.source.following, False, f"{what}: {message}")

    def _watch(self) -> None:
        if self._finder is not None:
            self.check()
            self._on_check()
        while not self._stop.wait(self._settings.watch_seconds):
            self.check()
            self._on_check()


def self_test_creatives(loaded: LoadedModel) -> list[Creative]:
    """Two creatives with categories and numbers of the training data: one before launch, one three hours old."""
    moment = loaded.history_until
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
    # Not checked: training data may hold what a request may not, a price of 0 for example.
    new = Creative.model_construct(creative_id="self-test-1", account_id="self-test", tags=tags, **attributes)
    return [new, new.model_copy(update={"creative_id": "self-test-2", "metrics": [row]})]


def self_test(loaded: LoadedModel) -> None:
    """Predict two creatives with explanations, in one batch and one by one.

    Raises:
        BundleError: A prediction is not finite, an explanation does not add up, or a prediction depends on the batch.
    """
    creatives = self_test_creatives(loaded)
    now = loaded.history_until
    together = predictions(loaded, creatives, now=now, explain=True).answers
    alone = [predictions(loaded, [one], now=now, explain=True).answers[0] for one in creatives]
    if orjson.dumps(together) != orjson.dumps(alone):
        raise BundleError(f"{loaded.name} {loaded.version}: a prediction depends on the batch. Train again.")
    for answer in together:
        values = [estimate["value"] for part in ("stages", "targets") for estimate in answer[part].values()]  # type: ignore[attr-defined]
        if not np.isfinite(np.array(values, dtype=np.float64)).all():
            raise BundleError(f"{loaded.name} {loaded.version}: a self-test prediction is not finite. Train again.")

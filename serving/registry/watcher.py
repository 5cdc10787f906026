"""Which model answers now; a new one takes its place in-process, once it is loaded, checked and has answered a test."""

import logging
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from configs.errors import GpmcastError
from serving.api.requests import Creative, Row
from serving.inference.loaded_model import LoadedModel, load_model
from serving.inference.predict import predictions
from serving.registry.champion import Origin, find
from serving.settings import Serving
from training.errors import BundleError

log = logging.getLogger("gpmcast.serving")


class Holder:
    """The serving model and the thread that looks for a new one."""

    def __init__(self, settings: Serving, swapped: Callable[[str], None] = lambda outcome: None) -> None:
        """Nothing is loaded yet.

        Args:
            settings: Of the service.
            swapped: Called with `swapped` or `refused`.
        """
        self._settings = settings
        self._swapped = swapped
        self._origin: Origin | None = None
        self._said = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="model-watch", daemon=True)
        self.served: LoadedModel | None = None

    def start(self) -> None:
        """Load the model; where that fails, go on looking for one."""
        self.look()
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()

    def look(self) -> None:
        """Take a new model if there is one; a bad one is refused and the old one goes on."""
        try:
            origin = find(self._settings)
            if origin == self._origin:
                return
            served = load_model(origin.folder, origin.name, origin.version)
            self_test(served)
        except Exception as error:  # whatever is wrong with a bundle must not end the service: said, and gone on with
            self._refuse(error)
            return
        self._origin, self.served, self._said = origin, served, ""  # one assignment: requests see the one or the other
        log.info("serving %s, trained until %s", origin, served.manifest.trained_until)
        self._swapped("swapped")

    def _refuse(self, error: Exception) -> None:
        said = str(error) if isinstance(error, GpmcastError) else f"{type(error).__name__}: {error}"
        if said != self._said:  # told once, looked at again every time: a copy may still be under way
            self._said = said
            log.error("model refused, %s: %s", "the old one goes on" if self.served else "there is none", said)
            self._swapped("refused")

    def _watch(self) -> None:
        while not self._stop.wait(self._settings.watch_seconds):
            self.look()


def examples(served: LoadedModel) -> list[Creative]:
    """Two creatives of words that the model knows: one before launch, one that runs."""
    moment = served.standing.moment.to_pydatetime()
    seen = {name: sorted(values)[0] for name, values in served.seen.items() if values}
    tags: dict[str, str | list[str]] = {n: seen[f"tag_{n}"] for n in served.tags if f"tag_{n}" in seen}
    about = {name: word for name, word in seen.items() if name in Creative.model_fields}
    about.setdefault("promotion_type", min(served.kinds))
    numbers = {name: low for name, (low, _) in served.ranges.items() if name in Creative.model_fields}
    start = moment - pd.Timedelta(hours=3).to_pytimedelta()
    counts = {"impressions": 900.0, "clicks": 50.0, "orders": 3.0, "plays": 900.0, "spend_cny": 150.0, "gmv_cny": 300.0}
    row = Row(
        period_start=start,
        period_end=moment,
        **{name: value for name, value in counts.items() if name in served.figures},
    )
    told: dict[str, Any] = {**about, **numbers, "tags": tags}
    new = Creative(creative_id="self-test-1", account_id="self-test", **told)
    return [new, new.model_copy(update={"creative_id": "self-test-2", "metrics": [row]})]


def self_test(served: LoadedModel) -> None:
    """Answer two creatives, with contributions, together and alone.

    Raises:
        BundleError: An answer is no number, does not add up, or depends on its company.
    """
    asked = examples(served)
    now = served.standing.moment
    together = predictions(served, asked, now=now, explain=True).answers
    alone = [predictions(served, [one], now=now, explain=True).answers[0] for one in asked]
    if together != alone:
        raise BundleError(f"{served.name} {served.version}: answers otherwise alone than in company. Train again.")
    for answer in together:
        values = [told["value"] for part in ("stages", "targets") for told in answer[part].values()]  # type: ignore[attr-defined]
        if not np.isfinite(values).all():
            raise BundleError(f"{served.name} {served.version}: an answer to the self-test is no number. Train again.")

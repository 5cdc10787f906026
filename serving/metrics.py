"""Metrics of our own for Prometheus, beside BentoML's: requests, predictions, warnings, models, state of the ledger."""

from __future__ import annotations

import os
from collections import Counter as Tally
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram, multiprocess

if TYPE_CHECKING:
    from serving.inference.loaded_model import LoadedModel
    from serving.ledger.record import LedgerRecord

SECONDS_BUCKETS = (0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
VALUE_BUCKETS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4, 3e4, 1e5, 1e6)


class ServiceMetrics:
    """The metrics of this process, in the registry that BentoML writes out at `/metrics`; made once."""

    def __init__(self) -> None:
        self._requests = Counter("gpmcast_requests", "Requests answered", ["path", "status"])
        self._seconds = Histogram(
            "gpmcast_request_seconds", "Seconds until the answer", ["path"], buckets=SECONDS_BUCKETS
        )
        self._creatives = Counter("gpmcast_creatives", "Creatives predicted")
        self._predicted = Histogram("gpmcast_prediction", "Predicted targets", ["target"], buckets=VALUE_BUCKETS)
        self._warnings = Counter("gpmcast_warnings", "Warnings given, by code", ["code"])
        self.models = Counter("gpmcast_models", "Models swapped in or refused", ["outcome"])
        self.unrecorded = Counter("gpmcast_unrecorded", "Answers that the ledger could not take")
        self.ledger_up = Gauge("gpmcast_ledger_up", "Whether the ledger can be written", multiprocess_mode="livemin")
        self._confirmed = Gauge(
            "gpmcast_model_confirmed",
            "Whether the registry named this model when it was last asked; 0 if not so in any worker",
            multiprocess_mode="livemin",
        )
        # Looking a labelled metric up costs more than counting.
        self._request_of = cache(self._requests.labels)
        self._second_of = cache(self._seconds.labels)
        self._prediction_of = cache(self._predicted.labels)
        self._warning_of = cache(self._warnings.labels)

    @cached_property
    def _age(self) -> Gauge:
        """Made with the first model: without one the model has no age."""
        text = "Seconds since the end of the training data; of the oldest model of all workers"
        return Gauge("gpmcast_model_age_seconds", text, multiprocess_mode="livemax")

    def show_model(self, loaded: LoadedModel | None, *, confirmed: bool) -> None:
        """Set the gauges of this worker's model.

        Args:
            loaded: The model.
            confirmed: Whether it is the one that the registry named when it was last asked.
        """
        self._confirmed.set(int(confirmed and loaded is not None))
        if loaded is not None:
            until = datetime.fromisoformat(loaded.manifest.trained_until).replace(tzinfo=loaded.zone)
            self._age.set((datetime.now(UTC) - until).total_seconds())

    def count_request(self, path: str, status: int, seconds: float) -> None:
        """Count one request.

        Args:
            path: A known path, or `other`.
            status: HTTP status of the answer.
            seconds: Until the answer.
        """
        self._request_of(path, str(status)).inc()
        self._second_of(path).observe(seconds)

    def count_predictions(self, record: LedgerRecord) -> None:
        """Count creatives and warnings of a recorded answer to `predict`, and observe its targets."""
        warnings: Tally[str] = Tally()
        for answer in record.answers:
            targets: dict[str, dict[str, float | None]] = answer["targets"]  # type: ignore[assignment]
            for name, estimate in targets.items():
                if (value := estimate["value"]) is not None:
                    self._prediction_of(name).observe(value)
            given: list[dict[str, str]] = answer["warnings"]  # type: ignore[assignment]
            warnings.update(warning["code"] for warning in given)
        for code, count in warnings.items():
            self._warning_of(code).inc(count)
        self._creatives.inc(len(record.creatives))


@cache
def service_metrics() -> ServiceMetrics:
    """The metrics of this process. A registry takes each name once, so they are shared by all that count."""
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        forget_ended_workers(Path(folder))
    return ServiceMetrics()


def forget_ended_workers(folder: Path) -> None:
    """Remove the gauges of processes that have ended: their last values would count among the living for ever.

    Args:
        folder: Of prometheus_client's multiprocess mode.
    """
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except OSError:  # none has this id, or one of another user
            with suppress(FileNotFoundError):  # another worker was faster
                multiprocess.mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]

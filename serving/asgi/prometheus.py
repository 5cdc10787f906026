"""What the service tells Prometheus: requests, predictions and how they are spread, unseen values, age of the model."""

import os
from datetime import datetime

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

from serving.inference.loaded_model import LoadedModel

CONTENT_TYPE = CONTENT_TYPE_LATEST
SECONDS = (0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SPREAD = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4, 3e4, 1e5, 1e6)


class Measured:
    """The service's own metrics."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.requests = Counter("gpmcast_requests", "Requests answered", ["path", "status"], registry=registry)
        self.seconds = Histogram(
            "gpmcast_request_seconds", "Seconds until the answer", ["path"], buckets=SECONDS, registry=registry
        )
        self.creatives = Counter("gpmcast_creatives", "Creatives predicted", registry=registry)
        self.predicted = Histogram(
            "gpmcast_prediction", "Predicted targets", ["target"], buckets=SPREAD, registry=registry
        )
        self.warned = Counter("gpmcast_warnings", "Warnings told, by kind", ["code"], registry=registry)
        self.models = Counter("gpmcast_models", "Models taken or refused", ["outcome"], registry=registry)
        self.unrecorded = Counter("gpmcast_unrecorded", "Answers that the ledger could not take", registry=registry)
        self.ledger_up = Gauge(
            "gpmcast_ledger_up", "Whether the ledger can be written", registry=registry, multiprocess_mode="livemin"
        )
        self.model_age = Gauge(
            "gpmcast_model_age_seconds",
            "Since the end of the data that the model learned from",
            registry=registry,
            multiprocess_mode="livemax",
        )

    def answered(self, answers: list[dict[str, object]]) -> None:
        """Count what was predicted, and the warnings told."""
        self.creatives.inc(len(answers))
        for answer in answers:
            targets: dict[str, dict[str, float]] = answer["targets"]  # type: ignore[assignment]
            for name, estimate in targets.items():
                self.predicted.labels(name).observe(estimate["value"])
            warnings: list[dict[str, str]] = answer["warnings"]  # type: ignore[assignment]
            for warned in warnings:
                self.warned.labels(warned["code"]).inc()

    def text(self, served: LoadedModel | None, now: datetime) -> bytes:
        """Everything, of all workers."""
        if served is not None:
            self.model_age.set((now - datetime.fromisoformat(served.manifest.trained_until)).total_seconds())
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        everyone = CollectorRegistry()
        multiprocess.MultiProcessCollector(everyone)  # type: ignore[no-untyped-call]
        return generate_latest(everyone)

"""Metrics for Prometheus: requests, the distribution of predictions, warnings, models, state of the ledger."""

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
SECONDS_BUCKETS = (0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
VALUE_BUCKETS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4, 3e4, 1e5, 1e6)


class ServiceMetrics:
    """The metrics of one worker."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.requests = Counter("gpmcast_requests", "Requests answered", ["path", "status"], registry=registry)
        self.seconds = Histogram(
            "gpmcast_request_seconds", "Seconds until the answer", ["path"], buckets=SECONDS_BUCKETS, registry=registry
        )
        self.creatives = Counter("gpmcast_creatives", "Creatives predicted", registry=registry)
        self.predicted = Histogram(
            "gpmcast_prediction", "Predicted targets", ["target"], buckets=VALUE_BUCKETS, registry=registry
        )
        self.warnings = Counter("gpmcast_warnings", "Warnings given, by code", ["code"], registry=registry)
        self.models = Counter("gpmcast_models", "Models swapped in or refused", ["outcome"], registry=registry)
        self.unrecorded = Counter("gpmcast_unrecorded", "Answers that the ledger could not take", registry=registry)
        self.ledger_up = Gauge(
            "gpmcast_ledger_up", "Whether the ledger can be written", registry=registry, multiprocess_mode="livemin"
        )
        self.model_age = Gauge(
            "gpmcast_model_age_seconds",
            "Seconds since the end of the training data",
            registry=registry,
            multiprocess_mode="livemax",
        )

    def count_predictions(self, answers: list[dict[str, object]]) -> None:
        """Count creatives and warnings, and observe the predicted targets."""
        self.creatives.inc(len(answers))
        for answer in answers:
            targets: dict[str, dict[str, float]] = answer["targets"]  # type: ignore[assignment]
            for name, estimate in targets.items():
                self.predicted.labels(name).observe(estimate["value"])
            warnings: list[dict[str, str]] = answer["warnings"]  # type: ignore[assignment]
            for warning in warnings:
                self.warnings.labels(warning["code"]).inc()

    def text(self, loaded: LoadedModel | None, now: datetime) -> bytes:
        """All metrics of all workers in Prometheus' text format."""
        if loaded is not None:
            self.model_age.set((now - datetime.fromisoformat(loaded.manifest.trained_until)).total_seconds())
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        all_workers = CollectorRegistry()
        multiprocess.MultiProcessCollector(all_workers)  # type: ignore[no-untyped-call]
        return generate_latest(all_workers)

"""A bundle of the small world, loaded for serving: made once for all tests; the service in this process or started."""

import asyncio
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import pandas as pd
import pytest

from configs.settings import Settings
from features.point_in_time.as_of_table import as_of
from features.point_in_time.metric_rows import MetricRows
from features.schema import KEY, PERIOD, VALUES, Loaded
from features.stages import VOLUME
from serving.inference.loaded_model import LoadedModel, load_model
from serving.ledger import writer
from serving.settings import SETTINGS_VARIABLE, ServiceSettings
from training.boosting.model import Choice, CreativeModel
from training.boosting.recipe import Recipe, fit_on, out_of_fold
from training.boosting.rolling_fits import plan_refits, with_refits
from training.boosting.stack import Stack
from training.data.dataset import prepare
from training.labels.splits import holdout_split
from training.registry.bundle import save_bundle
from training.uncertainty import fit_uncertainty

# prometheus_client reads it when it is imported: metrics then go through files, as they do in a started service.
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
os.environ.setdefault(METRICS_FOLDER, tempfile.mkdtemp(prefix="gpmcast-test-metrics-"))
ROOT = Path(__file__).parents[2]
STAMP = {"created_at": "2026-05-10T00:00:00+00:00", "data_fingerprint": "0" * 64}


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers wait for their commit however slow the machine is; tests of the bound set it again."""
    monkeypatch.setattr(writer, "COMMIT_SECONDS", 600.0)


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings.model_validate(
        {
            "var": str(tmp_path_factory.mktemp("var")),
            "open_days": 1,
            "trees": {"rounds": 12, "min_data_in_leaf": 20},
            "interval": {"min_rows": 50},
            "split": {"holdout_days": 7, "folds": 2},
            "tags": {"min_creatives": 2},
            "text": {"components": 2, "buckets": 256},
        }
    )


@pytest.fixture(scope="session")
def model(small_world: Loaded, quick: Settings) -> CreativeModel:
    """A model of the funnel with all members of the stack but for cost, which has no trees, and intervals."""
    dataset = prepare(small_world, quick)
    train, _, starts = holdout_split(dataset.rows, quick.split.holdout_days)
    trainings, moments = plan_refits(dataset, [(train, starts)])
    dataset = with_refits(dataset, moments)
    trees = quick.trees.model_copy(update={"learning_rate": 0.1, "lambda_l2": 1.0})
    recipe = Recipe(
        {
            "gmv": Choice(trees, 12, Stack(bayes=0.2, funnel=0.3, trees=0.5, log_bayes_level=0.1)),
            "cost": Choice(trees, 0, Stack(bayes=0.25, funnel=0.75, log_bayes_level=-0.05)),
            "keep": Choice(trees, 12, Stack(bayes=0.1, funnel=0.3, trees=0.6, log_bayes_level=0.05)),
            VOLUME: Choice(quick.volume_trees, 12),
        }
    )
    uncertainty = fit_uncertainty(out_of_fold(dataset, trainings[0][0], recipe), dataset.funnel, quick)
    assert uncertainty is not None
    assert len(uncertainty.targets) > 1
    return replace(fit_on(dataset, *trainings[0], recipe), uncertainty=uncertainty)


@pytest.fixture(scope="session")
def write_bundle():
    """Writes a bundle that can be served."""
    return _write_bundle


def _write_bundle(folder: Path, model: CreativeModel, loaded: Loaded, settings: Settings, **more: str) -> Path:
    until = loaded.metrics["period_end"].max().isoformat()
    known = as_of(MetricRows.of(loaded), model.fitted.funnel, model.fitted.entities, settings)
    stamp = {**STAMP, "data_until": until, "trained_until": until, **more}
    save_bundle(folder, model, settings, summary={"gpm/spearman": 0.5}, known=known, **stamp)
    return folder


@pytest.fixture(scope="session")
def bundle(tmp_path_factory, model: CreativeModel, small_world: Loaded, quick: Settings) -> Path:
    return _write_bundle(tmp_path_factory.mktemp("models") / "bundle", model, small_world, quick)


@pytest.fixture(scope="session")
def loaded(bundle: Path) -> LoadedModel:
    return load_model(bundle)


@pytest.fixture(scope="session")
def as_requests():
    """Writes creatives of a frame as a caller would send them."""
    return _as_requests


def _as_requests(loaded: Loaded, keys: pd.DataFrame) -> list[dict[str, object]]:
    """The requests that a caller would send for these creatives."""
    figures = [name for name in VALUES if name in loaded.metrics]
    about = loaded.creatives.set_index(KEY).astype(object)
    rows = dict(iter(loaded.metrics.groupby(KEY)))
    asked = []
    for key in keys[KEY].itertuples(index=False, name=None):
        known = {name: value for name, value in about.loc[key].items() if not pd.isna(value)}
        tags = {name[4:]: known.pop(name) for name in list(known) if name.startswith("tag_")}
        for name in ("created_at", "launched_at"):
            if name in known:
                known[name] = known[name].isoformat()
        if "selling_point" in tags:
            tags["selling_point"] = tags["selling_point"].split("|")
        creative = {**dict(zip(KEY, key)), **known, "tags": tags}
        if key in rows:
            creative["metrics"] = [
                {
                    "period_start": row["period_start"].isoformat(),
                    "period_end": row["period_end"].isoformat(),
                    **{name: row[name] for name in figures if not pd.isna(row[name])},
                }
                for row in rows[key][[*PERIOD, *figures]].to_dict("records")
            ]
        asked.append(creative)
    return asked


@pytest.fixture
def one_creative() -> dict[str, object]:
    """A running creative, as a caller sends it."""
    return {
        "creative_id": "new-1",
        "promotion_type": "live",
        "account_id": "acc0",
        "price_cny": 99.0,
        "duration_s": 20.0,
        "product_id": "p1",
        "creator_id": "k1",
        "category": "食品",
        "roi_target": 1.5,
        "launched_at": "2026-05-08T09:00:00",
        "tags": {"hook": "悬念", "scene": "居家", "selling_point": ["好用"]},
        "metrics": [
            {
                "period_start": f"2026-05-08T{hour:02d}:00:00",
                "period_end": f"2026-05-08T{hour + 1:02d}:00:00",
                "impressions": 200.0,
                "clicks": 11.0,
                "orders": 2.0,
                "plays": 200.0,
                "plays_3s": 60.0,
                "likes": 2.0,
                "spend_cny": 40.0,
                "boost_spend_cny": 0.0,
                "gmv_cny": 198.0,
                "net_gmv_cny": 198.0,
            }
            for hour in (9, 10, 11)
        ],
    }


def _patient_settings(**settings: Any) -> ServiceSettings:
    """Settings by which a request may take minutes, on a busy machine, unless they bound it themselves."""
    limits = settings.get("limits", {})
    given = limits if isinstance(limits, dict) else limits.model_dump(exclude_unset=True)
    return ServiceSettings.model_validate({**settings, "limits": {"seconds": 120, **given}})


class ServiceInProcess:
    """The application that BentoML makes of the service, with settings of its own, in this process.

    Its process of large requests starts with the first of them, not before.
    """

    def __init__(self, **settings: object) -> None:
        from prometheus_client import REGISTRY

        import serving.service

        content = _patient_settings(**settings).model_dump_json()
        with patch.dict(os.environ, {SETTINGS_VARIABLE: content}):
            self.module = importlib.reload(serving.service)  # settings are those of the environment at import
        for name, metric in list(REGISTRY._names_to_collectors.items()):  # BentoML makes its own for each application
            if name.startswith("bentoml_") and name in REGISTRY._names_to_collectors:
                REGISTRY.unregister(metric)
        self.app = self.module.PredictionService.to_asgi()
        self.runner = asyncio.Runner()
        self._lifespan = self.app.router.lifespan_context(self.app)
        with patch("serving.compute.compute.Compute.start_process"):
            self.runner.run(self._lifespan.__aenter__())
        self.declared = self.module.SERVICE  # of this application: a later one reloads the module
        self.pages = self.module.PAGES
        self.instance = self.module.bentoml.get_current_service()  # the object behind the API methods
        assert self.ask("GET", "/livez").status_code == 200  # BentoML makes its metrics with the first request

    def client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=True)
        return httpx.AsyncClient(transport=transport, base_url="http://localhost")

    def ask(self, method: str, path: str, **more) -> httpx.Response:
        async def go() -> httpx.Response:
            async with self.client() as client:
                return await client.request(method, path, **more)

        return self.runner.run(go())

    def end(self) -> None:
        self.runner.run(self._lifespan.__aexit__(None, None, None))
        self.runner.close()


@pytest.fixture(scope="session")
def service_in_process() -> type[ServiceInProcess]:
    return ServiceInProcess


@pytest.fixture(scope="session")
def service(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceInProcess]:
    """The service with the settings that it has without any, for tests that change nothing of it."""
    folder = tmp_path_factory.mktemp("service")
    started = ServiceInProcess(
        bundle=bundle, ledger=f"sqlite:///{folder}/ledger.db", report=folder / "report.html", open_metrics=True
    )
    yield started
    started.end()


@pytest.fixture(scope="session")
def narrow(bundle: Path) -> Iterator[ServiceInProcess]:
    """The service with a limit of 2 048 bytes a body."""
    started = ServiceInProcess(bundle=bundle, ledger="", limits={"body_bytes": 2048})
    yield started
    started.end()


@pytest.fixture
def build(bundle: Path, tmp_path: Path) -> Iterator[Callable[..., ServiceInProcess]]:
    """Starts the service in this process with settings of a test; ends all that it started."""
    started: list[ServiceInProcess] = []

    def make(**more: object) -> ServiceInProcess:
        given = {
            "bundle": bundle,
            "ledger": f"sqlite:///{tmp_path}/ledger.db",
            "report": tmp_path / "report.html",
        }
        started.append(ServiceInProcess(**{**given, **more}))
        return started[-1]

    yield make
    for service in started:
        service.end()


class Server:
    """A really started service."""

    def __init__(self, folder: Path, settings: ServiceSettings) -> None:
        self.folder = folder
        self.settings = settings
        self.url = f"http://127.0.0.1:{settings.port}"
        self.log = folder / "log.txt"
        (folder / "serving.yaml").write_text(json.dumps(settings.model_dump(mode="json")), encoding="utf-8")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "serving", "serve", "--config", str(folder / "serving.yaml")],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                env={
                    name: value for name, value in os.environ.items() if name not in (SETTINGS_VARIABLE, METRICS_FOLDER)
                },
            )

    def wait_ready(self, seconds: float = 300.0) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            if self.get("/readyz")[0] == 200:
                return
            time.sleep(0.1)
        raise AssertionError(f"not ready: {self.log.read_text()[-3000:]}")

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        return self._ask(urllib.request.Request(self.url + path, headers=headers))

    def post(self, path: str, body: object, **headers: str) -> tuple[int, bytes]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        kinds = {"content-type": "application/json", **headers}
        return self._ask(urllib.request.Request(self.url + path, content, headers=kinds, method="POST"))

    def _ask(self, request: urllib.request.Request) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(request, timeout=150) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()
        except OSError:
            return 0, b""

    def workers(self) -> list[int]:
        """Process ids of the workers."""
        listed = ["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)]
        found = subprocess.run(listed, capture_output=True, text=True, check=False)
        return [int(line.split()[0]) for line in found.stdout.splitlines() if "serving.server.worker" in line]

    def memory_mb(self) -> float:
        """Resident memory of the largest worker."""
        sizes = [Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0] for pid in self.workers()]
        return max(int(size) for size in sizes) / 1024

    def end(self) -> int:
        """SIGTERM, and wait."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(180)


@pytest.fixture(scope="session")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Starts services; ends them all."""
    started: list[Server] = []

    def start(bundle: Path | None, **more: object) -> Server:
        folder = tmp_path_factory.mktemp("server")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        ledger = f"sqlite:///{folder}/ledger.db"
        settings = _patient_settings(**{"bundle": bundle, "port": port, "ledger": ledger, "watch_seconds": 0.3, **more})
        server = Server(folder, settings)
        started.append(server)
        server.wait_ready()
        return server

    yield start
    for server in started:
        if server.process.poll() is None:
            server.end()

"""The service as BentoML's users use it: `bentoml serve`, its client, its documents, calls in the process, a bento."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import bentoml
import pytest

from serving.api.errors import Refused
from serving.api.requests import PredictRequest, RankRequest
from serving.bento_build import build as build_bento
from serving.settings import SETTINGS_FILE_VARIABLE, SETTINGS_VARIABLE, ServiceSettings

ROOT = Path(__file__).parents[2]
JSON = {"content-type": "application/json"}
SHEET = "素材ID,账户ID,推广方式,价格\nnew-1,acc0,推直播,99\n".encode()


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Starts `bentoml serve` on a free port, waits until it is ready, and gives its address."""
    started: list[subprocess.Popen[bytes]] = []

    def start(what: str, **env: str) -> str:
        folder = tmp_path_factory.mktemp("bentoml")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        kept = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
        command = [sys.executable, "-m", "bentoml", "serve", what, "--host", "127.0.0.1", "--port", port]
        with (folder / "log.txt").open("wb") as log:
            environment = {"BENTOML_HOME": str(folder / "home"), **kept, "BENTOML_DO_NOT_TRACK": "true", **env}
            started.append(subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log))
        end = time.monotonic() + 300
        while time.monotonic() < end and started[-1].poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                    return f"http://127.0.0.1:{port}"
            except OSError:
                time.sleep(0.1)
        raise AssertionError((folder / "log.txt").read_text()[-3000:])

    yield start
    for process in started:
        process.terminate()
        assert process.wait(180) == 0


@pytest.fixture(scope="module")
def url(serve, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    ledger = tmp_path_factory.mktemp("ledger") / "ledger.db"
    settings = ServiceSettings(bundle=bundle, ledger=f"sqlite:///{ledger}", open_metrics=True, limits={"seconds": 120})
    return serve("serving.service:PredictionService", **{SETTINGS_VARIABLE: settings.model_dump_json()})


@pytest.mark.service
def test_bentomls_client_predicts_ranks_and_reads(url, one_creative, tmp_path) -> None:
    with bentoml.SyncHTTPClient(url, timeout=150) as client:
        answer = client.predict({"creatives": [one_creative], "explain": True, "top": 2})
        (prediction,) = answer["predictions"]
        assert prediction["targets"]["net_roi"]["value"] > 0
        assert len(prediction["explanation"]["targets"]["net_roi"]["features"]) == 2
        assert prediction["evidence"]["clicks"] == 33
        assert client.rank({"creatives": [one_creative], "top": 1})["ranking"][0]["place"] == 1
        sheet = tmp_path / "tags.csv"
        sheet.write_bytes(SHEET)
        assert client.read(sheet)["creatives"][0]["creative"]["price_cny"] == 99
        with pytest.raises(bentoml.exceptions.InvalidArgument, match=r"creatives\[0\].price_cny"):
            client.predict({"creatives": [{**one_creative, "price_cny": "x"}]})


@pytest.mark.service
def test_bentomls_documents_metrics_and_health_are_there(url) -> None:
    def get(path: str) -> bytes:
        with urllib.request.urlopen(url + path, timeout=150) as reply:
            assert reply.headers["content-security-policy"]
            return reply.read()

    assert json.loads(get("/docs.json")) == json.loads(get("/v1/openapi.json"))
    assert {route["name"] for route in json.loads(get("/schema.json"))["routes"]} == {"predict", "rank", "plan", "read"}
    assert get("/livez") == get("/readyz") == get("/healthz") == b"\n"
    metrics = get("/metrics")
    assert b"gpmcast_requests_total" in metrics
    assert b"bentoml_service_request_duration_seconds_bucket" in metrics
    html = get("/docs").decode()
    for path in ("/static_content/swagger-ui.css", "/static_content/swagger-ui-bundle.js", "/docs/docs.js"):
        assert f'"{path}"' in html
        assert get(path)
    assert "//" not in html.replace("<!DOCTYPE html>", "")  # no address of elsewhere


def test_a_call_in_the_process_takes_and_gives_models(build, one_creative, tmp_path) -> None:
    app = build()
    request = PredictRequest.model_validate_json(json.dumps({"creatives": [one_creative], "explain": True, "top": 2}))
    answer = app.runner.run(app.instance.predict(request))
    over_http = app.ask("POST", "/v1/predict", content=request.model_dump_json(exclude_none=True), headers=JSON).json()
    assert [one.model_dump(mode="json") for one in answer.predictions] == over_http["predictions"]
    ranked = app.runner.run(app.instance.rank(RankRequest(creatives=request.creatives, top=1)))
    assert ranked.ranking[0].creative_id == one_creative["creative_id"]
    sheet = tmp_path / "tags.csv"
    sheet.write_bytes(SHEET)
    assert app.runner.run(app.instance.read(sheet)).creatives[0].creative["creative_id"] == "new-1"
    twice = request.creatives[0].model_copy(update={"metrics": request.creatives[0].metrics * 2})
    with pytest.raises(Refused, match="another period") as caught:
        app.runner.run(app.instance.predict(PredictRequest(creatives=[twice])))
    assert caught.value.status == 422


def test_bentoml_forgets_a_request_within_seconds(build) -> None:
    service = build(limits={"seconds": 2.5}).module.PredictionService
    assert service.config["traffic"] == {"timeout": 8}


TRACED = """
import asyncio, httpx
from bentoml._internal.configuration.containers import BentoMLContainer
from serving.service import PredictionService

async def main():
    app = PredictionService.to_asgi()
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        await client.post("http://localhost/v1/predict", json={})
    provider = BentoMLContainer.tracer_provider.get()
    provider.force_flush()
    for processor in provider._active_span_processor._span_processors:
        print(*(span.name for span in processor._batch_processor._exporter.get_finished_spans()), sep="; ")

asyncio.run(main())
"""
TRACING = "services.gpmcast.tracing.exporter_type=in_memory services.gpmcast.tracing.sample_rate=1.0"


@pytest.mark.slow
@pytest.mark.parametrize(("disabled", "traced"), [("false", True), ("true", False)])
def test_requests_are_traced_where_that_is_configured(bundle, disabled, traced) -> None:
    settings = ServiceSettings(bundle=bundle, ledger="").model_dump_json()
    env = {SETTINGS_VARIABLE: settings, "OTEL_SDK_DISABLED": disabled, "BENTOML_CONFIG_OPTIONS": TRACING}
    command = [sys.executable, "-c", TRACED]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True, check=True)
    assert ("POST /v1/predict" in done.stdout) == traced


@pytest.mark.slow
@pytest.mark.service
def test_a_bento_starts_by_itself_with_the_model_inside(serve, bundle, one_creative, tmp_path) -> None:
    home = tmp_path / "store"
    tag = build_bento(bundle, {**os.environ, "BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "true"})
    settings = tmp_path / "serving.yaml"
    settings.write_text(f"ledger: sqlite:///{tmp_path}/ledger.db\nlimits: {{seconds: 120}}\n", encoding="utf-8")
    url = serve(tag, BENTOML_HOME=str(home), **{SETTINGS_FILE_VARIABLE: str(settings)})
    with bentoml.SyncHTTPClient(url, timeout=150) as client:
        (prediction,) = client.predict({"creatives": [one_creative]})["predictions"]
    assert prediction["targets"]["net_roi"]["value"] > 0


IMPORTED = """
import sys
import serving.service
print(*{"duckdb", "lightgbm", "pandas", "prometheus_client", "scipy", "sqlalchemy"}.intersection(sys.modules))
"""


def test_importing_the_service_loads_neither_models_nor_metrics() -> None:
    """prometheus_client reads PROMETHEUS_MULTIPROC_DIR when it is imported: `to_asgi` sets it before."""
    done = subprocess.run([sys.executable, "-c", IMPORTED], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""

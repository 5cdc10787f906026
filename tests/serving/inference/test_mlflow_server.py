"""A team with a central MLflow server: trained here, served from another folder, everything through the server."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from configs.settings import Settings
from features.schema import Loaded
from serving.inference.loaded_model import load_model
from serving.inference.model_watcher import ModelWatcher, find_bundle
from serving.settings import ServiceSettings
from training.data.metrics_source import InMemorySource
from training.errors import BundleError
from training.mlflow_address import REGISTRY_URI, TRACKING_URI
from training.progress import ProgressCallbacks
from training.registry import mlflow_tracking as tracking
from training.registry.champion import model_for
from training.registry.registry_stamp import registry_stamp
from training.run import TrainingRun, train_and_register
from training.workspace import Workspace, workspace

pytestmark = [pytest.mark.slow, pytest.mark.service, pytest.mark.filterwarnings("ignore")]


class MlflowServer:
    """`mlflow server` with its database and its artifacts in one folder, on a free port of loopback."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{self.folder}/server.db"]
        command += ["--serve-artifacts", "--artifacts-destination", str(self.folder / "artifacts")]
        log = (self.folder / "server.log").open("ab")
        clean = {name: value for name, value in os.environ.items() if name not in (TRACKING_URI, REGISTRY_URI)}
        # A group of its own: the server starts workers.
        self.process = subprocess.Popen(
            command, cwd=self.folder, stdout=log, stderr=log, env=clean, start_new_session=True
        )
        log.close()
        until = time.monotonic() + 300
        while time.monotonic() < until and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=5):
                    return
            except OSError:
                time.sleep(0.2)
        raise AssertionError((self.folder / "server.log").read_text()[-3000:])

    def stop(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)  # asked to end, it waits for every kept connection
            self.process.wait(30)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    started = MlflowServer(tmp_path_factory.mktemp("mlflow-server"))
    yield started
    started.stop()


@pytest.fixture(autouse=True)
def _environment(server, monkeypatch) -> None:
    monkeypatch.setenv(TRACKING_URI, server.url)
    monkeypatch.delenv(REGISTRY_URI, raising=False)


@pytest.fixture(scope="module")
def trained(server, small_world: Loaded, quick: Settings, tmp_path_factory) -> tuple[Workspace, TrainingRun]:
    """A model trained in its own folder, which is removed: nothing of it is left but what the server holds."""
    folder = tmp_path_factory.mktemp("trainer")
    settings = quick.model_copy(update={"var": folder / "var", "name": "team"})
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(TRACKING_URI, server.url)
        space = workspace([str(folder)], settings)
        run = train_and_register(InMemorySource(small_world), space, settings, ProgressCallbacks(), baseline=True)
    space.folder.rename(folder / "out of the way")
    return space, run


def test_training_and_service_meet_on_the_server_from_two_folders(trained, server, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    watcher = ModelWatcher(ServiceSettings())
    watcher.check()
    assert watcher.source.note == ""
    assert (watcher.loaded.name, watcher.loaded.version) == ("gpmcast-team", trained[1].registered.version)
    assert watcher.source.following == f"the registry {server.url} ({TRACKING_URI})"
    assert watcher.location.folder.is_relative_to(tmp_path / "var" / "model-cache")


def test_training_compares_and_predicts_with_the_champion_of_the_server(trained) -> None:
    model, manifest, name, _ = model_for(trained[0], None)
    assert name == f"gpmcast-team version {trained[1].registered.version}"
    assert manifest.trained_until
    assert model.fitted.funnel.targets


def test_a_promotion_on_the_server_is_followed_and_asked_for_without_the_client(
    trained, bundle, tmp_path, monkeypatch
) -> None:
    space = Workspace("team", tmp_path, trained[0].mlflow)
    watcher = ModelWatcher(ServiceSettings(registered_model="team", model_cache=tmp_path / "cache"))
    watcher.check()
    with monkeypatch.context() as nothing_runs:
        nothing_runs.setattr(subprocess, "Popen", None)
        watcher.check()
        assert watcher.source.confirmed
    before = watcher.loaded.version
    with tracking.tracked_run(space) as run_id:
        second = tracking.register(space, run_id, bundle, bundle, "another")
    tracking.promote(space, second)
    watcher.check()
    assert watcher.loaded.version == second.version != before
    assert watcher.loaded.manifest == load_model(bundle).manifest


def test_a_server_that_cannot_be_reached_leaves_the_last_good_champion(trained, server, tmp_path, caplog) -> None:
    settings = ServiceSettings(registry=server.url, model_cache=tmp_path)
    ModelWatcher(settings).check()
    server.stop()
    try:
        watcher = ModelWatcher(settings)
        watcher.restore()
        watcher.check()
        assert watcher.loaded.name == "gpmcast-team"
        assert not watcher.source.confirmed
        assert "the registry cannot be reached" in watcher.source.note
        assert any("the registry cannot be reached" in line for line in caplog.messages)
        with pytest.raises(BundleError, match="cannot be reached"):
            find_bundle(settings)
    finally:
        server.start()
    watcher.check()
    assert watcher.source.confirmed


def test_a_bundle_larger_than_the_bound_is_not_taken(trained, tmp_path) -> None:
    settings = ServiceSettings(model_cache=tmp_path, model_bytes=100_000)
    with pytest.raises(BundleError, match="larger than 100,000 bytes"):
        find_bundle(settings)
    assert not list(tmp_path.glob("*/[0-9a-f]*"))
    assert not list(tmp_path.glob("*/.draft-*"))


def test_a_client_killed_while_it_works_leaves_nothing_that_is_served(trained, tmp_path) -> None:
    settings = ServiceSettings(model_cache=tmp_path)
    for seconds in (0.5, 1.5, 2.5, 3.5):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("training.registry.champion_finder.CLIENT_SECONDS", seconds)
            with suppress(BundleError):
                find_bundle(settings)
    found = find_bundle(settings)
    load_model(found.folder)
    assert not list(found.folder.parent.glob(".draft-*"))


def test_other_peoples_champions_on_the_server_are_not_ours(trained, server, tmp_path) -> None:
    space, run_id = trained[0], trained[1].registered.run_id
    client = tracking.connect(space.mlflow)
    client.create_registered_model("churn")
    client.create_model_version("churn", f"{client.get_run(run_id).info.artifact_uri}/bundle", run_id)
    client.set_registered_model_alias("churn", "champion", "1")
    assert find_bundle(ServiceSettings(model_cache=tmp_path)).others == ()
    assert "churn" not in str(registry_stamp(space.mlflow, ""))

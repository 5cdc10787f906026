"""How often MLflow's client is started: once for each change, and seldom where there is nothing to find."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from training.errors import BundleError
from training.mlflow_address import mlflow_address
from training.registry import champion_finder
from training.registry.champion_finder import ChampionFinder, Found


class Registry:
    """Stands for the registry and MLflow's client; counts the runs of the client."""

    def __init__(self, tmp_path, monkeypatch) -> None:
        self.stamp: str | None = "1"
        self.now, self.runs = 1000.0, 0
        self.found = Found("gpmcast-team", "1", "a" * 64, ("gpmcast-other version 1",))
        self.error = ""
        self.cache = tmp_path
        monkeypatch.setattr(champion_finder, "registry_stamp", lambda *_: self.stamp)
        monkeypatch.setattr(champion_finder.time, "monotonic", lambda: self.now)

    def finder(self) -> ChampionFinder:
        finder = ChampionFinder(mlflow_address(self.cache / "x.db", "http://none"), self.cache, 10**6)

        def run_client() -> Found:
            self.runs += 1
            self.now += 2
            if self.error:
                raise BundleError(self.error, zh="没有冠军")
            finder.folder(self.found).mkdir(parents=True, exist_ok=True)
            return self.found

        finder._run_client = run_client  # type: ignore[method-assign]
        return finder


@pytest.fixture
def registry(tmp_path, monkeypatch) -> Registry:
    return Registry(tmp_path, monkeypatch)


def test_the_client_runs_once_for_a_change_and_other_processes_take_what_it_found(registry) -> None:
    finder = registry.finder()
    assert finder.find() == finder.find() == registry.finder().find() == registry.found
    assert registry.runs == 1
    registry.stamp, registry.found = "2", replace(registry.found, version="2", sha256="b" * 64)
    assert registry.finder().find() == finder.find() == registry.found
    assert registry.runs == 2


def test_a_registry_that_others_write_to_starts_the_client_for_a_fraction_of_the_time(registry) -> None:
    finder = registry.finder()
    finder.find()
    began, runs = registry.now, registry.runs
    while registry.now < began + 600:
        registry.stamp = str(registry.now)
        finder.find()
        registry.now += 5
    assert (registry.runs - runs) * 2 <= 600 / champion_finder.PAUSE_FACTOR


def test_after_a_failure_the_client_runs_once_a_minute_and_sooner_for_a_change(registry) -> None:
    finder = registry.finder()
    registry.error = "no champion"
    failures = []
    for _ in range(12):
        with pytest.raises(BundleError, match="no champion") as caught:
            finder.find()
        failures.append(len(caught.traceback))
        assert caught.value.zh == "没有冠军"
        registry.now += 5
    assert registry.runs == 1
    assert set(failures[1:]) == {failures[1]}  # the traceback of an exception that is raised again grows
    registry.now += 5
    registry.stamp, registry.error = "2", ""
    assert finder.find() == registry.found


def test_where_nothing_tells_of_a_change_the_client_runs_once_a_minute(registry) -> None:
    registry.stamp = None
    finder = registry.finder()
    for _ in range(24):
        finder.find()
        registry.now += 5
    assert registry.runs == 2


def test_the_last_good_champion_is_that_of_its_own_registry_and_name(registry) -> None:
    finder = registry.finder()
    finder.record_good(finder.find())
    assert registry.finder().last_good() == registry.found
    address = mlflow_address(registry.cache / "x.db", "http://none")
    for other in (
        ChampionFinder(address, registry.cache, 10**6, name="team"),
        ChampionFinder(mlflow_address(registry.cache, "http://other"), registry.cache, 10**6),
    ):
        assert other.last_good() is None
    finder.folder(registry.found).rmdir()
    assert registry.finder().last_good() is None


def test_the_client_can_be_ended_while_another_thread_forgets_it(registry) -> None:
    class Forgets(ChampionFinder):
        """Forgets its client at every look."""

        @property
        def _client(self):
            client, self.__dict__["kept"] = self.__dict__.get("kept"), None
            return client

        @_client.setter
        def _client(self, client) -> None:
            self.__dict__["kept"] = client

    finder = Forgets(mlflow_address(registry.cache / "x.db", "http://none"), registry.cache, 10**6)
    killed: list[str] = []
    finder._client = SimpleNamespace(kill=lambda: killed.append("client"))  # type: ignore[assignment]
    finder.close()
    finder.close()
    assert killed == ["client"]


def test_what_the_client_refuses_is_said_in_both_languages(registry, monkeypatch) -> None:
    said = json.dumps({"error": "has no champion", "zh": "还没有可用的模型"}).encode()
    client = SimpleNamespace(communicate=lambda *_, **__: (said, b""), returncode=0)
    monkeypatch.setattr(champion_finder.subprocess, "Popen", lambda *_, **__: client)
    finder = ChampionFinder(mlflow_address(registry.cache / "x.db", "http://none"), registry.cache, 10**6)
    with pytest.raises(BundleError, match="has no champion") as caught:
        finder._run_client()
    assert caught.value.in_language("zh") == "还没有可用的模型"


def test_the_client_gets_no_settings_of_the_service(registry, monkeypatch) -> None:
    monkeypatch.setenv("GPMCAST_SERVING", "ledger: password")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "its own")
    given: list[dict[str, str]] = []

    def popen(*_: object, env: dict[str, str], **__: object) -> None:
        given.append(env)
        raise OSError

    monkeypatch.setattr(champion_finder.subprocess, "Popen", popen)
    finder = ChampionFinder(mlflow_address(registry.cache / "x.db", "http://none"), registry.cache, 10**6)
    with pytest.raises(OSError):
        finder._run_client()
    assert given[0]["MLFLOW_TRACKING_TOKEN"] == "its own"
    assert not any(name.startswith("GPMCAST_") for name in given[0])

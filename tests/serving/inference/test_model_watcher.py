"""A new model takes over once it is found good; a bad one never does."""

import json
import shutil
import subprocess
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from traceback import extract_tb
from types import SimpleNamespace

import pytest

from serving.inference.loaded_model import load_model
from serving.inference.model_watcher import ModelWatcher, find_bundle, self_test
from serving.settings import ServiceSettings
from training.errors import BundleError
from training.mlflow_address import mlflow_address
from training.registry import champion_finder, mlflow_tracking as tracking
from training.workspace import Workspace


def of_mlflow(test):
    """Starts MLflow's client; its SQL store makes warnings of its own."""
    return pytest.mark.slow(pytest.mark.filterwarnings("ignore")(test))


@pytest.fixture
def place(bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle, tmp_path / "bundle"))


def watcher_of(place: Path) -> tuple[ModelWatcher, list[str]]:
    outcomes: list[str] = []
    return ModelWatcher(ServiceSettings(bundle=place), outcomes.append), outcomes


def test_a_good_bundle_is_served(place) -> None:
    watcher, outcomes = watcher_of(place)
    watcher.check()
    watcher.check()
    assert watcher.loaded is not None
    assert outcomes == ["swapped"]


def test_another_bundle_in_its_place_is_picked_up(place, write_bundle, model, small_world, quick) -> None:
    watcher, outcomes = watcher_of(place)
    watcher.check()
    before = watcher.loaded
    write_bundle(place, model, small_world, quick, created_at="2026-06-01T00:00:00+00:00")
    watcher.check()
    assert outcomes == ["swapped", "swapped"]
    assert watcher.loaded.version != before.version


def test_a_changed_byte_is_refused_and_the_old_model_goes_on(place, caplog) -> None:
    watcher, outcomes = watcher_of(place)
    watcher.check()
    before = watcher.loaded
    (place / "priors.json").write_text("{}", encoding="utf-8")
    (place / "manifest.sha256").write_text("0" * 64, encoding="ascii")
    watcher.check()
    watcher.check()
    assert watcher.loaded is before
    assert outcomes == ["swapped", "refused"]
    assert sum("the old one goes on" in line for line in caplog.messages) == 1


def test_a_bundle_whose_answers_are_no_numbers_is_refused(write_bundle, model, small_world, quick, tmp_path) -> None:
    gmv = model.heads["gmv"]
    stack = replace(gmv.stack, log_bayes_level=1e308)
    broken = replace(model, heads={**model.heads, "gmv": replace(gmv, stack=stack)})
    write_bundle(tmp_path / "broken", broken, small_world, quick)
    watcher, outcomes = watcher_of(tmp_path / "broken")
    with pytest.warns(RuntimeWarning, match="overflow|invalid value"):
        watcher.check()
    assert watcher.loaded is None
    assert outcomes == ["refused"]


def test_a_bundle_without_as_of_table_is_refused(place) -> None:
    manifest = json.loads((place / "manifest.json").read_text(encoding="utf-8"))
    for name in ("asof.parquet", "asof.json"):
        (place / name).unlink()
        del manifest["files"][name]
    content = json.dumps(manifest, ensure_ascii=False, indent=1)
    (place / "manifest.json").write_text(content, encoding="utf-8")
    (place / "manifest.sha256").write_text(sha256(content.encode()).hexdigest(), encoding="ascii")
    with pytest.raises(BundleError, match="as-of table"):
        load_model(place)


def test_a_missing_bundle_is_logged_and_looked_for_again(tmp_path, bundle, caplog) -> None:
    watcher, _ = watcher_of(tmp_path / "later")
    watcher.check()
    assert watcher.loaded is None
    shutil.copytree(bundle, tmp_path / "later")
    watcher.check()
    assert watcher.loaded is not None


def test_a_champion_that_stays_refused_keeps_no_trace_of_every_look(place, monkeypatch) -> None:
    watcher, outcomes = watcher_of(place)
    found = champion_finder.Found("gpmcast-team", "1", "a" * 64)
    finder = SimpleNamespace(find=lambda: found, folder=lambda _: place, is_whole=lambda _: True)
    monkeypatch.setattr(watcher, "_finder", finder)
    (place / "priors.json").write_text("{}", encoding="utf-8")
    failures: list[Exception] = []
    note = watcher._note_failure
    monkeypatch.setattr(watcher, "_note_failure", lambda error: failures.append(error) or note(error))
    for _ in range(4):
        watcher.check()
    assert outcomes == ["refused"]
    assert [len(extract_tb(failure.__traceback__)) for failure in failures[1:]] == [1, 1, 1]
    assert "gpmcast-team version 1: " in watcher.source.note


def test_the_self_test_passes_for_a_good_model(loaded) -> None:
    self_test(loaded)


def test_a_missing_registry_is_an_error_with_its_cure(tmp_path) -> None:
    with pytest.raises(BundleError, match="make train"):
        find_bundle(ServiceSettings(registry=str(tmp_path / "none.db"), model_cache=tmp_path / "cache"))


@pytest.fixture(scope="module")
def registry(tmp_path_factory, bundle) -> Path:
    """A registry with two champions; the one of `two` was registered last."""
    folder = tmp_path_factory.mktemp("registry")
    for name in ("one", "two"):
        space = space_in(folder, name)
        tracking.promote(space, registered(space, bundle))
    return folder


def space_in(folder: Path, name: str) -> Workspace:
    (folder / name).mkdir(exist_ok=True)
    return Workspace(name, folder / name, mlflow_address(folder / "mlflow.db"))


def registered(space: Workspace, bundle: Path) -> tracking.Registered:
    with tracking.tracked_run(space) as run_id:
        return tracking.register(space, run_id, bundle, bundle, "a test")


def settings_of(registry: Path, cache: Path, **more: object) -> ServiceSettings:
    return ServiceSettings(registry=str(registry / "mlflow.db"), model_cache=cache, **more)


@of_mlflow
def test_the_newest_of_several_champions_serves_and_the_others_are_named(registry, bundle, tmp_path, caplog) -> None:
    watcher = ModelWatcher(settings_of(registry, tmp_path))
    watcher.check()
    assert (watcher.loaded.name, watcher.loaded.version) == ("gpmcast-two", "1")
    assert watcher.source.confirmed
    assert "the others: gpmcast-one version 1" in watcher.source.note
    assert "NAME=" in watcher.source.note
    assert caplog.messages.count(watcher.source.note) == 1
    assert "mlflow.db (setting registry)" in watcher.source.following
    assert load_model(watcher.location.folder).manifest == load_model(bundle).manifest


@of_mlflow
@pytest.mark.parametrize("name", ["gpmcast-one", "one"])
def test_a_champion_can_be_named_with_or_without_the_prefix(registry, tmp_path, name) -> None:
    found = find_bundle(settings_of(registry, tmp_path, registered_model=name))
    assert (found.name, found.others) == ("gpmcast-one", ())


@of_mlflow
def test_a_name_without_a_champion_is_an_error_that_lists_those_with_one(registry, tmp_path) -> None:
    with pytest.raises(BundleError, match="no champion of three; it has champions of: gpmcast-one, gpmcast-two"):
        find_bundle(settings_of(registry, tmp_path, registered_model="three"))


@of_mlflow
def test_a_moved_alias_is_followed_and_nothing_is_asked_while_it_stays(bundle, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(champion_finder, "PAUSE_FACTOR", 0.0)
    space = space_in(tmp_path, "one")
    first = registered(space, bundle)
    tracking.promote(space, first)
    watcher = ModelWatcher(settings_of(tmp_path, tmp_path / "cache"))
    watcher.check()
    second = registered(space, bundle)
    watcher.check()
    assert watcher.loaded.version == first.version
    with monkeypatch.context() as nothing_runs:
        nothing_runs.setattr(subprocess, "Popen", None)
        watcher.check()
        assert watcher.source.confirmed
    tracking.promote(space, second)
    watcher.check()
    assert watcher.loaded.version == second.version


@of_mlflow
def test_after_a_restart_the_last_good_champion_serves_although_the_registry_is_gone(
    registry, tmp_path, caplog
) -> None:
    moved = Path(shutil.copytree(registry, tmp_path / "moved"))
    settings = settings_of(moved, tmp_path / "cache")
    ModelWatcher(settings).check()
    (moved / "mlflow.db").unlink()
    outcomes: list[str] = []
    watcher = ModelWatcher(settings, outcomes.append)
    watcher.restore()
    assert outcomes == ["restored"]
    assert not watcher.source.confirmed
    watcher.check()
    assert watcher.loaded.name == "gpmcast-two"
    assert not watcher.source.confirmed
    assert "there is no registry" in watcher.source.note
    assert any("the old one goes on" in line for line in caplog.messages)


@of_mlflow
def test_a_bad_champion_and_a_restart_leave_the_last_good_one(
    bundle, tmp_path, write_bundle, model, small_world, quick
):
    space = space_in(tmp_path, "one")
    first = registered(space, bundle)
    tracking.promote(space, first)
    settings = settings_of(tmp_path, tmp_path / "cache")
    ModelWatcher(settings).check()

    broken = write_bundle(tmp_path / "broken", model, small_world, quick, created_at="2026-06-01T00:00:00+00:00")
    (broken / "priors.json").write_text("{}", encoding="utf-8")
    tracking.promote(space, registered(space, broken))
    watcher = ModelWatcher(settings)
    watcher.restore()
    watcher.check()
    assert watcher.loaded.version == first.version
    assert "gpmcast-one version 2: the file priors.json was changed" in watcher.source.note

    infinite = replace(model.heads["gmv"], stack=replace(model.heads["gmv"].stack, log_bayes_level=1e308))
    write_bundle(tmp_path / "odd", replace(model, heads={**model.heads, "gmv": infinite}), small_world, quick)
    third = registered(space, tmp_path / "odd")
    tracking.promote(space, third)
    outcomes: list[str] = []
    again = ModelWatcher(settings, outcomes.append)
    again.restore()
    again.check()
    again.check()
    assert outcomes == ["restored", "refused"]
    assert again.loaded.version == first.version
    assert f"gpmcast-one version {third.version}: " in again.source.note


@of_mlflow
def test_a_damaged_cache_is_never_served_and_is_loaded_again(registry, tmp_path) -> None:
    settings = settings_of(registry, tmp_path)
    folder = find_bundle(settings).folder
    (folder / "priors.json").write_text("{}", encoding="utf-8")
    watcher = ModelWatcher(settings)
    watcher.check()
    assert watcher.loaded is None
    watcher.check()
    assert watcher.loaded is not None
    assert watcher.source.confirmed

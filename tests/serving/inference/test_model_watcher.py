"""A new model takes over once it is found good; a bad one never does."""

import json
import shutil
from pathlib import Path

import pytest

from serving.inference.loaded_model import load_model
from serving.inference.model_watcher import ModelWatcher, find_bundle, self_test
from serving.settings import ServiceSettings
from training.errors import BundleError
from training.registry import mlflow_tracking as tracking
from training.workspace import Workspace


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
    from dataclasses import replace

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
    from hashlib import sha256

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


def test_the_self_test_passes_for_a_good_model(loaded) -> None:
    self_test(loaded)


def test_a_missing_registry_is_an_error_with_its_cure(tmp_path) -> None:
    with pytest.raises(BundleError, match="make train"):
        find_bundle(ServiceSettings(registry=tmp_path / "none.db"))
    (tmp_path / "odd.db").write_text("no database", encoding="utf-8")
    with pytest.raises(BundleError, match="cannot be read"):
        find_bundle(ServiceSettings(registry=tmp_path / "odd.db"))


def registered(tmp_path, bundle, name: str):
    space = Workspace(name, tmp_path / name, f"sqlite:///{tmp_path}/mlflow.db")
    space.folder.mkdir()
    with tracking.tracked_run(space) as run_id:
        return space, tracking.register(space, run_id, bundle, bundle, "a test")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.slow
def test_the_champion_is_the_one_that_mlflow_names(tmp_path, bundle) -> None:
    registry = tmp_path / "mlflow.db"
    settings = ServiceSettings(registry=registry)
    space, first = registered(tmp_path, bundle, "one")
    with pytest.raises(BundleError, match="no champion"):
        find_bundle(settings)
    tracking.promote(space, first)
    found = find_bundle(settings)
    assert (found.name, found.version) == (first.name, first.version)
    assert found.folder == tracking.fetch(space, first)
    assert found.manifest_sha256 == (bundle / "manifest.sha256").read_text().strip()

    with tracking.tracked_run(space) as run_id:
        second = tracking.register(space, run_id, bundle, bundle, "a better one")
    assert find_bundle(settings) == found
    tracking.promote(space, second)
    assert find_bundle(settings).version == second.version

    other, third = registered(tmp_path, bundle, "two")
    tracking.promote(other, third)
    with pytest.raises(BundleError, match="gpmcast-one, gpmcast-two"):
        find_bundle(settings)
    assert find_bundle(ServiceSettings(registry=registry, registered_model="gpmcast-two")).name == "gpmcast-two"

"""A new model takes over once it is found good; a bad one never does."""

import json
import shutil
from pathlib import Path

import pytest

from serving.inference.loaded_model import load_model
from serving.registry.champion import find
from serving.registry.watcher import Holder, self_test
from serving.settings import Serving
from training.errors import BundleError


@pytest.fixture
def place(bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle, tmp_path / "bundle"))


def holder_of(place: Path) -> tuple[Holder, list[str]]:
    outcomes: list[str] = []
    return Holder(Serving(bundle=place), outcomes.append), outcomes


def test_a_good_bundle_is_served(place) -> None:
    holder, outcomes = holder_of(place)
    holder.look()
    holder.look()
    assert holder.served is not None
    assert outcomes == ["swapped"]


def test_another_bundle_in_its_place_is_picked_up(place, write_bundle, model, small_world, quick) -> None:
    holder, outcomes = holder_of(place)
    holder.look()
    before = holder.served
    write_bundle(place, model, small_world, quick, created_at="2026-06-01T00:00:00+00:00")
    holder.look()
    assert outcomes == ["swapped", "swapped"]
    assert holder.served.version != before.version


def test_a_changed_byte_is_refused_and_the_old_model_goes_on(place, caplog) -> None:
    holder, outcomes = holder_of(place)
    holder.look()
    before = holder.served
    (place / "priors.json").write_text("{}", encoding="utf-8")
    (place / "manifest.sha256").write_text("0" * 64, encoding="ascii")
    holder.look()
    holder.look()
    assert holder.served is before
    assert outcomes == ["swapped", "refused"]
    assert sum("the old one goes on" in line for line in caplog.messages) == 1


def test_a_bundle_whose_answers_are_no_numbers_is_refused(write_bundle, model, small_world, quick, tmp_path) -> None:
    from dataclasses import replace

    broken = replace(model, volume=model.volume.model_copy(update={"intercept": float("1e308"), "ceiling": 1e308}))
    write_bundle(tmp_path / "broken", broken, small_world, quick)
    holder, outcomes = holder_of(tmp_path / "broken")
    with pytest.warns(RuntimeWarning, match="overflow|invalid value"):
        holder.look()
    assert holder.served is None
    assert outcomes == ["refused"]


def test_a_bundle_without_what_was_known_of_others_is_refused(place) -> None:
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


def test_no_bundle_yet_is_said_and_looked_for_again(tmp_path, bundle, caplog) -> None:
    holder, _ = holder_of(tmp_path / "later")
    holder.look()
    assert holder.served is None
    shutil.copytree(bundle, tmp_path / "later")
    holder.look()
    assert holder.served is not None


def test_the_self_test_passes_for_a_good_model(served) -> None:
    self_test(served)


def test_a_registry_that_is_not_there_is_said_with_its_cure(tmp_path) -> None:
    with pytest.raises(BundleError, match="make train"):
        find(Serving(registry=tmp_path / "none.db"))
    (tmp_path / "odd.db").write_text("no database", encoding="utf-8")
    with pytest.raises(BundleError, match="cannot be read"):
        find(Serving(registry=tmp_path / "odd.db"))

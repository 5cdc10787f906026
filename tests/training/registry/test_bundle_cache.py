"""The cache holds whole bundles only, whatever was killed or changed."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from training.errors import BundleError
from training.registry.bundle_cache import BundleCache
from training.registry.bundle_files import MANIFEST, SEAL


def write_bundle(folder: Path, content: str = "trees") -> str:
    (folder / "trees_gmv.txt").write_text(content, encoding="utf-8")
    manifest = json.dumps({"files": {"trees_gmv.txt": hashlib.sha256(content.encode()).hexdigest()}})
    (folder / MANIFEST).write_text(manifest, encoding="utf-8")
    sha256 = hashlib.sha256(manifest.encode()).hexdigest()
    (folder / SEAL).write_text(f"{sha256}\n", encoding="ascii")
    return sha256


def add(cache: BundleCache, content: str = "trees") -> str:
    with cache.draft() as draft:
        write_bundle(draft, content)
        return cache.add(draft)


@pytest.fixture
def cache(tmp_path) -> BundleCache:
    return BundleCache(tmp_path / "cache")


def test_a_bundle_is_there_under_the_sha256_of_its_manifest_once(cache) -> None:
    assert add(cache) == add(cache)
    assert [path.name for path in cache.folder.iterdir()] == [add(cache)]
    assert cache.holds(add(cache))


def test_a_damaged_download_never_enters(cache) -> None:
    for name in ("trees_gmv.txt", MANIFEST, SEAL):
        with cache.draft() as draft:
            write_bundle(draft)
            (draft / name).write_text("x", encoding="utf-8")
            with pytest.raises(BundleError):
                cache.add(draft)
    assert list(cache.folder.iterdir()) == []


def test_a_bundle_that_was_changed_is_removed(cache) -> None:
    sha256 = add(cache)
    (cache.path(sha256) / "trees_gmv.txt").write_text("x", encoding="utf-8")
    assert not cache.holds(sha256)
    assert not cache.path(sha256).exists()


@pytest.mark.parametrize("name", ["", "..", "../../etc", "x" * 64])
def test_only_a_sha256_names_a_bundle(cache, name) -> None:
    add(cache)
    assert not cache.holds(name)
    assert cache.folder.exists()


def test_clean_up_keeps_what_is_recorded_and_the_newest_other_one(cache) -> None:
    made = [add(cache, str(number)) for number in range(5)]
    for number, sha256 in enumerate(made):
        os.utime(cache.path(sha256), (number, number))
    (cache.folder / ".draft-killed").mkdir()
    cache.clean_up({made[0]})
    assert {path.name for path in cache.folder.iterdir()} == {made[0], made[4]}


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "\0"])
def test_a_record_that_cannot_be_read_is_none(cache, content) -> None:
    cache.write("found.json", {"name": "素材"})
    assert cache.read("found.json") == {"name": "素材"}
    (cache.folder / "found.json").write_text(content, encoding="utf-8")
    assert cache.read("found.json") is None

"""A folder behind a URL is used like one of this machine, and its password is never printed."""

import os

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from features.errors import PartitionError
from features.partitions.address import printable, without_password
from features.partitions.folder import open_folder


class Failing(MemoryFileSystem):
    """A driver that fails as drivers do: with an exception of its own that repeats what it was given."""

    protocol = "failing"
    cachable = False

    def _fail(self, *arguments, **options):
        raise RuntimeError("no answer\nfrom failing://me:s3cret@host (password s3cret)")

    cat_file = pipe_file = find = info = rm_file = _fail


@pytest.fixture
def failing():
    fsspec.register_implementation("failing", Failing, clobber=True)
    return open_folder("failing://me:s3cret@host/folder")


@pytest.fixture(params=["local", "file", "memory"])
def place(request, tmp_path):
    roots = {"local": f"{tmp_path}/a [b]/c", "file": f"file://{tmp_path}/d/", "memory": f"memory://{tmp_path.name}/e"}
    return open_folder(roots[request.param])


def test_what_is_written_is_read_found_and_removed(place):
    assert place.find("x") == []
    assert not place.has("x/y=1/z")
    for content in (b"one", b"two"):
        place.write("x/y=1/z", content)
        assert place.read("x/y=1/z") == content
    place.write("other", b"")
    assert place.has("x/y=1/z")
    assert not place.has("x")
    assert place.find("x") == ["x/y=1/z"]
    place.remove(["x/y=1/z", "x/never"])
    assert place.find("x") == []
    assert place.find("") == ["other"]
    with pytest.raises(FileNotFoundError):
        place.read("x/y=1/z")


def test_two_who_write_the_same_file_at_once_leave_one_of_both_whole(tmp_path, monkeypatch):
    place, replace = open_folder(str(tmp_path)), os.replace

    def another_comes_between(unfinished, target):
        monkeypatch.setattr(os, "replace", replace)
        place.write("x/y", b"of the other")
        replace(unfinished, target)

    monkeypatch.setattr(os, "replace", another_comes_between)
    place.write("x/y", b"of the one")
    assert place.read("x/y") == b"of the one"
    assert place.find("") == ["x/y"]


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "taken").write_text("x")
    with pytest.raises(PartitionError, match="cannot be written"):
        open_folder(str(tmp_path / "taken")).write("a/b", b"x")


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("s3://bucket/a", "s3://bucket/a"),
        ("ftp://me:s3cret@host/a", "ftp://***@host/a"),
        ("ftp://me:s3@cr/et@host/a", "ftp://***@host/a"),
        ("https://host/a?token=s3cret", "https://host/a?***"),
        ("data/me@home", "data/me@home"),
    ],
)
def test_what_is_printed_has_no_password(name, printed):
    assert printable(name) == printed


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("abfss://one@account/a", "abfss://one@account/a"),
        ("tcp://10.0.0.5:8786", "tcp://10.0.0.5:8786"),
        ("ftp://me:s3cret@host/a", "ftp://me@host/a"),
        ("ftp://me:s3@cr/et@host/a", "ftp://me@host/a"),
        ("https://host/a?token=s3cret", "https://host/a"),
        ("data/me:you@home?", "data/me:you@home?"),
    ],
)
def test_places_keep_their_names_apart_without_a_password(name, left):
    assert without_password(name) == left


@pytest.mark.parametrize(
    "act",
    [
        lambda place: place.read("a"),
        lambda place: place.has("a"),
        lambda place: place.write("a", b""),
        lambda place: place.find("a"),
        lambda place: place.remove(["a"]),
    ],
)
def test_the_message_of_a_driver_is_one_error_without_the_password(failing, act):
    with pytest.raises(PartitionError, match="no answer") as raised:
        act(failing)
    assert "s3cret" not in str(raised.value) + repr(failing)
    assert "\n" not in str(raised.value)
    assert raised.value.__suppress_context__


def test_there_is_no_file_below_a_file(tmp_path):
    (tmp_path / "taken").write_text("x")
    assert not open_folder(str(tmp_path / "taken")).has("a")


class Missing(MemoryFileSystem):
    """A driver of which a part is not installed."""

    protocol = "missing"
    cachable = False

    def __init__(self, *arguments, **options):
        raise ImportError("Please install missingfs to use it.")


def test_a_driver_that_is_not_installed_is_named():
    fsspec.register_implementation("missing", Missing, clobber=True)
    with pytest.raises(PartitionError, match=r"missing:// is not installed: .* missingfs .* Install what is"):
        open_folder("missing://host/folder")


@pytest.mark.parametrize(
    "root",
    ["memory://", "memory:///", "s3://bucket/*", "s3:///folder", "gs://", "memory://a/[b]", "memory://a?x=1", "no://a"],
)
def test_a_url_that_is_no_folder_is_refused(root):
    with pytest.raises(PartitionError, match="expected"):
        open_folder(root)

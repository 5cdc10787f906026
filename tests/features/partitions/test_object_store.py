"""URLs of object stores open Arrow's drivers, and a store that cannot be reached is an error within seconds.

A server on this machine that refuses everything shows what is asked of whom; `test_s3.py` needs a real one.
"""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pyarrow.fs
import pytest

from features.errors import PartitionError
from features.partitions.folder import open_folder
from features.partitions.object_store import S3_ATTEMPTS, ObjectStore, open_object_store

VARIABLES = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_S3_ADDRESSING_STYLE", "AWS_PROFILE", "AWS_SESSION_TOKEN"]


@pytest.fixture(autouse=True)
def _variables(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "me")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    monkeypatch.setenv("AWS_REGION", "us-east-1")


@pytest.fixture
def server():
    """A server that refuses everything, or is busy below /busy/; writes down what it was asked: method, host, path."""

    class Refusing(BaseHTTPRequestHandler):
        def _refuse(self):
            asked.append((self.command, self.headers["Host"], self.path))
            self.send_response(503 if "/busy/" in self.path else 403)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_HEAD = _refuse

        def log_message(self, *arguments):
            """Nothing."""

    asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as serving:
        threading.Thread(target=serving.serve_forever).start()
        yield serving.server_port, asked
        serving.shutdown()


@pytest.fixture
def store(tmp_path):
    """Folders of this machine behind the wrapper that stores have; the first of a path is the bucket."""
    (tmp_path / "bucket" / "a" / "b").mkdir(parents=True)
    (tmp_path / "bucket" / "a" / "b" / "x#1").write_bytes(b"0123456789")
    return ObjectStore(pyarrow.fs.SubTreeFileSystem(str(tmp_path), pyarrow.fs.LocalFileSystem()))


@pytest.mark.parametrize(
    ("url", "kind", "path"),
    [
        ("s3://bucket/a folder/x#1", "s3", "bucket/a folder/x#1"),
        ("s3a://bucket/a", "s3", "bucket/a"),
        ("gs://bucket/a%20b", "gcs", "bucket/a%20b"),
        ("gcs://bucket", "gcs", "bucket"),
        ("abfss://container@account.dfs.core.windows.net/a b/c", "abfs", "container/a b/c"),
        ("abfs://container@account.dfs.core.windows.net/a", "abfs", "container/a"),
        ("abfss://account.blob.core.windows.net/container/a", "abfs", "container/a"),
    ],
)
def test_a_url_opens_the_store_it_names(url, kind, path):
    protocol, _, rest = url.partition("://")
    store, folder = open_object_store(protocol, rest)
    assert (store.fs.type_name, folder) == (kind, path)
    assert open_folder(url).root == url


def test_a_store_is_not_kept_for_the_next():
    files = pyarrow.fs.LocalFileSystem()
    one, other = ObjectStore(files), ObjectStore(files)
    assert one is not other


@pytest.mark.parametrize("url", ["abfss://container/folder", "abfss://account.blob.core.windows.net"])
def test_a_url_without_account_or_container_is_refused(url):
    with pytest.raises(PartitionError, match=r"account name|without a folder"):
        open_folder(url)


def test_a_store_is_read_and_listed(store):
    assert store.cat_file("bucket/a/b/x#1") == b"0123456789"
    assert store.cat_file("bucket/a/b/x#1", 2, 4) == b"23"
    assert store.find("bucket/a/") == ["bucket/a/b/x#1"]
    assert store.find("bucket/never") == []
    assert store.info("bucket/a/b/x#1")["type"] == "file"
    assert store.info("bucket/a/b")["type"] == "directory"


def test_a_bucket_that_is_not_there_is_distinguished_from_a_file_that_is_not(store):
    with pytest.raises(FileNotFoundError):
        store.cat_file("bucket/never")
    with pytest.raises(OSError, match="no bucket or container never") as raised:
        store.cat_file("never/x")
    assert not isinstance(raised.value, FileNotFoundError)


@pytest.mark.parametrize(
    "act",
    [lambda place: place.has("x"), lambda place: place.read("x"), lambda place: place.find("")],
)
def test_a_store_that_refuses_is_named_without_the_key(server, monkeypatch, act):
    port, asked = server
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    with pytest.raises(PartitionError, match=r"s3://bucket/a/.*ACCESS_DENIED.*how you sign in") as raised:
        act(open_folder("s3://bucket/a"))
    assert "s3cret" not in str(raised.value)
    assert {path.partition("?")[0] for _, _, path in asked} <= {"/bucket", "/bucket/a/x"}


def test_the_address_of_s3_alone_goes_before_that_of_all(server, monkeypatch):
    port, asked = server
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{port}")
    with pytest.raises(PartitionError, match="ACCESS_DENIED"):
        open_folder("s3://bucket/a").has("x")
    assert asked[0] == ("HEAD", f"127.0.0.1:{port}", "/bucket/a/x")


def test_the_bucket_stands_in_the_host_where_that_is_asked_for(server, monkeypatch):
    port, asked = server
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://localhost:{port}")
    monkeypatch.setenv("AWS_S3_ADDRESSING_STYLE", "virtual")
    with pytest.raises(PartitionError, match="ACCESS_DENIED"):
        open_folder("s3://bucket/a").has("x")
    assert asked[0] == ("HEAD", f"bucket.localhost:{port}", "/a/x")


def test_a_style_of_addresses_that_is_none_is_refused(monkeypatch):
    monkeypatch.setenv("AWS_S3_ADDRESSING_STYLE", "virtaul")
    with pytest.raises(PartitionError, match="found AWS_S3_ADDRESSING_STYLE=virtaul; expected virtual"):
        open_folder("s3://bucket/a")


def test_a_server_that_is_not_there_is_an_error(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    place = open_folder("s3://bucket/a")
    with pytest.raises(PartitionError, match=r"cannot be written.*Could not connect"):
        place.write("x", b"content")
    with pytest.raises(PartitionError, match=r"cannot be looked for.*Could not connect"):
        place.has("x")


def test_a_server_that_cannot_answer_now_is_asked_a_few_times_and_then_given_up(server, monkeypatch):
    port, asked = server
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    with pytest.raises(PartitionError, match="cannot be looked for"):
        open_folder("s3://bucket/busy").has("x")
    assert len(asked) == S3_ATTEMPTS

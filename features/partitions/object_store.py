"""Object stores (S3, Google's, Azure's) by way of Arrow's own drivers, wrapped as file systems of fsspec.

The drivers come with pyarrow. They sign in as the vendors' own tools do: by environment variables and settings files.
"""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyarrow.fs
from fsspec.implementations.arrow import ArrowFSWrapper  # type: ignore[import-untyped]

CONNECT_SECONDS = 5.0
"""Longest wait for a connection; Arrow's own second is short for a store on another continent."""

ATTEMPTS = 3
"""Of one request to S3. A server that is not there is given up in seconds, not minutes."""

GOOGLE_SECONDS = 10
"""How long Google's driver tries one request again; by itself it does so for a quarter of an hour."""

_STYLES = ("", "auto", "path", "virtual")


class ObjectStore(ArrowFSWrapper):  # type: ignore[misc]
    """A store in which paths begin with a bucket; a file in it is there whole or not at all."""

    # fsspec would keep every one ever made, with its connections.
    cachable = False

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        # Paths are names here: a # or ? in one is no part of a URL.
        return path.rstrip("/")

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: Any) -> bytes:
        """The content of a file, in one request: the wrapper's own way asks for every 256 kB.

        Raises:
            FileNotFoundError: The bucket has no such file.
            OSError: It cannot be read, or there is no such bucket.
        """
        try:
            with self.fs.open_input_file(path) as file:
                return file.read()[start:end]
        except FileNotFoundError:
            self._check_bucket(path.partition("/")[0])
            raise

    def find(self, path: str, **options: Any) -> list[str]:
        """All files below a folder, by one listing; none where it is not there."""
        folder = pyarrow.fs.FileSelector(path.rstrip("/"), allow_not_found=True, recursive=True)
        return [info.path for info in self.fs.get_file_info(folder) if info.type is pyarrow.fs.FileType.File]

    def _check_bucket(self, bucket: str) -> None:
        """A bucket that is not there looks like a file that is not; it is a name that was mistyped."""
        try:
            there = self.fs.get_file_info(bucket).type is not pyarrow.fs.FileType.NotFound
        except OSError:
            # Some may read files and yet not ask for the bucket.
            return
        if not there:
            raise OSError(f"found no bucket or container {bucket}; expected one that exists")


def open_store(protocol: str, rest: str) -> tuple[ObjectStore, str]:
    """The store that a URL names, and the path of the folder in it; no request is made yet.

    Args:
        protocol: One of STORES.
        rest: What follows the `://`.

    Raises:
        ImportError: This pyarrow was built without that store.
        ValueError: The URL, or an environment variable, does not name a store.
    """
    return STORES[protocol](protocol, rest)


def _s3(protocol: str, rest: str) -> tuple[ObjectStore, str]:
    style = os.environ.get("AWS_S3_ADDRESSING_STYLE", "")
    if style not in _STYLES:
        raise ValueError(f"found AWS_S3_ADDRESSING_STYLE={style}; expected virtual, path or auto")
    # From a URI Arrow reads these variables by itself, but then gives up a server that is silent only after minutes.
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    files = pyarrow.fs.S3FileSystem(
        endpoint_override=endpoint or None,
        force_virtual_addressing=style == "virtual",
        connect_timeout=CONNECT_SECONDS,
        retry_strategy=pyarrow.fs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
        # So that a file of some megabytes is one request and not three.
        allow_delayed_open=True,
    )
    return ObjectStore(files), rest


def _google(protocol: str, rest: str) -> tuple[ObjectStore, str]:
    return ObjectStore(pyarrow.fs.GcsFileSystem(retry_time_limit=timedelta(seconds=GOOGLE_SECONDS))), rest


def _azure(protocol: str, rest: str) -> tuple[ObjectStore, str]:
    # The account is a part of the URL, in one of several ways that Arrow tells apart.
    host, _, folder = rest.partition("/")
    files, container = pyarrow.fs.FileSystem.from_uri(f"{protocol}://{host}")
    return ObjectStore(files), "/".join(part for part in (container.rstrip("/"), folder) if part)


STORES: dict[str, Callable[[str, str], tuple[ObjectStore, str]]] = {
    "s3": _s3,
    "s3a": _s3,
    "gs": _google,
    "gcs": _google,
    "abfs": _azure,
    "abfss": _azure,
}
"""How a URL that begins so is opened."""

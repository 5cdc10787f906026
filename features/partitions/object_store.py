"""Object stores (S3, Google Cloud Storage, Azure) through the drivers of pyarrow, wrapped as fsspec file systems.

The drivers sign in as the vendors' own tools do: with environment variables and settings files.
"""

import os
from collections.abc import Callable
from datetime import timedelta

import pyarrow.fs
from fsspec.implementations.arrow import ArrowFSWrapper  # type: ignore[import-untyped]

CONNECT_SECONDS = 5.0
"""Timeout of a connection; Arrow's default of one second is short for a store on another continent."""

S3_ATTEMPTS = 3
"""Attempts of one request to S3, so that an absent server is an error after seconds, not minutes."""

GOOGLE_RETRY_SECONDS = 10
"""Time for which Google's driver retries one request; its default is 15 minutes."""

_ADDRESSING_STYLES = ("", "auto", "path", "virtual")


class ObjectStore(ArrowFSWrapper):  # type: ignore[misc]
    """An object store as a file system; paths begin with the bucket, and a file appears only as a whole."""

    # Otherwise fsspec keeps every instance, with its connections.
    cachable = False

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        # Paths are plain names here: a # or ? in one has no meaning of a URL.
        return path.rstrip("/")

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: object) -> bytes:
        """Return the content of a file with one request; the wrapper's own method makes one per 256 kB.

        Raises:
            FileNotFoundError: The bucket has no such file.
            OSError: It cannot be read, or the bucket does not exist.
        """
        try:
            with self.fs.open_input_file(path) as file:
                return file.read()[start:end]
        except FileNotFoundError:
            self._check_bucket(path.partition("/")[0])
            raise

    def find(self, path: str, **options: object) -> list[str]:
        """Return all files below a folder with one listing; none if it does not exist."""
        folder = pyarrow.fs.FileSelector(path.rstrip("/"), allow_not_found=True, recursive=True)
        return [info.path for info in self.fs.get_file_info(folder) if info.type is pyarrow.fs.FileType.File]

    def _check_bucket(self, bucket: str) -> None:
        """Raise OSError if the bucket does not exist: probably its name was mistyped."""
        try:
            there = self.fs.get_file_info(bucket).type is not pyarrow.fs.FileType.NotFound
        except OSError:
            # Some accounts may read files but not query the bucket.
            return
        if not there:
            raise OSError(f"found no bucket or container {bucket}; expected one that exists")


def open_object_store(protocol: str, rest: str) -> tuple[ObjectStore, str]:
    """Return the store that a URL names, and the path of the folder in it; no request is made yet.

    Args:
        protocol: A key of OBJECT_STORES.
        rest: The URL after `://`.

    Raises:
        ImportError: This pyarrow was built without that store.
        ValueError: The URL, or an environment variable, does not name a store.
    """
    return OBJECT_STORES[protocol](protocol, rest)


def _s3(protocol: str, rest: str) -> tuple[ObjectStore, str]:
    style = os.environ.get("AWS_S3_ADDRESSING_STYLE", "")
    if style not in _ADDRESSING_STYLES:
        raise ValueError(f"found AWS_S3_ADDRESSING_STYLE={style}; expected virtual, path or auto")
    # Arrow's `from_uri` reads these variables itself, but then a silent server is an error only after minutes.
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    files = pyarrow.fs.S3FileSystem(
        endpoint_override=endpoint or None,
        force_virtual_addressing=style == "virtual",
        connect_timeout=CONNECT_SECONDS,
        retry_strategy=pyarrow.fs.AwsStandardS3RetryStrategy(max_attempts=S3_ATTEMPTS),
        # So that a file of some megabytes needs one request instead of three.
        allow_delayed_open=True,
    )
    return ObjectStore(files), rest


def _google(protocol: str, rest: str) -> tuple[ObjectStore, str]:
    return ObjectStore(pyarrow.fs.GcsFileSystem(retry_time_limit=timedelta(seconds=GOOGLE_RETRY_SECONDS))), rest


def _azure(protocol: str, rest: str) -> tuple[ObjectStore, str]:
    # The account is part of the URL, in one of several forms that Arrow distinguishes.
    host, _, folder = rest.partition("/")
    files, container = pyarrow.fs.FileSystem.from_uri(f"{protocol}://{host}")
    return ObjectStore(files), "/".join(part for part in (container.rstrip("/"), folder) if part)


OBJECT_STORES: dict[str, Callable[[str, str], tuple[ObjectStore, str]]] = {
    "s3": _s3,
    "s3a": _s3,
    "gs": _google,
    "gcs": _google,
    "abfs": _azure,
    "abfss": _azure,
}
"""Protocol of a URL → function that opens it."""

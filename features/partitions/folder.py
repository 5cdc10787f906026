"""A folder on this machine or behind a URL: bytes in and out, each file there whole or as it was before."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec  # type: ignore[import-untyped]
from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]

from features.errors import PartitionError
from features.partitions.object_store import STORES, open_store

WITHOUT_FOLDERS = {*STORES, "adl", "az", "oci", "oss", "tos"}
"""Object stores: a file appears in them when all of it has arrived, and to ask for a folder can make a bucket."""

_HIDDEN = "***"


def is_url(root: str) -> bool:
    """Whether this names a folder by its URL; everything else is a path on this machine."""
    return "://" in root


def shown(root: str) -> str:
    """The name of a folder as it may be printed: without what a URL holds before the @ or after the ?."""
    if not is_url(root):
        return root
    return re.sub(r"\?.*$", f"?{_HIDDEN}", re.sub(r"://.*@", f"://{_HIDDEN}@", root, flags=re.DOTALL), flags=re.DOTALL)


def without_password(root: str) -> str:
    """The same name, and of a URL all but a password and what stands after the ?: two places keep two names."""
    if not is_url(root):
        return root
    return re.sub(r"(://[^/@:]*):.*@|\?.*$", lambda found: f"{found[1]}@" if found[1] else "", root, flags=re.DOTALL)


@dataclass(frozen=True)
class Folder:
    """A folder that is reached by way of fsspec; paths in it are relative and never lead out of it.

    Attributes:
        root: As a worker elsewhere opens it again.
        shown: The same as it may be printed.
    """

    root: str = field(repr=False)
    shown: str
    _files: Any = field(repr=False)
    _path: str = field(repr=False)

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            FileNotFoundError: There is no such file.
            PartitionError: It cannot be read.
        """
        with self._in_words(name, "read"):
            return bytes(self._files.cat_file(self._full(name)))

    def has(self, name: str) -> bool:
        """Whether there is a file of this name."""
        with self._in_words(name, "looked for"):
            try:
                # Not fsspec's `isfile`: to that, a server that does not answer has no such file.
                return bool(self._files.info(self._full(name))["type"] == "file")
            except (FileNotFoundError, NotADirectoryError):
                return False

    def write(self, name: str, content: bytes) -> None:
        """A file with this content, in place of one that was there; never half of it."""
        target = self._full(name)
        folder, _, last = target.rpartition("/")
        # Not the number of the process: on machines that share this folder two may have the same.
        unfinished = f"{folder}/.{last}.{uuid4().hex}"
        with self._in_words(name, "written", absent=False):
            if self.root.partition("://")[0] in WITHOUT_FOLDERS:
                self._files.pipe_file(target, content)
                return
            if self._local:
                Path(folder).mkdir(parents=True, exist_ok=True)
                try:
                    Path(unfinished).write_bytes(content)
                    os.replace(unfinished, target)
                finally:
                    Path(unfinished).unlink(missing_ok=True)
                return
            self._files.makedirs(folder, exist_ok=True)
            self._files.pipe_file(unfinished, content)
            self._files.mv(unfinished, target)

    def find(self, folder: str) -> list[str]:
        """The names of all files below a folder; none where it is not there."""
        with self._in_words(folder, "listed", absent=False):
            # Drivers remember listings, and someone else may have written since.
            self._files.invalidate_cache()
            found = self._files.find(self._full(folder))
        start = len(self._path) + 1
        return sorted(str(name)[start:] for name in found)

    def remove(self, names: Iterable[str]) -> None:
        """Take these files away, and on this machine the folders that this leaves empty."""
        for name in names:
            with suppress(FileNotFoundError), self._in_words(name, "removed"):
                self._files.rm_file(self._full(name))
            for above in list(Path(name).parents)[:-1] if self._local else []:
                try:
                    os.rmdir(self._full(above.as_posix()))
                except OSError:
                    break

    @property
    def _local(self) -> bool:
        return isinstance(self._files, LocalFileSystem)

    def _full(self, name: str) -> str:
        return f"{self._path}/{name}"

    @contextmanager
    def _in_words(self, name: str, what: str, *, absent: bool = True) -> Iterator[None]:
        """What a driver says becomes one error without the URL's secrets; `absent` lets a missing file through."""
        try:
            yield
        except Exception as error:
            # Every driver has exceptions of its own.
            if absent and isinstance(error, FileNotFoundError):
                raise
            said = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise PartitionError(
                f"{self.shown}/{name}: cannot be {what}: {_plain(said, self.root)}. "
                "Check that the place is there, that you may use it, and how you sign in to it."
            ) from None


def open_folder(root: str) -> Folder:
    """The folder of this name; nothing is made or looked for yet.

    Raises:
        PartitionError: The URL is of a kind that is not known, or whose driver is not installed, or names no folder.
    """
    if not is_url(root):
        path = os.path.abspath(root)
        return Folder(path, path, LocalFileSystem(), path.rstrip("/"))
    name = shown(root)
    protocol, _, rest = root.partition("://")
    if re.search(r"[*?\[\]]", rest):
        raise PartitionError(f"{name}: found one of * ? [ ] in a URL; expected the name of one folder.")
    if not rest.partition("/")[0] and protocol in STORES:
        raise PartitionError(f"{name}: found a URL without a bucket; expected {protocol}://<bucket>/<folder>.")
    if protocol in {"s3", "s3a", "gs", "gcs"} and "@" in rest.partition("/")[0]:
        raise PartitionError(
            f"{name}: found a key in the URL; expected <bucket>/<folder>. Give the key to the driver instead, in its "
            "environment variables or its settings file (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for s3)."
        )
    try:
        files, path = open_store(protocol, rest) if protocol in STORES else fsspec.url_to_fs(root)
    except ImportError as error:
        said = _plain(str(error), root)
        raise PartitionError(
            f"{name}: the driver for {protocol}:// is not installed: {said}. Install what is named here, or use a "
            "folder of this machine, s3://, gs:// or abfss://."
        ) from None
    except Exception as error:
        if "Protocol not known" in str(error):
            raise PartitionError(
                f"{name}: found a URL that starts with {protocol}://; expected one that fsspec knows, such as "
                "s3://<bucket>/<folder> or file:///<folder>, or a folder of this machine."
            ) from None
        said = _plain(str(error), root)
        raise PartitionError(f"{name}: cannot be reached: {said}. Check the URL and how you sign in.") from None
    path = str(path).rstrip("/")
    if not path:
        raise PartitionError(f"{name}: found a URL without a folder; expected {protocol}://<place>/<folder>.")
    return Folder(root.rstrip("/"), name.rstrip("/"), files, path)


def _plain(text: str, root: str) -> str:
    """What a driver says in one line, without what is secret in the URL."""
    text = " ".join(text.split()).rstrip(".")
    if not is_url(root):
        return text
    before, at, _ = root.partition("://")[2].rpartition("@")
    query = root.partition("?")[2]
    for secret in [root, before if at else "", before.partition(":")[2] if at else "", query]:
        text = text.replace(secret, _HIDDEN) if secret else text
    return shown(text)

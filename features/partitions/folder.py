"""A folder on this machine or behind a URL: read, write, find and remove files; files are replaced as a whole."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import fsspec  # type: ignore[import-untyped]
from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]

from features.errors import PartitionError
from features.partitions.address import HIDDEN, is_url, printable
from features.partitions.object_store import OBJECT_STORES, open_object_store

WRITES_AT_ONCE = {*OBJECT_STORES, "adl", "az", "oci", "oss", "tos"}
"""Protocols of object stores: a file appears once all of it has arrived; creating a folder could create a bucket."""


@dataclass(frozen=True)
class Folder:
    """A folder that fsspec reaches; the names of its files are relative paths.

    Attributes:
        root: Path or URL with which another process can open it; may contain a password.
        printable: The same without secrets.
    """

    root: str = field(repr=False)
    printable: str
    _files: fsspec.AbstractFileSystem = field(repr=False)
    _path: str = field(repr=False)

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises:
            FileNotFoundError: There is no such file.
            PartitionError: It cannot be read.
        """
        with self._as_partition_errors(name, "read"):
            return bytes(self._files.cat_file(self._full(name)))

    def has(self, name: str) -> bool:
        """Whether a file of this name exists."""
        with self._as_partition_errors(name, "looked for"):
            try:
                # Not fsspec's `isfile`: it reports no file if the server does not answer.
                return bool(self._files.info(self._full(name))["type"] == "file")
            except (FileNotFoundError, NotADirectoryError):
                return False

    def write(self, name: str, content: bytes) -> None:
        """Write a file, or replace it; readers see the old or the new content, never a part of it."""
        target = self._full(name)
        folder, _, last = target.rpartition("/")
        # Not the process id: two machines that share this folder can have equal ones.
        unfinished = f"{folder}/.{last}.{uuid4().hex}"
        with self._as_partition_errors(name, "written", absent=False):
            if self.root.partition("://")[0] in WRITES_AT_ONCE:
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
        """Return the names of all files below a folder, sorted; none if it does not exist."""
        with self._as_partition_errors(folder, "listed", absent=False):
            # Drivers cache listings, and another process may have written since.
            self._files.invalidate_cache()
            found = self._files.find(self._full(folder))
        start = len(self._path) + 1
        return sorted(str(name)[start:] for name in found)

    def remove(self, names: Iterable[str]) -> None:
        """Remove these files, and on this machine the folders that become empty."""
        for name in names:
            with suppress(FileNotFoundError), self._as_partition_errors(name, "removed"):
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
    def _as_partition_errors(self, name: str, what: str, *, absent: bool = True) -> Iterator[None]:
        """Convert a driver's exception to a PartitionError without secrets; `absent` passes FileNotFoundError on."""
        try:
            yield
        except Exception as error:
            # Every driver has its own exceptions.
            if absent and isinstance(error, FileNotFoundError):
                raise
            message = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise PartitionError(
                f"{self.printable}/{name}: cannot be {what}: {_without_secrets(message, self.root)}. "
                "Check that the place is there, that you may use it, and how you sign in to it.",
                zh=f"{self.printable}/{name}：用不了（{_without_secrets(message, self.root)}）。"
                "处理：检查这个位置在不在、有没有权限、登录方式对不对。",
            ) from None


def open_folder(root: str) -> Folder:
    """Open a folder by path or URL; nothing is created or requested yet.

    Raises:
        PartitionError: The protocol is unknown, its driver is not installed, or the URL names no folder.
    """
    if not is_url(root):
        path = os.path.abspath(root)
        return Folder(path, path, LocalFileSystem(), path.rstrip("/"))
    name = printable(root)
    protocol, _, rest = root.partition("://")
    if re.search(r"[*?\[\]]", rest):
        raise PartitionError(
            f"{name}: found one of * ? [ ] in a URL; expected the name of one folder.",
            zh=f"{name}：网址里有 * ? [ ]。处理：写一个文件夹的名字。",
        )
    if not rest.partition("/")[0] and protocol in OBJECT_STORES:
        raise PartitionError(
            f"{name}: found a URL without a bucket; expected {protocol}://<bucket>/<folder>.",
            zh=f"{name}：网址里没有存储桶。处理：写成 {protocol}://<存储桶>/<文件夹>。",
        )
    if protocol in {"s3", "s3a", "gs", "gcs"} and "@" in rest.partition("/")[0]:
        raise PartitionError(
            f"{name}: found a key in the URL; expected <bucket>/<folder>. Give the key to the driver instead, in its "
            "environment variables or its settings file (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for s3).",
            zh=f"{name}：网址里写了密钥。处理：网址只写 <存储桶>/<文件夹>，密钥放进环境变量"
            "（s3 用 AWS_ACCESS_KEY_ID 和 AWS_SECRET_ACCESS_KEY）或驱动的配置文件。",
        )
    try:
        files, path = open_object_store(protocol, rest) if protocol in OBJECT_STORES else fsspec.url_to_fs(root)
    except ImportError as error:
        message = _without_secrets(str(error), root)
        raise PartitionError(
            f"{name}: the driver for {protocol}:// is not installed: {message}. Install what is named here, or use a "
            "folder of this machine, s3://, gs:// or abfss://.",
            zh=f"{name}：没有安装 {protocol}:// 的驱动（{message}）。处理：装上它，或用本机文件夹、s3://、gs://、abfss://。",
        ) from None
    except Exception as error:
        if "Protocol not known" in str(error):
            raise PartitionError(
                f"{name}: found a URL that starts with {protocol}://; expected one that fsspec knows, such as "
                "s3://<bucket>/<folder> or file:///<folder>, or a folder of this machine.",
                zh=f"{name}：不认识 {protocol}:// 开头的网址。"
                "处理：写成 s3://<存储桶>/<文件夹>、file:///<文件夹> 或本机文件夹。",
            ) from None
        message = _without_secrets(str(error), root)
        raise PartitionError(
            f"{name}: cannot be reached: {message}. Check the URL and how you sign in.",
            zh=f"{name}：连不上（{message}）。处理：检查网址和登录方式。",
        ) from None
    path = str(path).rstrip("/")
    if not path:
        raise PartitionError(
            f"{name}: found a URL without a folder; expected {protocol}://<place>/<folder>.",
            zh=f"{name}：网址里没有文件夹。处理：写成 {protocol}://<位置>/<文件夹>。",
        )
    return Folder(root.rstrip("/"), name.rstrip("/"), files, path)


def _without_secrets(text: str, root: str) -> str:
    """Return a driver's message on one line, without the secrets of the URL."""
    text = " ".join(text.split()).rstrip(".")
    if not is_url(root):
        return text
    before, at, _ = root.partition("://")[2].rpartition("@")
    query = root.partition("?")[2]
    for secret in [root, before if at else "", before.partition(":")[2] if at else "", query]:
        text = text.replace(secret, HIDDEN) if secret else text
    return printable(text)

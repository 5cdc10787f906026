"""Find the champion's bundle without loading MLflow: ask cheaply whether it changed, and only then run MLflow's client.

The client runs in a process of its own (`client_process.py`). What it found is recorded in the cache with the
registry's stamp, so several workers, and the next start, run it once for each change.
"""

import hashlib
import json
import logging
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock

from features.bilingual import Words
from features.sanitise import visible_text
from training.errors import BundleError
from training.mlflow_address import MlflowAddress
from training.registry.bundle_cache import BundleCache
from training.registry.registry_stamp import registry_stamp

log = logging.getLogger("gpmcast.registry")

ROOT = Path(__file__).parents[2]
FOUND, LAST_GOOD = "found.json", "last_good.json"
"""Records of the cache: the newest answer of the client, and the bundle that served last."""
CLIENT_SECONDS = 600.0
"""Seconds until a client that looks and downloads is ended."""
PAUSE_SECONDS = 60.0
"""Seconds between two runs of the client after one that failed, and where nothing else tells of a change."""
PAUSE_FACTOR = 5.0
"""After a run of the client that found nothing new the next one waits this many times as long as that run took: a
registry's stamp also changes when others write runs there."""


@dataclass(frozen=True)
class Found:
    """A champion whose bundle is in the cache.

    Attributes:
        name: Of the registered model.
        version: Its number in the registry.
        sha256: Of the bundle's manifest.
        others: Other champions of the registry, where none was named.
    """

    name: str
    version: str
    sha256: str
    others: tuple[str, ...] = ()


class ChampionFinder:
    """Follows one registry; safe to use from one thread, beside other processes with the same cache."""

    def __init__(
        self, address: MlflowAddress, cache: Path, most_bytes: int, *, name: str = "", preferred: str = ""
    ) -> None:
        """Ask nothing yet.

        Args:
            address: Of the registry.
            cache: Folder of all caches; each registry and name has its own in it.
            most_bytes: Largest bundle that is downloaded.
            name: Registered model, or workspace; empty: `preferred` if it has a champion, else the newest champion.
            preferred: Registered model.
        """
        self.address = address
        self._name, self._preferred, self._most_bytes = name, preferred, most_bytes
        database = address.database
        identity = [str(database.resolve()) if database else address.registry, address.tracking, name, preferred]
        key = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]
        self._cache = BundleCache((cache / key).resolve())
        self._error: tuple[str | None, float, Words] | None = None  # stamp, until when it holds for that stamp
        self._pause_until = 0.0
        self._client: subprocess.Popen[bytes] | None = None

    def find(self) -> Found:
        """Return the champion that the registry names now.

        Raises:
            BundleError: The registry cannot be reached, has no champion, or its bundle cannot be had; what to do.
        """
        stamp, now = registry_stamp(self.address, self._name), time.monotonic()
        if self._error is not None:
            failed_stamp, pause_until, failed = self._error
            if now < (pause_until if stamp == failed_stamp else self._pause_until):  # sooner where something changed
                raise BundleError(failed.en, zh=failed.zh)  # a new one: the traceback of one that is raised again grows
        self._cache.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self._cache.folder / "lock"):
            known, known_stamp = self._read(FOUND), (self._cache.read(FOUND) or {}).get("stamp")
            if known is not None and (now < self._pause_until or (stamp is not None and stamp == known_stamp)):
                return known
            began = time.monotonic()
            try:
                found, self._error = self._run_client(), None
            except BundleError as error:
                self._error = stamp, time.monotonic() + PAUSE_SECONDS, Words(error.zh, str(error))
                raise
            finally:
                ended = time.monotonic()
                self._pause_until = ended + PAUSE_FACTOR * (ended - began)
            if stamp is None:
                self._pause_until = ended + PAUSE_SECONDS
            elif found != known:
                self._pause_until = 0.0
            self._cache.write(FOUND, {**asdict(found), "stamp": stamp})
            good = self._read(LAST_GOOD)
            self._cache.clean_up({found.sha256, *([good.sha256] if good else [])})
            return found

    def folder(self, found: Found) -> Path:
        """Folder of a champion's bundle."""
        return self._cache.path(found.sha256)

    def is_whole(self, sha256: str) -> bool:
        """Whether a bundle's files are unchanged; damaged ones are removed, and are downloaded again by `find`."""
        return self._cache.holds(sha256)

    def last_good(self) -> Found | None:
        """The champion of this registry that served last; None where there is none any more."""
        return self._read(LAST_GOOD)

    def record_good(self, found: Found) -> None:
        """Record a champion that serves, for the next start."""
        if self._read(LAST_GOOD) != found:
            self._cache.write(LAST_GOOD, asdict(found))

    def close(self) -> None:
        """End a client that runs; from any thread."""
        if (client := self._client) is not None:  # `find` may forget it meanwhile
            client.kill()

    def _read(self, record: str) -> Found | None:
        content = self._cache.read(record) or {}
        try:
            found = Found(content["name"], content["version"], content["sha256"], tuple(content["others"]))
        except (KeyError, TypeError):
            return None
        return found if self._cache.path(found.sha256).is_dir() else None

    def _run_client(self) -> Found:
        request = {
            "tracking": self.address.tracking,
            "registry": self.address.registry,
            "name": self._name,
            "preferred": self._preferred,
            "cache": str(self._cache.folder),
            "most_bytes": self._most_bytes,
            "seconds": CLIENT_SECONDS,
        }
        # MLflow's own patience with a server is minutes.
        patience = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        # The settings of the service hold the ledger's password, which is none of the client's business.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GPMCAST_")}
        client = self._client = subprocess.Popen(
            [sys.executable, "-m", "training.registry.client_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**patience, **environment, "PYTHONPATH": path},
        )
        try:
            out, err = client.communicate(json.dumps(request).encode(), timeout=CLIENT_SECONDS + 10)
        except subprocess.TimeoutExpired:
            client.kill()
            out, err = client.communicate()
        finally:
            code, self._client = client.returncode, None
        try:
            answer = json.loads(out)
        except ValueError:
            last = err.decode(errors="replace").strip().rpartition("\n")[2]
            raise BundleError(
                f"{self.address.place}: MLflow's client ended without an answer (exit code {code}): {last[-300:]}",
                zh=f"{self.address.place}：MLflow 的客户端没有给出结果就退出了（退出码 {code}）：{last[-300:]}",
            ) from None
        if "error" in answer:
            log.debug("MLflow's client: %s", visible_text(err.decode(errors="replace")))
            raise BundleError(answer["error"], zh=answer.get("zh", ""))
        return Found(answer["name"], answer["version"], answer["sha256"], tuple(answer["others"]))

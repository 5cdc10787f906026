"""A process of its own for large requests and files: it keeps the Python of a worker free for small ones.

The worker starts it (`BatchProcess`) and sends it tasks over a socket that only these two hold (`messages.py`); the
process loads the bundle that a task names, and computes one task after the other. It ends when the worker does.
"""

import gc
import logging
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from serving.api.errors import Refused, refused
from serving.compute.messages import (
    PARTS_OF_A_TASK,
    PARTS_OF_AN_OUTCOME,
    Failed,
    Task,
    pack_outcome,
    pack_task,
    unpack_outcome,
    unpack_task,
)
from serving.compute.work import Computed, RawFile, compute_one, read_one, too_late
from serving.inference.loaded_model import BundleLocation, LoadedModel, load_model
from serving.settings import PROCESS_ENVIRONMENT
from training.errors import BundleError

log = logging.getLogger("gpmcast.serving")

ROOT = Path(__file__).parents[2]
GRACE_SECONDS = 2.0
"""After the deadline of a task, when its client has been answered: by then the process has noticed it itself, between
two chunks of creatives, or is killed. Killed at once, each late task would cost the start of another process, which
takes longer."""
DYING_SECONDS = 0.5
"""One that closed its connection is dying, and then says of what."""
NICENESS = 5
"""Small requests come first where the cores are busy. Linux compares niceness within a session alone (autogroups):
the process stays in that of its worker."""
WITHHELD = ("AWS_", "GPMCAST_", "MLFLOW_", "PG")
"""Beginnings of environment variables with passwords of ledger and registry: a process that reads files of others does
not need them."""


class BatchProcess:
    """The process as its worker sees it: started when needed, and again after it died. For one thread at a time."""

    def __init__(self, memory_mb: int) -> None:
        """Start nothing yet.

        Args:
            memory_mb: Most memory that the process may take; a task that needs more is refused.
        """
        self._memory_mb = memory_mb
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    @property
    def pid(self) -> int | None:
        """Its process id; None where none runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> Connection:
        """Start it, unless it runs."""
        if self._connection is not None and self.pid is not None:
            return self._connection
        self.end()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno()), str(self._memory_mb)],
                env={
                    **PROCESS_ENVIRONMENT,
                    **{name: value for name, value in os.environ.items() if not name.startswith(WITHHELD)},
                    "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
                },
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._connection = Connection(ours.detach())
        return self._connection

    def compute(self, task: Task) -> Computed:
        """Have a task computed; the process is replaced at once where that takes too long.

        Raises:
            Refused: By the task; 504 after its deadline, 503 where the process died.
            Failed: For another reason, which its log has.
        """
        connection, parts = self.start(), pack_task(task)
        try:
            for part in parts:
                connection.send_bytes(part)
            if not connection.poll(max(task.work.deadline - time.monotonic(), 0.0) + GRACE_SECONDS):
                self.end()
                self.start()
                raise too_late()
            outcome = unpack_outcome([connection.recv_bytes() for _ in range(PARTS_OF_AN_OUTCOME)])
        except (EOFError, OSError, ValueError, KeyError, TypeError):
            ended = self.end(DYING_SECONDS)
            log.error(
                "%s: the process of large requests ended with %s; it is started again", task.work.request_id, ended
            )
            if ended == -signal.SIGABRT:  # how pydantic's Rust code ends where there is no memory
                raise _too_large() from None
            raise refused("ended_early", retry_after="1") from None
        if not isinstance(outcome, Computed):
            raise outcome
        return outcome

    def kill(self) -> None:
        """Kill it, from any thread; `compute` notices."""
        if (process := self._process) is not None:
            process.kill()

    def end(self, seconds: float = 0.0) -> int | None:
        """Kill it, unless it ends by itself within these seconds, and forget it; its exit status."""
        if self._process is None or self._connection is None:
            return None
        self._connection.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self._process.kill()
        ended = self._process.wait()
        self._process = self._connection = None
        return ended


class Loader:
    """The bundle loaded last; another one takes its place when a task names it."""

    def __init__(self) -> None:
        self._loaded: LoadedModel | None = None
        self._bundle: BundleLocation | None = None

    def of(self, bundle: BundleLocation) -> LoadedModel:
        """The model of this bundle. Where its folder holds it no longer, the one loaded before goes on.

        Raises:
            Refused: 503 where there is none.
        """
        if bundle != self._bundle:
            try:
                loaded = load_model(bundle.folder, bundle.name, bundle.version)
                if loaded.sha256 != bundle.manifest_sha256:
                    raise BundleError(f"{bundle.folder}: another bundle is there now.")
            except Exception as error:
                log.error("the process of large requests goes on with what it has: %s", error)
            else:
                self._loaded, self._bundle = loaded, bundle
                gc.unfreeze()
                gc.collect()
                gc.freeze()
        if self._loaded is None:
            raise refused("no_model", retry_after="5")
        return self._loaded


def outcome_of(task: Task, loader: Loader) -> Computed | Refused | Failed:
    """Compute a task; what it raises is returned."""
    try:
        loaded = loader.of(task.bundle)
        if isinstance(task.work, RawFile):
            return read_one(loaded, task.work)
        return compute_one(loaded, task.work, task.most_creatives)
    except MemoryError:
        return _too_large()
    except Refused as refusal:
        return refusal
    except Exception as error:
        log.exception("%s failed", task.work.request_id)
        return Failed(f"{type(error).__name__}: {error}")


def _too_large() -> Refused:
    return Refused(413, "It needs more memory than one request may take; ask for less at a time.")


def main() -> None:
    """Compute tasks until the worker ends."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    bound = int(sys.argv[2]) * 1_000_000
    resource.setrlimit(resource.RLIMIT_DATA, (bound, bound))
    os.nice(NICENESS)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):  # of systemd and terminals, to every process
        signal.signal(number, signal.SIG_IGN)  # it ends with its worker
    connection, loader = Connection(int(sys.argv[1])), Loader()
    with suppress(EOFError, OSError):
        while True:
            task = unpack_task([connection.recv_bytes() for _ in range(PARTS_OF_A_TASK)])
            parts = pack_outcome(outcome_of(task, loader))
            for part in parts:
                connection.send_bytes(part)
            del task, part, parts


if __name__ == "__main__":
    main()

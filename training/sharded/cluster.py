"""Dask workers, on this machine or elsewhere: the only module that imports dask."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from itertools import islice
from typing import Any

from configs import __version__
from configs.settings import Dask
from features.partitions.address import without_password
from training.engine import Engine, OnProgress, Task, no_progress
from training.errors import EngineError
from training.sharded.work import Work

SECONDS_TO_ANSWER = 15
SECONDS_BETWEEN_CHECKS = 60
"""Seconds without a result after which it is checked that there are workers at all."""
TRIES = 4
"""Times that workers may be lost without any item done in between: then the task is at fault, not the worker."""
WORKERS_LOST = (
    "Workers were lost again and again over the same piece of work ({task}). Most often it needs more memory than a "
    "worker has: give workers more (dask.memory in the config), or split the largest account; see also what the "
    "scheduler and the workers say. What is done is kept: run the same command again to go on."
)


class DaskWorkers:
    """The Dask workers of a client, as a `training.engine.Engine`."""

    def __init__(self, client: Any, workers: int) -> None:
        """Of checked workers (`cluster`)."""
        self.workers, self.trains = workers, workers > 1
        self._client = client

    def run(
        self,
        function: Task,
        shared: object,
        items: Sequence[object],
        on_progress: OnProgress = no_progress,
    ) -> list[Any]:
        """On the workers, as many items at a time as there are workers.

        Raises:
            EngineError: An item was lost with every worker that took it, or no worker is left.
        """
        from distributed import KilledWorker

        found: dict[int, Any] = {}
        lost = 0
        while lost < TRIES:
            before = len(found)
            try:
                self._try(function, shared, items, found, on_progress)
            except KilledWorker as killed:
                raise EngineError(WORKERS_LOST.format(task=killed.task)) from None
            except (OSError, RuntimeError):
                if self._client.status == "running":
                    raise  # an error of the task itself, such as a full disk
                raise EngineError(
                    "The scheduler was lost. Start one, then run the same command again: what is done is kept."
                ) from None
            if len(found) == len(items):
                return [found[place] for place in range(len(items))]
            lost = 0 if len(found) > before else lost + 1
        raise EngineError(WORKERS_LOST.format(task=function.__name__))

    def _try(
        self,
        function: Task,
        shared: object,
        items: Sequence[object],
        found: dict[int, Any],
        on_progress: OnProgress,
    ) -> None:
        """Compute the items that have no result yet; those whose shared argument was lost with its workers get none."""
        from distributed import as_completed

        try:
            common = self._client.scatter(shared, broadcast=True, hash=False)
        except OSError:
            if self._client.status != "running":
                raise
            self._check_workers_left()
            return  # a worker was lost while it received the shared argument
        waiting = iter([place for place in range(len(items)) if place not in found])
        # A few at a time: items can be large, and the scheduler keeps those that were submitted in memory.
        places = {self._submit(function, common, items, place): place for place in islice(waiting, 2 * self.workers)}
        on_progress(len(found), len(items))
        try:
            while places:
                ended = as_completed(
                    list(places), loop=self._client.loop, with_results=True, timeout=SECONDS_BETWEEN_CHECKS
                )
                try:
                    for future, result in ended:
                        place = places.pop(future)
                        if not isinstance(result, CancelledError):
                            found[place] = result
                            on_progress(len(found), len(items))
                        for place in islice(waiting, 1):
                            after = self._submit(function, common, items, place)
                            places[after] = place
                            ended.add(after)
                except TimeoutError:
                    if any(future.status == "error" for future in places):
                        raise  # an error of the task itself
                    self._check_workers_left()
        finally:
            self._client.cancel(list(places), force=True)

    def _check_workers_left(self) -> None:
        if not self._client.nthreads():
            raise EngineError("No worker is left. Start some, then run the same command again: what is done is kept.")

    def _submit(self, function: Task, common: object, items: Sequence[object], place: int) -> Any:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sending large graph")
            return self._client.submit(function, common, items[place], pure=False)


@contextmanager
def cluster(settings: Dask, work: Work) -> Iterator[Engine]:
    """Connect to the scheduler of the settings, or start workers on this machine, which end with the block.

    Raises:
        EngineError: Dask is not installed, no scheduler answers, it has no workers, or a worker cannot take part.
    """
    try:
        from distributed import Client, LocalCluster
        from distributed.security import Security
    except ImportError:
        raise EngineError(
            "engine: dask needs Dask, which is not installed. Run `make train ENGINE=dask`, or: pip install "
            "'gpmcast[scale]'."
        ) from None
    logging.getLogger("distributed").setLevel(logging.ERROR)
    if settings.scheduler:
        address = without_password(settings.scheduler)
        if (
            settings.scheduler.startswith(("tls:", "wss:"))
            and not Security().get_connection_args("client")["ssl_context"]
        ):
            raise EngineError(
                f"{address}: Dask has no certificates to connect with it. Name them in Dask's own settings "
                "(distributed.comm.tls) or in DASK_DISTRIBUTED__COMM__TLS__CA_FILE, …__CLIENT__CERT and …__CLIENT__KEY."
            )
        try:
            client = Client(settings.scheduler, timeout=SECONDS_TO_ANSWER, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise EngineError(
                f"{address}: no scheduler answered within {SECONDS_TO_ANSWER} s ({type(error).__name__}). "
                "Expected the address of a running one, such as tcp://10.0.0.5:8786 (`dask scheduler` prints it). "
                "Leave the address away to start workers on this machine."
            ) from None
        with client:
            yield DaskWorkers(client, _checked_threads(client, address, work))
        return
    with (
        LocalCluster(
            n_workers=settings.workers,
            threads_per_worker=1,
            memory_limit=settings.memory,
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        ) as own,
        Client(own, set_as_default=False) as client,
    ):
        yield DaskWorkers(client, settings.workers)


def _checked_threads(client: Any, address: str, work: Work) -> int:
    """Number of worker threads, after a check that every worker can take part."""
    try:
        client.run_on_scheduler(_version)  # the scheduler unpickles tasks, so it needs gpmcast too
    except ImportError as error:
        raise EngineError(f"{address}: the scheduler {_sentence(error)}.") from None
    threads = client.nthreads()
    if not threads:
        raise EngineError(f"{address}: this scheduler has no workers. Start some: `dask worker {address}`.")
    work.write_mark(__version__)
    wrong = {
        worker: problem
        for worker, problem in client.run(_check_worker, work.root, on_error="return").items()
        if problem is not None
    }
    if wrong:
        lines = [f"  - {worker}: {_sentence(problem)}" for worker, problem in sorted(wrong.items())]
        raise EngineError("\n".join([f"{address}: {len(wrong)} of {len(threads)} workers cannot take part:", *lines]))
    return sum(threads.values())


def _version() -> str:
    return __version__


def _sentence(problem: object) -> str:
    if isinstance(problem, ImportError):
        return (
            f"has no gpmcast {__version__} ({problem}). Start it where that is installed, or in the root of a checkout "
            "with PYTHONPATH=. set"
        )
    return str(problem) or type(problem).__name__


def _check_worker(root: str) -> str | None:
    """Why the worker that runs this cannot take part; None where it can."""
    found = Work(root).read_mark()
    if found is None:
        return (
            "does not see the folder of the run's tables; expected the same folder on all machines. Put `var` on "
            "storage that all share, or name such a place in dask.work"
        )
    if found != __version__:
        return f"has gpmcast {__version__}; expected {found}, as here"
    return None

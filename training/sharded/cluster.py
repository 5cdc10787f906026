"""Workers of Dask, on this machine or elsewhere: the only file with dask."""

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from itertools import islice
from typing import Any

from configs import __version__
from configs.settings import Dask
from features.partitions.folder import without_password
from training.engine import Engine, Tell, silent
from training.errors import EngineError
from training.sharded.work import Work

SECONDS_TO_ANSWER = 15
SECONDS_BETWEEN_LOOKS = 60
"""After so long it is looked whether there are workers at all."""
TRIES = 4
"""Times that workers may be lost without any item done meanwhile: by then the work is at fault, not the worker."""
LOST = (
    "Workers were lost again and again over the same piece of work ({task}). Most often it needs more memory than a "
    "worker has: give workers more (dask.memory in the config), or split the largest account; see also what the "
    "scheduler and the workers say. What is done is kept: run the same command again to go on."
)


class Workers:
    """Dask's workers behind a client (`training.engine.Engine`)."""

    def __init__(self, client: Any, workers: int) -> None:
        """Workers that have been looked at (`workers`)."""
        self.workers, self.trains = workers, workers > 1
        self._client = client

    def run(
        self, function: Callable[[Any, Any], Any], shared: Any, items: Sequence[Any], tell: Tell = silent
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
                self._try(function, shared, items, found, tell)
            except KilledWorker as killed:
                raise EngineError(LOST.format(task=killed.task)) from None
            except (OSError, RuntimeError):
                if self._client.status == "running":
                    raise  # the work's own: a full disk, say
                raise EngineError(
                    "The scheduler was lost. Start one, then run the same command again: what is done is kept."
                ) from None
            if len(found) == len(items):
                return [found[place] for place in range(len(items))]
            lost = 0 if len(found) > before else lost + 1
        raise EngineError(LOST.format(task=function.__name__))

    def _try(
        self, function: Callable[[Any, Any], Any], shared: Any, items: Sequence[Any], found: dict[int, Any], tell: Tell
    ) -> None:
        """Work on the items that are not found yet; leaves out those whose shared part was lost with its workers."""
        from distributed import as_completed

        try:
            common = self._client.scatter(shared, broadcast=True, hash=False)
        except OSError:
            if self._client.status != "running":
                raise
            self._look_for_workers()
            return  # one was lost while it was handed its own
        waiting = iter([place for place in range(len(items)) if place not in found])
        # A few at a time: items can be large, and the scheduler holds those that were handed to it.
        places = {self._submit(function, common, items, place): place for place in islice(waiting, 2 * self.workers)}
        tell(len(found), len(items))
        try:
            while places:
                ended = as_completed(
                    list(places), loop=self._client.loop, with_results=True, timeout=SECONDS_BETWEEN_LOOKS
                )
                try:
                    for future, result in ended:
                        place = places.pop(future)
                        if not isinstance(result, CancelledError):
                            found[place] = result
                            tell(len(found), len(items))
                        for place in islice(waiting, 1):
                            after = self._submit(function, common, items, place)
                            places[after] = place
                            ended.add(after)
                except TimeoutError:
                    if any(future.status == "error" for future in places):
                        raise  # the work's own
                    self._look_for_workers()
        finally:
            self._client.cancel(list(places), force=True)

    def _look_for_workers(self) -> None:
        if not self._client.nthreads():
            raise EngineError("No worker is left. Start some, then run the same command again: what is done is kept.")

    def _submit(self, function: Callable[[Any, Any], Any], common: Any, items: Sequence[Any], place: int) -> Any:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sending large graph")
            return self._client.submit(function, common, items[place], pure=False)


@contextmanager
def cluster(asked: Dask, work: Work) -> Iterator[Engine]:
    """The workers that the settings ask for; those of this machine end with the block.

    Raises:
        EngineError: Dask is not installed, no scheduler answers, it has no workers, or a worker is not fit to work.
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
    if asked.scheduler:
        address = without_password(asked.scheduler)
        if asked.scheduler.startswith(("tls:", "wss:")) and not Security().get_connection_args("client")["ssl_context"]:
            raise EngineError(
                f"{address}: Dask knows no certificates to speak with it. Name them in Dask's own settings "
                "(distributed.comm.tls) or in DASK_DISTRIBUTED__COMM__TLS__CA_FILE, …__CLIENT__CERT and …__CLIENT__KEY."
            )
        try:
            client = Client(asked.scheduler, timeout=SECONDS_TO_ANSWER, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise EngineError(
                f"{address}: no scheduler answered within {SECONDS_TO_ANSWER} s ({type(error).__name__}). "
                "Expected the address of a running one, such as tcp://10.0.0.5:8786 (`dask scheduler` prints it). "
                "Leave the address away to start workers on this machine."
            ) from None
        with client:
            yield Workers(client, _fit(client, address, work))
        return
    with (
        LocalCluster(
            n_workers=asked.workers,
            threads_per_worker=1,
            memory_limit=asked.memory,
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        ) as own,
        Client(own, set_as_default=False) as client,
    ):
        yield Workers(client, asked.workers)


def _fit(client: Any, address: str, work: Work) -> int:
    """How many threads of workers there are, all of which can take part."""
    try:
        client.run_on_scheduler(_version)  # it opens what it hands on
    except ImportError as error:
        raise EngineError(f"{address}: the scheduler {_in_words(error)}.") from None
    threads = client.nthreads()
    if not threads:
        raise EngineError(f"{address}: this scheduler has no workers. Start some: `dask worker {address}`.")
    work.leave_mark(__version__)
    wrong = {
        worker: said for worker, said in client.run(_look, work.root, on_error="return").items() if said is not None
    }
    if wrong:
        lines = [f"  - {worker}: {_in_words(said)}" for worker, said in sorted(wrong.items())]
        raise EngineError("\n".join([f"{address}: {len(wrong)} of {len(threads)} workers cannot take part:", *lines]))
    return sum(threads.values())


def _version() -> str:
    return __version__


def _in_words(said: object) -> str:
    if isinstance(said, ImportError):
        return (
            f"has no gpmcast {__version__} ({said}). Start it where that is installed, or in the root of a checkout "
            "with PYTHONPATH=. set"
        )
    return str(said) or type(said).__name__


def _look(root: str) -> str | None:
    """What keeps a worker from taking part; None where nothing does."""
    found = Work(root).mark()
    if found is None:
        return (
            "does not see the folder of the run's tables; expected the same folder on all machines. Put `var` on "
            "storage that all share, or name such a place in dask.work"
        )
    if found != __version__:
        return f"has gpmcast {__version__}; expected {found}, as here"
    return None

"""Processes of this machine that work on parts side by side."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from threadpoolctl import threadpool_limits

from training.engine import Engine, Here, Tell, silent
from training.errors import EngineError

LOST = (
    "A process was lost over its piece of work. Most often the machine has not the memory for as many: ask for fewer "
    "(`processes: 1` in the config), or split the largest account. What is done is kept: run the same command again "
    "to go on."
)


class Processes:
    """Some processes of this machine (`training.engine.Engine`)."""

    trains = False  # here threads do, which share the rows

    def __init__(self, pool: ProcessPoolExecutor, workers: int) -> None:
        """Of a pool that has so many."""
        self.workers = workers
        self._pool = pool

    def run(
        self, function: Callable[[Any, Any], Any], shared: Any, items: Sequence[Any], tell: Tell = silent
    ) -> list[Any]:
        """In these processes, as many items at a time as there are.

        Raises:
            EngineError: A process was lost.
        """
        tell(0, len(items))
        try:
            submit = self._pool.submit
            places = {submit(_on_one_thread, function, shared, item): place for place, item in enumerate(items)}
            return _found(places, tell)
        except BrokenProcessPool:
            raise EngineError(LOST) from None


@contextmanager
def processes(count: int) -> Iterator[Engine]:
    """So many processes, started when they are needed; they end with the block, and with the process that asked."""
    if count == 1:
        yield Here()
        return
    context = get_context("spawn")  # a fork would copy locks that libraries' threads hold
    theirs, ours = context.Pipe(duplex=False)
    with ProcessPoolExecutor(count, context, _begin, (theirs,)) as pool:
        try:
            yield Processes(pool, count)
            pool.shutdown()
        finally:
            ours.close()  # whoever is still at work now ends at once
            theirs.close()


def _found(places: dict[Future[Any], int], tell: Tell) -> list[Any]:
    found: dict[int, Any] = {}
    try:
        for future in as_completed(places):
            found[places[future]] = future.result()
            tell(len(found), len(places))
    except BaseException:
        for future in places:
            future.cancel()
        raise
    return [found[place] for place in range(len(places))]


def _on_one_thread(function: Callable[[Any, Any], Any], shared: Any, item: Any) -> Any:
    """The processes are as many as the cores they may take."""
    with threadpool_limits(1):  # each time: a library can only be told once it is loaded
        return function(shared, item)


def _begin(line: Connection) -> None:
    """A process gets ready to end no later than its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then closes the line
    threading.Thread(target=_end_with, args=(line,), daemon=True).start()


def _end_with(line: Connection) -> None:
    """Ends this process when the other end of the line is closed, as it is when the parent is killed."""
    try:
        line.recv_bytes()
    except EOFError:
        os._exit(1)

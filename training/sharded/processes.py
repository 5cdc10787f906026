"""Run tasks in a pool of processes on this machine."""

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from threadpoolctl import threadpool_limits

from features.bilingual import Words
from training.engine import Engine, LocalEngine, OnProgress, Task, no_progress
from training.errors import EngineError

PROCESS_LOST = Words(
    "一个进程中断了，多半是内存不够。处理：在配置里写 processes: 1，或把最大的账户拆开；"
    "已算完的会保留，再运行同一个命令即可。",
    "A process was lost over its piece of work. Most often the machine has not the memory for as many: ask for fewer "
    "(`processes: 1` in the config), or split the largest account. What is done is kept: run the same command again "
    "to go on.",
)


class Processes:
    """A pool of processes, as a `training.engine.Engine`."""

    trains = False  # models are trained by threads, which share the rows in memory

    def __init__(self, pool: ProcessPoolExecutor, workers: int) -> None:
        """Of a pool with this many processes."""
        self.workers = workers
        self._pool = pool

    def run(
        self,
        function: Task,
        shared: object,
        items: Sequence[object],
        on_progress: OnProgress = no_progress,
    ) -> list[Any]:
        """In these processes, as many items at a time as there are.

        Raises:
            EngineError: A process was lost.
        """
        on_progress(0, len(items))
        try:
            submit = self._pool.submit
            places = {submit(_on_one_thread, function, shared, item): place for place, item in enumerate(items)}
            return _results(places, on_progress)
        except BrokenProcessPool:
            raise EngineError(PROCESS_LOST.en, zh=PROCESS_LOST.zh) from None


@contextmanager
def processes(count: int) -> Iterator[Engine]:
    """Yield an engine of `count` processes, started when first needed; they end with the block."""
    if count == 1:
        yield LocalEngine()
        return
    context = get_context("spawn")  # a fork would copy locks held by threads of libraries
    child_end, parent_end = context.Pipe(duplex=False)
    with ProcessPoolExecutor(count, context, _start_child, (child_end,)) as pool:
        try:
            yield Processes(pool, count)
            pool.shutdown()
        finally:
            parent_end.close()  # children that are still computing end at once
            child_end.close()


def _results(places: dict[Future[Any], int], on_progress: OnProgress) -> list[Any]:
    found: dict[int, Any] = {}
    try:
        for future in as_completed(places):
            found[places[future]] = future.result()
            on_progress(len(found), len(places))
    except BaseException:
        for future in places:
            future.cancel()
        raise
    return [found[place] for place in range(len(places))]


def _on_one_thread(function: Task, shared: object, item: object) -> Any:
    """One thread a process: there are as many processes as cores to use."""
    with threadpool_limits(1):  # each time: the limit reaches only libraries already loaded
        return function(shared, item)


def _start_child(pipe: Connection) -> None:
    """Make a child process end no later than its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then closes the pipe
    threading.Thread(target=_end_with_parent, args=(pipe,), daemon=True).start()


def _end_with_parent(pipe: Connection) -> None:
    """End this process when the other end of the pipe is closed, as it is when the parent is killed."""
    try:
        pipe.recv_bytes()
    except EOFError:
        os._exit(1)

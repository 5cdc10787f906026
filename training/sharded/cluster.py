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
from features.bilingual import Words
from features.partitions.address import without_password
from training.engine import Engine, OnProgress, Task, no_progress
from training.errors import EngineError
from training.sharded.work import Work

SECONDS_TO_ANSWER = 15
SECONDS_BETWEEN_CHECKS = 60
"""Seconds without a result after which it is checked that there are workers at all."""
TRIES = 4
"""Times that workers may be lost without any item done in between: then the task is at fault, not the worker."""
WORKERS_LOST = Words(
    "同一块工作（{task}）上的工作进程一再丢失，多半是内存不够。处理：在配置里加大 dask.memory，或把最大的账户拆开；"
    "再看调度器和工作进程的日志。已完成的都保留：再运行同一条命令接着做。",
    "Workers were lost again and again over the same piece of work ({task}). Most often it needs more memory than a "
    "worker has: give workers more (dask.memory in the config), or split the largest account; see also what the "
    "scheduler and the workers say. What is done is kept: run the same command again to go on.",
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
                raise _lost(killed.task) from None
            except (OSError, RuntimeError):
                if self._client.status == "running":
                    raise  # an error of the task itself, such as a full disk
                raise EngineError(
                    "The scheduler was lost. Start one, then run the same command again: what is done is kept.",
                    zh="调度器断开了。处理：重新启动它，再运行同一条命令：已完成的都保留。",
                ) from None
            if len(found) == len(items):
                return [found[place] for place in range(len(items))]
            lost = 0 if len(found) > before else lost + 1
        raise _lost(function.__name__)

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
            raise EngineError(
                "No worker is left. Start some, then run the same command again: what is done is kept.",
                zh="一个工作进程也没有了。处理：启动几个，再运行同一条命令：已完成的都保留。",
            )

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
            "'gpmcast[scale]'.",
            zh="engine: dask 要用 Dask，这里没有装。处理：用 make train ENGINE=dask，或 pip install 'gpmcast[scale]'。",
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
                "(distributed.comm.tls) or in DASK_DISTRIBUTED__COMM__TLS__CA_FILE, …__CLIENT__CERT and "
                "…__CLIENT__KEY.",
                zh=f"{address}：Dask 没有连接它的证书。处理：在 Dask 的配置（distributed.comm.tls）里写上，"
                "或设环境变量 "
                "DASK_DISTRIBUTED__COMM__TLS__CA_FILE、…__CLIENT__CERT、…__CLIENT__KEY。",
            )
        try:
            client = Client(settings.scheduler, timeout=SECONDS_TO_ANSWER, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise EngineError(
                f"{address}: no scheduler answered within {SECONDS_TO_ANSWER} s ({type(error).__name__}). "
                "Expected the address of a running one, such as tcp://10.0.0.5:8786 (`dask scheduler` prints it). "
                "Leave the address away to start workers on this machine.",
                zh=f"{address}：{SECONDS_TO_ANSWER} 秒内没有调度器应答（{type(error).__name__}）。"
                "处理：写正在运行的调度器的地址，"
                "如 tcp://10.0.0.5:8786（dask scheduler 启动时会显示）；不写地址就在本机启动。",
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
        said = _sentence(error)
        raise EngineError(f"{address}: the scheduler {said.en}.", zh=f"{address}：调度器{said.zh}。") from None
    threads = client.nthreads()
    if not threads:
        raise EngineError(
            f"{address}: this scheduler has no workers. Start some: `dask worker {address}`.",
            zh=f"{address}：这个调度器没有工作进程。处理：启动几个：dask worker {address}。",
        )
    work.write_mark(__version__)
    wrong = {
        worker: problem
        for worker, problem in client.run(_check_worker, work.root, on_error="return").items()
        if problem is not None
    }
    if wrong:
        said_of = {worker: _sentence(problem) for worker, problem in sorted(wrong.items())}
        lines = [f"  - {worker}: {said.en}" for worker, said in said_of.items()]
        lines_zh = [f"  - {worker}：{said.zh}" for worker, said in said_of.items()]
        raise EngineError(
            "\n".join([f"{address}: {len(wrong)} of {len(threads)} workers cannot take part:", *lines]),
            zh="\n".join([f"{address}：{len(threads)} 个工作进程中 {len(wrong)} 个不能参加：", *lines_zh]),
        )
    return sum(threads.values())


def _version() -> str:
    return __version__


def _lost(task: str) -> EngineError:
    said = WORKERS_LOST.format(task=task)
    return EngineError(said.en, zh=said.zh)


def _sentence(problem: object) -> Words:
    if isinstance(problem, Words):
        return problem
    if isinstance(problem, ImportError):
        return Words(
            f"没有 gpmcast {__version__}（{problem}）。处理：在装了它的环境里启动，"
            "或在代码目录里设 PYTHONPATH=. 再启动",
            f"has no gpmcast {__version__} ({problem}). Start it where that is installed, or in the root of a checkout "
            "with PYTHONPATH=. set",
        )
    text = str(problem) or type(problem).__name__
    return Words(text, text)


def _check_worker(root: str) -> Words | None:
    """Why the worker that runs this cannot take part; None where it can."""
    found = Work(root).read_mark()
    if found is None:
        return Words(
            "看不到这次运行的中间表文件夹，各台机器要用同一个。"
            "处理：把 var 放在共享存储上，或在 dask.work 里写这样一个位置",
            "does not see the folder of the run's tables; expected the same folder on all machines. Put `var` on "
            "storage that all share, or name such a place in dask.work",
        )
    if found != __version__:
        return Words(
            f"是 gpmcast {__version__}，应与这里一样是 {found}", f"has gpmcast {__version__}; expected {found}, as here"
        )
    return None

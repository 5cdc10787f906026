"""Where the tasks of a run are computed: in this process, in several local processes, or on Dask workers.

Besides `LocalEngine`, the implementations are `training.sharded.processes` and `training.sharded.cluster`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from configs.settings import Settings
from configs.yaml_file import parse
from features.errors import InputError
from features.partitions.address import without_password

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")

Task = Callable[[Any, Any], Any]
"""`task(shared, item)`: the types of its arguments and its result are those of the call at hand."""
OnProgress = Callable[[int, int], None]
"""Called with the number of items done and of all items."""


def no_progress(done: int, total: int) -> None:
    """Report nothing."""


class Engine(Protocol):
    """Maps a function over items that do not depend on each other."""

    workers: int
    """Items computed at a time."""
    trains: bool
    """Whether its workers also train models side by side, instead of this process's threads."""

    def run(
        self,
        function: Task,
        shared: object,
        items: Sequence[object],
        on_progress: OnProgress = no_progress,
    ) -> list[Any]:
        """`function(shared, item)` of every item, in the items' order.

        An item may be computed twice where a worker was lost: a function's side effects must be idempotent.
        """
        ...


class LocalEngine:
    """This process, one item after the other."""

    workers = 1
    trains = False

    def run(
        self,
        function: Callable[[Shared, Item], Result],
        shared: Shared,
        items: Sequence[Item],
        on_progress: OnProgress = no_progress,
    ) -> list[Result]:
        """In this process."""
        found = []
        for done, item in enumerate(items):
            on_progress(done, len(items))
            found.append(function(shared, item))
        return found


def with_engine(settings: Settings, engine: str | None, scheduler: str | None) -> Settings:
    """Return the settings with the engine and the scheduler of a command line.

    Raises:
        InputError: A scheduler was given for an engine that has none.
        ConfigError: One of both is not what the settings take.
    """
    if engine is None and scheduler is None:
        return settings
    if engine == "local" and scheduler:
        found = without_password(scheduler)
        raise InputError(
            f"--scheduler {found}: found --engine local, which has none. Leave one of the two away.",
            zh=f"--scheduler {found}：--engine local 没有调度器。处理：两个选项去掉一个。",
        )
    content = settings.model_dump()
    content["engine"] = engine or settings.engine
    if scheduler:
        content["engine"], content["dask"]["scheduler"] = engine or "dask", scheduler
    return parse(Settings, content, Path("--engine, --scheduler"))

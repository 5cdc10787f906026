"""Who does the work of a run: this process, others beside it (`training.sharded.processes`), or workers elsewhere
(`training.sharded.cluster`).
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")

Tell = Callable[[int, int], None]
"""Called with items done, and in all."""


def silent(done: int, total: int) -> None:
    """Tells nothing."""


class Engine(Protocol):
    """Does one thing to many items, each on its own."""

    workers: int
    """How many items are worked on at a time."""
    trains: bool
    """Whether models are trained on its workers too, side by side, and not by this process's threads."""

    def run(
        self,
        function: Callable[[Any, Any], Any],
        shared: Any,
        items: Sequence[Any],
        tell: Tell = silent,
    ) -> list[Any]:
        """`function(shared, item)` of every item, in their order.

        An item may be worked on twice, where a worker was lost: what a function leaves behind must be the same then.
        """
        ...


class Here:
    """This process, one item after the other."""

    workers = 1
    trains = False

    def run(
        self,
        function: Callable[[Shared, Item], Result],
        shared: Shared,
        items: Sequence[Item],
        tell: Tell = silent,
    ) -> list[Result]:
        """In this process."""
        found = []
        for done, item in enumerate(items):
            tell(done, len(items))
            found.append(function(shared, item))
        return found

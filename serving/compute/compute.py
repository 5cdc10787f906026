"""Where a request is computed: small ones together in a thread, large ones and files in a process of their own.

The event loop computes nothing. While one computation runs in the thread, small requests that arrive wait, and are
computed in the next call together: sixteen creatives in one call cost a seventh of what they cost one by one. After a
call in company the next one is held back for a moment, until those that were answered may have asked again. Alone or in
company, a creative gets the same answer bit for bit (`serving.inference.predict`).
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from serving.api.errors import Refused, refused
from serving.compute.batch_process import BatchProcess
from serving.compute.messages import Task
from serving.compute.work import Computed, RawFile, RawRequest, TooMany, compute_together, too_late
from serving.inference.loaded_model import BundleLocation, LoadedModel
from serving.ledger.record import LedgerRecord
from serving.settings import SMALL_BODY, Limits

SMALL_CREATIVES = 8
"""Most creatives of a request that is computed in the thread; its body has at most SMALL_BODY bytes."""
MOST_TOGETHER = 32
"""Creatives in one call."""
GATHER_SHARE, GATHER_SECONDS = 1.0, 0.02
"""After a call in company the next one is held back for this share of its time, and at most so long: in less, answers
are not recorded, sent and followed by the next requests, and the first of these is computed alone."""
MOST_BODIES = 8
"""Requests that wait for the process hold at most this many times `limits.body_bytes` in memory."""


@dataclass(frozen=True)
class Answered:
    """An answer that is recorded.

    Attributes:
        content: JSON.
        headers: Headers of the answer: what `record` returned.
    """

    content: bytes
    headers: dict[str, str]


@dataclass(frozen=True, eq=False)
class _Waiting:
    request: RawRequest
    creatives: int
    answer: asyncio.Future[Computed]


async def _not_recorded(_: LedgerRecord) -> dict[str, str]:
    return {}


class Compute:
    """The computations of one worker. Its coroutines belong to one event loop."""

    def __init__(
        self,
        model: Callable[[], LoadedModel],
        limits: Limits,
        record: Callable[[LedgerRecord], Awaitable[dict[str, str]]] = _not_recorded,
    ) -> None:
        """Start nothing yet but threads.

        Args:
            model: The model that answers now; raises Refused where there is none.
            limits: Of requests.
            record: Called with every answer before it is returned, in the event loop: counts and records it, and
                returns headers of the answer.
        """
        self._model = model
        self._limits = limits
        self._record = record
        self._waiting: deque[_Waiting] = deque()
        self._busy = False
        self._company = 1  # requests of the last call, and those that waited at its end
        self._gather_until = 0.0
        self._thread = ThreadPoolExecutor(1, "small-requests")
        self._large = ThreadPoolExecutor(1, "large-requests")
        self._process = BatchProcess(limits.batch_memory_mb)
        self._large_waiting, self._large_bytes = 0, 0

    def start_process(self) -> None:
        """Start the process of large requests; else the first of them waits for it."""
        self._large.submit(self._process.start)

    async def answer(self, request: RawRequest) -> Answered:
        """Compute and record an answer.

        Raises:
            Refused: 400, 409 or 422 with every problem found; 503 where too many wait; 504 after its deadline.
        """
        computed = await self._computed(request)
        return Answered(computed.content, {} if computed.record is None else await self._record(computed.record))

    async def read(self, file: RawFile) -> bytes:
        """An uploaded file as creatives, JSON; nothing is recorded.

        Raises:
            Refused: 422 where nothing of it can be used; 503 where too many wait; 504 after its deadline.
        """
        return (await self._in_process(file, len(file.content))).content

    def close(self) -> None:
        """End the threads and the process; waiting requests have been answered before."""
        self._thread.shutdown()
        self._large.shutdown(wait=False, cancel_futures=True)
        self._process.kill()  # what it still computes was given up
        self._large.shutdown()
        self._process.end()

    async def _computed(self, request: RawRequest) -> Computed:
        if len(request.body) <= SMALL_BODY and (creatives := request.body.count(b'"creative_id"')) <= SMALL_CREATIVES:
            try:
                return await self._small(request, creatives)
            except TooMany:  # its fields were named by escapes
                pass
        return await self._in_process(request, len(request.body))

    async def _small(self, request: RawRequest, creatives: int) -> Computed:
        if len(self._waiting) >= self._limits.waiting:
            raise _too_many()
        waiting = _Waiting(request, creatives, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._next()
        try:
            async with _until(request.deadline):
                return await waiting.answer
        finally:
            if not waiting.answer.done() or waiting.answer.cancelled():  # given up: its place is free
                with suppress(ValueError):
                    self._waiting.remove(waiting)

    def _next(self) -> None:
        """Start the next call, unless one runs or more requests are awaited."""
        if self._busy:
            return
        if 0 < len(self._waiting) < self._company and (pause := self._gather_until - time.monotonic()) > 0:
            asyncio.get_running_loop().call_later(pause, self._gathered, self._gather_until)
            return
        group: list[_Waiting] = []
        while self._waiting and sum(one.creatives for one in group) + self._waiting[0].creatives <= MOST_TOGETHER:
            group.append(self._waiting.popleft())
        if not group:
            return
        self._busy = True
        loop, began = asyncio.get_running_loop(), time.monotonic()
        call = self._thread.submit(self._compute, [waiting.request for waiting in group])
        call.add_done_callback(lambda done: loop.call_soon_threadsafe(self._deliver, group, done, began))

    def _gathered(self, until: float) -> None:
        """No more requests are awaited; nothing, where that call has begun."""
        if until == self._gather_until:  # the loop's timer may be early by a millisecond
            self._gather_until = 0.0
            self._next()

    def _compute(self, requests: list[RawRequest]) -> list[Computed | Exception]:
        return compute_together(self._model(), requests, self._limits.creatives, SMALL_CREATIVES)

    def _deliver(self, group: list[_Waiting], done: Future[list[Computed | Exception]], began: float) -> None:
        self._busy = False
        now = time.monotonic()
        self._company = len(group) + len(self._waiting)
        self._gather_until = now + min((now - began) * GATHER_SHARE, GATHER_SECONDS) if self._company > 1 else 0.0
        self._next()
        failed = done.exception()
        outcomes = [failed] * len(group) if failed is not None else done.result()
        for waiting, outcome in zip(group, outcomes):
            if waiting.answer.cancelled():
                continue
            if isinstance(outcome, Computed):
                waiting.answer.set_result(outcome)
            else:
                waiting.answer.set_exception(outcome)

    async def _in_process(self, work: RawRequest | RawFile, size: int) -> Computed:
        most = MOST_BODIES * self._limits.body_bytes
        if self._large_waiting >= self._limits.waiting or self._large_bytes + size > most:
            raise _too_many()
        self._large_waiting += 1
        self._large_bytes += size
        try:
            async with _until(work.deadline):
                # Cancelled by the deadline: what has not begun never will; what has begun ends by itself.
                return await asyncio.wrap_future(self._large.submit(self._compute_in_process, work))
        finally:
            self._large_waiting -= 1
            self._large_bytes -= size

    def _compute_in_process(self, work: RawRequest | RawFile) -> Computed:
        loaded = self._model()
        bundle = BundleLocation(loaded.folder, loaded.name, loaded.version, loaded.sha256)
        return self._process.compute(Task(work, bundle, self._limits.creatives))


@asynccontextmanager
async def _until(deadline: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(deadline - time.monotonic()):
            yield
    except TimeoutError:
        raise too_late() from None


def _too_many() -> Refused:
    return refused("busy", retry_after="1")

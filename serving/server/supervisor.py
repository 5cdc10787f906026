"""Accept connections and hand each to the worker that holds the fewest; start, replace and end workers.

    python -m serving.server.supervisor HOST PORT WORKERS

Settings reach the workers through the environment (`serving.settings`). One process accepts for all: a kernel that
lets workers accept for themselves gives one of them a whole burst, and kept connections stay where they are. It
imports next to nothing, opens no port but that of the service, and never looks into a request.
"""

import asyncio
import ctypes
import logging
import os
import resource
import signal
import socket
import struct
import sys
import tempfile
from collections import deque
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path

from serving.server.channel import CLOSED, CONNECTION, END, LEAVE, READY, SECONDS_TO_END, SHED

log = logging.getLogger("gpmcast.server")

ROOT = Path(__file__).parents[2]
BACKLOG = 1024
"""Connections that wait in the kernel to be accepted."""
MOST_CONNECTIONS = 1000
"""Connections of one worker; more wait in the kernel."""
EVEN_SECONDS = 1.0
"""Between two looks at how evenly kept connections are shared."""
ARRIVE_SECONDS = 0.05
"""After SIGTERM, for handshakes under way to end."""
MOST_FAILED_STARTS = 3
"""Workers that may end before any was ready; then the service ends."""


class Worker:
    """A worker process, the socket to it, and how many connections it holds."""

    def __init__(self, process: asyncio.subprocess.Process, channel: socket.socket) -> None:
        self.process = process
        self.channel = channel
        self.ready = False
        self.connections = 0
        self.to_shed = 0  # connections it was asked to close and has not closed yet

    def tell(self, word: bytes) -> None:
        """Send a word; a worker that is gone hears nothing."""
        with suppress(OSError):
            self.channel.send(word)


class Supervisor:
    """The listening socket and the workers."""

    def __init__(self, host: str, port: int, workers: int) -> None:
        """Bind the port.

        Raises:
            OSError: It is taken, or the host is unknown.
        """
        self._count = workers
        self._workers: list[Worker] = []
        self._held: deque[socket.socket] = deque()  # accepted, but no worker could take it at that moment
        self._failed_starts = 0
        self._listening = False
        self._stopping = False
        self._tasks: set[asyncio.Task[None]] = set()
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
        self._listener = socket.socket(family, kind, protocol)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.setblocking(False)
        self._listener.bind(address)

    async def run(self) -> int:
        """Serve until SIGTERM, SIGINT or SIGHUP; the exit status."""
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self._loop.add_signal_handler(number, self._stop)
        for _ in range(self._count):
            self._background(self._keep_one_worker())
        self._even()
        return await self._ended

    async def _keep_one_worker(self) -> None:
        while True:
            worker = await self._start()
            status = await worker.process.wait()
            self._forget(worker)
            if self._stopping:
                return
            log.error("worker %d ended with %d; another is started", worker.process.pid, status)
            if not worker.ready:
                self._failed_starts += 1
                if not self._listening and self._failed_starts >= MOST_FAILED_STARTS:
                    log.error("no worker starts; the service ends")
                    self._stopping = True
                    self._background(self._end(status=1))
                    return
                await asyncio.sleep(1.0)

    async def _start(self) -> Worker:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "serving.server.worker",
                str(theirs.fileno()),
                cwd=os.getcwd(),
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
                    "ARROW_DEFAULT_MEMORY_POOL": "system",  # gives back what reading a bundle took
                },
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # a terminal's SIGINT comes to the supervisor alone
            )
        worker = Worker(process, ours)
        self._workers.append(worker)
        self._loop.add_reader(ours, self._hear, worker)
        return worker

    def _forget(self, worker: Worker) -> None:
        from prometheus_client.multiprocess import mark_process_dead

        self._loop.remove_reader(worker.channel)
        worker.channel.close()
        self._workers.remove(worker)
        mark_process_dead(worker.process.pid)  # type: ignore[no-untyped-call]
        self._hand_out()

    def _hear(self, worker: Worker) -> None:
        try:
            words = worker.channel.recv(4096)
        except OSError:
            return
        if not words:
            self._loop.remove_reader(worker.channel)
        closed = words.count(CLOSED)
        worker.connections -= closed
        worker.to_shed = max(worker.to_shed - closed, 0)
        if READY in words:
            worker.ready = True
            self._failed_starts = 0
            self._listen()
        if LEAVE in words and worker.ready:
            worker.ready = False
            worker.tell(END)
        self._hand_out()

    def _listen(self) -> None:
        if not self._listening:
            self._listening = True
            self._listener.listen(BACKLOG)
            self._loop.add_reader(self._listener, self._hand_out)
            host, port = self._listener.getsockname()[:2]
            log.info("serving on http://%s:%d", f"[{host}]" if ":" in host else host, port)

    def _hand_out(self) -> None:
        """Give connections to workers until none is left, or no worker can take one."""
        if not self._listening:
            return
        while worker := self._least():
            if not self._held:
                try:
                    self._held.append(self._listener.accept()[0])
                except OSError:  # none is waiting, or one that waited is gone
                    break
            try:
                socket.send_fds(worker.channel, [CONNECTION], [self._held[0].fileno()])
            except OSError:  # it is ending, or has not taken the last ones yet
                self._loop.call_later(0.01, self._hand_out)
                break
            worker.connections += 1
            self._held.popleft().close()
        if not self._stopping:
            # Without a worker that can take one, connections wait in the kernel; a closed one brings us back here.
            if self._least() is None:
                self._loop.remove_reader(self._listener)
            else:
                self._loop.add_reader(self._listener, self._hand_out)

    def _least(self) -> Worker | None:
        able = [one for one in self._workers if one.ready and one.connections < MOST_CONNECTIONS]
        return min(able, key=lambda one: one.connections, default=None)

    def _even(self) -> None:
        """Have the worker with the most kept connections close some; their clients connect again."""
        ready = [one for one in self._workers if one.ready]
        if len(ready) > 1:
            ready.sort(key=lambda one: one.connections)
            fewest, most = ready[0], ready[-1]
            for _ in range((most.connections - fewest.connections) // 2 - most.to_shed):
                most.tell(SHED)
                most.to_shed += 1
        self._loop.call_later(EVEN_SECONDS, self._even)

    def _stop(self) -> None:
        if self._stopping:
            log.error("told to end again: workers are killed")
            for worker in self._workers:
                worker.process.kill()
            return
        self._stopping = True
        self._background(self._end(status=0))

    async def _end(self, status: int) -> None:
        """Hand out what the kernel has accepted, then end the workers."""
        if self._listening:
            _refuse_handshakes(self._listener)
            await asyncio.sleep(ARRIVE_SECONDS)
            self._loop.remove_reader(self._listener)
            self._hand_out()
            for _ in range(100):
                if not self._held:
                    break
                await asyncio.sleep(0.01)
        self._listener.close()
        self._listening = False
        for worker in self._workers:
            worker.tell(END)
        waits = [asyncio.create_task(worker.process.wait()) for worker in self._workers]
        if waits:
            _, late = await asyncio.wait(waits, timeout=SECONDS_TO_END + 15)
            if late:
                log.error("%d workers did not end in time and are killed", len(late))
                status = 1
        for worker in self._workers:
            with suppress(ProcessLookupError):
                worker.process.kill()
            await worker.process.wait()
        self._ended.set_result(status)

    def _background(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _refuse_handshakes(listener: socket.socket) -> None:
    """Let the kernel ignore new SYN packets, while handshakes under way are completed (Linux).

    Closing a listening socket resets connections that it has not accepted, with requests already sent on them. A client
    whose SYN is ignored has sent nothing; it tries again after a second and is then refused.
    """
    syn_attach_filter, tcp_flags, syn = 26, 13, 0x02  # SO_ATTACH_FILTER of <asm-generic/socket.h>
    load_byte, jump_if_set, give_back = 0x30, 0x45, 0x06  # <linux/bpf_common.h>
    steps = [(load_byte, 0, 0, tcp_flags), (jump_if_set, 0, 1, syn), (give_back, 0, 0, 0), (give_back, 0, 0, 0xFFFF)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    if sys.platform == "linux":
        with suppress(OSError):
            pointer = struct.pack("HL", len(steps), ctypes.addressof(program))
            listener.setsockopt(socket.SOL_SOCKET, syn_attach_filter, pointer)


def _allow_open_files(count: int) -> None:
    """Let this process and its workers open so many files, where the system allows it: the usual 1,024 are too few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main() -> None:
    """Serve until told to end."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    host, port, workers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    _allow_open_files(4 * MOST_CONNECTIONS)
    try:
        supervisor = Supervisor(host, port, workers)
    except OSError as error:
        sys.exit(
            f"{host}:{port} cannot be served on: {error.strerror}. Stop what serves there, or choose another port: "
            "`port` in the file that SERVING names."
        )
    with tempfile.TemporaryDirectory(prefix="gpmcast-metrics-") as metrics:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics  # counters of all workers, those that ended among them
        sys.exit(asyncio.run(supervisor.run()))


if __name__ == "__main__":
    main()

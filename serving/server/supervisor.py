"""Accept connections and hand each to the worker that holds the fewest; start, replace and end workers.

    python -m serving.server.supervisor HOST PORT WORKERS DRAIN_SECONDS

Settings reach the workers through the environment (`serving.settings`). One process accepts for all: a kernel that
lets workers accept for themselves gives one of them a whole burst, and kept connections stay where they are. It
imports next to nothing, opens no port but that of the service, and never looks into a request.
"""

import asyncio
import logging
import os
import resource
import signal
import socket
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from serving.server.channel import CLOSED, CONNECTION, DRAIN, READY, SECONDS_TO_END

log = logging.getLogger("gpmcast.server")

ROOT = Path(__file__).parents[2]
WORKER = (sys.executable, "-m", "serving.server.worker")
BACKLOG = 1024
"""Connections that wait in the kernel to be accepted."""
MOST_CONNECTIONS = 1000
"""Connections of one worker; more wait in the kernel."""
RESTART_SECONDS = 0.5
"""Before a worker that ended, or could not be started, is started anew."""
MOST_FAILED_STARTS = 3
"""Workers that may end before any was ready; then the service ends."""
KILL_SECONDS = SECONDS_TO_END + 15
"""After they were told to end, workers are killed."""
CANNOT_SERVE = (
    "%s:%d cannot be served on: %s. Stop what serves there, or choose another port: "
    "`port` in the file that SERVING names. · 这个地址用不了（端口可能被占用）。处理：停掉占用它的程序，"
    "或在 SERVING 指定的配置里换一个 port。"
)


class Worker:
    """A worker process, the socket to it, and how many connections it holds."""

    def __init__(self, process: asyncio.subprocess.Process, channel: socket.socket) -> None:
        self.process = process
        self.channel = channel
        self.ready = False
        self.connections = 0

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    def end(self) -> None:
        """Let it answer what it has, and end."""
        with suppress(OSError):
            self.channel.shutdown(socket.SHUT_WR)


class Supervisor:
    """The listening socket and the workers."""

    def __init__(self, host: str, port: int, workers: int, drain_seconds: float = 0.0) -> None:
        """Bind the port, or take the socket that systemd passes.

        Args:
            host: Name or address.
            port: Of TCP.
            workers: How many.
            drain_seconds: From SIGTERM until no connection is accepted any more.

        Raises:
            OSError: It is taken, or the host is unknown.
        """
        self._count = workers
        self._drain_seconds = drain_seconds
        self._workers: list[Worker] = []
        self._held: socket.socket | None = None  # accepted, but no worker could take it at that moment
        self._failed_starts = 0
        self._listening = False
        self._stopping = asyncio.Event()
        self._status = 0
        if os.environ.get("LISTEN_PID") == str(os.getpid()):  # sd_listen_fds(3)
            self._listener = socket.socket(fileno=3)
        else:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            family, kind, protocol, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
            self._listener = socket.socket(family, kind, protocol)
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind(address)
        self._listener.setblocking(False)

    async def run(self) -> int:
        """Serve until SIGTERM, SIGINT or SIGHUP; the exit status."""
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # ignored under nohup
                self._loop.add_signal_handler(number, self._stop)
        keepers = [self._loop.create_task(self._keep_one_worker()) for _ in range(self._count)]
        await self._stopping.wait()
        return await self._end(keepers)

    async def _keep_one_worker(self) -> None:
        while not self._stopping.is_set():
            try:
                worker = await self._start()
            except OSError as error:  # no process or no descriptor is to be had
                log.error("a worker cannot be started: %s", error.strerror)
                await asyncio.sleep(RESTART_SECONDS)
                continue
            status = await worker.process.wait()
            self._forget(worker)
            if self._stopping.is_set():
                return
            log.error("worker %d ended with %d; another is started", worker.process.pid, status)
            if not self._listening:
                self._failed_starts += 1
                if self._failed_starts >= MOST_FAILED_STARTS:
                    log.error("no worker starts; the service ends")
                    self._stop(status=1)
            await asyncio.sleep(RESTART_SECONDS)

    async def _start(self) -> Worker:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            try:
                process = await asyncio.create_subprocess_exec(
                    *WORKER,
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
            except OSError:
                ours.close()
                raise
        worker = Worker(process, ours)
        self._workers.append(worker)
        self._loop.add_reader(ours, self._hear, worker)
        if self._stopping.is_set():
            worker.end()
        return worker

    def _forget(self, worker: Worker) -> None:
        from prometheus_client.multiprocess import mark_process_dead

        self._loop.remove_reader(worker.channel)
        worker.channel.close()
        self._workers.remove(worker)
        with suppress(FileNotFoundError):  # a worker that starts removes them too
            mark_process_dead(worker.process.pid)  # type: ignore[no-untyped-call]
        self._hand_out()

    def _hear(self, worker: Worker) -> None:
        try:
            words = worker.channel.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            words = b""
        if not words:  # it has ended
            self._loop.remove_reader(worker.channel)
            worker.ready = False
        worker.connections -= words.count(CLOSED)
        if READY in words:
            worker.ready = True
            self._listen()
        self._hand_out()

    def _listen(self) -> None:
        if self._listening or self._stopping.is_set():
            return
        host, port = self._listener.getsockname()[:2]
        try:
            self._listener.listen(BACKLOG)
        except OSError as error:  # another process has bound it at the same moment, and listens
            log.error(CANNOT_SERVE, host, port, error.strerror)
            self._stop(status=1)
            return
        self._listening = True
        log.info("serving on http://%s:%d", f"[{host}]" if ":" in host else host, port)

    def _hand_out(self) -> bool:
        """Give connections to workers until none is left, or no worker can take one.

        Returns:
            Whether none is left.
        """
        if not self._listening:
            return True
        while worker := self._least():
            if self._held is None:
                try:
                    self._held = self._listener.accept()[0]
                except OSError:  # none is waiting, or one that waited is gone
                    self._loop.add_reader(self._listener, self._hand_out)
                    return True
            try:
                socket.send_fds(worker.channel, [CONNECTION], [self._held.fileno()])
            except OSError:  # it is ending, or has not taken the last ones yet
                self._loop.call_later(0.01, self._hand_out)
                break
            worker.connections += 1
            self._held.close()
            self._held = None
        self._loop.remove_reader(self._listener)  # a closed connection or a ready worker brings us back here
        return False

    def _least(self) -> Worker | None:
        able = [one for one in self._workers if one.ready and one.connections < MOST_CONNECTIONS]
        return min(able, key=lambda one: one.connections, default=None)

    def _stop(self, status: int = 0) -> None:
        """End with this status; told so again, kill the workers."""
        if self._stopping.is_set():
            log.error("told to end again: workers are killed")
            self._kill()
            return
        self._status = status
        self._stopping.set()

    def _kill(self) -> None:
        for worker in self._workers:
            worker.send_signal(signal.SIGKILL)

    async def _end(self, keepers: list[asyncio.Task[None]]) -> int:
        """Hand out what comes within `drain_seconds` and what the kernel has accepted, then end the workers."""
        if self._listening and self._drain_seconds:
            for worker in self._workers:
                if worker.ready:
                    worker.send_signal(DRAIN)
            await asyncio.wait(keepers, timeout=self._drain_seconds)
        for _ in range(100):
            if self._hand_out():
                break
            await asyncio.sleep(0.01)
        descriptor = self._listener.fileno()
        self._listener.close()  # at once: what is accepted between the last look and now is reset
        self._loop.remove_reader(descriptor)
        self._listening = False
        for worker in self._workers:
            worker.end()
        _, late = await asyncio.wait(keepers, timeout=KILL_SECONDS)
        if late:
            log.error("%d workers did not end in time and are killed", len(late))
            self._kill()
            await asyncio.wait(late)
            return 1
        return self._status


def main() -> None:
    """Serve until told to end."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    host, port, workers, drain_seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    with suppress(OSError, ValueError):  # the usual 1,024 open files are too few
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        supervisor = Supervisor(host, port, workers, drain_seconds)
    except OSError as error:
        sys.exit(CANNOT_SERVE % (host, port, error.strerror))
    with tempfile.TemporaryDirectory(prefix="gpmcast-metrics-") as metrics:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics  # counters of all workers, those that ended among them
        sys.exit(asyncio.run(supervisor.run()))


if __name__ == "__main__":
    main()

"""A supervisor in this process, with workers of a few lines: what goes wrong around it, and how it ends."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable

import pytest

from serving.server import supervisor
from serving.server.supervisor import Supervisor

WORKER = """
import os, signal, socket, sys, threading, time
signal.signal(signal.SIGUSR1, lambda *_: None)
channel = socket.socket(fileno=int(sys.argv[1]))
def serve(connection):
    with connection:
        if connection.recv(100) == b"leave":
            channel.send(b"x")
            channel.shutdown(socket.SHUT_RDWR)
        else:
            connection.sendall(str(os.getpid()).encode())
    channel.send(b"x")
channel.send(b"r")
while not os.path.exists({goes_on!r}):
    time.sleep(0.01)
while descriptors := socket.recv_fds(channel, 1, 1)[1]:
    threading.Thread(target=serve, args=[socket.socket(fileno=descriptors[0])], daemon=True).start()
time.sleep({hangs})
"""


@pytest.fixture
def stub(monkeypatch) -> Callable[..., None]:
    """Workers that answer with their process id."""

    def make(goes_on: str = "/", hangs: float = 0) -> None:
        """It takes connections once the file `goes_on` is there; it needs `hangs` seconds to end."""
        script = WORKER.format(goes_on=goes_on, hangs=hangs)
        monkeypatch.setattr(supervisor, "WORKER", (sys.executable, "-c", script))

    make()
    return make


def served(work: Callable[[Supervisor, int], Awaitable[None]], workers: int = 1) -> int:
    """Do this while a supervisor runs, end it, and give its exit status."""

    async def both() -> int:
        running = Supervisor("127.0.0.1", 0, workers)
        task = asyncio.create_task(running.run())
        await asyncio.sleep(0)
        try:
            await asyncio.wait_for(work(running, running._listener.getsockname()[1]), 120)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            status = await asyncio.wait_for(task, 120)
        return status

    return asyncio.run(both())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


def ready(running: Supervisor) -> int:
    return sum(worker.ready for worker in running._workers)


async def ask(port: int, request: bytes = b"who") -> int:
    """The process id of the worker that answers."""
    return await answer_to(*await asyncio.open_connection("127.0.0.1", port), request)


async def answer_to(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes = b"who") -> int:
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    return int(answer or 0)


def test_a_worker_that_cannot_be_started_is_tried_again(stub, monkeypatch, caplog) -> None:
    works = supervisor.WORKER
    monkeypatch.setattr(supervisor, "WORKER", ("/nowhere/python",))

    async def work(running: Supervisor, port: int) -> None:
        await until(lambda: "a worker cannot be started: No such file or directory" in caplog.messages)
        monkeypatch.setattr(supervisor, "WORKER", works)
        await until(lambda: ready(running) == 1)
        assert await ask(port)

    assert served(work) == 0


def test_no_worker_is_started_when_it_ends(stub, monkeypatch) -> None:
    monkeypatch.setattr(supervisor, "RESTART_SECONDS", 2.0)
    monkeypatch.setattr(supervisor, "WORKER", (sys.executable, "-c", ""))
    started: list[object] = []
    start = Supervisor._start

    async def counted(running: Supervisor) -> supervisor.Worker:
        started.append(running)
        return await start(running)

    monkeypatch.setattr(Supervisor, "_start", counted)

    async def work(running: Supervisor, port: int) -> None:
        await until(lambda: running._failed_starts == 1)

    assert served(work) == 0
    assert len(started) == 1


def test_of_two_services_started_at_the_same_time_the_later_one_ends(stub, caplog) -> None:
    async def work(running: Supervisor, port: int) -> None:
        later = Supervisor("127.0.0.1", port, 1)
        await until(lambda: ready(running) == 1)
        assert await asyncio.wait_for(later.run(), 60) == 1
        assert f"127.0.0.1:{port} cannot be served on: Address already in use" in caplog.text
        assert await ask(port)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, running._stop)

    assert served(work) == 0


def test_workers_that_hang_are_all_killed(stub, monkeypatch) -> None:
    monkeypatch.setattr(supervisor, "KILL_SECONDS", 0.2)
    stub(hangs=100)
    workers: list[supervisor.Worker] = []

    async def work(running: Supervisor, port: int) -> None:
        await until(lambda: ready(running) == 3)
        workers.extend(running._workers)

    assert served(work, workers=3) == 1
    assert [worker.process.returncode for worker in workers] == [-signal.SIGKILL] * 3


def test_told_twice_to_end_it_kills_all_workers(stub) -> None:
    stub(hangs=100)
    workers: list[supervisor.Worker] = []

    async def work(running: Supervisor, port: int) -> None:
        await until(lambda: ready(running) == 3)
        workers.extend(running._workers)
        os.kill(workers[0].process.pid, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.1)

    assert served(work, workers=3) == 0
    assert [worker.process.returncode for worker in workers] == [-signal.SIGKILL] * 3


def test_a_worker_far_behind_gets_every_connection_and_is_told_to_end(stub, tmp_path) -> None:
    """More connections wait for it than the channel holds."""
    stub(goes_on=str(tmp_path / "go on"))
    answers: list[int] = []

    async def work(running: Supervisor, port: int) -> None:
        await until(lambda: ready(running) == 1)
        connections = [await asyncio.open_connection("127.0.0.1", port) for _ in range(500)]
        await until(lambda: running._held is not None)
        os.kill(os.getpid(), signal.SIGTERM)
        (tmp_path / "go on").touch()
        answers.extend(await asyncio.gather(*(answer_to(*connection) for connection in connections)))

    assert served(work) == 0
    assert len(answers) == 500
    assert all(answers)


def test_a_worker_that_is_leaving_gets_no_connections(stub) -> None:
    stub(hangs=600)

    async def work(running: Supervisor, port: int) -> None:
        await until(lambda: ready(running) == 2)
        first, second = running._workers
        kept = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        await until(lambda: first.connections == second.connections == 1)
        kept[0][1].write(b"leave")
        await until(lambda: first.connections == 0)
        assert await ask(port) == second.process.pid
        assert first.process.returncode is None
        for _, writer in kept:
            writer.close()
        os.kill(os.getpid(), signal.SIGTERM)  # and again by `served`: both are killed

    assert served(work, workers=2) == 0


def test_a_hangup_that_is_ignored_stays_ignored(stub) -> None:
    async def work(running: Supervisor, port: int) -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: ready(running) == 1)
        assert await ask(port)

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        assert served(work) == 0
    finally:
        signal.signal(signal.SIGHUP, before)

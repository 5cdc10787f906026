"""A worker's HTTP: bounds on heads, kept connections that grow old, an end that resets nobody."""

import asyncio
import json
import logging
import os
import resource
import signal
import socket
from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import pytest
import uvicorn
from prometheus_client import REGISTRY

from serving.middleware.door import SAFE_HEADERS
from serving.server import http_protocol, worker
from serving.server.channel import CLOSED, CONNECTION, DRAIN, READY
from serving.server.worker import WorkerServer

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


async def app(scope, receive, send) -> None:
    """Answers with the length of the body, or before it comes; lifespan events are taken."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    size, more = 0, scope["path"] != "/early"
    while more:
        message = await receive()
        size += len(message["body"])
        more = message["more_body"]
    content = str(size).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(content))]})
    await send({"type": "http.response.body", "body": content})


class Supervised:
    """A worker in this event loop, and its supervisor's end of the channel."""

    def __init__(self, keep_alive: int = 600) -> None:
        self.channel, self.theirs = socket.socketpair()
        self.channel.setblocking(False)
        config = uvicorn.Config(
            app,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            loop="asyncio",
            timeout_keep_alive=keep_alive,
        )
        self.server = WorkerServer(config, self.theirs)
        self.words = b""

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        ours, theirs = socket.socketpair()
        socket.send_fds(self.channel, [CONNECTION], [theirs.fileno()])
        theirs.close()
        return await asyncio.open_connection(sock=ours)

    def end(self) -> None:
        self.channel.shutdown(socket.SHUT_WR)

    async def heard(self, words: bytes) -> None:
        while self.words != words:
            self.words += await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self.channel, 100), 60)


def served(work: Callable[[Supervised], Awaitable[None]], **more: int) -> None:
    """Do this with a worker, and end it."""

    async def both() -> None:
        supervised = Supervised(**more)
        task = asyncio.create_task(supervised.server._serve())
        await supervised.heard(READY)
        await work(supervised)
        supervised.end()
        await asyncio.wait_for(task, 60)
        supervised.channel.close()
        supervised.theirs.close()

    asyncio.run(both())


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes = GET) -> bytes:
    """One answer with its head, on a connection that is kept."""
    writer.write(request)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    return head + await reader.readexactly(1)


async def rest(reader: asyncio.StreamReader) -> bytes:
    return await asyncio.wait_for(reader.read(), 60)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


def refusal(answer: bytes) -> tuple[int, str]:
    head, _, content = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert {"connection: close", *(f"{name}: {value}" for name, value in SAFE_HEADERS.items())} <= set(lines)
    return int(head.split()[1]), json.loads(content)["code"]


def test_a_connection_is_kept_and_reported_when_it_closes() -> None:
    async def work(supervised: Supervised) -> None:
        reader, writer = await supervised.connect()
        for _ in range(3):
            assert (await ask(reader, writer)).startswith(b"HTTP/1.1 200")
        writer.close()
        await supervised.heard(READY + CLOSED)

    served(work)


def test_an_idle_connection_is_closed_after_the_keep_alive_time() -> None:
    async def work(supervised: Supervised) -> None:
        reader, writer = await supervised.connect()
        await ask(reader, writer)
        assert await rest(reader) == b""
        writer.close()

    served(work, keep_alive=1)


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nx: " + b"a" * 40_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 101 + b"\r\n",
        b"GET / HTTP/1.1\r\nx: " + b"a" * 3_000_000,  # and it does not end
    ],
    ids=["one header", "the path", "many headers", "endless"],
)
def test_a_head_too_large_is_refused(head) -> None:
    async def work(supervised: Supervised) -> None:
        reader, writer = await supervised.connect()
        writer.write(head)
        try:
            answer = await rest(reader)
        except ConnectionError:  # what it still sends is not read
            pass
        else:
            assert refusal(answer) == (431, "headers_too_large")
        writer.close()

    served(work)


def test_a_body_may_be_larger_than_a_head() -> None:
    async def work(supervised: Supervised) -> None:
        reader, writer = await supervised.connect()
        body = b"a" * 200_000
        writer.write(b"POST / HTTP/1.1\r\ncontent-length: 200000\r\n\r\n" + body + GET)
        assert (await asyncio.wait_for(reader.readuntil(b"200000"), 60)).startswith(b"HTTP/1.1 200")
        assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n0"), 60)).startswith(b"HTTP/1.1 200")
        writer.close()

    served(work)


@pytest.mark.parametrize("sent", [b"", b"GET / HT", GET + b"GET / HTTP/1.1\r\nx: "])
def test_a_head_too_slow_is_given_up(sent, monkeypatch) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.3)

    async def work(supervised: Supervised) -> None:
        reader, writer = await supervised.connect()
        writer.write(sent)
        answer = await rest(reader)
        if sent.startswith(GET):
            assert answer.startswith(b"HTTP/1.1 200")
            answer = answer[answer.index(b"HTTP/1.1 408") :]
        assert refusal(answer) == (408, "headers_too_slow") if sent else answer == b""
        writer.close()

    served(work)


def test_what_is_no_http_is_refused_in_our_shape() -> None:
    async def work(supervised: Supervised) -> None:
        reader, writer = await supervised.connect()
        writer.write(b"\x16\x03\x01 hello\r\n\r\n")
        assert refusal(await rest(reader)) == (400, "not_understood")
        writer.close()

    served(work)


def test_a_refusal_without_the_application_is_logged_and_counted(caplog) -> None:
    def counted() -> float:
        return REGISTRY.get_sample_value("gpmcast_requests_total", {"path": "other", "status": "400"}) or 0.0

    async def work(supervised: Supervised) -> None:
        before = counted()
        reader, writer = await supervised.connect()
        writer.write(b"nonsense\r\n\r\n")
        answer = await rest(reader)
        request_id = json.loads(answer.partition(b"\r\n\r\n")[2])["request_id"]
        assert [line for line in caplog.messages if request_id in line]
        assert counted() == before + 1
        writer.close()

    with caplog.at_level(logging.INFO, "gpmcast.serving"):
        served(work)


def test_an_old_connection_closes_after_its_next_answer(monkeypatch) -> None:
    async def work(supervised: Supervised) -> None:
        reader, writer = await supervised.connect()
        assert b"connection: close" not in await ask(reader, writer)
        monkeypatch.setattr(http_protocol, "OLD_SECONDS", 0.0)
        assert b"connection: close" in await ask(reader, writer)
        assert await rest(reader) == b""
        writer.close()

    served(work)


EARLY = b"POST /early HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n"


def test_a_body_that_is_not_read_holds_its_connection_for_seconds_only(monkeypatch) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.3)

    async def work(supervised: Supervised) -> None:
        reader, writer = await supervised.connect()
        assert (await ask(reader, writer, EARLY)).startswith(b"HTTP/1.1 200")
        writer.write(b"a")
        assert await rest(reader) == b""
        writer.close()

    served(work)


def test_after_the_rest_of_a_body_that_is_not_read_the_connection_goes_on(monkeypatch) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 2.0)

    async def work(supervised: Supervised) -> None:
        reader, writer = await supervised.connect()
        await ask(reader, writer, EARLY)
        writer.write(b"a" * 1_000_000)
        await writer.drain()
        await asyncio.sleep(2.2)
        assert (await ask(reader, writer)).startswith(b"HTTP/1.1 200")
        writer.close()

    served(work)


def test_a_body_that_is_not_read_does_not_delay_the_end(monkeypatch) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 600.0)

    async def work(supervised: Supervised) -> None:
        reader, writer = await supervised.connect()
        await ask(reader, writer, EARLY)
        writer.write(b"a")
        await asyncio.sleep(0.1)
        supervised.end()
        assert await rest(reader) == b""
        writer.close()

    served(work)


def test_before_the_end_connections_are_taken_and_closed_after_their_answer() -> None:
    async def work(supervised: Supervised) -> None:
        kept = await supervised.connect()
        await ask(*kept)
        os.kill(os.getpid(), DRAIN)
        await until(lambda: "ending" in supervised.server.lifespan.state)
        fresh = await supervised.connect()
        for reader, writer in (kept, fresh):
            assert b"connection: close" in await ask(reader, writer)
            assert await rest(reader) == b""
            writer.close()
        assert not supervised.server.should_exit

    served(work)


def test_a_connection_that_has_no_place_among_the_open_files_is_reported_as_closed() -> None:
    async def work(supervised: Supervised) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        ours, theirs = socket.socketpair()
        socket.send_fds(supervised.channel, [CONNECTION], [theirs.fileno()])
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            await supervised.heard(READY + CLOSED)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        theirs.close()
        assert ours.recv(1) == b""
        ours.close()

    served(work)


def test_at_the_end_requests_on_their_way_are_answered(monkeypatch) -> None:
    monkeypatch.setattr(http_protocol, "IDLE_SECONDS", 60.0)

    async def work(supervised: Supervised) -> None:
        kept = await supervised.connect()
        await ask(*kept)
        fresh = await supervised.connect()
        supervised.end()
        await until(lambda: "ending" in supervised.server.lifespan.state)  # it has noticed
        for reader, writer in (kept, fresh):
            assert b"connection: close" in await ask(reader, writer)
            assert await rest(reader) == b""
            writer.close()

    served(work)


def test_at_the_end_idle_connections_are_closed() -> None:
    async def work(supervised: Supervised) -> None:
        kept, fresh = await supervised.connect(), await supervised.connect()
        await ask(*kept)
        supervised.end()
        for reader, writer in (kept, fresh):
            assert await rest(reader) == b""
            writer.close()

    served(work)


def test_sigterm_does_not_end_a_worker() -> None:
    async def work(supervised: Supervised) -> None:
        with supervised.server.capture_signals():
            os.kill(os.getpid(), signal.SIGTERM)
            reader, writer = await supervised.connect()
            assert b"connection: close" not in await ask(reader, writer)
        assert not supervised.server.should_exit
        writer.close()

    served(work)


def test_a_worker_ends_where_its_supervisor_is_gone() -> None:
    async def work(supervised: Supervised) -> None:
        supervised.channel.close()
        await until(lambda: supervised.server.should_exit)
        supervised.channel = SimpleNamespace(shutdown=lambda how: None, close=lambda: None)

    served(work)


def test_a_worker_whose_application_does_not_start_ends() -> None:
    async def broken(scope, receive, send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})

    async def start() -> None:
        ours, theirs = socket.socketpair()
        server = WorkerServer(uvicorn.Config(broken, lifespan="on", log_config=None), theirs)
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        with ours, theirs, pytest.raises(SystemExit) as ended:
            await server.startup()
        assert ended.value.code == worker.STARTUP_FAILED

    asyncio.run(start())

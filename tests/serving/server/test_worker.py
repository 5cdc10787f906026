"""A worker's HTTP: bounds on heads, kept connections that are shed, an end that resets nobody."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import pytest
import uvicorn

from serving.server import http_protocol, worker
from serving.server.channel import CLOSED, CONNECTION, END, LEAVE, READY, SHED
from serving.server.worker import WorkerServer

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


async def app(scope, receive, send) -> None:
    """Answers with the length of the body; lifespan events are taken."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message["body"])
        more = message["more_body"]
    content = str(size).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(content))]})
    await send({"type": "http.response.body", "body": content})


class Supervised:
    """A worker in this event loop, and its supervisor's end of the channel."""

    def __init__(self) -> None:
        self.channel, self.theirs = socket.socketpair()
        self.channel.setblocking(False)
        config = uvicorn.Config(
            app, ws="none", lifespan="on", log_config=None, access_log=False, loop="asyncio", timeout_keep_alive=1
        )
        self.server = WorkerServer(config, self.theirs)
        self.words = b""

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        ours, theirs = socket.socketpair()
        socket.send_fds(self.channel, [CONNECTION], [theirs.fileno()])
        theirs.close()
        return await asyncio.open_connection(sock=ours)

    async def heard(self, words: bytes) -> None:
        while self.words != words:
            self.words += await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self.channel, 100), 10)


def served(work: Callable[[Supervised], Awaitable[None]]) -> None:
    """Do this with a worker, and end it."""

    async def both() -> None:
        supervised = Supervised()
        task = asyncio.create_task(supervised.server._serve())
        await supervised.heard(READY)
        await work(supervised)
        supervised.channel.send(END)
        await asyncio.wait_for(task, 20)
        supervised.channel.close()
        supervised.theirs.close()

    asyncio.run(both())


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes = GET) -> bytes:
    """One answer with its head, on a connection that is kept."""
    writer.write(request)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    return head + await reader.readexactly(1)


async def rest(reader: asyncio.StreamReader) -> bytes:
    return await asyncio.wait_for(reader.read(), 10)


def refusal(answer: bytes) -> tuple[int, str]:
    head, _, content = answer.partition(b"\r\n\r\n")
    assert b"connection: close" in head
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

    served(work)


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
            answer = b"HTTP/1.1 431\r\nconnection: close\r\n\r\n" + b'{"code":"headers_too_large"}'
        assert refusal(answer) == (431, "headers_too_large")
        writer.close()

    served(work)


def test_a_body_may_be_larger_than_a_head() -> None:
    async def work(supervised: Supervised) -> None:
        reader, writer = await supervised.connect()
        body = b"a" * 200_000
        writer.write(b"POST / HTTP/1.1\r\ncontent-length: 200000\r\n\r\n" + body + GET)
        assert (await asyncio.wait_for(reader.readuntil(b"200000"), 10)).startswith(b"HTTP/1.1 200")
        assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n0"), 10)).startswith(b"HTTP/1.1 200")
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


def test_connections_to_shed_close_after_their_next_answer() -> None:
    async def work(supervised: Supervised) -> None:
        pairs = [await supervised.connect() for _ in range(3)]
        for reader, writer in pairs:
            await ask(reader, writer)
        supervised.channel.send(SHED * 2)
        await asyncio.sleep(0.1)
        answers = [await ask(reader, writer) for reader, writer in pairs]
        assert [b"connection: close" in answer for answer in answers] == [True, True, False]
        assert await rest(pairs[0][0]) == b""
        assert b"connection: close" not in await ask(*pairs[2])
        for _, writer in pairs:
            writer.close()

    served(work)


def test_at_the_end_requests_on_their_way_are_answered() -> None:
    async def work(supervised: Supervised) -> None:
        kept = await supervised.connect()
        await ask(*kept)
        fresh = await supervised.connect()
        supervised.channel.send(END)
        await asyncio.sleep(0.25)  # it has noticed
        assert supervised.server.ending
        for reader, writer in (kept, fresh):
            assert b"connection: close" in await ask(reader, writer)
            assert await rest(reader) == b""
            writer.close()

    served(work)


def test_at_the_end_idle_connections_are_closed() -> None:
    async def work(supervised: Supervised) -> None:
        kept, fresh = await supervised.connect(), await supervised.connect()
        await ask(*kept)
        supervised.channel.send(END)
        for reader, writer in (kept, fresh):
            assert await rest(reader) == b""
            writer.close()

    served(work)


def test_sigterm_to_a_worker_is_told_to_its_supervisor_and_it_goes_on() -> None:
    async def work(supervised: Supervised) -> None:
        supervised.server.handle_exit(15, None)
        await supervised.heard(READY + LEAVE)
        pair = await supervised.connect()
        assert (await ask(*pair)).startswith(b"HTTP/1.1 200")
        pair[1].close()

    served(work)


def test_a_worker_ends_where_its_supervisor_is_gone() -> None:
    async def work(supervised: Supervised) -> None:
        supervised.channel.close()
        while not supervised.server.should_exit:
            await asyncio.sleep(0.01)
        supervised.channel = SimpleNamespace(send=lambda word: None, close=lambda: None)

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

"""The client of the service's benchmarks counts what it is sent, on kept and on closed connections."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.serving_client import Load


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        number = self.server.count()
        self.send_response(503 if number % 10 == 0 else 200)
        self.send_header("content-length", "200000")
        if number % 7 == 0:
            self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(body.ljust(200_000))

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.served = 0
        self._lock = threading.Lock()

    def count(self) -> int:
        with self._lock:
            self.served += 1
            return self.served


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def test_every_request_is_counted_once_and_failures_apart(server) -> None:
    load = Load(server.server_address[1], b"{}", 3)
    found = load.one_after_the_other(50)
    assert (len(found.milliseconds), found.failures, server.served) == (50, 5, 50)
    found = load.at_rate(200, 0.25)
    assert (len(found.milliseconds), found.failures, server.served) == (50, 5, 100)
    assert found.seconds >= 0.245  # the last is due after 49 of 50 steps
    load.close()

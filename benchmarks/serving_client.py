"""HTTP client that measures latencies on loopback: requests at a fixed rate, or each after the one before.

One thread and one select call for all connections, and no parsing but of status and length: it takes little of the
cores that it shares with the service.
"""

import selectors
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from features.arrays import Floats


@dataclass(frozen=True)
class Latencies:
    """Latencies of many requests.

    Attributes:
        milliseconds: One per request; at a fixed rate from the moment it was due, else from sending, to the last byte.
        failures: Answers other than 200, and connections that broke.
        seconds: From the first request to the last answer.
    """

    milliseconds: Floats
    failures: int
    seconds: float

    def quantile(self, share: float) -> float:
        """Quantile of the latencies, in milliseconds."""
        return float(np.quantile(self.milliseconds, share))

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.milliseconds) / self.seconds


class Connection:
    """One kept connection, opened again where the service closes it."""

    def __init__(self, port: int, body: bytes) -> None:
        head = "POST /v1/predict HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        self._request = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
        self._port = port
        self._answer = bytearray()
        self._wanted = 0
        self.began = 0.0
        self._open()

    def _open(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self._port), timeout=120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, began: float) -> None:
        """Send the request; its latency counts from `began`."""
        self.began = began
        self.socket.sendall(self._request)

    def receive(self) -> bool | None:
        """Read what has come: None while the answer is not whole, else whether it is a 200."""
        try:
            part = self.socket.recv(1 << 20)
        except OSError:
            part = b""
        self._answer += part
        if not self._wanted and (end := self._answer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._answer[:end]).lower()
            self._wanted = end + 4 + int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
        if part and (not self._wanted or len(self._answer) < self._wanted):
            return None
        good = bool(part) and self._answer[9:12] == b"200"
        if not part or b"\r\nconnection: close" in bytes(self._answer[:2000]).lower():
            self.socket.close()
            self._open()
        self._answer.clear()
        self._wanted = 0
        return good


class Load:
    """Some connections, and what came of their requests."""

    def __init__(self, port: int, body: bytes, connections: int) -> None:
        self._free = [Connection(port, body) for _ in range(connections)]
        self._asked: dict[int, Connection] = {}
        self._milliseconds: list[float] = []
        self._failures = 0

    def at_rate(self, rate: float, seconds: float) -> Latencies:
        """Send requests when they are due, on whatever connection is free."""
        return self._run(number / rate for number in range(int(rate * seconds)))

    def one_after_the_other(self, count: int) -> Latencies:
        """Send requests as fast as connections get free."""
        return self._run(0.0 for _ in range(count))

    def close(self) -> None:
        """Close the connections."""
        for connection in self._free:
            connection.socket.close()

    def _run(self, offsets: Iterator[float]) -> Latencies:
        self._milliseconds, self._failures = [], 0
        begin = time.perf_counter()
        offset = next(offsets, None)
        while offset is not None or self._asked:
            now = time.perf_counter()
            while offset is not None and self._free and begin + offset <= now:
                connection = self._free.pop(0)
                connection.send(begin + offset if offset else now)
                self._asked[connection.socket.fileno()] = connection
                offset = next(offsets, None)
            wait = max(begin + offset - now, 0.0) if offset is not None and self._free else None
            self._take(wait)
        return Latencies(np.array(self._milliseconds), self._failures, time.perf_counter() - begin)

    def _take(self, wait: float | None) -> None:
        with selectors.SelectSelector() as selector:  # its timeout has microseconds, that of epoll milliseconds
            for descriptor in self._asked:
                selector.register(descriptor, selectors.EVENT_READ)
            ready = [key.fd for key, _ in selector.select(wait)]
        for descriptor in ready:
            connection = self._asked[descriptor]
            if (good := connection.receive()) is None:
                continue
            self._milliseconds.append((time.perf_counter() - connection.began) * 1000)
            self._failures += not good
            del self._asked[descriptor]
            self._free.append(connection)

"""A client that measures: one connection kept open, requests at a fixed rate or one after the other, on loopback."""

import http.client
import threading
import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

WARM = 20
"""Requests before those that are measured."""


@dataclass(frozen=True)
class Latencies:
    """Of many requests.

    Attributes:
        milliseconds: Of each, from when it was due (at a fixed rate) until its last byte.
        failures: Answers other than 200.
        seconds: From the first to the last.
    """

    milliseconds: Floats
    failures: int
    seconds: float

    def quantile(self, share: float) -> float:
        """Milliseconds within which this share was answered."""
        return float(np.quantile(self.milliseconds, share))

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.milliseconds) / self.seconds


class Connection:
    """One connection to one service."""

    def __init__(self, port: int) -> None:
        self._held = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def post(self, body: bytes) -> int:
        """Status of an answer, read to its end."""
        self._held.request("POST", "/v1/predict", body, {"content-type": "application/json"})
        reply = self._held.getresponse()
        reply.read()
        return reply.status


def at_rate(port: int, body: bytes, rate: float, seconds: float) -> Latencies:
    """Requests at a fixed rate; a late one counts from when it was due, so that a slow service cannot hide."""
    connection = Connection(port)
    for _ in range(WARM):
        connection.post(body)
    begin = time.perf_counter()
    found, failures = [], 0
    for number in range(int(rate * seconds)):
        due = begin + number / rate
        if (early := due - time.perf_counter()) > 0:
            time.sleep(early)
        failures += connection.post(body) != 200
        found.append((time.perf_counter() - due) * 1000)
    return Latencies(np.array(found), failures, time.perf_counter() - begin)


def one_after_the_other(port: int, body: bytes, count: int, connections: int = 1) -> Latencies:
    """So many requests over so many connections, as fast as they are answered."""
    found: list[float] = []
    failures: list[int] = []

    def ask() -> None:
        connection = Connection(port)
        for _ in range(count // connections):
            before = time.perf_counter()
            if connection.post(body) != 200:
                failures.append(1)
            found.append((time.perf_counter() - before) * 1000)

    threads = [threading.Thread(target=ask) for _ in range(connections)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Latencies(np.array(found), len(failures), time.perf_counter() - begin)

"""HTTP client that measures latencies on loopback: requests at a fixed rate or one after the other."""

import http.client
import threading
import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

WARM = 20
"""Requests before measuring starts."""


@dataclass(frozen=True)
class Latencies:
    """Latencies of many requests.

    Attributes:
        milliseconds: One per request, from its scheduled time (at a fixed rate) to the last byte of the response.
        failures: Responses other than 200.
        seconds: From the first request to the last response.
    """

    milliseconds: Floats
    failures: int
    seconds: float

    def quantile(self, share: float) -> float:
        """Quantile of the latencies, in milliseconds."""
        return float(np.quantile(self.milliseconds, share))

    @property
    def rate(self) -> float:
        """Responses per second."""
        return len(self.milliseconds) / self.seconds


class Connection:
    """One kept-alive connection to the service."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def post(self, body: bytes) -> int:
        """Send a prediction request, read the whole response, return its status."""
        self._connection.request("POST", "/v1/predict", body, {"content-type": "application/json"})
        reply = self._connection.getresponse()
        reply.read()
        return reply.status


def at_rate(port: int, body: bytes, rate: float, seconds: float) -> Latencies:
    """Send requests at a fixed rate; latency counts from the scheduled time, so that queueing is included."""
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
    """Send `count` requests over `connections` connections, each as soon as the one before is answered."""
    found: list[float] = []
    failures: list[int] = []

    def send() -> None:
        connection = Connection(port)
        for _ in range(count // connections):
            before = time.perf_counter()
            if connection.post(body) != 200:
                failures.append(1)
            found.append((time.perf_counter() - before) * 1000)

    threads = [threading.Thread(target=send) for _ in range(connections)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Latencies(np.array(found), len(failures), time.perf_counter() - begin)

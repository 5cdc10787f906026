"""`make serve` as clients and operators meet it: even load, ends that reset nobody, workers that come back."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.service
ROOT = Path(__file__).parents[3]


def until(condition: Callable[[], bool], seconds: float = 180.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not come in time"
        time.sleep(0.05)


class FreshConnections:
    """Threads that open a connection per request; what happened to each request that was sent."""

    def __init__(self, port: int, body: bytes, threads: int) -> None:
        head = "POST /v1/predict HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        self._request = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
        self._address = ("127.0.0.1", port)
        self.outcomes: Counter[str] = Counter()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        while not self._stop.is_set():
            try:
                connection = socket.create_connection(self._address, timeout=150)
            except OSError:
                self.outcomes["not connected"] += 1
                self._stop.wait(0.05)
                continue
            with connection:
                answer = b""
                try:
                    connection.sendall(self._request)
                    while part := connection.recv(65536):
                        answer += part
                        length = re.search(rb"content-length: (\d+)", answer)
                        if length and len(answer) >= answer.index(b"\r\n\r\n") + 4 + int(length[1]):
                            break
                except OSError as error:
                    self.outcomes[type(error).__name__] += 1
                else:
                    self.outcomes[answer[:12].decode()] += 1

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


class KeptConnections:
    """Threads with one kept connection each; http.client connects again after `connection: close`."""

    def __init__(self, port: int, body: bytes, threads: int) -> None:
        self.statuses: Counter[int] = Counter()
        self.broken: list[str] = []
        self._port, self._body = port, body
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=150)
        while not self._stop.is_set():
            try:
                connection.request("POST", "/v1/predict", self._body, {"content-type": "application/json"})
                reply = connection.getresponse()
                reply.read()
                self.statuses[reply.status] += 1
            except (OSError, http.client.HTTPException) as error:
                self.broken.append(repr(error))
                connection.close()
        connection.close()

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def connections(pid: int, port: int) -> int:
    """Established connections of a process to this port of its own."""
    found = [os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()]
    inodes = {match[1] for link in found if (match := re.fullmatch(r"socket:\[(\d+)\]", link))}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[9] in inodes and row[1].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


@pytest.fixture
def body(one_creative) -> bytes:
    return json.dumps({"creatives": [one_creative]}).encode()


@pytest.mark.parametrize("workers", [1, 2])
def test_sigterm_at_saturation_resets_no_request_that_was_sent(start_server, bundle, body, workers) -> None:
    server = start_server(bundle, workers=workers)
    load = FreshConnections(server.settings.port, body, 48)
    until(lambda: load.outcomes["HTTP/1.1 200"] > 500)
    assert server.end() == 0
    load.end()
    assert set(load.outcomes) <= {"HTTP/1.1 200", "HTTP/1.1 503", "not connected"}, load.outcomes


def test_two_workers_hold_as_many_connections_and_one_that_comes_back_gets_new_ones(start_server, bundle, body) -> None:
    server = start_server(bundle, workers=2)
    port = server.settings.port

    def shares() -> list[int]:
        return sorted(connections(pid, port) for pid in server.workers())

    def even(each: int) -> bool:  # but for the two below, if they still counted when others came
        return sum(shares()) == 2 * each and shares()[0] >= each - 2

    def both_take_connections() -> bool:
        with socket.create_connection(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)):
            time.sleep(0.1)
            return len(shares()) == 2 and all(shares())

    until(both_take_connections)
    load = KeptConnections(port, body, 16)
    until(lambda: even(8))
    os.kill(server.workers()[0], signal.SIGKILL)
    until(lambda: len(server.workers()) == 1)
    until(both_take_connections)
    broken = len(load.broken)
    more = KeptConnections(port, body, 16)  # as those that are closed because they are old
    until(lambda: even(16))
    load.end()
    more.end()
    assert set(load.statuses) | set(more.statuses) == {200}
    assert len(load.broken) == broken  # nothing but what the killed worker held
    assert not more.broken
    assert server.end() == 0


def test_what_an_ended_worker_counted_stays_and_its_state_goes(start_server, bundle, body) -> None:
    server = start_server(bundle, open_metrics=True)
    for _ in range(3):
        assert server.post("/v1/predict", body)[0] == 200
    (first,) = server.workers()
    os.kill(first, signal.SIGKILL)
    until(lambda: server.workers() not in ([], [first]))
    assert server.post("/v1/predict", body)[0] == 200
    metrics = server.get("/metrics")[1]
    assert b"gpmcast_creatives_total 4.0" in metrics
    (folder,) = {
        line.partition("=")[2]
        for line in Path(f"/proc/{server.workers()[0]}/environ").read_text().split("\0")
        if line.startswith("PROMETHEUS_MULTIPROC_DIR=")
    }
    assert not list(Path(folder).glob(f"gauge_live*_{first}.db"))
    assert server.end() == 0
    assert not Path(folder).exists()


def test_before_it_ends_it_is_not_ready_but_answers_as_long_as_it_is_told(start_server, bundle, body) -> None:
    server = start_server(bundle, drain_seconds=10.0)
    assert server.get("/readyz")[0] == 200
    server.process.send_signal(signal.SIGTERM)
    until(lambda: server.get("/readyz")[0] != 200)
    status, answer = server.get("/readyz")
    assert (status, json.loads(answer)["error"]) == (503, "Not ready: the service is ending.")
    connection = http.client.HTTPConnection("127.0.0.1", server.settings.port, timeout=150)
    connection.request("POST", "/v1/predict", body, {"content-type": "application/json"})
    reply = connection.getresponse()
    assert (reply.status, reply.headers["connection"]) == (200, "close")
    connection.close()
    assert server.process.wait(180) == 0


def test_a_socket_of_systemd_outlives_the_service_and_nothing_is_lost(start_server, bundle, body, tmp_path) -> None:
    server = start_server(bundle)
    config = server.folder / "serving.yaml"
    server.end()
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as held, (tmp_path / "log.txt").open("ab") as log:
        # As systemd does: descriptor 3, named for the process that is started.
        service = f"{sys.executable} -m serving serve --config {config}"
        line = f"exec 3<&{held.fileno()}; LISTEN_FDS=1 LISTEN_PID=$$ exec {service}"

        def start() -> subprocess.Popen[bytes]:
            command = ["bash", "-c", line]
            return subprocess.Popen(command, cwd=ROOT, pass_fds=[held.fileno()], stdout=log, stderr=log)

        first = start()
        load = FreshConnections(held.getsockname()[1], body, 8)
        until(lambda: load.outcomes["HTTP/1.1 200"] > 50)
        first.send_signal(signal.SIGTERM)
        assert first.wait(180) == 0
        second = start()
        answered = load.outcomes["HTTP/1.1 200"]
        until(lambda: load.outcomes["HTTP/1.1 200"] > answered + 50)
        load.end()
        second.send_signal(signal.SIGTERM)
        assert second.wait(180) == 0
    assert set(load.outcomes) == {"HTTP/1.1 200"}


def test_sigterm_to_every_process_at_once_resets_nobody_either(start_server, bundle, body) -> None:
    server = start_server(bundle)
    load = FreshConnections(server.settings.port, body, 16)
    until(lambda: load.outcomes["HTTP/1.1 200"] > 200)
    for pid in [*server.workers(), server.process.pid]:  # as systemd does
        os.kill(pid, signal.SIGTERM)
    assert server.process.wait(180) == 0
    load.end()
    assert set(load.outcomes) <= {"HTTP/1.1 200", "not connected"}, load.outcomes


def test_workers_end_with_their_supervisor(start_server, bundle, body) -> None:
    server = start_server(bundle)
    (worker,) = server.workers()
    server.process.kill()
    server.process.wait()
    until(lambda: not Path(f"/proc/{worker}/cmdline").exists() or not Path(f"/proc/{worker}/cmdline").read_bytes())


def test_only_the_port_of_the_service_is_open(start_server, bundle) -> None:
    server = start_server(bundle)
    pids = [server.process.pid, *server.workers()]
    links = [os.readlink(path) for pid in pids for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()]
    inodes = {match[1] for link in links if (match := re.fullmatch(r"socket:\[(\d+)\]", link))}
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    listening = [int(row[1].rpartition(":")[2], 16) for row in rows if row[9] in inodes and row[3] == "0A"]
    assert listening == [server.settings.port]


def test_a_port_that_is_taken_is_one_line_in_both_languages() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "serving.server.supervisor", "127.0.0.1", str(port), "1", "0"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        f"127.0.0.1:{port} cannot be served on: Address already in use. "
        "Stop what serves there, or choose another port: `port` in the file that SERVING names. · "
        "这个地址用不了（端口可能被占用）。处理：停掉占用它的程序，或在 SERVING 指定的配置里换一个 port。\n"
    )


def test_bodies_of_faults_do_not_hold_others(start_server, bundle, body) -> None:
    server = start_server(bundle)
    unknown = ", ".join(f'"unknown_{number}": 1' for number in range(300_000))
    hostile = f'{{"creatives": [{{{unknown}}}]}}'.encode()
    assert 5_000_000 < len(hostile) < 8_000_000
    found: list[int] = []
    hostiles = [threading.Thread(target=lambda: found.append(server.post("/v1/predict", hostile)[0])) for _ in range(4)]
    for thread in hostiles:
        thread.start()
    during = 0
    while len(found) < 4:
        assert server.get("/livez")[0] == 200
        assert server.post("/v1/predict", body)[0] == 200
        during += 1
    for thread in hostiles:
        thread.join()
    assert set(found) <= {400, 504}  # refused with their faults, or not done in time on a busy machine
    assert during > 4

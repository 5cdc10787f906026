"""The service for a browser: served from a thread of this process."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn


class Served:
    """The application in a thread: there it is made, served and ended, since a browser's tests have an event loop."""

    def __init__(self, service_in_process: Callable[..., object], **settings: object) -> None:
        self._make, self._settings = service_in_process, settings
        self._server: uvicorn.Server | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        service = self._make(**self._settings)
        try:
            self._server = uvicorn.Server(uvicorn.Config(service.app, port=0, lifespan="off", log_level="error"))
            self._server.run()
        finally:
            service.end()

    def address(self) -> str:
        until = time.monotonic() + 180
        while self._server is None or not self._server.started:
            assert self._thread.is_alive()
            assert time.monotonic() < until
            time.sleep(0.02)
        return f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    def end(self) -> None:
        if self._server is not None:
            self._server.should_exit = True
        self._thread.join()


@pytest.fixture(scope="session")
def serve(service_in_process, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Serves the application inside this process, which takes no time; gives its address."""
    started: list[Served] = []

    def start(**more: object) -> str:
        none = tmp_path_factory.mktemp("none") / "report.html"
        started.append(Served(service_in_process, **{"bundle": bundle, "ledger": "", "report": none, **more}))
        return started[-1].address()

    yield start
    for served in started:
        served.end()

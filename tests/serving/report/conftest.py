"""A report on the small world, and a real browser that reads it: Chromium over its debugging pipe, nothing between."""

import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from features.schema import Loaded
from serving.inference.loaded_model import LoadedModel
from serving.report.context import CreativeFilter, ReportContext, build_context
from serving.report.data import ReportData, sections
from serving.report.render import render

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SECONDS = 20.0
JOIN = (
    "import fcntl, os, sys; ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]; "
    "os.dup2(ends[0], 3); os.dup2(ends[1], 4); os.execvp(sys.argv[3], sys.argv[3:])"
)
"""The browser reads commands from file 3 and writes answers to file 4."""


@pytest.fixture(scope="session")
def context(loaded: LoadedModel, small_world: Loaded) -> ReportContext:
    return build_context(loaded, small_world, CreativeFilter())


@pytest.fixture(scope="session")
def data(context: ReportContext) -> ReportData:
    return sections(context, None)


@pytest.fixture(scope="session")
def page(data: ReportData) -> str:
    return render(data)


class Browser:
    """One tab."""

    def __init__(self, program: str, folder: Path) -> None:
        (to_read, self._send), (self._receive, to_write) = os.pipe(), os.pipe()
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"]
        flags += ["--remote-debugging-pipe", f"--user-data-dir={folder}", "about:blank"]
        ends = [str(to_read), str(to_write)]
        with (folder / "log.txt").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", JOIN, *ends, program, *flags],
                pass_fds=(to_read, to_write),
                stdout=log,
                stderr=log,
            )
        for end in (to_read, to_write):
            os.close(end)
        self._rest, self._number, self.events = b"", 0, []
        self._session = ""

    def attach(self) -> None:
        """Open the tab."""
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self._session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self(f"{domain}.enable")

    def __call__(self, method: str, **parameters: object) -> dict[str, Any]:
        """Ask the browser."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._send, json.dumps(command).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer["result"]
            self.events.append(answer)

    def open(self, place: Path | str) -> None:
        """Open a file or an address and wait until it is loaded."""
        self.events.clear()
        self("Page.navigate", url=place if isinstance(place, str) else place.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())

    def run(self, script: str) -> Any:
        """The value of an expression of the page."""
        answer = self("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def complaints(self) -> list[str]:
        """Messages of the console, and exceptions."""
        wanted = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        return [json.dumps(event["params"]) for event in self.events if event.get("method") in wanted]

    def requests(self) -> list[str]:
        """Addresses of all requests, without that of the page."""
        found = [event["params"] for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        return [one["request"]["url"] for one in found if one.get("type") != "Document"]

    def close(self) -> None:
        self._process.kill()
        self._process.wait(10)
        for end in (self._send, self._receive):
            os.close(end)

    def _next(self) -> dict[str, Any]:
        until = time.monotonic() + SECONDS
        while b"\0" not in self._rest:
            assert select.select([self._receive], [], [], until - time.monotonic())[0], "the browser is silent"
            part = os.read(self._receive, 1 << 20)
            assert part, "the browser is gone"
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"no browser: install one of {', '.join(NAMES)} (Debian: apt-get install chromium)")
    opened = Browser(program, tmp_path_factory.mktemp("browser"))
    try:
        opened.attach()
        yield opened
    finally:
        opened.close()

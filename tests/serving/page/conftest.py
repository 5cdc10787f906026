"""A browser without a screen, spoken to over a pipe: Chromium's own protocol, nothing installed for it."""

import json
import os
import select
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

PLACES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SWITCHES = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--lang=zh-CN",
    "--remote-debugging-pipe",
]


START = """
import fcntl, os, sys
high = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3]]
os.dup2(high[0], 3)
os.dup2(high[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Chromium reads commands from descriptor 3 and answers on 4."""


class Browser:
    """One page of one browser: what it does, what it says, what it asks the network for."""

    def __init__(self, program: str, folder: Path) -> None:
        self.downloads = folder / "downloads"
        self.downloads.mkdir()
        in_, self._write = os.pipe()
        self._read, out = os.pipe()
        switches = [*SWITCHES, f"--user-data-dir={folder / 'profile'}"]
        self._log = (folder / "log.txt").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, str(in_), str(out), program, *switches, "about:blank"],
            pass_fds=(in_, out),
            stdout=self._log,
            stderr=self._log,
            env={**os.environ, "HOME": str(folder)},
        )
        os.close(in_)
        os.close(out)
        self._held = b""
        self._number = 0
        self._session: str | None = None
        self.console: list[str] = []
        self.requests: list[str] = []
        self._saved: list[str] = []
        try:
            self._attach()
        except BaseException:
            self.end()
            raise

    def _attach(self) -> None:
        target = next(t for t in self._pages() if t["type"] == "page")
        self._session = self.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.ask(f"{domain}.enable")
        self.ask("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.downloads), eventsEnabled=True)

    def _pages(self) -> list[dict[str, Any]]:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            found = self.ask("Target.getTargets")["targetInfos"]
            if any(target["type"] == "page" for target in found):
                return found
            time.sleep(0.05)
        raise AssertionError("the browser shows no page")

    def ask(self, method: str, **params: object) -> dict[str, Any]:
        """One command, and its answer."""
        self._number += 1
        number = self._number
        message: dict[str, object] = {"id": number, "method": method, "params": params}
        if self._session and not method.startswith(("Target.", "Browser.")):
            message["sessionId"] = self._session
        content = json.dumps(message).encode() + b"\0"
        while content:
            content = content[os.write(self._write, content) :]
        until = time.monotonic() + 30
        while time.monotonic() < until:
            for reply in self._messages(until):
                if reply.get("id") == number:
                    assert "error" not in reply, reply
                    return reply["result"]
        raise AssertionError(f"no answer to {method}")

    def _messages(self, until: float) -> Iterator[dict[str, Any]]:
        while b"\0" not in self._held:
            ready, _, _ = select.select([self._read], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                return
            piece = os.read(self._read, 1 << 20)
            assert piece, "the browser ended"
            self._held += piece
        message, _, self._held = self._held.partition(b"\0")
        event = json.loads(message)
        self._note(event.get("method", ""), event.get("params", {}))
        yield event

    def _note(self, method: str, params: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.console.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.console.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.console.append(str(params["args"]))
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Browser.downloadWillBegin":
            self._saved.append(params["suggestedFilename"])

    def open(self, url: str) -> None:
        self.console.clear()
        self.requests.clear()
        self.ask("Page.navigate", url=url)
        self.until("document.readyState === 'complete'")

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        reply = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in reply, reply["exceptionDetails"]
        return reply["result"].get("value")

    def until(self, script: str, seconds: float = 15.0) -> Any:
        """Waits until an expression is true."""
        end = time.monotonic() + seconds
        while not (value := self.run(f"!!({script})")):
            assert time.monotonic() < end, f"never came: {script}; {self.console}; {self.text('body')[:2000]}"
            time.sleep(0.03)
        return value

    def text(self, selector: str) -> str:
        return self.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def texts(self, selector: str) -> list[str]:
        return self.run(f"[...document.querySelectorAll({json.dumps(selector)})].map((node) => node.innerText)")

    def click(self, selector: str) -> None:
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def fill(self, selector: str, value: str) -> None:
        """A value typed into a field."""
        found = f"const node = document.querySelector({json.dumps(selector)}); node.value = {json.dumps(value)};"
        events = "for (const name of ['input', 'change']) node.dispatchEvent(new Event(name, {bubbles: true}))"
        self.run(f"{{ {found} {events} }}")

    def press(self, key: str, code: int, text: str = "", shift: bool = False) -> None:
        """One key of the keyboard, pressed and let go."""
        more = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        self.ask("Input.dispatchKeyEvent", type="keyDown", text=text, **more)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **more)

    def give(self, selector: str, *files: Path) -> None:
        """Files chosen in a file field."""
        document = self.ask("DOM.getDocument")["root"]["nodeId"]
        node = self.ask("DOM.querySelector", nodeId=document, selector=selector)["nodeId"]
        self.ask("DOM.setFileInputFiles", nodeId=node, files=[str(file) for file in files])

    def saved(self, name: str, seconds: float = 10.0) -> bytes:
        """Content of a file that the page had the browser save."""
        file = self.downloads / name
        end = time.monotonic() + seconds
        while not file.is_file():
            self.run("1")
            assert time.monotonic() < end, f"{name} was not saved; {list(self.downloads.iterdir())}"
            time.sleep(0.03)
        return file.read_bytes()

    def end(self) -> None:
        os.close(self._write)
        os.close(self._read)
        self.process.kill()
        self.process.wait(20)
        self._log.close()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = next((found for name in PLACES if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"no browser is installed (looked for {', '.join(PLACES)})")
    started = Browser(program, tmp_path_factory.mktemp("browser"))
    yield started
    started.end()


@pytest.fixture(scope="session")
def serve(service_in_process, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Serves the application inside this process, which takes no time; gives its address."""
    ended: list[Callable[[], None]] = []

    def start(**more: object) -> str:
        none = tmp_path_factory.mktemp("none") / "report.html"
        service = service_in_process(**{"bundle": bundle, "ledger": "", "report": none, **more})
        app = service.app
        server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_level="error"))
        thread = threading.Thread(target=server.run)
        thread.start()
        until = time.monotonic() + 20
        while not server.started:
            assert time.monotonic() < until
            time.sleep(0.02)

        def end() -> None:
            server.should_exit = True
            thread.join()
            service.end()

        ended.append(end)
        return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"

    yield start
    for end in ended:
        end()

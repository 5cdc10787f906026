"""The system's Chromium, driven by Playwright, and what a page complains about or asks of strangers.

Shared by browser tests (tests/conftest.py) and pictures (benchmarks/screenshots.py). No browser is downloaded:
Playwright drives the one that is installed.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NONE_FOUND = f"no browser: install one of {', '.join(PROGRAMS)} (Debian: apt-get install chromium fonts-noto-cjk)"


def find_chromium() -> str | None:
    """Return the path of the first Chromium on the PATH, or None."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


@contextmanager
def chromium(program: str) -> Iterator[Browser]:
    """Start a browser without a window; inside, this thread has a running event loop of Playwright's."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--disable-dev-shm-usage"])
        try:
            yield browser
        finally:
            browser.close()


def watch(page: Page, address: str) -> list[str]:
    """Return a list that fills with what a page complains about and with requests that leave its origin.

    Args:
        page: Before it is opened.
        address: Where it is going to be: its origin may be asked; of a file, nothing else than the file itself.
    """
    found: list[str] = []
    parts = urlsplit(address)
    own = address if parts.scheme == "file" else f"{parts.scheme}://{parts.netloc}/"
    allowed = (own, f"blob:{own}")

    def asked(url: str) -> None:
        if not url.startswith(allowed):
            found.append(f"asks {url}")

    def said(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            found.append(f"{message.type}: {message.text} {message.location['url']}")

    page.on("pageerror", lambda error: found.append(f"error: {error}"))
    page.on("crash", lambda _: found.append("the page crashed"))
    page.on("websocket", lambda socket: asked(socket.url))
    page.on("request", lambda request: asked(request.url))
    page.on("console", said)
    return found


def too_wide(page: Page) -> list[str]:
    """Return what makes a page wider than its window, outermost first; nothing if it is not."""
    return page.evaluate(
        """() => {
          if (document.documentElement.scrollWidth <= window.innerWidth) return [];
          const held = (node) => node && (getComputedStyle(node).overflowX !== "visible" || held(node.parentElement));
          const end = (node) => {  // of its text too, which may reach over its own box
            const range = document.createRange();
            range.selectNodeContents(node);
            return Math.round(Math.max(range.getBoundingClientRect().right, node.getBoundingClientRect().right));
          };
          const beyond = [...document.body.querySelectorAll("*")].filter((node) =>
            end(node) > window.innerWidth + 1 && !held(node.parentElement));
          const name = (node) => node.localName + (node.id ? "#" + node.id : "") +
            (node.classList.length ? "." + [...node.classList].join(".") : "");
          const width = document.documentElement.scrollWidth;
          return [`${width} px in a window of ${window.innerWidth} px`, ...beyond.slice(0, 8).map((node) =>
            `${name(node)} to ${end(node)}: ${node.textContent.trim().slice(0, 40)}`)];
        }"""
    )

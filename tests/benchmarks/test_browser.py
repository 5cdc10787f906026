"""Complaints of a page and requests that leave it are kept; a quiet page keeps none."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from benchmarks.browser import too_wide, watch

pytestmark = pytest.mark.browser


def test_errors_warnings_and_requests_that_leave_the_origin_are_kept(browser) -> None:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>a</title>" if self.path == "/" else b"")

        def log_message(self, *_: object) -> None:
            """Nothing on the screen."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        page = browser.new_page()
        found = watch(page, address)
        page.goto(address)
        page.evaluate("fetch('/more').then((reply) => reply.text())")
        page.evaluate("console.log('fine')")
        assert found == []
        page.evaluate("console.error('bad')")
        page.evaluate("setTimeout(() => { throw new Error('worse') })")
        page.evaluate(f"fetch('http://localhost:{server.server_port}/stranger', {{mode: 'no-cors'}}).then(() => 1)")
        page.context.close()
        server.shutdown()
    assert [one.strip().split(":")[0] for one in found] == ["error", "error", "asks http"]
    assert "bad" in found[0]
    assert "worse" in found[1]
    assert "localhost" in found[2]


def test_a_file_may_ask_for_nothing_else(browser, tmp_path: Path) -> None:
    other = tmp_path / "other.svg"
    other.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    path = tmp_path / "a.html"
    path.write_text("<!doctype html><img src='other.svg'>")
    page = browser.new_page()
    found = watch(page, path.as_uri())
    page.goto(path.as_uri())
    page.context.close()
    assert found == [f"asks {other.as_uri()}"]


def test_what_makes_a_page_too_wide_is_named_unless_it_scrolls_by_itself(browser) -> None:
    page = browser.new_page(viewport={"width": 400, "height": 300})
    page.set_content("<div style='overflow: auto'><b style='display: block; width: 900px'>a</b></div><p>b</p>")
    assert too_wide(page) == []
    page.set_content(f"<p id='long'>{'W' * 100}</p>")
    width, *found = too_wide(page)
    page.context.close()
    assert width.endswith("px in a window of 400 px")
    assert found[0].startswith("p#long to ")

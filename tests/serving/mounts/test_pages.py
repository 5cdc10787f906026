"""The page's files and the report go out under strict policies; files come in under the same limits as questions."""

import json
import re
from copy import copy
from pathlib import Path

import httpx
import pytest

from serving.middleware.keys import new_key
from serving.mounts.static_files import FOLDER
from serving.settings import ApiKey

SHEET = "素材ID,推广方式,开头类型\nnew-1,推直播,悬念\n".encode()
FILE = {"content-type": "application/octet-stream"}


def rules_of(reply: httpx.Response) -> dict[str, str]:
    parts = [part.strip().partition(" ") for part in reply.headers["content-security-policy"].split(";")]
    return {name: value for name, _, value in parts}


def test_every_file_of_the_page_is_served_and_may_reach_only_this_service(service) -> None:
    app = service
    names = sorted(file.name for file in FOLDER.iterdir())
    for path in ("/", *(f"/page/{name}" for name in names)):
        reply = app.ask("GET", path)
        assert reply.status_code == 200, path
        rules = rules_of(reply)
        assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
        assert rules["frame-ancestors"] == "'none'"
        assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
        assert rules["require-trusted-types-for"] == "'script'"
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert "unsafe" not in reply.headers["content-security-policy"]
        assert app.ask("HEAD", path).content == b""
    assert app.ask("GET", "/").headers["content-type"] == "text/html; charset=utf-8"
    assert app.ask("GET", "/page/page.js").headers["content-type"] == "text/javascript; charset=utf-8"


def test_the_page_holds_no_script_style_or_address_of_elsewhere() -> None:
    html = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=|<style", html) == []
    assert all(address.startswith(("/", "#")) for address in re.findall(r'(?:src|href)="([^"]*)"', html))
    for file in FOLDER.glob("*.js"):
        script = file.read_text(encoding="utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|new Function", script), file
        assert set(re.findall(r"https?://[\w.]+", script)) <= {
            "http://www.w3.org",
            "http://schemas.openxmlformats.org",
        }
        for name in re.findall(r'from "\./([^"]+)"', script):
            assert (FOLDER / name).is_file()


def test_both_languages_have_the_same_words() -> None:
    tables = [(FOLDER / f"words_{name}.js").read_text(encoding="utf-8") for name in ("zh", "en")]
    zh, en = (re.findall(r"^  (\w+): ", table, re.M) for table in tables)
    assert zh == en
    html = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert set(re.findall(r'data-say="(\w+)"', html)) <= set(zh)


@pytest.mark.parametrize(
    "path",
    ["/page/", "/page/none.js", "/page/../settings.py", "/page/%2e%2e/app.py", "/page//etc/passwd", "/page/page.js/"],
)
def test_nothing_else_is_served(service, path) -> None:
    reply = service.ask("GET", path)
    assert reply.status_code == 404
    assert set(reply.json()) == {"code", "zh", "en", "error", "errors", "request_id"}


def test_the_page_takes_get_alone_and_can_be_turned_off(service, build) -> None:
    assert service.ask("POST", "/").headers["allow"] == "GET, HEAD"
    without = build(page=False)
    assert without.ask("GET", "/").status_code == 404
    assert without.ask("GET", "/page/page.js").status_code == 404


def test_the_page_is_open_where_everything_else_asks_for_a_key(build) -> None:
    key, digest = new_key()
    app = build(keys=(ApiKey(name="buyer", sha256=digest),), open_docs=False)
    key_header = {"authorization": f"Bearer {key}"}
    assert app.ask("GET", "/").status_code == 200
    assert app.ask("GET", "/v1/model").status_code == 401
    assert app.ask("POST", "/v1/read", content=SHEET, headers=FILE).status_code == 401
    assert app.ask("POST", "/v1/read", content=SHEET, headers=FILE | key_header).status_code == 200
    assert app.ask("GET", "/report").status_code == 401
    reader, reads = new_key()
    app = build(keys=(ApiKey(name="reader", sha256=reads, scopes=("read",)),))
    refused = app.ask("POST", "/v1/read", content=SHEET, headers=FILE | {"authorization": f"Bearer {reader}"})
    assert refused.status_code == 403


def test_the_report_runs_apart_from_the_service(build, tmp_path: Path) -> None:
    app = build()
    assert app.ask("GET", "/v1/model").json()["report"] is False
    assert "whoever trains the model" in app.ask("GET", "/report").json()["error"]
    (tmp_path / "report.html").write_text("<script>1</script>", encoding="utf-8")
    assert app.ask("GET", "/v1/model").json()["report"] is True
    reply = app.ask("GET", "/report")
    assert reply.text == "<script>1</script>"
    rules = rules_of(reply)
    assert "allow-same-origin" not in rules["sandbox"]
    assert rules["default-src"] == "'none'"
    assert "connect-src" not in rules


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("", {"content-type": "application/json"}, 415),
        ("", {}, 415),
        ("", FILE | {"content-encoding": "gzip"}, 415),
        ("", FILE | {"content-length": "99999999"}, 413),
        ("?nam=x", FILE, 400),
        ("?name=x&name=y", FILE, 400),
        ("?name=%ff", FILE, 400),
        ("?name=%00", FILE, 400),
        (f"?account_id={'9' * 201}", FILE, 400),
        (f"?name={'x&name=' * 30}", FILE, 400),
    ],
)
def test_headers_and_query_of_a_file_are_checked_before_its_body(narrow, query, headers, status) -> None:
    reply = narrow.ask("POST", f"/v1/read{query}", content=SHEET, headers=headers)
    assert reply.status_code == status
    assert set(reply.json()) == {"code", "zh", "en", "error", "errors", "request_id"}


def test_what_a_file_is_called_opens_nothing(service) -> None:
    app = service
    for name in ("../../../etc/passwd", "/etc/passwd", "C:\\windows\\x.csv", "", "..", "推直播.csv"):
        reply = app.ask("POST", "/v1/read", params={"name": name}, content=SHEET, headers=FILE)
        assert [found["creative"]["creative_id"] for found in reply.json()["creatives"]] == ["new-1"]
    refused = app.ask("POST", "/v1/read", params={"name": "x" * 200}, content=b"a,b\n1,2\n", headers=FILE)
    assert refused.status_code == 422
    assert "etc/passwd" not in json.dumps(refused.json())


def test_a_file_too_large_is_cut_off(narrow) -> None:
    app = narrow
    assert app.ask("POST", "/v1/read", content=SHEET * 100, headers=FILE).status_code == 413
    assert app.ask("GET", "/v1/read").headers["allow"] == "POST"


def test_the_card_is_that_of_the_model_that_serves_even_where_the_same_object_holds_another(build, loaded) -> None:
    app = build()
    changed = copy(loaded)
    app.pages.state.model = lambda: changed
    assert app.ask("GET", "/v1/model").json()["version"] == loaded.version
    object.__setattr__(changed, "version", "2")  # memory of a model that is gone is used again by the next
    vars(changed).pop("identity", None)
    assert app.ask("GET", "/v1/model").json()["version"] == "2"

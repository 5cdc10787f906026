"""One file, both languages, nothing from outside, nothing of a name's making; and it works in a real browser."""

import json
import re
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from serving.mounts.static_files import REPORT_POLICY
from serving.report.data import ReportData
from serving.report.render import render

HOSTILE = "<script>alert(1)</script>\"'{{ 7*7 }}\u202e=cmd|'/c calc'!A1"


class Tags(HTMLParser):
    """Which tags stand there, and what they refer to."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.refers: list[str] = []
        self.spans = {"zh": 0, "en": 0}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.refers += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "data", "action")]
        assert not [name for name, _ in attrs if name.startswith("on") or name == "style"]
        for name in self.spans:
            self.spans[name] += tag == "span" and dict(attrs).get("class") == name


def tags_of(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    return tags


def hostile(data: ReportData) -> ReportData:
    """The report on creatives whose names, tags and ids are an attack."""
    card = data.cards[0].model_copy(
        update={"name": HOSTILE, "account_id": HOSTILE, "creative_id": HOSTILE, "tags": {"hook": HOSTILE, HOSTILE: "x"}}
    )
    effect = data.questions[0].effects[0].model_copy(update={"value": HOSTILE})
    question = data.questions[0].model_copy(update={"effects": [effect]})
    heat = data.heat[0].model_copy(update={"tag": HOSTILE, "value": HOSTILE})
    koc = data.kocs.kocs[0].model_copy(update={"creator_id": HOSTILE})
    return data.model_copy(
        update={
            "account": HOSTILE,
            "cards": [card, *data.cards[1:]],
            "questions": [question, *data.questions[1:]],
            "heat": [heat, *data.heat[1:]],
            "kocs": data.kocs.model_copy(update={"kocs": [koc]}),
        }
    )


def test_the_report_is_one_file_without_anything_from_outside(page: str) -> None:
    tags = tags_of(page)
    assert not {*tags.names} & {"link", "iframe", "img", "object", "embed", "base", "form"}
    assert tags.names.count("script") == 2
    assert tags.refers
    assert all(found.startswith("#") for found in tags.refers)
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(re.findall(r'\bid="([^"]+)"', page))
    assert not re.search(r"@import|url\(", page)
    assert set(re.findall(r"https?://[^\"' ]+", page)) == {"http://www.w3.org/2000/svg"}  # a name, never fetched
    assert "default-src 'none'" in page
    assert len(page.encode()) < 1_000_000


def test_every_sentence_stands_in_both_languages(page: str, data: ReportData) -> None:
    spans = tags_of(page).spans
    assert spans["zh"] == spans["en"] > 250
    assert page.count("关联,不是因果") >= 4
    assert page.count("Association, not cause") >= 4
    assert '<html lang="zh-CN">' in page
    assert 'id="zh" checked' in page
    english = render(data, "en")
    assert '<html lang="en">' in english
    assert 'id="en" checked' in english


def test_answers_stand_in_the_order_in_which_they_are_asked(page: str) -> None:
    order = ["quality", "questions", "funnel", "creatives", "kocs", "diversity"]
    places = [page.index(f'<section id="{name}"') for name in order]
    assert places == sorted(places)


def test_names_are_text_and_never_markup(data: ReportData) -> None:
    page = render(hostile(data))
    assert tags_of(page).names.count("script") == 2
    assert "alert(1)</script>" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "{{ 7*7 }}" in page
    embedded = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert embedded is not None
    assert json.loads(embedded[1])["rows"][0][1].startswith("<script>alert(1)</script>")


def test_a_report_opens_in_a_browser_switches_language_sorts_and_shows_a_card(
    browser, data: ReportData, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    path.write_text(render(hostile(data)), encoding="utf-8")
    browser.open(path)
    shown = "getComputedStyle(document.querySelector('h1 .{}')).display"
    assert browser.run(shown.format("zh")) != "none"
    assert browser.run(shown.format("en")) == "none"
    browser.run("document.querySelector('label[for=en]').click()")
    assert browser.run(shown.format("zh")) == "none"
    assert browser.run("document.documentElement.lang") == "en"

    column = "[...document.querySelectorAll('#rows tr')].map(row => row.children[{}].firstChild.textContent)"
    for place, key in ((2, "target0"), (6, "spend")):
        browser.run(f"document.querySelector('th[data-sort={key}] button').click()")
        found = [float(text.replace(",", "")) for text in browser.run(column.format(place)) if text != "–"]
        assert len(found) == 50
        assert found == sorted(found, reverse=True)
        browser.run(f"document.querySelector('th[data-sort={key}] button').click()")
        assert browser.run(f"document.querySelector('th[data-sort={key}]').ariaSort") == "ascending"

    browser.run("document.getElementById('after').click()")
    assert browser.run("document.querySelectorAll('#rows tr').length") == 50
    search = "const box = document.getElementById('search'); box.value = '{}'; box.dispatchEvent(new Event('input'))"
    browser.run(f"{{{search.format('<script>')}}}")
    assert browser.run(column.format(0)) == [
        browser.run("JSON.parse(document.getElementById('data').textContent).rows[0][1]")
    ]

    browser.run("document.querySelector('#rows button').click()")
    assert browser.run("document.getElementById('card').open")
    assert browser.run("document.querySelector('#card h3').textContent").startswith("<script>alert(1)</script>")
    assert browser.run("document.querySelectorAll('#card svg rect').length") > 6
    assert browser.run("document.querySelectorAll('#card script').length") == 0
    ends = browser.run("[...document.querySelectorAll('#card svg.fall')].map(fall => fall.lastChild.textContent)")
    card = data.cards[0]
    assert [float(end.replace(",", "")) for end in ends] == pytest.approx(
        [card.targets[name][0] for name in card.waterfalls], rel=0.01, abs=0.01
    )
    browser.run("document.querySelector('#card .close').click()")
    assert not browser.run("document.getElementById('card').open")
    assert browser.complaints() == []
    assert browser.requests() == []


def test_under_the_policy_of_the_service_it_works_all_the_same(browser, page: str) -> None:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            for name, value in {"content-type": "text/html; charset=utf-8", **REPORT_POLICY}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(page.encode() if self.path == "/report" else b"")

        def log_message(self, *_: object) -> None:
            """Nothing on the screen."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        browser.open(f"http://127.0.0.1:{server.server_port}/report")
        browser.run("document.querySelector('label[for=en]').click()")
        browser.run("document.querySelector('th[data-sort=spend] button').click()")
        assert browser.run("document.querySelector('th[data-sort=spend]').ariaSort") == "descending"
        browser.run("document.querySelector('#rows button').click()")
        assert browser.run("document.getElementById('card').open")
        assert [one for one in browser.complaints() if "favicon" not in one] == []
        browser.open("about:blank")
        server.shutdown()


def test_without_scripts_the_tables_and_both_languages_are_still_there(browser, page: str, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    browser("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(path)
        browser("Emulation.setScriptExecutionDisabled", value=False)
        assert browser.run("document.querySelectorAll('#rows tr').length") == 50
        assert browser.run("document.querySelector('.tools').hidden")
        browser.run("document.querySelector('label[for=en]').click()")
        assert browser.run("getComputedStyle(document.querySelector('h1 .zh')).display") == "none"
    finally:
        browser("Emulation.setScriptExecutionDisabled", value=False)


def test_on_a_phone_nothing_is_wider_than_the_screen(browser, page: str, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    browser("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=True)
    try:
        browser.open(path)
        assert browser.run("document.documentElement.scrollWidth") <= 390
    finally:
        browser("Emulation.clearDeviceMetricsOverride")

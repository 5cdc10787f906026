"""One file, both languages, nothing from outside, nothing of a name's making."""

import json
import re
from html.parser import HTMLParser

from serving.report import wording
from serving.report.data import ReportData
from serving.report.first_screen import to_do
from serving.report.render import SECTIONS, render


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


def test_the_report_is_one_file_without_anything_from_outside(page: str) -> None:
    tags = tags_of(page)
    assert not {*tags.names} & {"link", "iframe", "img", "object", "embed", "base", "form"}
    assert tags.names.count("script") == 2
    assert tags.refers
    assert all(found.startswith("#") for found in tags.refers)
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(re.findall(r'\bid="([^"]+)"', page))
    assert not re.search(r"@import|url\(", page)
    # Names of formats, never fetched.
    spaces = {"http://www.w3.org/2000/svg", "http://schemas.openxmlformats.org"}
    assert set(re.findall(r"https?://[^\"' ]+", page)) == spaces
    assert "default-src 'none'" in page
    assert len(page.encode()) < 1_000_000


def test_every_sentence_stands_in_both_languages(page: str, data: ReportData) -> None:
    spans = tags_of(page).spans
    assert spans["zh"] == spans["en"] > 250
    for name in ("levers", "kocs", "diversity"):
        section = page.split(f'<section id="{name}">')[1].split("</section>")[0]
        assert wording.TEXTS["association"].zh in section
        assert wording.TEXTS["association"].en in section
    assert '<html lang="zh-CN">' in page
    assert 'id="zh" checked' in page
    english = render(data, "en")
    assert '<html lang="en">' in english
    assert 'id="en" checked' in english


def test_answers_stand_in_the_order_in_which_they_are_asked(page: str) -> None:
    order = [section.name for section in SECTIONS]
    places = [page.index(f'<section id="{name}"') for name in order]
    assert places == sorted(places)


def test_names_are_text_and_never_markup(hostile: ReportData) -> None:
    page = render(hostile)
    assert tags_of(page).names.count("script") == 2
    assert "alert(1)</script>" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "{{ 7*7 }}" in page
    embedded = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert embedded is not None
    found = json.loads(embedded[1])
    assert found["core"]["names"][0].startswith("<script>alert(1)</script>")
    assert any(text.startswith("<script>alert(1)</script>") for text in found["creatives"]["tagTexts"][0])


def test_the_address_of_a_creative_is_a_plain_link_that_tells_nobody(data: ReportData) -> None:
    listed = to_do(data.creatives, data.cards, set(range(len(data.creatives))))
    creatives = list(data.creatives)
    creatives[listed[0]] = creatives[listed[0]].model_copy(update={"address": "https://v.example.com/1?a=1&b=2"})
    page = render(data.model_copy(update={"creatives": creatives}))
    link = '<a href="https://v.example.com/1?a=1&amp;b=2" rel="noreferrer noopener" target="_blank">'
    assert page.count(link) == 1
    assert "<img" not in page

"""Hostile names in every text column: markup, right-to-left marks, emoji, formulas and very long ones stay text."""

import csv
import io
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page, expect
from python_calamine import CalamineWorkbook

from benchmarks.browser import too_wide
from features.schema import KEY, Loaded, check_creatives, check_metrics
from serving.inference.loaded_model import LoadedModel
from serving.report.context import CreativeFilter, build_context
from serving.report.data import sections
from serving.report.render import render

pytestmark = pytest.mark.browser

HOSTILE = (
    "<script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    "\u202eevil\u202c\u2066",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 ",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f525",
    '=HYPERLINK("http://evil.example","x")',
    "+cmd|'/c calc'!A1 ",
    "\u957f" * 180,
    "W" * 180,
    "{{ 7*7 }} ${7*7} \"'`&amp;",
)
TEXTS = ("creative_name", "copy_text", "category", "product_name", "creator_name")
NAMES = [*KEY[1:], "creator_id", "product_id", *TEXTS]


def disguised(values: pd.Series) -> pd.Series:
    """Every value behind one of the hostile texts, the same for the same value."""
    known = {value: f"{HOSTILE[place % len(HOSTILE)]}{value}" for place, value in enumerate(values.dropna().unique())}
    return values.map(known)


@pytest.fixture(scope="module")
def world(small_world: Loaded) -> Loaded:
    """The small world as someone would send it who wants to harm."""
    creatives = small_world.creatives.copy()
    creatives = creatives.assign(
        creative_name=creatives["creative_id"],
        product_name=creatives["product_id"],
        creator_name=creatives["creator_id"],
    )
    tags = [name for name in creatives if name.startswith("tag_")]
    keys = creatives[KEY].copy()
    for name in [*NAMES, *tags]:
        if name in creatives:
            creatives[name] = disguised(creatives[name])
    renamed = dict(zip(keys.itertuples(index=False, name=None), creatives[KEY].itertuples(index=False, name=None)))
    metrics = small_world.metrics.copy()
    metrics[KEY] = [renamed[key] for key in metrics[KEY].itertuples(index=False, name=None)]
    return Loaded(check_metrics(metrics), check_creatives(creatives))


@pytest.fixture(scope="module")
def path(loaded: LoadedModel, world: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("hostile") / "report.html"
    file.write_text(render(sections(build_context(loaded, world, CreativeFilter()), None)), encoding="utf-8")
    return file


def check(page: Page) -> None:
    """Nothing of a name ran, became an element, or made the page wider than its window."""
    assert not page.evaluate("'hacked' in window")
    assert page.locator("main img, dialog img, main script, dialog script, main iframe").count() == 0
    found = too_wide(page)
    assert not found, "\n".join(found)
    text = page.locator("body").inner_text()
    assert not {"\u202e", "\u2066"} & set(text)


def test_templates_do_not_evaluate_what_a_name_holds(path: Path) -> None:
    text = path.read_text("utf-8")
    assert "{{ 7*7 }} ${7*7}" in text
    assert "49 ${" not in text


@pytest.mark.parametrize("width", [1366, 1100, 1024, 768])
def test_nothing_is_wider_than_a_laptop_or_a_tablet(open_page, path: Path, width: int) -> None:
    check(open_page(path, viewport={"width": width, "height": 768}))


@pytest.mark.parametrize("width", [1400, 1280, 390])
def test_every_section_and_a_card_stay_text_within_the_window(open_page, path: Path, width: int) -> None:
    page = open_page(path, viewport={"width": width, "height": 900})
    check(page)
    for tab in page.locator("[role=tab]").all():
        tab.click()
        check(page)
    for summary in page.locator("main summary:visible").all():
        summary.click()
    check(page)
    page.locator("#rows button").first.click()
    expect(page.locator("#card")).to_be_visible()
    check(page)
    page.click("#card .close")
    page.click("label[for=en]")
    check(page)


def test_downloads_hold_the_names_without_formulas(open_page, path: Path) -> None:
    page = open_page(path)
    with page.expect_download() as download:
        page.click("#download-csv")
    rows = list(csv.reader(io.StringIO(download.value.path().read_text("utf-8-sig"))))
    assert len(rows) > 3
    assert not [cell for row in rows for cell in row if cell.lstrip().startswith(("=", "+", "@", "-c"))]
    with page.expect_download() as download:
        page.click("#download-xlsx")
    book = CalamineWorkbook.from_path(str(download.value.path()))
    cells = book.get_sheet_by_index(0).to_python()
    assert len(cells) == len(rows)
    assert not [
        cell for row in cells for cell in row if isinstance(cell, str) and cell.lstrip().startswith(("=", "+", "@"))
    ]

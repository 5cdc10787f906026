"""The table of creatives and their cards in a real browser: tabs, sort, search, columns, filters, downloads, paper."""

import csv
import io
from collections import Counter
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from python_calamine import CalamineWorkbook

from serving.report.blocks.creatives import ROWS_PER_PAGE
from serving.report.data import ReportData
from serving.report.render import render
from training.decision.rules import VERDICT_LABELS

pytestmark = pytest.mark.browser

MANY = 4000
FORMULA = "=1+1"


@pytest.fixture(scope="module")
def spiteful(data: ReportData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report with one stopped creative whose name is a formula."""
    place = next(place for place, row in enumerate(data.creatives) if row.status == "stopped")
    rows, cards = list(data.creatives), list(data.cards)
    rows[place] = rows[place].model_copy(update={"name": FORMULA})
    cards[place] = cards[place].model_copy(update={"name": FORMULA})
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render(data.model_copy(update={"creatives": rows, "cards": cards})), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def many(data: ReportData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on MANY creatives: those of the small world again and again, under names of usual length."""
    rows, cards = [], []
    for number in range(MANY):
        place = number % len(data.creatives)
        name = {
            "creative_id": f"{10**18 + number}",
            "name": f"11月2日-TW{number}-信息流-图文-信任背书-棚拍-达人-vlog-大鹏.mp4",
        }
        rows.append(data.creatives[place].model_copy(update=name))
        tags = {**data.cards[place].tags, "copy_text": f"显瘦连衣裙限时优惠第{number}条,都市白领看过来"}
        cards.append(data.cards[place].model_copy(update={**name, "tags": tags}))
    codes = data.diversity.codes
    diversity = data.diversity.model_copy(update={"codes": [codes[number % len(codes)] for number in range(MANY)]})
    path = tmp_path_factory.mktemp("report") / "report.html"
    changed = data.model_copy(update={"creatives": rows, "cards": cards, "diversity": diversity})
    path.write_text(render(changed), encoding="utf-8")
    return path


@pytest.fixture
def tab(open_page, spiteful: Path) -> Page:
    return open_page(spiteful, accept_downloads=True)


def column(tab: Page, key: str) -> list[str]:
    """First line of each cell in a column of the page shown."""
    heads = tab.locator("#creative-table th[data-sort]").evaluate_all("(all) => all.map((one) => one.dataset.sort)")
    text = f"(rows) => rows.map((row) => row.children[{heads.index(key)}].firstChild.textContent)"
    return tab.locator("#rows tr").evaluate_all(text)


def saved(tab: Page, kind: str) -> list[list[object]]:
    """The file that a download button saves, as rows."""
    with tab.expect_download() as waiting:
        tab.click(f"#download-{kind}")
    path = waiting.value.path()
    assert waiting.value.suggested_filename.endswith(f".{kind}")
    if kind == "xlsx":
        return CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))


def test_every_creative_stands_in_the_tab_of_its_status(tab: Page, data: ReportData) -> None:
    sizes = Counter(row.status for row in data.creatives)
    assert tab.locator("#creative-tabs [role=tab]").count() == 3
    for status in ("running", "waiting", "stopped"):
        tab.click(f"[data-status={status}]")
        expect(tab.locator(f"[data-status={status}]")).to_have_attribute("aria-selected", "true")
        expect(tab.locator("#place .zh")).to_contain_text(f"共 {sizes[status]} 条")
        expect(tab.locator("#rows tr[data-row]")).to_have_count(min(sizes[status], ROWS_PER_PAGE))


def test_columns_sort_both_ways_and_say_so(tab: Page) -> None:
    tab.click("[data-status=stopped]")
    expect(tab.locator("th[data-sort=spend_cny]")).to_have_attribute("aria-sort", "descending")
    for key in ("spend_cny", "actual0", "orders"):
        for _ in range(2):
            tab.click(f"#creative-table th[data-sort={key}] button")
            down = tab.locator(f"th[data-sort={key}]").get_attribute("aria-sort") == "descending"
            found = [float(text.replace(",", "")) for text in column(tab, key) if text != "–"]
            assert len(found) > 40
            assert found == sorted(found, reverse=down)
    before = column(tab, "name")
    tab.click("#after")
    assert not {*before} & {*column(tab, "name")}


def test_several_words_are_searched_in_names_ids_and_tags(tab: Page, data: ReportData) -> None:
    tab.click("[data-status=stopped]")
    tab.fill("#search", "结果前置 门店 K3")
    wanted = [
        row.name
        for row, card in zip(data.creatives, data.cards)
        if row.status == "stopped"
        and (card.tags["hook"], card.tags["scene"], row.creator_id) == ("结果前置", "门店", "k3")
    ]
    assert wanted
    expect(tab.locator("#rows tr[data-row]")).to_have_count(len(wanted))
    assert {*column(tab, "name")} <= {*wanted, FORMULA}
    tab.fill("#search", "没有 这样的")
    expect(tab.locator("#rows tr[data-row]")).to_have_count(0)
    expect(tab.locator("#rows .zh")).to_have_text("没有符合条件的素材。")


def test_columns_can_be_chosen_for_each_status(tab: Page) -> None:
    tab.click("[data-status=stopped]")
    expect(tab.locator("th[data-sort=clicks]")).to_have_count(0)
    tab.click("#chooser summary")
    tab.check("[data-column=clicks]")
    tab.uncheck("[data-column=spark]")
    expect(tab.locator("th[data-sort=clicks]")).to_have_count(1)
    expect(tab.locator("th[data-sort=spark]")).to_have_count(0)
    tab.click("[data-status=running]")
    expect(tab.locator("th[data-sort=clicks]")).to_have_count(0)
    tab.click("[data-status=stopped]")
    tab.click("#chooser .panel button")
    expect(tab.locator("th[data-sort=clicks]")).to_have_count(0)


def test_the_filters_of_the_page_choose_rows_and_counts(tab: Page, data: ReportData) -> None:
    kinds = [row for row in data.creatives if row.promotion_type == "product" and row.status == "stopped"]
    tab.click("[data-status=stopped]")
    tab.select_option("[data-filter=promotion_type]", label="推商品")
    expect(tab.locator("[data-status=stopped]")).to_contain_text(str(len(kinds)))
    rows = tab.locator("#rows tr").evaluate_all("(all) => all.map((one) => Number(one.dataset.row))")
    assert {data.creatives[row].promotion_type for row in rows} == {"product"}


def test_downloads_hold_the_rows_found_with_chinese_headers_and_harmless_cells(tab: Page, data: ReportData) -> None:
    tab.click("[data-status=stopped]")
    tab.fill("#search", "悬念")
    tab.wait_for_function("document.querySelectorAll('#rows tr').length < 50")
    table = saved(tab, "csv")
    wanted = [
        (row, card)
        for row, card in zip(data.creatives, data.cards)
        if row.status == "stopped" and card.tags["hook"] == "悬念"
    ]
    assert table[0][:2] == ["素材ID", "素材"]
    assert {"消耗（元）", "成交单数", "实际净ROI", "首投日期", "状态"} <= {*table[0]}
    assert {line[0] for line in table[1:]} == {row.creative_id for row, _ in wanted}
    spend, orders = table[0].index("消耗（元）"), table[0].index("成交单数")
    by_id = {row.creative_id: card for row, card in wanted}
    for line in table[1:]:
        assert float(line[spend]) == pytest.approx(by_id[line[0]].evidence["spend_cny"], rel=1e-4)
        assert float(line[orders]) == by_id[line[0]].evidence["orders"]

    tab.fill("#search", FORMULA)
    expect(tab.locator("#rows tr[data-row]")).to_have_count(1)
    assert saved(tab, "csv")[1][1] == f"'{FORMULA}"
    sheet = saved(tab, "xlsx")
    assert sheet[1][1] == f"'{FORMULA}"
    assert isinstance(sheet[1][sheet[0].index("消耗（元）")], float)
    tab.click("label[for=en]")
    assert saved(tab, "csv")[0][:2] == ["creative id", "creative"]


def test_a_card_has_an_address_and_says_what_the_numbers_say(open_page, spiteful: Path, data: ReportData) -> None:
    place = next(place for place, card in enumerate(data.cards) if len(card.waterfalls) == 2 and card.neighbours)
    card = data.cards[place]
    tab = open_page(f"{spiteful.as_uri()}#c={place}", provoked="asks file")
    expect(tab.locator("#card")).to_have_attribute("open", "")
    expect(tab.locator("#card-name")).to_have_text(card.name)
    expect(tab.locator("#card .badge .zh")).to_have_text(VERDICT_LABELS[card.verdict].zh)
    expect(tab.locator("#card")).to_contain_text(card.reason_zh)
    _, low, high = card.targets["net_roi"]
    assert low is not None
    assert high is not None
    first = tab.locator("#card .facts dd").first
    expect(first).to_contain_text("多半")
    assert [float(text) for text in first.locator("b .zh").text_content().removeprefix("多半 ").split("–")] == (
        pytest.approx([low, high], rel=0.01, abs=0.005)
    )
    expect(first).to_contain_text("平均")
    lines = tab.locator("#card .steps tbody tr")
    expect(lines).to_have_count(len(data.stages))
    click = [stage.name for stage in data.stages].index("click")
    cells = lines.nth(click).locator("td").all_text_contents()
    own = card.steps["click"]
    assert float(cells[0].rstrip("%").split()[-1]) == pytest.approx(100 * (own.observed or own.predicted), abs=0.05)
    assert cells[2] == f"{round(100 * own.percentile)}%"
    sizes = tab.locator("#card .falls th, #card .falls td").evaluate_all(
        "(all) => all.map((one) => parseFloat(getComputedStyle(one).fontSize))"
    )
    assert min(sizes) >= 14

    near = card.neighbours[0]
    tab.locator("#card .near button").first.click()
    expect(tab.locator("#card-name")).to_have_text(data.cards[near.row].name)
    assert tab.evaluate("location.hash") == f"#c={near.row}"
    tab.keyboard.press("Escape")
    expect(tab.locator("#card")).not_to_have_attribute("open", "")
    tab.wait_for_function("location.hash === ''")


def test_every_card_can_be_opened_in_both_languages(tab: Page, data: ReportData) -> None:
    for place in range(0, len(data.cards), 5):
        tab.evaluate(f"location.hash = '#c={place}'")
        expect(tab.locator("#card small").first).to_contain_text(data.cards[place].creative_id)
        text = tab.locator("#card").inner_text()
        assert [word for word in ("undefined", "NaN", "{", "null") if word in text] == []
    tab.keyboard.press("Escape")
    tab.click("label[for=en]")
    tab.evaluate("location.hash = '#c=0'")
    text = tab.locator("#card").inner_text()
    assert "Where does it leak?" in text
    assert "在哪一步漏" not in text


def test_with_many_creatives_an_interaction_makes_one_page_of_rows(open_page, many: Path) -> None:
    assert many.stat().st_size < 4_000_000
    tab = open_page(many)
    assert tab.evaluate("report.core.ids.length") == MANY
    tab.evaluate(
        """() => {
            window.made = 0;
            for (const name of ['createElement', 'createElementNS']) {
                const own = document[name];
                document[name] = function (...given) { window.made += 1; return own.apply(this, given); };
            }
        }"""
    )
    acts = {
        "tab": "document.querySelector('[data-status=stopped]').click()",
        "sort": "document.querySelector('#creative-table th[data-sort=name] button').click()",
        "page": "document.getElementById('after').click()",
        "filter": "report.setFilter('account_id', 0)",
        "card": "document.querySelector('#rows button').click()",
        "close": "document.querySelector('#card .close').click()",
    }
    for name, act in acts.items():
        made = tab.evaluate(f"() => {{ window.made = 0; {act}; return window.made; }}")
        assert made < 3000, name
        assert tab.locator("#rows tr").count() <= ROWS_PER_PAGE


def test_cards_of_what_matters_most_are_printed(open_page, spiteful: Path) -> None:
    tab = open_page(spiteful)
    assert tab.pdf().count(b"/Type /Page\n") > 5
    tab.emulate_media(media="print")
    tab.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    expect(tab.locator("#printed-cards .card")).to_have_count(30)
    expect(tab.locator("#printed-cards .card h3").first).to_be_visible()
    tab.evaluate("window.dispatchEvent(new Event('afterprint'))")
    expect(tab.locator("#printed-cards .card")).to_have_count(0)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_on_a_phone_a_card_is_as_wide_as_the_screen(open_page, spiteful: Path, language: str) -> None:
    tab = open_page(spiteful, viewport={"width": 390, "height": 844}, is_mobile=True)
    tab.locator(f"label[for={language}]").click()
    tab.evaluate("location.hash = '#c=3'")
    expect(tab.locator("#card")).to_have_attribute("open", "")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    assert tab.evaluate("document.getElementById('card').scrollWidth") <= 390

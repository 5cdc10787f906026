"""The page in a real browser: from upload to download, by keyboard, in both languages; nothing from strangers runs."""

import csv
import io
import json
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from serving.middleware.keys import new_key

pytestmark = pytest.mark.browser

TITLE = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>.mp4"
FORMULA = '=HYPERLINK("http://evil.example/","x")'
IDS = [str(7412345678901234567 + number) for number in range(3)]
DAYS = ["素材ID", "素材视频名称", "日期", "整体消耗", "整体展现次数", "整体点击次数", "整体成交订单数", "整体成交金额"]
EXPORT = [
    DAYS,
    [IDS[0], TITLE, "2026-05-08", "140.50", "2200", "71", "4", "396.00"],
    [IDS[1], FORMULA, "2026-05-08", "140.50", "2200", "120", "9", "891.00"],
    [IDS[2], "好.mp4", "2026-05-08", "140.50", "2200", "3", "1", "39.00"],
]
SHEET = [
    ["素材ID", "账户ID", "推广方式", "价格", "目标ROI", "开头类型", "场景", "卖点"],
    [IDS[0], "acc0", "推直播", "99", "1.5", "悬念", "居家", "好用、便宜"],
    ["new-1", "acc0", "推直播", "39", "1.5", "痛点直击", "门店", "好用"],
    ["new-2", "acc1", "推商品", "约一百", "1.5", "结果前置", "居家", ""],
]
ROWS = "#table > tbody > tr:not(.story)"
IDLE = "!document.body.hasAttribute('aria-busy')"


def written(folder: Path, name: str, table: list[list[str]], encoding: str) -> Path:
    with (folder / name).open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(table)
    return folder / name


@pytest.fixture(scope="module")
def address(browser, serve, tmp_path_factory):
    report = tmp_path_factory.mktemp("report") / "report.html"
    report.write_text("<!doctype html><title>report</title><script>document.title = 'opened'</script>")
    return serve(report=report)


@pytest.fixture
def page(browser, address):
    """The page, freshly opened; after the test it must have kept quiet and to itself."""
    browser.open(address + "/")
    browser.until("document.getElementById('model').textContent.includes('2026-')")
    yield browser
    assert browser.console == []
    assert [url for url in browser.requests if not url.startswith((address, f"blob:{address}"))] == []
    assert not browser.run("'hacked' in window")


@pytest.fixture
def filled(page, tmp_path):
    """The page with an export of three creatives and a tag sheet that knows one of them and two more."""
    page.give("#files", written(tmp_path, "标签.csv", SHEET, "utf-8-sig"), written(tmp_path, "导出.csv", EXPORT, "gbk"))
    page.until(f"!document.getElementById('missing').hidden && {IDLE}")
    page.fill("#missing-account", "acc0")
    page.run("document.getElementById('missing').requestSubmit()")
    page.until(f"document.getElementById('missing').hidden && {IDLE}")
    page.until(f"document.querySelectorAll('{ROWS} .badge:not(.faulty)').length === 5")
    return page


def open_row(page, creative_id: str) -> str:
    page.click(f"tr[data-id='{creative_id}'] button.name")
    page.until("document.querySelector('.waterfall')")
    return ".story"


def test_a_tag_sheet_and_an_export_become_one_table_with_verdicts_and_intervals(filled) -> None:
    assert len(filled.texts(ROWS)) == 5
    known = filled.text(f"tr[data-id='{IDS[0]}']")
    assert TITLE in known
    assert "推直播" in known
    assert "–" in known  # an interval
    assert "净 ROI ≥ 1.50" in known  # of the sheet, beside the metrics of the export
    problems = filled.text("#problems")
    assert "标签.csv" in problems
    assert "第 4 行" in problems
    assert "价格" in problems
    filled.fill("#sort", "gpm")
    values = filled.texts(f"{ROWS} td[data-label='GPM'] strong")
    numbers = [float(value.replace(",", "")) for value in values]
    assert numbers == sorted(numbers, reverse=True)
    filled.fill("#search", "new-1 门店")
    assert len(filled.texts(ROWS)) == 1


def test_titles_and_formulas_of_strangers_stay_text_on_the_page_and_in_files(filled) -> None:
    assert filled.run("document.querySelectorAll('#table img, #table script').length") == 0
    filled.click("#csv")
    table = list(csv.reader(io.StringIO(filled.saved("gpmcast.csv").decode("utf-8-sig"))))
    names = {cells[1]: cells[2] for cells in table[1:]}
    assert names[IDS[0]] == TITLE
    assert names[IDS[1]] == f"'{FORMULA}"
    filled.click("#xlsx")
    book = CalamineWorkbook.from_filelike(io.BytesIO(filled.saved("gpmcast.xlsx")))
    cells = book.get_sheet_by_index(0).to_python()
    assert [row[1] for row in cells] == [row[1] for row in table]
    assert {row[1]: row[2] for row in cells}[IDS[1]] == f"'{FORMULA}"
    place = cells[0].index("净ROI")
    for row, written_row in zip(cells[1:], table[1:]):
        assert row[place] == pytest.approx(float(written_row[place]))
        assert not str(row[1]).startswith(("=", "+", "-", "@"))


def test_downloads_make_every_kind_of_formula_harmless_and_leave_the_rest(page) -> None:
    acts = ["=1", "+1", "-1", "@a", " =1", "\t=1", "\r=1", "\n+1", "＝1", "\ufeff=1", "\tx"]
    kept = ["a=1", "1-2", "", "好", "'x"]
    call = f"import('/page/download.js').then(({{ harmless }}) => {json.dumps([*acts, *kept])}.map(harmless))"
    assert page.run(call) == [*(f"'{cell}" for cell in acts), *kept]
    assert page.run("import('/page/download.js').then(({ harmless }) => [-1.5, null].map(harmless))") == [-1.5, None]
    cells = [["a,b", 'c"d', "e\nf", -1.5, None]]
    shown = page.run(f"import('/page/download.js').then(({{ csv }}) => csv({json.dumps(cells)}))")
    assert list(csv.reader(io.StringIO(shown.removeprefix("\ufeff")))) == [["a,b", 'c"d', "e\nf", "-1.5", ""]]
    bad = json.dumps([["\x00\x0b<a>&\ud800", "]]>", 2.5]])
    page.run(f"import('/page/download.js').then(({{ save, xlsx }}) => save(xlsx({bad}), 'bad.xlsx'))")
    book = CalamineWorkbook.from_filelike(io.BytesIO(page.saved("bad.xlsx")))
    assert book.get_sheet_by_index(0).to_python() == [["<a>&", "]]>", 2.5]]


def test_a_file_larger_than_the_service_takes_is_not_sent(browser, serve, tmp_path) -> None:
    browser.open(serve(limits={"body_bytes": 2048}) + "/")
    browser.until("!document.getElementById('files').disabled")
    browser.give("#files", written(tmp_path, "大.csv", [["素材ID"], *([str(n)] for n in range(2000))], "utf-8"))
    browser.until("document.getElementById('problem-list').textContent.includes('文件超过服务允许的大小')")
    assert not any("/v1/read" in url for url in browser.requests)


def test_more_rows_than_one_request_may_hold_are_sent_in_several(browser, serve, tmp_path) -> None:
    browser.open(serve(limits={"creatives": 2}) + "/")
    browser.until("document.getElementById('model').textContent.includes('2026-')")
    sheet = [SHEET[0], *([f"new-{number}", *SHEET[2][1:]] for number in range(5))]
    browser.give("#files", written(tmp_path, "标签.csv", sheet, "utf-8-sig"))
    browser.until(IDLE)
    browser.until(f"document.querySelectorAll({ROWS!r}).length === 5")
    browser.run("document.querySelector('.budget').open = true")
    assert "最多取前 2 条" in browser.text(".budget")
    browser.fill("#budget", "1000")
    browser.run("document.getElementById('budget-form').requestSubmit()")
    browser.until("document.querySelector('#status').textContent.includes('够试 2 条')")


def test_a_waterfall_leads_from_the_baseline_to_the_prediction(filled) -> None:
    story = open_row(filled, IDS[0])
    filled.fill(f"{story} .why select", "gpm")
    filled.until("document.querySelector('.waterfall caption').textContent.includes('GPM')")
    cells = "[...row.cells].slice(0, 3).map((cell) => cell.innerText)"
    lines = filled.run(f"[...document.querySelectorAll('.waterfall tbody tr')].map((row) => {cells})")
    assert (lines[0][0], lines[-1][0]) == ("市场基线", "预测")
    product = float(lines[0][2].replace(",", ""))
    for _, factor, _ in lines[1:-1]:
        product *= float(factor.removeprefix("×"))
    assert product == pytest.approx(float(lines[-1][2].replace(",", "")), rel=0.1)
    assert lines[-1][2] == filled.text(f"tr[data-id='{IDS[0]}'] td[data-label='GPM'] strong")


def test_what_if_offers_values_seen_in_training_and_says_that_it_is_an_association(filled) -> None:
    story = open_row(filled, "new-1")
    assert "关联,非因果" in filled.text(f"{story} .what-if")
    filled.fill(f"{story} .what-if select", "hook")
    offered = filled.texts(f"{story} .what-if form > span:nth-of-type(2) option")
    assert offered == ["悬念", "痛点直击(现在)", "结果前置", "(不填)"]
    filled.run("document.querySelector('.what-if form').requestSubmit()")
    filled.until("document.querySelectorAll('.tried tbody tr').length === 2")
    now, then = filled.texts(".tried tbody tr")
    assert now.startswith("现在")
    assert "开头 → 悬念" in then
    assert "×" in then or "几乎不变" in then


def test_the_form_shows_a_problem_at_its_field_and_then_predicts(page) -> None:
    page.click("#form-box summary")
    page.run("document.getElementById('form').requestSubmit()")
    assert page.text("[data-field='creative_id'] .fault") == "素材 ID:必填"
    assert page.run("document.activeElement.name") == "creative_id"
    for name, value in {"creative_id": "a-1", "account_id": "acc0", "price_cny": "99"}.items():
        page.fill(f"#form [name={name}]", value)
    page.fill("#form [name='tags.hook']", "悬念")
    page.run("document.getElementById('form').requestSubmit()")
    page.until("document.querySelector('.waterfall')")
    assert "a-1" in page.text(ROWS)


def test_a_budget_marks_who_is_funded(filled) -> None:
    filled.run("document.querySelector('.budget').open = true")
    filled.fill("#budget", "450")
    filled.run("document.getElementById('budget-form').requestSubmit()")
    filled.until("document.querySelector('#status').textContent.includes('够试 2 条')")
    assert sum("预算内" in row for row in filled.texts(ROWS)) == 2


def test_the_language_changes_all_at_once_and_nothing_is_lost(filled) -> None:
    open_row(filled, "new-1")
    filled.click("#language")
    filled.until("document.querySelector('.waterfall caption')?.textContent.startsWith('Why this number')")
    assert filled.run("document.documentElement.lang") == "en"
    left = filled.run(
        "[...document.querySelectorAll('[data-say], th[scope=col] button, label, summary, h2, h3')]"
        ".map((node) => node.textContent).filter((text) => /[\\u4e00-\\u9fff]/.test(text))"
    )
    assert left == []
    assert len(filled.texts(ROWS)) == 5


def test_it_works_by_keyboard_with_a_name_for_every_control(filled) -> None:
    filled.run("document.getElementById('sort').focus()")
    seen = []
    for _ in range(40):
        filled.press("Tab", 9)
        seen.append(filled.run("document.activeElement.className || document.activeElement.id"))
        if seen[-1] == "name":
            break
    assert seen[-1] == "name", seen
    assert filled.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    filled.press("Enter", 13, "\r")
    filled.until("document.querySelector('.waterfall')")
    assert filled.run("document.activeElement.getAttribute('aria-expanded')") == "true"
    nodes = filled.ask("Accessibility.getFullAXTree")["nodes"]
    controls = ("button", "textbox", "searchbox", "combobox", "listbox", "spinbutton", "link", "checkbox")
    nameless = [
        node
        for node in nodes
        if node["role"]["value"] in controls and not node.get("ignored") and not node.get("name", {}).get("value")
    ]
    assert nameless == []


def test_the_report_is_opened_from_the_page_and_runs_apart(page, address) -> None:
    assert page.run("document.querySelector('#report a').getAttribute('href')") == "/report"
    page.open(address + "/report")
    page.until("document.title === 'opened'")
    assert page.run("window.origin") == "null"


def test_a_file_that_cannot_be_used_says_why(browser, address, tmp_path) -> None:
    browser.open(address + "/")
    browser.until("!document.getElementById('files').disabled")
    browser.give("#files", written(tmp_path, "别的.csv", [["甲", "乙"], ["1", "2"]], "utf-8"))
    browser.until("!document.getElementById('problems').hidden")
    shown = browser.text("#problem-list")
    assert "别的.csv" in shown
    assert "认不出的表头:甲, 乙" in shown
    assert browser.run("document.activeElement.id") == "problems"


def test_on_a_phone_nothing_runs_over_the_edge(filled) -> None:
    filled.ask("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=2, mobile=True)
    try:
        open_row(filled, "new-1")
        assert filled.run("document.documentElement.scrollWidth") <= 390
    finally:
        filled.ask("Emulation.clearDeviceMetricsOverride")


def test_where_the_service_has_keys_the_page_has_a_field_for_one(browser, serve) -> None:
    key, digest = new_key()
    browser.open(serve(keys=[{"name": "buyer", "sha256": digest}]) + "/")
    browser.until("!document.getElementById('key-form').hidden")
    browser.fill("#key", key)
    browser.run("document.getElementById('key-form').requestSubmit()")
    browser.until("document.getElementById('model').textContent.includes('2026-')")
    assert browser.run("localStorage.length + sessionStorage.length + document.cookie.length") == 0


def test_the_docs_of_the_api_are_rendered_without_asking_other_hosts(browser, address) -> None:
    browser.open(f"{address}/docs")
    browser.until("document.querySelectorAll('.opblock').length > 8")
    assert "/v1/predict" in browser.text(".opblock-post")
    assert not browser.console
    assert all(url.startswith((f"{address}/", "data:")) for url in browser.requests)

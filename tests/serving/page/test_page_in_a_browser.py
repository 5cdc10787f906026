"""The page in a real browser: from upload to download, by keyboard, in both languages; nothing from strangers runs."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
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
    ["素材ID", "账户ID", "推广方式", "价格", "目标ROI", "开头类型", "场景", "卖点", "商品名称", "达人名称"],
    [IDS[0], "acc0", "推直播", "99", "1.5", "悬念", "居家", "好用、便宜", "", ""],
    ["new-1", "acc0", "推直播", "39", "1.5", "痛点直击", "门店", "好用", "轻颜洗发水", TITLE],
    ["new-2", "acc1", "推商品", "约一百", "1.5", "结果前置", "居家", "", "", ""],
]
ROWS = "#table > tbody > tr:not(.story)"
IDLE = "body:not([aria-busy])"
READY = "2026-"
"""Of the line about the model: the page then has the contract and knows its forms."""


def written(folder: Path, name: str, table: list[list[str]], encoding: str) -> Path:
    with (folder / name).open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(table)
    return folder / name


@pytest.fixture(scope="module")
def address(serve, tmp_path_factory):
    report = tmp_path_factory.mktemp("report") / "report.html"
    report.write_text("<!doctype html><title>report</title><script>document.title = 'opened'</script>")
    return serve(report=report)


@pytest.fixture
def page(open_page, address):
    """The page, freshly opened."""
    opened = open_page(address + "/")
    expect(opened.locator("#model")).to_contain_text(READY)
    yield opened
    assert not opened.evaluate("'hacked' in window")


@pytest.fixture
def filled(page, tmp_path):
    """The page with an export of three creatives and a tag sheet that knows one of them and two more."""
    give(page, written(tmp_path, "标签.csv", SHEET, "utf-8-sig"), written(tmp_path, "导出.csv", EXPORT, "gbk"))
    expect(page.locator("#missing")).to_be_visible()
    expect(page.locator(IDLE)).to_be_attached()
    page.fill("#missing input", "acc0")
    page.click("#missing [type=submit]")
    expect(page.locator("#missing")).to_be_hidden()
    expect(page.locator(IDLE)).to_be_attached()
    expect(page.locator(f"{ROWS} .badge:not(.faulty)")).to_have_count(5)
    return page


def give(page: Page, *files: Path) -> None:
    page.set_input_files("#files", files)


def drop(page: Page, text: str) -> None:
    """Drops a file of this content on the page, where the button to choose one may not be usable yet."""
    make = "text => { const data = new DataTransfer(); data.items.add(new File([text], '标签.csv')); return data; }"
    page.dispatch_event("#drop", "drop", {"dataTransfer": page.evaluate_handle(make, text)})


def saved(page: Page, button: str, name: str) -> bytes:
    """Content of the file that a button has the browser save."""
    with page.expect_download() as download:
        page.click(button)
    assert download.value.suggested_filename == name
    return download.value.path().read_bytes()


def open_row(page: Page, creative_id: str) -> str:
    page.click(f"tr[data-id='{creative_id}'] button.name")
    expect(page.locator(".waterfall")).to_be_visible()
    return ".story"


def test_a_tag_sheet_and_an_export_become_one_table_with_verdicts_and_intervals(filled) -> None:
    expect(filled.locator(ROWS)).to_have_count(5)
    known = filled.inner_text(f"tr[data-id='{IDS[0]}']")
    assert TITLE in known
    assert "推直播" in known
    assert "–" in known  # an interval
    assert "目标 1.50" in known  # of the sheet, beside the metrics of the export
    assert f"轻颜洗发水 · {TITLE}" in filled.inner_text("tr[data-id='new-1']")  # names of product and KOC
    problems = filled.inner_text("#problems")
    assert "标签.csv" in problems
    assert "第 4 行" in problems
    assert "价格" in problems
    filled.select_option("#sort", "gpm")
    values = filled.locator(f"{ROWS} td[data-label='GPM'] strong").all_inner_texts()
    numbers = [float(value.replace(",", "")) for value in values]
    assert numbers == sorted(numbers, reverse=True)
    filled.fill("#search", "new-1 门店")
    expect(filled.locator(ROWS)).to_have_count(1)


def test_titles_and_formulas_of_strangers_stay_text_on_the_page_and_in_files(filled) -> None:
    expect(filled.locator("#table img, #table script")).to_have_count(0)
    table = list(csv.reader(io.StringIO(saved(filled, "#csv", "gpmcast.csv").decode("utf-8-sig"))))
    assert {f"{one}\t" for one in IDS[:2]} <= {cells[1] for cells in table}  # Excel would keep 15 digits
    table = [[cell.removesuffix("\t") for cell in cells] for cells in table]
    names = {cells[1]: cells[2] for cells in table[1:]}
    assert names[IDS[0]] == TITLE
    assert names[IDS[1]] == f"'{FORMULA}"
    book = CalamineWorkbook.from_filelike(io.BytesIO(saved(filled, "#xlsx", "gpmcast.xlsx")))
    cells = book.get_sheet_by_index(0).to_python()
    assert [row[1] for row in cells] == [row[1] for row in table]
    assert {row[1]: row[2] for row in cells}[IDS[1]] == f"'{FORMULA}"
    place = cells[0].index("净ROI 平均")
    for row, written_row in zip(cells[1:], table[1:]):
        assert row[place] == pytest.approx(float(written_row[place]))
        assert not str(row[1]).startswith(("=", "+", "-", "@"))


def test_downloads_make_every_kind_of_formula_harmless_and_leave_the_rest(page) -> None:
    acts = ["=1", "+1", "-1", "@a", " =1", "\t=1", "\r=1", "\n+1", "＝1", "\ufeff=1", "\tx"]
    kept = ["a=1", "1-2", "", "好", "'x"]
    harmless = "async (cells) => cells.map((await import('/page/download.js')).harmless)"
    assert page.evaluate(harmless, [*acts, *kept]) == [*(f"'{cell}" for cell in acts), *kept]
    assert page.evaluate(harmless, [-1.5, None]) == [-1.5, None]
    cells = [["a,b", 'c"d', "e\nf", -1.5, None, "2414659736757654895"]]
    shown = page.evaluate("async (cells) => (await import('/page/download.js')).csv(cells)", cells)
    assert list(csv.reader(io.StringIO(shown.removeprefix("\ufeff")))) == [
        ["a,b", 'c"d', "e\nf", "-1.5", "", "2414659736757654895\t"]  # a tab behind: Excel would keep 15 digits
    ]
    bad = json.dumps([["\x00\x0b<a>&\ud800", "]]>", 2.5]])
    with page.expect_download() as download:
        page.evaluate(f"import('/page/download.js').then(({{ save, xlsx }}) => save(xlsx({bad}), 'bad.xlsx'))")
    book = CalamineWorkbook.from_path(str(download.value.path()))
    assert book.get_sheet_by_index(0).to_python() == [["<a>&", "]]>", 2.5]]


def test_an_interval_with_one_end_in_another_unit_writes_both_out(page) -> None:
    script = """async ([name, low, high]) => {
        const words = await import('/page/words.js');
        return ['zh', 'en'].map((one) => { words.useLanguage(one); return words.between(name, low, high); });
    }"""
    assert page.evaluate(script, ["count", 19.5, 10_000]) == ["19.5–10,000", "19.5–10,000"]
    assert page.evaluate(script, ["count", 9_500.4, 12_345]) == ["9,500–12,345", "9,500–12,345"]
    assert page.evaluate(script, ["count", 195_000, 260_000]) == ["19.5万–26万", "195K–260K"]
    assert page.evaluate(script, ["count", 12, 900]) == ["12–900", "12–900"]


def test_notes_that_several_files_share_are_one_and_the_account_of_a_file_is_offered(page, tmp_path) -> None:
    total = ["合计", "", "", "281.00", "4400", "191", "13", "1287.00"]
    give(page, written(tmp_path, "标签.csv", SHEET[:2], "utf-8-sig"))
    expect(page.locator(IDLE)).to_be_attached()
    early = [[cell.replace("-05-08", "-05-07") for cell in row] for row in EXPORT]
    give(
        page,
        written(tmp_path, "全域-推直播-1.csv", [*EXPORT, total], "utf-8"),
        written(tmp_path, "全域-推直播-2.csv", [*early, ["全部", *total[1:]]], "utf-8"),
    )
    expect(page.locator("#missing input").first).to_have_value("acc0")
    notes = page.locator("#problem-list li", has_text="合计或汇总")
    expect(notes).to_have_count(1)
    expect(notes).to_contain_text("等 2 个文件")
    lines = page.locator("#problem-list li").count()
    expect(page.locator("#problems-title")).to_contain_text(f"（{lines}）")
    page.locator("#missing [type=submit]").first.click()  # nothing is filled in before the user says so
    expect(page.locator("#missing")).to_be_hidden()


def test_files_that_come_before_the_model_wait_for_it(browser, address, tmp_path) -> None:
    page = browser.new_context(locale="zh-CN").new_page()
    held = []
    page.route("**/v1/model", lambda route: held.append(route))
    page.goto(address)
    expect(page.locator("#files")).to_be_disabled()
    drop(page, "\n".join(",".join(cells) for cells in SHEET[:3]))
    expect(page.locator(ROWS)).to_have_count(0)
    held[0].continue_()
    expect(page.locator(f"{ROWS} .badge")).to_have_count(2)
    expect(page.locator("#files")).to_be_enabled()
    page.context.close()


def test_files_that_cannot_be_read_for_want_of_a_model_are_not_lost_in_silence(open_page, serve) -> None:
    _, digest = new_key()
    page = open_page(serve(keys=[{"name": "buyer", "sha256": digest}]) + "/", provoked="status of 401 ")
    expect(page.locator("#key-form")).to_be_visible()
    drop(page, "a")
    expect(page.locator("#status")).to_contain_text("文件没有读取")


def test_a_file_larger_than_the_service_takes_is_not_sent(open_page, serve, tmp_path) -> None:
    page = open_page(serve(limits={"body_bytes": 2048}) + "/")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    expect(page.locator("#files")).to_be_enabled()
    give(page, written(tmp_path, "大.csv", [["素材ID"], *([str(n)] for n in range(2000))], "utf-8"))
    expect(page.locator("#problem-list")).to_contain_text("文件超过服务允许的大小")
    assert not any("/v1/read" in url for url in asked)


def test_more_rows_than_one_request_may_hold_are_sent_in_several(open_page, serve, tmp_path) -> None:
    page = open_page(serve(limits={"creatives": 2}) + "/")
    expect(page.locator("#model")).to_contain_text(READY)
    sheet = [SHEET[0], *([f"new-{number}", *SHEET[2][1:]] for number in range(5))]
    give(page, written(tmp_path, "标签.csv", sheet, "utf-8-sig"))
    expect(page.locator(ROWS)).to_have_count(5)
    expect(page.locator(IDLE)).to_be_attached()
    page.fill("#budget_cny", "1000000")
    page.click("#plan-form [type=submit]")
    expect(page.locator("#plan-view .finding")).to_contain_text("待投 2 条里")
    expect(page.locator("#plan-view .note")).to_contain_text("没有算进计划的 3 条")
    expect(page.locator(f"{ROWS} td.plan")).to_contain_text(["没有算进计划"] * 3)


def test_a_waterfall_leads_from_the_baseline_to_the_prediction(filled) -> None:
    story = open_row(filled, IDS[0])
    filled.select_option(f"{story} .why select", "net_gpm")
    expect(filled.locator(".waterfall caption")).to_contain_text("净GPM")
    cells = "(rows) => rows.map((row) => [...row.cells].slice(0, 3).map((cell) => cell.innerText))"
    lines = filled.locator(".waterfall tbody tr").evaluate_all(cells)
    assert (lines[0][0], lines[-1][0]) == ("市场均值", "预测")
    product = float(lines[0][2].replace(",", ""))
    for _, factor, _ in lines[1:-1]:
        product *= float(factor.removeprefix("×"))
    assert product == pytest.approx(float(lines[-1][2].replace(",", "")), rel=0.1)
    assert lines[-1][2] == filled.inner_text(f"tr[data-id='{IDS[0]}'] td[data-label='净GPM'] strong")


def test_what_if_offers_values_seen_in_training_and_says_that_it_is_an_association(filled) -> None:
    story = open_row(filled, "new-1")
    expect(filled.locator(f"{story} .what-if")).to_contain_text("关联，非因果")
    filled.locator(f"{story} .what-if select").first.select_option("hook")
    offered = filled.locator(f"{story} .what-if form > span:nth-of-type(2) option").all_inner_texts()
    assert offered == ["悬念", "痛点直击（现在）", "结果前置", "（不填）"]
    filled.click(".what-if form [type=submit]")
    expect(filled.locator(".tried tbody tr")).to_have_count(2)
    now, then = filled.locator(".tried tbody tr").all_inner_texts()
    assert now.startswith("现在")
    assert "开头 → 悬念" in then
    assert "×" in then or "几乎不变" in then


def test_the_form_shows_a_problem_at_its_field_and_then_predicts(page) -> None:
    page.click("#form-box summary")
    page.click("#form [type=submit]")
    expect(page.locator("[data-field='creative_id'] .fault")).to_have_text("素材 ID：必填")
    expect(page.locator("[name=creative_id]")).to_be_focused()
    for name, value in {"creative_id": "a-1", "account_id": "acc0", "price_cny": "99"}.items():
        page.fill(f"#form [name={name}]", value)
    page.select_option("#form [name='tags.hook']", "悬念")
    page.click("#form [type=submit]")
    expect(page.locator(".waterfall")).to_be_visible()
    expect(page.locator(ROWS)).to_contain_text("a-1")


def test_tabs_show_what_waits_and_what_runs_and_verdicts_can_be_chosen(filled) -> None:
    tabs = filled.locator("#tabs button")
    assert tabs.all_inner_texts() == ["全部 5", "在投 3", "待投 2", "已停 0"]
    tabs.nth(2).click()
    expect(filled.locator(ROWS)).to_have_count(2)
    allowed = {"先投", "备选", "不投"}
    assert set(filled.locator(f"{ROWS} .badge").all_inner_texts()) <= allowed
    expect(filled.locator(f"{ROWS} td.money").first).to_contain_text("试投")
    tabs.nth(1).click()
    expect(filled.locator(ROWS)).to_have_count(3)
    verdicts = filled.locator(f"{ROWS} .badge").all_inner_texts()
    assert set(verdicts) <= {"加量", "维持", "观察", "关停"}
    expect(filled.locator(f"{ROWS} td.money").first).to_contain_text("后续消耗对目标")
    chosen = filled.locator("#verdicts button").nth(1)
    if len(set(verdicts)) > 1:
        chosen.click()
        expect(filled.locator(ROWS)).to_have_count(int(chosen.inner_text().split()[-1]))
    else:
        expect(chosen).to_have_count(0)
    tabs.nth(3).click()
    expect(filled.locator("#table")).to_contain_text("没有符合条件的素材")


def test_a_mean_stands_beside_its_interval_by_name_and_a_hit_says_what_it_is(filled) -> None:
    for cell in filled.locator(f"{ROWS} td[data-label='净ROI']").all_inner_texts():
        assert re.search(r"^平均 [\d.,]+\s+多半 [\d.,]+–[\d.,]+", cell), cell
    hit = filled.evaluate("fetch('/v1/model').then((reply) => reply.json()).then((model) => model.hit)")
    caption = filled.inner_text("#table caption")
    assert f"爆款：{hit['zh']}。" in caption if hit else "爆款：" not in caption


def test_a_waterfall_has_its_value_on_every_bar_and_bars_that_can_be_seen(filled) -> None:
    open_row(filled, IDS[0])
    bars = filled.locator(".waterfall .bar:not(.point)")
    values = filled.locator(".waterfall .value").all_inner_texts()
    assert len(values) == bars.count() > 0
    assert all(re.fullmatch(r"×\d+\.\d\d", value) for value in values)
    assert bars.evaluate_all("(bars) => Math.min(...bars.map((bar) => bar.getBoundingClientRect().height))") >= 14
    sizes = "(texts) => texts.map((text) => parseFloat(getComputedStyle(text).fontSize))"
    assert min(filled.locator(".waterfall .value, .waterfall td, .waterfall th").evaluate_all(sizes)) >= 14


def test_the_language_changes_all_at_once_and_nothing_is_lost(filled) -> None:
    open_row(filled, "new-1")
    filled.click("#language")
    expect(filled.locator(".waterfall caption")).to_contain_text("Why this number")
    expect(filled.locator("html")).to_have_attribute("lang", "en")
    labels = filled.locator(
        "[data-say], th[scope=col] button, label, summary, h2, h3, #tabs button, #verdicts button, .badge"
    ).all_text_contents()
    assert [text for text in labels if re.search(r"[\u4e00-\u9fff]", text)] == []
    expect(filled.locator(ROWS)).to_have_count(5)


def test_it_works_by_keyboard_with_a_name_for_every_control(filled) -> None:
    filled.focus("#sort")
    seen = []
    for _ in range(40):
        filled.keyboard.press("Tab")
        seen.append(filled.evaluate("document.activeElement.className || document.activeElement.id"))
        if seen[-1] == "name":
            break
    assert seen[-1] == "name", seen
    focused = filled.locator(":focus")
    expect(focused).to_have_css("outline-style", "solid")
    filled.keyboard.press("Enter")
    expect(filled.locator(".waterfall")).to_be_visible()
    expect(focused).to_have_attribute("aria-expanded", "true")
    nodes = filled.context.new_cdp_session(filled).send("Accessibility.getFullAXTree")["nodes"]
    controls = ("button", "textbox", "searchbox", "combobox", "listbox", "spinbutton", "link", "checkbox")
    nameless = [
        node
        for node in nodes
        if node["role"]["value"] in controls and not node.get("ignored") and not node.get("name", {}).get("value")
    ]
    assert nameless == []


def test_the_report_is_opened_from_the_page_and_runs_apart(page, address) -> None:
    expect(page.locator("#report a")).to_have_attribute("href", "/report")
    page.goto(address + "/report")
    expect(page).to_have_title("opened")
    assert page.evaluate("window.origin") == "null"


def test_a_file_that_cannot_be_used_says_why(open_page, address, tmp_path) -> None:
    page = open_page(address + "/", provoked=r"status of 422 .*/v1/read")
    expect(page.locator("#files")).to_be_enabled()
    give(page, written(tmp_path, "别的.csv", [["甲", "乙"], ["1", "2"]], "utf-8"))
    expect(page.locator("#problem-list")).to_contain_text("别的.csv")
    expect(page.locator("#problem-list")).to_contain_text("不认识的表格，表头是")
    expect(page.locator("#problems")).to_be_focused()


@pytest.mark.parametrize("width", [390, 1400])
def test_nothing_runs_over_the_edge_of_a_phone_or_a_desk_in_either_language(filled, width) -> None:
    filled.set_viewport_size({"width": width, "height": 844})
    open_row(filled, "new-1")
    for _ in range(2):
        assert filled.evaluate("document.documentElement.scrollWidth") <= width
        filled.click("#language")


def test_where_the_service_has_keys_the_page_has_a_field_for_one(open_page, serve) -> None:
    key, digest = new_key()
    page = open_page(serve(keys=[{"name": "buyer", "sha256": digest}]) + "/", provoked="status of 401 ")
    expect(page.locator("#key-form")).to_be_visible()
    page.fill("#key", key)
    page.click("#key-form [type=submit]")
    expect(page.locator("#model")).to_contain_text(READY)
    assert page.evaluate("localStorage.length + sessionStorage.length + document.cookie.length") == 0


def test_the_docs_of_the_api_are_rendered_without_asking_other_hosts(open_page, address) -> None:
    page = open_page(f"{address}/docs")
    expect(page.locator(".opblock-post").first).to_contain_text("/v1/predict")
    assert page.locator(".opblock").count() > 8

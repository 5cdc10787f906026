"""The plan on the page: a budget in, the report's section and files out; what is refused stands at its field."""

import csv
import io
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from python_calamine import CalamineWorkbook

from features.schema import KEY, Loaded

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror='window.hacked = 1'>=1+1"
RUNNING = [str(7412345678901234567 + number) for number in range(2)]
EXPORT = [
    ["素材ID", "素材视频名称", "日期", "整体消耗", "整体展现次数", "整体点击次数", "整体成交订单数", "整体成交金额"],
    [RUNNING[0], HOSTILE, "2026-05-08", "140.50", "2200", "71", "4", "396.00"],
    [RUNNING[1], "好.mp4", "2026-05-08", "140.50", "2200", "120", "9", "891.00"],
]
HEADERS = ["素材ID", "账户ID", "推广方式", "价格", "目标ROI", "开头类型", "场景", "卖点", "商品ID", "商品名称", "文案"]
SHEET = [
    HEADERS,
    [RUNNING[0], "acc0", "推直播", "99", "0.5", "悬念", "居家", "好用", "p1", "洗发水", "正在投的一条文案"],
    [RUNNING[1], "acc0", "推直播", "99", "0.5", "悬念", "居家", "好用", "p1", "洗发水", "正在投的一条文案"],
    ["new-1", "acc0", "推直播", "39", "0.5", "痛点直击", "门店", "好用", "p1", HOSTILE, "一模一样的文案今天就买"],
    ["new-2", "acc0", "推直播", "39", "0.5", "痛点直击", "门店", "好用", "p1", HOSTILE, "一模一样的文案今天就买!"],
    ["new-3", "acc0", "推直播", "79", "0.5", "结果前置", "居家", "便宜", "p2", "面霜", "面霜的文案"],
    ["new-4", "acc1", "推商品", "59", "0.5", "悬念", "门店", "好用", "p3", "牙膏", "牙膏的文案"],
]
IDLE = "body:not([aria-busy])"
ROWS = "#table > tbody > tr:not(.story)"
BUDGET = "1000000"


def written(folder: Path, name: str, table: list[list[str]]) -> Path:
    with (folder / name).open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(table)
    return folder / name


@pytest.fixture(scope="module")
def address(serve) -> str:
    return serve()


@pytest.fixture
def opened(open_page, address, tmp_path) -> Callable[..., Page]:
    """Opens the page and puts in tables as files of these names."""

    def open_(provoked: str | None = None, **tables: list[list[str]]) -> Page:
        page = open_page(f"{address}/", provoked)
        expect(page.locator("#files")).to_be_enabled()
        page.set_input_files("#files", [written(tmp_path, f"{name}.csv", table) for name, table in tables.items()])
        expect(page.locator(f"{ROWS} .badge").first).to_be_visible()
        expect(page.locator(IDLE)).to_be_attached()
        return page

    return open_


@pytest.fixture
def page(opened) -> Page:
    filled = opened(标签=SHEET, 导出=EXPORT)
    yield filled
    assert not filled.evaluate("'hacked' in window")


def plan(page: Page, budget: str = BUDGET, launch: str = "") -> Locator:
    """Asks for a plan; what stands where it is shown."""
    page.fill("#budget_cny", budget)
    page.fill("#launch", launch)
    page.click("#plan-form [type=submit]")
    expect(page.locator(IDLE)).to_be_attached()
    return page.locator("#plan-view")


def answer(page: Page) -> dict:
    """The service's answer to the next plan that is asked for."""
    with page.expect_response("**/v1/plan") as reply:
        plan(page)
    return reply.value.json()


def test_a_budget_becomes_the_plan_that_the_service_states(page) -> None:
    content = answer(page)
    view = page.locator("#plan-view")
    for name in ("headline", "launches", "split", "evidence", "platform", "promise"):
        expect(view).to_contain_text(content["said"][name]["zh"])
    launches = [one for one in content["candidates"] if one["part"] == "launch"]
    assert 0 < len(launches) < len(content["candidates"]) == 4  # two show the same
    for one in content["candidates"]:
        row = view.locator(f"tr[data-plan='{one['creative_id']}']")
        expect(row.locator("td.why")).to_have_text(one["why"]["zh"])
        expect(row.locator("td[data-label='测试天数']")).to_have_text(one["takes"]["zh"])
    for one in content["running"]:
        row = view.locator(f"tr[data-plan='{one['creative_id']}']")
        expect(row.locator(".evidence")).to_have_text(one["evidence"]["zh"])
        if one["notes"]["zh"]:
            expect(row.locator(".differs")).to_have_text(one["notes"]["zh"])
    expect(view).to_be_focused()
    expect(page.locator("#status")).to_have_text("计划做好了。")


def test_the_table_marks_what_the_plan_launches_and_says_that_decisions_are_something_else(page) -> None:
    expect(page.locator("#plan-beside")).to_be_hidden()
    content = answer(page)
    expect(page.locator("#plan-beside")).to_contain_text("备选里也会挑几条先投")
    for one in content["candidates"]:
        cell = page.locator(f"{ROWS}[data-id='{one['creative_id']}'] td.plan")
        said = {"launch": r"^先投，测试 [\d,.]+ 元$", "same_idea": "同一个点子已选一条"}
        expect(cell).to_have_text(re.compile(said.get(one["standing"], "这次不投")))
    for one in content["running"]:
        expect(page.locator(f"{ROWS}[data-id='{one['creative_id']}'] td.plan")).to_contain_text("今天")
    page.select_option("#sort", "plan")
    marked = page.locator(f"{ROWS} td.plan").all_inner_texts()
    assert [text.startswith("先投") for text in marked] == sorted(text.startswith("先投") for text in marked)[::-1]


def test_names_of_a_plan_open_the_creative_in_the_table(page) -> None:
    view = plan(page)
    view.locator("tr[data-plan='new-3'] button").first.click()
    expect(page.locator(f"{ROWS}[data-id='new-3'] button.name")).to_be_focused()
    expect(page.locator(".waterfall")).to_be_visible()
    expect(page.locator(".story .reason").nth(1)).to_contain_text("计划：")


def test_a_plan_is_saved_as_csv_and_xlsx_with_every_creative(page) -> None:
    content = answer(page)
    files = {}
    for kind in ("csv", "xlsx"):
        with page.expect_download() as download:
            page.click(f"#plan-{kind}")
        assert download.value.suggested_filename == f"gpmcast-plan.{kind}"
        files[kind] = download.value.path().read_bytes()
    table = list(csv.reader(io.StringIO(files["csv"].decode("utf-8-sig"))))
    cells = CalamineWorkbook.from_filelike(io.BytesIO(files["xlsx"])).get_sheet_by_index(0).to_python()
    assert [row[1].strip() for row in table] == [row[1] for row in cells]
    by_id = {row[1].strip(): dict(zip(table[0], row)) for row in table[1:]}
    assert set(by_id) == {one["creative_id"] for part in ("candidates", "running") for one in content[part]}
    for one in content["candidates"]:
        own = by_id[one["creative_id"]]
        assert float(own["测试（元）"]) == pytest.approx(one["test"])
        assert float(own["预计净增 上限"]) == pytest.approx(one["gain_high"])
        assert own["为什么"] == one["why"]["zh"]
    for one in content["running"]:
        assert float(by_id[one["creative_id"]]["今天（元）"]) == pytest.approx(one["today"])
    assert by_id[RUNNING[0]]["素材"] == HOSTILE


@pytest.mark.parametrize(
    ("budget", "launch", "field", "zh", "en"),
    [
        ("", "", "budget_cny", "“总预算”写接下来 7 天的总预算", "as “budget”, more than 0"),
        ("5", "1", "budget_cny", "提高“总预算”", "Raise “budget”"),
        ("2000000000000", "", "budget_cny", "看看是不是多写了零", "check its zeros"),
        (BUDGET, "9", "launch", "“先投几条”不要大于 4", "Set “how many to launch” to 4 at most"),
        (BUDGET, "4", "launch", "只有 3 种不同的创意", "hold 3 ideas"),
        (BUDGET, "1.5", "launch", "应为整数", "valid integer"),
        (BUDGET, "0", "launch", "不能小于 1", "greater than or equal to 1"),
    ],
)
def test_what_is_refused_stands_at_its_field_in_words(opened, budget, launch, field, zh, en) -> None:
    page = opened("status of 4(00|22) .*/v1/plan", 标签=SHEET, 导出=EXPORT)
    for told in (zh, en):
        plan(page, budget, launch)
        fault = page.locator(f"[data-field='{field}'] .fault")
        expect(fault).to_contain_text(told)
        assert not re.search(r"`|BUDGET|LAUNCH|budget_cny", fault.inner_text())
        expect(page.locator(f"#{field}")).to_be_focused()
        expect(page.locator(f"#{field}")).to_have_attribute("aria-invalid", "true")
        expect(page.locator("#plan-view")).to_be_empty()
        page.click("#language")
    plan(page)
    expect(page.locator("#plan-form .fault:visible")).to_have_count(0)


def test_a_budget_below_one_test_leaves_todays_money_and_says_why_nothing_is_launched(page) -> None:
    view = plan(page, "5")
    expect(view.locator(".finding")).to_contain_text("待投的 4 条先投哪些，回答不了")
    expect(view.locator(".note").first).to_contain_text("提高“总预算”")
    expect(view.locator(".note").first).to_contain_text("预算先全部分给在投的")
    expect(view.locator("tr[data-plan]")).to_have_count(len(RUNNING))
    view.locator("summary").filter(has_text="不在计划里的 4 条").click()
    expect(view.locator("details li").first).to_contain_text("这次选不了先投哪些")


def test_creatives_that_were_typed_are_planned_too(open_page, address) -> None:
    page = open_page(f"{address}/")
    expect(page.locator("#files")).to_be_enabled()
    expect(page.locator("#plan")).to_be_hidden()
    page.click("#form-box summary")
    for name, value in {"creative_id": "typed", "account_id": "acc0", "price_cny": "99"}.items():
        page.fill(f"#form [name={name}]", value)
    page.select_option("#form [name='tags.hook']", "悬念")
    page.click("#form [type=submit]")
    expect(page.locator(f"{ROWS}[data-id='typed']")).to_be_visible()
    expect(page.locator(IDLE)).to_be_attached()
    view = plan(page)
    expect(view.locator(".finding")).to_contain_text(re.compile("待投的? 1 条"))
    expect(view.locator("tr[data-plan='typed']")).to_have_count(1)


def test_a_plan_goes_once_the_creatives_change(page, tmp_path) -> None:
    view = plan(page)
    expect(view.locator(".finding")).to_be_visible()
    page.set_input_files("#files", written(tmp_path, "更多.csv", [HEADERS, ["new-5", *SHEET[-1][1:]]]))
    expect(page.locator(f"{ROWS}[data-id='new-5'] .badge")).to_be_visible()
    expect(view).to_have_text("素材变了，原来的计划已收起：请重新做计划。")
    expect(page.locator(f"{ROWS} td.plan")).to_have_count(0)
    expect(page.locator("#plan-csv")).to_be_hidden()
    expect(plan(page).locator("tr[data-plan='new-5']")).to_have_count(1)


def test_the_plan_is_made_by_keyboard_and_said_in_both_languages(page) -> None:
    page.focus("#budget_cny")
    page.keyboard.type(BUDGET)
    page.keyboard.press("Enter")
    view = page.locator("#plan-view")
    expect(view.locator(".finding")).to_be_visible()
    page.click("#language")
    expect(view.locator(".finding")).to_contain_text("With 1,000,000 CNY for 7 days")
    page.evaluate("document.querySelectorAll('bdi').forEach((name) => name.remove())")  # names stay as they are
    shown = page.locator("#plan").inner_text()
    assert re.findall(r"[\u4e00-\u9fff]", shown) == []


@pytest.mark.parametrize("width", [390, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_plan_fits_a_phone_and_a_desk(page, width, scheme) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 844})
    plan(page)
    for summary in page.locator("#plan-view summary").all():
        summary.click()
    for _ in range(2):
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.click("#language")


def test_what_the_data_know_as_launched_is_never_waiting_for_want_of_its_figures(opened, small_world: Loaded) -> None:
    known = small_world.metrics.groupby(KEY)["period_end"].max().nsmallest(3).reset_index()  # stopped long ago
    kinds = {"live": "推直播", "product": "推商品"}
    lines = [[one.creative_id, one.account_id, kinds[one.promotion_type], *[""] * 8] for one in known.itertuples()]
    page = opened(标签=[HEADERS, *lines, SHEET[-1]])
    tabs = page.locator("#tabs button").all_inner_texts()
    assert "待投 1" in tabs
    expect(page.locator(f"{ROWS}[data-id='{known['creative_id'].iloc[0]}']")).to_contain_text("已停：消耗")
    view = plan(page)
    expect(view).to_contain_text("待投 1 条里")
    view.locator("summary").filter(has_text="不在计划里的 3 条").click()
    expect(view.locator("details li").first).to_contain_text("已停，不在计划里。")


def test_days_of_several_files_count_all_and_the_newer_file_wins(open_page, address, tmp_path) -> None:
    page = open_page(f"{address}/")
    sent: list[dict] = []
    page.on("request", lambda asked: sent.extend(of(asked.post_data)) if "/v1/predict" in asked.url else None)
    expect(page.locator("#files")).to_be_enabled()
    head, row = EXPORT[0], EXPORT[1]
    files = {
        "新": [
            [row[0], row[1], "2026-05-08", "150.50", "2300", "72", "5", "495.00"],
            [*row[:2], "2026-05-09", *row[3:]],
        ],
        "旧": [[*row[:2], "2026-05-07", *row[3:]], row],
        "标签": [],
    }
    paths = [written(tmp_path, f"{name}.csv", [head, *rows] if rows else SHEET[:2]) for name, rows in files.items()]
    for path, changed in zip(paths, (1_760_000_000, 1_700_000_000, 1_750_000_000)):
        os.utime(path, (changed, changed))
    page.set_input_files("#files", paths)
    expect(page.locator(f"{ROWS} .badge:not(.faulty)")).to_have_count(1)
    (one,) = sent
    days = {period["period_start"][:10]: (period["spend_cny"], period["impressions"]) for period in one["metrics"]}
    assert days == {"2026-05-07": (140.5, 2200), "2026-05-08": (150.5, 2300), "2026-05-09": (140.5, 2200)}
    hours = [[*row[:2], f"2026-05-09 {hour:02}:00:00", *row[3:]] for hour in (9, 10)]
    page.set_input_files("#files", written(tmp_path, "小时.csv", [head, *hours]))
    expect(page.locator("#problem-list")).to_contain_text("小时.csv · 1 个时段与别的文件重叠")
    periods = [period["period_start"] for period in sent[-1]["metrics"]]
    assert [start[8:13] for start in periods] == ["07T00", "08T00", "09T09", "09T10"]


def test_missing_parts_are_filled_file_by_file_and_no_row_that_has_one_is_changed(open_page, address, tmp_path) -> None:
    page = open_page(f"{address}/")
    sent: list[dict] = []
    page.on("request", lambda asked: sent.extend(of(asked.post_data)) if "/v1/predict" in asked.url else None)
    expect(page.locator("#files")).to_be_enabled()
    one = [[*row] for row in SHEET[:1] + SHEET[3:]]
    for row in one[2:4]:
        row[1] = ""
    one[1][2] = ""
    two = [HEADERS, ["other-1", "", *SHEET[-1][2:]], ["other-2", "", *SHEET[-1][2:]]]
    page.set_input_files("#files", [written(tmp_path, "一.csv", one), written(tmp_path, "二.csv", two)])
    groups = page.locator("#missing form")
    expect(groups).to_have_count(3)
    texts = groups.all_inner_texts()
    assert sum("一.csv 有 2 条素材没有写明账户 ID" in text and "第 3–4 行" in text for text in texts) == 1
    assert sum("一.csv 有 1 条素材没有写明推广方式" in text and "第 2 行" in text for text in texts) == 1
    assert sum("二.csv 有 2 条素材没有写明账户 ID" in text and "填入这 2 条" in text for text in texts) == 1
    first = groups.filter(has_text="一.csv").filter(has_text="账户 ID")
    first.locator("summary").click()
    expect(first.locator("li")).to_have_text(["第 3 行 · new-2", "第 4 行 · new-3"])
    first.locator("input").fill("acc0")
    first.locator("[type=submit]").click()
    expect(groups).to_have_count(2)
    second = groups.filter(has_text="二.csv")
    second.locator("input").fill("acc1")
    second.locator("[type=submit]").click()
    expect(groups).to_have_count(1)
    groups.locator("select").select_option("product")
    groups.locator("[type=submit]").click()
    expect(page.locator("#missing")).to_be_hidden()
    expect(page.locator(f"{ROWS} .badge.faulty")).to_have_count(0)
    accounts = {one["creative_id"]: (one["account_id"], one["promotion_type"]) for one in sent}
    assert accounts == {
        "new-1": ("acc0", "product"),
        "new-2": ("acc0", "live"),
        "new-3": ("acc0", "live"),
        "new-4": ("acc1", "product"),
        "other-1": ("acc1", "product"),
        "other-2": ("acc1", "product"),
    }


def of(body: str | None) -> list[dict]:
    """The creatives of a request."""
    return json.loads(body or "{}")["creatives"]

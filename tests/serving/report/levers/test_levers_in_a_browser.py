"""Levers in a real browser: the grades of the numbers, filters, tabs, opened rows; on a phone and on paper."""

from math import exp
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from features.sanitise import visible_text
from serving.report.data import ReportData
from serving.report.levers.section import lever_grades
from serving.report.render import render

pytestmark = pytest.mark.browser
ROW = "#levers-live tr.row"


@pytest.fixture
def path(page: str, tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


def press(tab: Page, name: str) -> None:
    tab.locator("#levers-live button", has_text=name).first.click()


def grades_shown(tab: Page, data: ReportData) -> dict[tuple[str, str], str]:
    """Lever and value → grade, of all rows."""
    found = tab.locator(ROW).evaluate_all("rows => rows.map(row => [Number(row.dataset.lever), row.classList[1]])")
    levers = data.levers.levers
    return {(levers[place].tag, levers[place].value): given for place, given in found}


def filter_by(tab: Page, data: ReportData, name: str, value: str) -> None:
    tab.select_option(f"select[data-filter={name}]", label=value)


def test_the_grades_on_the_page_are_those_that_other_sections_ask_for(open_page, path: Path, data: ReportData) -> None:
    tab = open_page(path)
    for kind, label in (("live", "推直播"), ("product", "推商品")):
        press(tab, label)
        told = {lever: one.grade for lever, one in lever_grades(data.levers, kind).items() if one.sd > 0}
        assert grades_shown(tab, data) == {lever: given for lever, given in told.items() if given != "unclear"}
        tab.click("#levers-live .more")
        assert told.items() <= grades_shown(tab, data).items()
        tab.click("#levers-live .more")


def test_an_account_has_its_own_grades(open_page, path: Path, data: ReportData) -> None:
    tab = open_page(path)
    filter_by(tab, data, "account_id", "acc1")  # all of 推商品: the promotion type follows
    expect(tab.locator("#levers-live [aria-pressed=true]").first).to_have_text("推商品product")
    told = {lever: one.grade for lever, one in lever_grades(data.levers, "product", "account_id", "acc1").items()}
    assert grades_shown(tab, data) == {lever: given for lever, given in told.items() if given != "unclear"}


def test_which_opening_for_a_product_takes_two_clicks(open_page, path: Path, data: ReportData) -> None:
    tab = open_page(path)
    filter_by(tab, data, "product_id", "p1")
    tab.get_by_role("tab", name="开头").click()
    expect(tab.locator(".lever-answer")).to_contain_text("净ROI")
    expect(tab.locator("#levers-live .note")).to_contain_text("p1")  # 12 creatives are too few to say something alone
    expect(tab.locator(ROW)).to_have_count(3)


def test_rows_are_sorted_by_the_chosen_figure(open_page, path: Path, data: ReportData) -> None:
    tab = open_page(path)
    found, one = data.levers, data.levers.slices[0]
    for target, label in (("net_roi", "净ROI"), ("net_gpm", "净GPM")):
        press(tab, label)
        shown = [float(text.removeprefix("×")) for text in tab.locator(f"{ROW} .effect b").all_text_contents()]
        assert shown == sorted(shown, reverse=True)
        signs = found.targets[target]
        logs = {
            sum(sign * cell.logs[found.stages.index(name)] for name, sign in signs.items())
            for cell in one.cells
            if cell.logs
        }
        assert {round(number, 2) for number in shown} <= {
            round(exp(log) + d, 2) for log in logs for d in (-0.01, 0, 0.01)
        }
    press(tab, "元/千次")
    texts = tab.locator(f"{ROW} .effect b").all_text_contents()
    numbers = [float(text.replace("−", "-").replace(",", "")) for text in texts]
    assert numbers == sorted(numbers, reverse=True)


def test_an_opened_row_shows_swarm_pair_and_creatives_that_open_their_cards(
    open_page, path: Path, data: ReportData
) -> None:
    tab = open_page(path)
    tab.get_by_role("tab", name="价格").click()
    tab.locator(f"{ROW} button").first.click()
    expect(tab.locator("tr.detail svg")).to_have_count(2)
    expect(tab.locator("tr.detail .who")).to_have_text(["200–500", "60–100", "30–60"])
    names = tab.locator("tr.detail ol a").all_text_contents()
    assert len(names) == 6
    predicted = data.lever_details.predicted
    place = int(tab.locator("tr.detail ol a").first.get_attribute("href").removeprefix("#c="))
    assert names[0] == data.creatives[place].name
    lever = int(tab.locator(ROW).first.get_attribute("data-lever"))
    mine = [
        predicted[n] or 0.0
        for n, members in enumerate(data.lever_details.members)
        if lever in members and data.creatives[n].promotion_type == "live"
    ]
    assert predicted[place] == max(mine)
    tab.locator("tr.detail ol a").first.click()
    expect(tab.locator("#card")).to_have_attribute("open", "")


def test_what_no_column_tells_is_not_answered_with_something_else(open_page, path: Path) -> None:
    tab = open_page(path)
    tab.get_by_role("tab", name="人群").click()
    expect(tab.locator(".lever-answer .zh")).to_have_text(
        "要回答这个问题，请在导出或标签表中加上：标签表的“人群”、老客订单数 / 复购订单数。"
    )


def test_names_of_values_are_text(open_page, hostile: ReportData, tmp_path: Path) -> None:
    path = tmp_path / "hostile.html"
    path.write_text(render(hostile), encoding="utf-8")
    tab = open_page(path)
    tab.get_by_role("tab", name="开头").click()
    assert visible_text("<script>alert(1)") in tab.locator("#levers-live tbody").inner_text()
    expect(tab.locator("#levers-live script")).to_have_count(0)


def test_on_a_phone_it_is_a_list_that_fits(open_page, path: Path) -> None:
    tab = open_page(path, viewport={"width": 390, "height": 844})
    tab.get_by_role("tab", name="价格").click()
    tab.locator(f"{ROW} button").first.click()
    for language in ("zh", "en"):
        tab.click(f"label[for={language}]")
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390
        heights = tab.locator("#levers svg text").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect().height)"
        )
        assert min(height for height in heights if height) >= 13


def test_on_paper_and_without_a_script_the_tables_stand_there(open_page, path: Path) -> None:
    expect(open_page(path, java_script_enabled=False).locator("#levers-static .grade").first).to_be_visible()
    tab = open_page(path)
    tab.emulate_media(media="print")
    expect(tab.locator("#levers-static")).to_be_visible()
    expect(tab.locator("#levers-live")).to_be_hidden()
    expect(tab.locator("#levers-static h3")).to_have_count(2)
    assert tab.locator("#levers-static .grade").count() > 4

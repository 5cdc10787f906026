"""The plan in a real browser: on a phone, filtered, and without scripts."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from serving.report.data import ReportData

pytestmark = pytest.mark.browser


@pytest.fixture
def path(page: str, tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_on_a_phone_every_figure_is_inside_the_window(
    open_page, path: Path, data: ReportData, lang: str, scripts: bool
) -> None:
    tab = open_page(path, viewport={"width": 390, "height": 844}, java_script_enabled=scripts)
    if lang == "en":
        tab.locator("label[for=en]").click()
    assert tab.evaluate("document.documentElement.scrollWidth") == 390
    cells = tab.locator("#plan tr[data-index]:visible > *")
    assert cells.count() >= min(len(data.plan.split), 12) * 5
    wide = "(all) => all.filter((one) => one.getBoundingClientRect().right > window.innerWidth).length"
    assert cells.evaluate_all(wide) == 0
    assert (
        tab.locator("#plan .scroll").evaluate_all(
            "(all) => all.filter((one) => one.scrollWidth > one.clientWidth).length"
        )
        == 0
    )


def test_filters_hide_rows_and_say_that_the_money_is_that_of_all(open_page, path: Path, data: ReportData) -> None:
    tab = open_page(path)
    expect(tab.locator("#plan-filtered")).to_be_hidden()
    first = data.plan.split[0]
    accounts = list(dict.fromkeys(one.account_id for one in data.creatives))
    other = next(name for name in accounts if name != data.creatives[first.index].account_id)
    tab.select_option("[data-filter=account_id]", label=other)
    expect(tab.locator("#plan-filtered")).to_be_visible()
    expect(tab.locator(f"#plan tr[data-index='{first.index}']")).to_be_hidden()
    tab.select_option("[data-filter=account_id]", value="-1")
    expect(tab.locator("#plan-filtered")).to_be_hidden()
    tab.locator("#plan .who button").first.click()
    expect(tab.locator("#card")).to_have_attribute("open", "")
    expect(tab.locator("#card h3").first).to_contain_text(data.creatives[first.index].name)

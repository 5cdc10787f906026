"""KOCs, products, prices and diversity in a real browser: answers in two clicks, by the numbers of the report."""

from math import exp
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from serving.report.blocks.kocs import told_better
from serving.report.data import ReportData
from serving.report.hit_chances import CERTAINTIES, HitChances, at_least_one, needed
from serving.report.render import render

pytestmark = pytest.mark.browser
VIEW, DIVERSITY = "#koc-view", "#diversity-view"


@pytest.fixture
def tab(open_page, page: str, tmp_path: Path) -> Page:
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    return open_page(path)


def press(tab: Page, view: str, name: str) -> None:
    tab.locator(f"{view} button[aria-pressed]", has_text=name).click()


def findings(tab: Page, view: str = VIEW) -> str:
    return "\n".join(tab.locator(f"{view} .finding .zh").all_inner_texts())


def test_which_koc_for_a_product_takes_one_click_and_never_names_what_cannot_be_told(
    tab: Page, data: ReportData
) -> None:
    table = data.kocs
    for one, label in zip(table.types, ("推直播", "推商品")):
        if len(table.types) > 1:
            press(tab, VIEW, label)
        for product in one.products[:4]:
            name = table.products[product.of].name
            tab.locator(f"{VIEW} select").first.select_option(label=name)
            pairs = sorted((pair for pair in one.pairs if pair.of == product.of), key=lambda pair: -pair.log)
            best = next((pair for pair in pairs if told_better(pair)), None)
            said = findings(tab)
            if best is None:
                assert f"“{name}”：{len(pairs)} 位达人拍过，现有数据分不出谁更好" in said
            else:
                assert f"“{name}”先找 {table.kocs[best.koc].name}：净ROI ×{exp(best.log):.2f}" in said
            shown = tab.locator(f"{VIEW} .span7 > .effects .who").all_inner_texts()
            assert shown == [table.kocs[pair.koc].name for pair in pairs[:10]]


def test_a_koc_leads_to_products_and_both_together_to_the_pair(tab: Page, data: ReportData) -> None:
    table, one = data.kocs, data.kocs.types[0]
    pair = max(one.pairs, key=lambda pair: pair.creatives)
    koc, product = table.kocs[pair.koc].name, table.products[pair.of].name
    tab.locator(f"{VIEW} select").nth(1).select_option(label=koc)
    tab.locator(f"{VIEW} .who", has_text=product).click()
    assert f"{koc} × “{product}”：净ROI ×{exp(pair.log):.2f}" in findings(tab)


def test_the_filters_of_the_page_stand_in_for_a_choice(tab: Page, data: ReportData) -> None:
    product = data.kocs.products[data.kocs.types[0].products[0].of]
    tab.select_option("select[data-filter=product_id]", label=product.name)
    expect(tab.locator(f"{VIEW} select").first).to_have_value(str(data.kocs.types[0].products[0].of))
    assert product.name in findings(tab)


def test_the_whole_table_opens_and_sorts_by_a_product(tab: Page, data: ReportData) -> None:
    tab.locator(f"{VIEW} summary", has_text="整张表").click()
    one = data.kocs.types[0]
    product = one.products[0]
    tab.locator(f"{VIEW} .matrix thead button", has_text=data.kocs.products[product.of].name).click()
    best = max((pair for pair in one.pairs if pair.of == product.of), key=lambda pair: pair.log)
    expect(tab.locator(f"{VIEW} .matrix tbody th").first).to_have_text(data.kocs.kocs[best.koc].name)


def test_how_many_more_for_a_hit_is_the_formula_of_the_numbers(open_page, data: ReportData, tmp_path: Path) -> None:
    hits = HitChances(
        one=0.1, waiting=0, hits=9, mature=90, correlation=0.05, directions=3,
        needed=[(needed(0.1, one, 0.05), needed(0.1, one, 0.02), needed(0.1, one, 0.0)) for one in CERTAINTIES],
    )  # fmt: skip
    slices = [one.model_copy(update={"hits": hits, "shared_tags": 0.4}) for one in data.diversity.slices]
    diversity = data.diversity.model_copy(update={"slices": slices, "hit_measure": "net_gmv"})
    path = tmp_path / "report.html"
    path.write_text(render(data.model_copy(update={"diversity": diversity})), encoding="utf-8")
    tab = open_page(path)
    assert f"再拍 {needed(0.1, 0.8, 0.02)} 条，有 80% 把握至少出一条爆款" in findings(tab, DIVERSITY)
    tab.locator(f"{DIVERSITY} input[type=number]").fill("33")
    said = [f"{100 * at_least_one(0.1, 33, rho):.0f}%" for rho in (0.02, 0.05, 0.0)]
    expect(tab.locator(f"{DIVERSITY} output .zh")).to_have_text(
        f"至少出一条爆款的把握：像现在这样 {said[0]}，全是同一方向 {said[1]}，互不相似 {said[2]}。"
    )


def test_the_map_counts_the_chosen_creatives_and_an_account_has_its_own_chances(tab: Page, data: ReportData) -> None:
    account = next(one for one in data.diversity.slices if one.account)
    tab.select_option("select[data-filter=account_id]", label=account.account)
    of_account = [
        place
        for place, row in enumerate(data.creatives)
        if row.account_id == account.account and row.promotion_type == account.promotion_type
    ]
    known = [place for place in of_account if min(data.diversity.codes[place][:2]) >= 0]
    counts = [int(text) for text in tab.locator(f"{DIVERSITY} .map td").all_inner_texts() if text.strip().isdigit()]
    assert sum(counts) == len(known)
    assert f"{account.recent:,} 条里" in findings(tab, DIVERSITY)


def test_on_a_phone_there_are_strips_and_nothing_is_wider_than_the_screen(
    open_page, data: ReportData, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    path.write_text(render(data, "en"), encoding="utf-8")
    tab = open_page(path, viewport={"width": 390, "height": 844})
    expect(tab.locator(f"{VIEW} .whole")).to_be_hidden()
    expect(tab.locator(f"{DIVERSITY} .narrow li").first).to_be_visible()
    for name in ("kocs", "diversity"):
        right = tab.locator(f"#{name} *").evaluate_all(
            "all => Math.max(...all.filter(e => !e.closest('.scroll')).map(e => e.getBoundingClientRect().right))"
        )
        assert right <= 390

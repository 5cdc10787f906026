"""The report in a real browser: language, sort, search, card; a file, served under a policy, and without scripts."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Page, expect

from features.sanitise import visible_text
from serving.mounts.static_files import REPORT_POLICY
from serving.report.blocks.creatives import STATUSES
from serving.report.blocks.first_screen import tiles_of
from serving.report.data import ReportData
from serving.report.first_screen import to_do, watched
from serving.report.render import render
from training.decision.status import RUNNING

pytestmark = pytest.mark.browser


@pytest.fixture
def path(page: str, tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


def test_a_report_switches_language_sorts_and_shows_a_card(
    open_page, data: ReportData, hostile: ReportData, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    path.write_text(render(hostile), encoding="utf-8")
    tab = open_page(path)
    expect(tab.locator("h1 .zh")).to_be_visible()
    expect(tab.locator("h1 .en")).to_be_hidden()
    tab.click("label[for=en]")
    expect(tab.locator("h1 .zh")).to_be_hidden()
    expect(tab.locator("html")).to_have_attribute("lang", "en")

    tab.fill("#search", "<script>")
    expect(tab.locator("#rows tr")).to_have_count(1)
    expect(tab.locator("#rows button")).to_have_text(visible_text(hostile.creatives[0].name))
    tab.click("#rows button")
    expect(tab.locator("#card")).to_have_attribute("open", "")
    assert tab.locator("#card h3").first.text_content().startswith("<script>alert(1)</script>")
    expect(tab.locator("#card script")).to_have_count(0)
    ends = tab.locator("#card .falls tr:last-child td:nth-child(3)").all_text_contents()
    card = data.cards[0]
    assert [float(end.replace(",", "")) for end in ends] == pytest.approx(
        [card.targets[name][0] for name in card.waterfalls], rel=0.01, abs=0.01
    )
    tab.click("#card .close")
    expect(tab.locator("#card")).not_to_have_attribute("open", "")


def shown_tiles(tab: Page) -> list[str]:
    lines = "(all) => all.map((one) => [...one.children].map((part) => part.innerText.trim()).join(' '))"
    return tab.locator("#tiles .tile dd").evaluate_all(lines)


def stated_tiles(data: ReportData, chosen: set[int]) -> list[str]:
    """What the block writes without a script, in Chinese."""
    return [f"{figure.zh} {below.zh}" for _, _, lines in tiles_of(data, chosen) for figure, below in lines]


def test_filters_show_the_tiles_and_the_list_of_what_passes(open_page, data: ReportData, path: Path) -> None:
    tab = open_page(path)
    everyone = set(range(len(data.creatives)))
    assert shown_tiles(tab) == stated_tiles(data, everyone)
    accounts = list(dict.fromkeys(one.account_id for one in data.creatives))
    tab.select_option("[data-filter=account_id]", label=accounts[1])
    mine = {index for index in everyone if data.creatives[index].account_id == accounts[1]}
    assert shown_tiles(tab) == stated_tiles(data, mine)
    listed = tab.locator("#to-do li[data-index]").evaluate_all("(all) => all.map((one) => Number(one.dataset.index))")
    assert listed == to_do(data.creatives, data.cards, mine)
    running = [index for index in mine if data.creatives[index].status == "running"]
    assert tab.locator("#rows tr").count() == min(len(running), 50)
    tab.select_option("[data-filter=days]", label="近 14 天")
    assert "14" in tab.locator("[data-tile=spend] dt").inner_text()
    tab.select_option("[data-filter=account_id]", value="-1")
    tab.select_option("[data-filter=days]", value="7")
    assert shown_tiles(tab) == stated_tiles(data, everyone)


def test_a_pill_says_why_and_a_creative_of_today_opens_its_card(open_page, path: Path) -> None:
    tab = open_page(path)
    tab.locator(".trust summary").last.click()
    expect(tab.locator(".trust details[open] p")).to_have_count(1)
    tab.click("h1")
    tab.locator("#to-do button").first.click()
    expect(tab.locator("#card")).to_have_attribute("open", "")


def test_under_the_policy_of_the_service_it_works_all_the_same(open_page, page: str) -> None:
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
        tab = open_page(f"http://127.0.0.1:{server.server_port}/report", provoked="favicon")
        tab.click("label[for=en]")
        tab.click("th[data-sort=target0] button")
        expect(tab.locator("th[data-sort=target0]")).to_have_attribute("aria-sort", "descending")
        tab.click("#rows button")
        expect(tab.locator("#card")).to_have_attribute("open", "")
        tab.goto("about:blank")
        server.shutdown()


def test_without_scripts_the_tables_and_both_languages_are_still_there(open_page, data: ReportData, path: Path) -> None:
    tab = open_page(path, java_script_enabled=False)
    rows = sum(min(sum(one.status == status for one in data.creatives), 15) for status in STATUSES)
    expect(tab.locator("#creatives-plain tbody tr")).to_have_count(rows)
    expect(tab.locator("#creatives .tools").first).to_be_hidden()
    tab.click("label[for=en]")
    expect(tab.locator("h1 .zh")).to_be_hidden()


def test_on_a_phone_nothing_is_wider_than_the_screen(open_page, path: Path) -> None:
    tab = open_page(path, viewport={"width": 390, "height": 800}, is_mobile=True)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390


def test_it_works_by_keyboard_with_focus_that_is_seen_and_a_name_for_every_control(open_page, path: Path) -> None:
    tab = open_page(path)
    tab.focus("[data-filter=days]")
    for _ in range(40):
        tab.keyboard.press("Tab")
        if tab.evaluate("Boolean(document.activeElement.closest('#to-do'))"):
            break
    focused = tab.locator(":focus")
    expect(focused).to_have_css("outline-style", "solid")
    tab.keyboard.press("Enter")
    expect(tab.locator("#card")).to_have_attribute("open", "")
    assert tab.evaluate("Boolean(document.activeElement.closest('#card'))")
    tab.keyboard.press("Escape")
    expect(tab.locator("#card")).not_to_have_attribute("open", "")
    assert tab.evaluate("Boolean(document.activeElement.closest('#to-do'))")
    nodes = tab.context.new_cdp_session(tab).send("Accessibility.getFullAXTree")["nodes"]
    controls = ("button", "textbox", "searchbox", "combobox", "spinbutton", "link", "checkbox", "tab")
    nameless = [
        node["role"]["value"]
        for node in nodes
        if node.get("role", {}).get("value") in controls
        and not node.get("ignored")
        and not node.get("name", {}).get("value")
    ]
    assert nameless == []


def test_the_counts_of_the_first_screen_lead_to_the_rows_that_they_count(
    open_page, data: ReportData, tmp_path: Path
) -> None:
    """Watched creatives in three groups, as `first_screen.watched` makes them; with a filter too."""
    running = [place for place, one in enumerate(data.creatives) if one.status == RUNNING]
    stakes = dict(zip(running, [900.0, -700.0, 40.0, -30.0, 20.0, -10.0, 5.0, 0.0]))
    cards = [
        card.model_copy(
            update={"verdict": "stop" if place == running[0] else "watch", "stake_cny": stakes.get(place, 1.0),
                    "decide_days": 3.0 if place == running[3] else None}
        )
        if place in running else card
        for place, card in enumerate(data.cards)
    ]  # fmt: skip
    file = tmp_path / "report.html"
    file.write_text(render(data.model_copy(update={"cards": cards})), encoding="utf-8")
    page: Page = open_page(file)
    days = data.model_quality.outcome_days

    def rows_behind(count: str) -> set[int]:
        page.click(f"#counts [data-count={count}]")
        expect(page.locator("[data-status=running]")).to_have_attribute("aria-selected", "true")
        return set(
            page.locator("#rows tr[data-row]").evaluate_all("(all) => all.map((one) => Number(one.dataset.row))")
        )

    assert rows_behind("stop") == {running[0]}
    groups = watched(data.creatives, cards, set(range(len(cards))), days)
    assert groups.first
    for name in ("first", "soon", "rest"):
        members = getattr(groups, name)
        counted = page.locator(f"#counts [data-count=watch{name}]")
        expect(counted).to_have_count(int(bool(members)))
        if members:
            expect(counted).to_contain_text(f"{len(members)} 条")
            assert rows_behind(f"watch{name}") == set(members)
    kind = data.creatives[running[1]].promotion_type
    page.select_option("[data-filter=promotion_type]", label={"live": "推直播", "product": "推商品"}[kind])
    mine = {place for place, one in enumerate(data.creatives) if one.promotion_type == kind}
    assert rows_behind("watchfirst") == set(watched(data.creatives, cards, mine, days).first)

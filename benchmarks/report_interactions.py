"""Time every interaction with a report in Chromium: tabs, sort, search, filters, columns, cards, levers.

    python -m benchmarks.report_interactions var/report.html [--most 100]

What counts is the CPU time of the page's thread (script, style, layout) until the next frame stands: what one waits
for on an idle machine, whatever else runs. Each interaction is done REPEATS times and the slowest counts. Ends with an
error if one takes longer than `--most` milliseconds.
"""

import argparse
import sys
from pathlib import Path

from playwright.sync_api import CDPSession, Page

from benchmarks.browser import NONE_FOUND, chromium, find_chromium

REPEATS = 5
ACTS = {
    "tab: running": "document.querySelector('[data-status=running]').click()",
    "tab: stopped": "document.querySelector('[data-status=stopped]').click()",
    "sort by name": "document.querySelector('#creative-table th[data-sort=name] button').click()",
    "sort by spend": "document.querySelector('#creative-table th[data-sort=spend_cny] button').click()",
    "next page": "document.getElementById('after').click()",
    "search, first letter": "type('门')",
    "search, three words": "type('门店 老板 1')",
    "search, emptied": "type('')",
    "column on or off": "document.querySelector('#chooser [data-column=clicks]').click()",
    "filter: account": "pick('account_id', 0)",
    "filter: none": "pick('account_id', -1)",
    "language": "document.getElementById(document.getElementById('en').checked ? 'zh' : 'en').click()",
    "card": "document.querySelector(`#rows tr:nth-child(${turn + 1}) button`).click()",
    "card closed": "document.querySelector('#card .close').click()",
    "levers: one tab": "lever('.tabs button', 1 + turn)",
    "levers: all": "lever('.tabs button', 0)",
    "levers: row opened": "lever('tr.row button', turn)",
    "levers: CNY per 1,000": "lever('.segments:last-child button', 2)",
    "levers: 推商品": "lever('.segments button', turn % 2)",
    "levers: all values": "lever('.more', 0)",
    "filter: product": "pick('product_id', turn)",
    "filter: KOC": "pick('creator_id', turn)",
    "download as CSV": "document.getElementById('download-csv').click()",
    "download as XLSX": "document.getElementById('download-xlsx').click()",
}
"""Name of an interaction → script; `turn` counts its repeats."""
HELPERS = """
const put = (box, value, event) => { box.value = value; box.dispatchEvent(new Event(event)); };
const type = (text) => put(document.getElementById('search'), text, 'input');
const pick = (name, value) => put(document.querySelector(`[data-filter=${name}]`), value, 'change');
const lever = (selector, at) => document.querySelectorAll(`#levers-live ${selector}`)[at].click();
const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))));
"""


def cpu_ms(session: CDPSession) -> float:
    """CPU time of the page's thread so far."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return 1000.0 * next(float(one["value"]) for one in metrics if one["name"] == "TaskDuration")


def slowest(page: Page, session: CDPSession, act: str) -> float:
    """Milliseconds of the slowest repeat."""
    taken = []
    for turn in range(REPEATS):
        page.evaluate(f"async () => {{ {HELPERS} await frame(); }}")
        begin = cpu_ms(session)
        page.evaluate(f"async () => {{ {HELPERS} const turn = {turn}; {act}; await frame(); }}")
        taken.append(cpu_ms(session) - begin)
    return max(taken)


def main() -> None:
    """Measure, print a line an interaction, and fail if one is too slow."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path)
    parser.add_argument("--most", type=float, default=100.0, help="milliseconds")
    asked = parser.parse_args()
    program = find_chromium()
    if program is None:
        sys.exit(NONE_FOUND)
    slow = []
    with chromium(program) as browser:
        page = browser.new_page(viewport={"width": 1400, "height": 900}, accept_downloads=True)
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.goto(asked.report.resolve().as_uri())
        creatives = page.evaluate("report.core.ids.length")
        print(f"{creatives:,} creatives, {asked.report.stat().st_size / 1e6:.1f} MB")
        print(f"{'opened':<24} {cpu_ms(session):6.0f} ms")
        for name, act in ACTS.items():
            worst = slowest(page, session, act)
            slow += [name] * (worst > asked.most)
            print(f"{name:<24} {worst:6.0f} ms{' too slow' if worst > asked.most else ''}")
    if slow:
        sys.exit(f"slower than {asked.most:.0f} ms: {', '.join(slow)}")


if __name__ == "__main__":
    main()

"""What people look at, and how a browser gets there: report, evaluation, the service's page and its API docs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page

from features.bilingual import Language


@dataclass(frozen=True)
class Surface:
    """One page and how to take it.

    Attributes:
        name: First part of the pictures' names.
        address: Where it is.
        parts: Selector of the sections, each of which becomes a picture named by its id.
        speak: Changes the language of an opened page.
        more: Views that take an action first, by name: what to do, and the selector of what is shown then.
        prints: Whether it is also printed.
    """

    name: str
    address: str
    parts: str
    speak: Callable[[Page, Language], None]
    ready: Callable[[Page], None] = lambda _: None
    more: dict[str, tuple[Callable[[Page], None], str]] = field(default_factory=dict)
    prints: bool = True


def surfaces(report: Path, evaluation: Path, service: str, files: list[Path]) -> list[Surface]:
    """Everything a person looks at.

    Args:
        report: HTML file.
        evaluation: HTML file.
        service: Address of a started service.
        files: To drop on its page.
    """
    return [
        Surface(
            "report",
            report.as_uri(),
            "main > section[id]",
            _by_label,
            more={"lever": (_open_lever, "#levers"), "koc": (_choose_product, "#kocs"), "card": (_open_card, "#card")},
        ),
        Surface("evaluation", evaluation.as_uri(), "main > section[id]", _by_label),
        Surface(
            "page",
            f"{service}/",
            "main > section",
            _by_button,
            ready=lambda page: _drop(page, files),
            more={"planned": (_plan, "#plan"), "beside": (lambda _: None, "#results")},
        ),
        Surface("docs", f"{service}/docs", "main", lambda *_: None, prints=False),
    ]


def _by_label(page: Page, language: Language) -> None:
    page.click(f"label[for={language}]")


def _by_button(page: Page, language: Language) -> None:
    if page.evaluate("document.documentElement.lang.slice(0, 2)") != language:
        page.click("#language")


def _choose_product(page: Page) -> None:
    page.locator("#koc-view select").first.select_option(index=1)
    page.locator("#koc-view .whole summary").evaluate("summary => summary.click()")


def _open_card(page: Page) -> None:
    page.locator("#to-do button").nth(1).click()  # the sample's first one is not in its tag sheet
    page.locator("#card[open]").wait_for()


def _open_lever(page: Page) -> None:
    page.locator("#levers .lever-table tbody button").first.click()
    page.locator("#levers .lever-detail").wait_for()


def _plan(page: Page) -> None:
    """Ask for a plan; the table below then says what it does with each creative."""
    page.fill("#budget_cny", "20000")
    page.click("#plan-form [type=submit]")
    page.locator("#plan-view .finding").wait_for()


def _drop(page: Page, files: list[Path]) -> None:
    """Drop files on the service's page, wait for the predictions and open the first row."""
    page.locator("#files:enabled").wait_for()
    page.set_input_files("#files", files)
    page.locator("#table .badge").first.wait_for()
    page.locator("body:not([aria-busy])").wait_for()
    page.locator("#table button.name").first.click()
    page.locator(".waterfall").wait_for()

"""Take pictures of every section of every surface, and check while taking: widths, complaints, requests to strangers.

    python -m benchmarks.screenshots [--out var/screenshots] [--data FOLDER] [--bundle FOLDER] [--only report] [--docs]

The report, the service's page with results and an opened row, its API docs and the evaluation: at 1400 and 390 px, in
Chinese and English, light and dark, and printed. `--docs` takes the pictures of docs/img/ and nothing else.
Ends with an error if a page is wider than its window, complains on the console or asks another host for anything.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Locator, Page

from benchmarks.browser import NONE_FOUND, chromium, find_chromium, too_wide, watch
from benchmarks.page_files import write_page_files
from benchmarks.serving_processes import gpmcast
from benchmarks.surfaces import Surface, surfaces
from configs.settings import CONFIG_DIR, load_settings
from features.bilingual import Language
from features.store.inputs import load_data
from serving.inference.loaded_model import load_model
from serving.inference.model_watcher import find_bundle
from serving.report.run import ReportRequest, write_report
from serving.settings import ServiceSettings
from training.evaluation.page.render import PAGE
from training.workspace import DATABASE, MODEL_CACHE, workspace

Theme = Literal["light", "dark"]
WIDTHS = {1400: 900, 390: 844}
"""Height of the window for each width."""
LANGUAGES: tuple[Language, ...] = ("zh", "en")
THEMES: tuple[Theme, ...] = ("light", "dark")
A4 = 794
"""Width of an A4 page in CSS pixels."""
DOCS = Path(__file__).parents[1] / "docs" / "img"
COLOURS = 128
"""In the palette of a picture in docs/img/."""
MOST_BYTES = 250_000
"""Of one picture in docs/img/."""
TALLEST = 6000
"""Pixels of a picture; a section that is longer is cut."""


@dataclass(frozen=True)
class Shot:
    """One picture of docs/img/.

    Attributes:
        surface: Its name.
        view: `first`, the id of a section, or one of the surface's further views.
        width: Of the window.
        language, theme: Of the page.
    """

    surface: str
    view: str = "first"
    width: int = 1400
    language: Language = "zh"
    theme: Theme = "light"


SHOTS = {
    "report.png": Shot("report"),
    "levers.png": Shot("report", "levers"),
    "card.png": Shot("report", "card"),
    "report-phone.png": Shot("report", width=390, language="en", theme="dark"),
    "page.png": Shot("page", "results"),
    "plan.png": Shot("page", "planned"),
    "evaluation.png": Shot("evaluation", language="en"),
}


class Taker:
    """Opens surfaces in a browser, takes pictures and keeps what is wrong.

    Attributes:
        wrong: One sentence per fault.
        taken: Number of pictures.
    """

    def __init__(self, browser: Browser, folder: Path, languages: Sequence[Language], themes: Sequence[Theme]) -> None:
        self._browser = browser
        self._languages, self._themes = languages, themes
        self._folder = folder
        self.wrong: list[str] = []
        self.taken = 0

    @contextmanager
    def open(self, surface: Surface, width: int, language: Language, theme: Theme) -> Iterator[Page]:
        """Open a surface; afterwards what it complained about is kept."""
        size = {"width": width, "height": WIDTHS.get(width, 1000)}
        context = self._browser.new_context(viewport=size, color_scheme=theme, reduced_motion="reduce", locale="zh-CN")  # type: ignore[arg-type]
        page = context.new_page()
        page.set_default_timeout(120_000)  # a service that has just started reads its first file slowly
        complaints = watch(page, surface.address)
        page.goto(surface.address)
        surface.speak(page, language)
        surface.ready(page)
        yield page
        context.close()
        self.wrong += [f"{surface.name} {width} {language} {theme}: {one}" for one in complaints]

    def all_of(self, surface: Surface) -> None:
        """Take the first screen, every section and every further view, in all windows, languages and themes."""
        for width in WIDTHS:
            for language in self._languages:
                for theme in self._themes:
                    with self.open(surface, width, language, theme) as page:
                        self._views(surface, page, f"{width}-{language}-{theme}")
        if surface.prints:
            for language in self._languages:
                self._printed(surface, language)

    def _views(self, surface: Surface, page: Page, how: str) -> None:
        self._check_width(page, f"{surface.name} {how}")
        self.save(page, f"{surface.name}-0-first-{how}", None)
        for number, part in enumerate(page.locator(surface.parts).all(), 1):
            if part.is_visible():
                name = part.get_attribute("id") or part.get_attribute("class") or str(number)
                self.save(page, f"{surface.name}-{number}-{name}-{how}", part)
        for name, (act, shown) in surface.more.items():
            act(page)
            self._check_width(page, f"{surface.name} {name} {how}")
            self.save(page, f"{surface.name}-{name}-{how}", page.locator(shown).first)

    def _printed(self, surface: Surface, language: Language) -> None:
        """The PDF, its pages as pictures where pdftoppm is installed, and else one long picture in print style."""
        with self.open(surface, A4, language, "light") as page:
            path = self._folder / f"{surface.name}-print-{language}.pdf"
            page.pdf(path=path, format="A4", print_background=True, prefer_css_page_size=True)
            if program := shutil.which("pdftoppm"):
                subprocess.run([program, "-r", "60", "-png", path, path.with_suffix("")], check=True)
            else:
                page.emulate_media(media="print")
                self.save(page, path.stem, page.locator("body"))

    def save(self, page: Page, name: str, part: Locator | None = None) -> Path:
        """Write the window, or one part of the page from its top, as PNG."""
        path = self._folder / f"{name}.png"
        box = part.bounding_box() if part is not None else None
        if part is None:
            page.screenshot(path=path)
        elif box is None or not box["height"]:
            self.wrong.append(f"{name}: there is nothing to see")
            return path
        else:
            # Not the part's own screenshot, which scrolls to it: what sticks to the top would lie over it.
            top = box["y"] + page.evaluate("window.scrollY")
            clip = {"x": box["x"], "y": top, "width": box["width"], "height": min(box["height"], TALLEST)}
            page.screenshot(path=path, full_page=True, clip=clip)  # type: ignore[arg-type]
        self.taken += 1
        return path

    def for_docs(self, found: dict[str, Surface], name: str, shot: Shot) -> None:
        """Take one picture of docs/img/, as high as its window, in few colours.

        Raises:
            SystemExit: It is larger than `MOST_BYTES`.
        """
        surface = found[shot.surface]
        with self.open(surface, shot.width, shot.language, shot.theme) as page:
            if shot.view in surface.more:
                surface.more[shot.view][0](page)
            elif shot.view != "first":
                page.locator(f"#{shot.view}").evaluate("(part) => part.scrollIntoView({ behavior: 'instant' })")
            path = self.save(page, Path(name).stem)
        Image.open(path).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size > MOST_BYTES:
            sys.exit(f"{path} has {path.stat().st_size:,} bytes, at most {MOST_BYTES:,} are allowed")

    def _check_width(self, page: Page, where: str) -> None:
        if found := too_wide(page):
            self.wrong.append(f"{where}: {'; '.join(found)}")


def main() -> None:
    """Take all pictures, or those of the docs."""
    parser = argparse.ArgumentParser(description="Pictures of every surface.")
    parser.add_argument("--out", type=Path, default=Path("var/screenshots"))
    parser.add_argument("--data", default="var/sample-exports", help="exports of a trained model")
    parser.add_argument("--config", type=Path, default=CONFIG_DIR / "default.yaml")
    parser.add_argument("--bundle", type=Path, help="a bundle folder; else the champion of the data")
    parser.add_argument("--report", type=Path, help="a written report; else it is written anew")
    parser.add_argument("--only", action="append", help="name of a surface; may be repeated")
    parser.add_argument("--language", action="append", choices=LANGUAGES, help="default: both")
    parser.add_argument("--theme", action="append", choices=THEMES, help="default: both")
    parser.add_argument("--docs", action="store_true", help="only the pictures of docs/img/")
    options = parser.parse_args()
    program = find_chromium()
    if program is None:
        sys.exit(NONE_FOUND)
    options.out.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as place,
        _everything(options, Path(place)) as found,
        chromium(program) as browser,
    ):
        if options.docs:
            taker = Taker(browser, DOCS, LANGUAGES, THEMES)
            by_name = {surface.name: surface for surface in found}
            for name, shot in SHOTS.items():
                taker.for_docs(by_name, name, shot)
            sys.exit("\n".join(taker.wrong) or None)
        taker = Taker(browser, options.out, options.language or LANGUAGES, options.theme or THEMES)
        for surface in found:
            if not options.only or surface.name in options.only:
                taker.all_of(surface)
                print(f"{surface.name}: {taker.taken} pictures so far", flush=True)
    print(f"{taker.taken} pictures in {options.out}")
    if taker.wrong:
        sys.exit("\n".join(taker.wrong))


@contextmanager
def _everything(options: argparse.Namespace, place: Path) -> Iterator[list[Surface]]:
    """Write the report, start the service; what there is to take."""
    settings = load_settings(options.config)
    space = workspace([options.data], settings)
    report = (options.report or place / "report.html").resolve()
    if options.report is None:
        write_report(ReportRequest([options.data], report, bundle=options.bundle), settings)
    loaded, _ = load_data([options.data], space.store, settings)
    wanted = ServiceSettings(bundle=options.bundle, model_cache=settings.var / MODEL_CACHE)
    bundle = find_bundle(wanted, preferred=space.registered_model, database=settings.var / DATABASE).folder
    load_model(bundle)  # a service that cannot serve it would never be ready
    with gpmcast(bundle, report=str(report)) as service:
        files, address = write_page_files(loaded, place), f"http://127.0.0.1:{service.port}"
        yield surfaces(report, space.folder.resolve() / "evaluation" / PAGE, address, files)


if __name__ == "__main__":
    main()

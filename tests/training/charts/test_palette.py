"""One palette: pages, charts and files name colours that it has, and text can be read on every ground."""

import re
from importlib.resources import files
from itertools import product
from xml.etree import ElementTree

import pytest

from training.charts.axes import Axes, Axis
from training.charts.palette import DARK, LIGHT, PRINT, standalone, tokens
from training.charts.theme import theme

TEXTS = ("ink", "soft", "key", "good", "bad", "warn", "never")
GROUNDS = ("paper", "sheet", "panel")
WASHES = [("good", "good-wash"), ("bad", "bad-wash"), ("warn", "warn-wash"), ("never", "never-wash")]
LEAST_CONTRAST = 4.5
"""Of text against its ground: Web Content Accessibility Guidelines 2.2, 1.4.3."""


def luminance(colour: str) -> float:
    digits = colour.removeprefix("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_a_chart_is_an_svg_file_that_needs_nothing_else() -> None:
    axes = Axes("a", Axis(0, 1, (0, 1), ("0", "1"), "x"), Axis(0, 1, (0, 1), ("0", "1")))
    axes.line([0, 1], [0, 1], "mark")
    text = standalone(axes.svg())
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert float(root.attrib["width"]) > 400
    assert set(re.findall(r"var\(--([\w-]+)\)", text)) <= set(PRINT)
    assert all(f"--{name}: {PRINT[name]};" in text for name in re.findall(r"var\(--([\w-]+)\)", text))


def test_light_dark_and_print_name_the_same_colours() -> None:
    assert list(LIGHT) == list(DARK) == list(PRINT)


def test_the_stylesheet_of_all_pages_sets_the_palette_and_names_nothing_else() -> None:
    style = theme()
    assert style.startswith(tokens())
    for colours in (LIGHT, DARK, PRINT):
        assert all(f"--{name}: {value};" in style for name, value in colours.items())
    assert set(re.findall(r"var\(--([\w-]+)", style)) <= set(LIGHT)
    components = style.removeprefix(tokens())
    assert not re.search(r"(?m)^\s*--[\w-]+:|[;{]\s*--[\w-]+:", components)  # every token is the palette's


@pytest.mark.parametrize("package", ["serving.report", "training.evaluation.page"])
def test_styles_of_pages_name_colours_of_the_palette(package: str) -> None:
    templates = files(package).joinpath("templates")
    styles = list(templates.rglob("*.css"))
    assert styles
    scripts = "".join(path.read_text("utf-8") for path in templates.rglob("*.js"))
    given = set(re.findall(r'setProperty\("--([\w-]+)"', scripts))
    for path in styles:
        text = path.read_text("utf-8")
        own = set(re.findall(r"--([\w-]+):", text)) | given
        assert not own & set(LIGHT), path
        assert set(re.findall(r"var\(--([\w-]+)", text)) <= set(LIGHT) | own, path


@pytest.mark.parametrize("colours", [LIGHT, DARK, PRINT], ids=["light", "dark", "print"])
def test_text_can_be_read_on_every_ground(colours: dict[str, str]) -> None:
    pairs = [*product(TEXTS, GROUNDS), *WASHES, ("on-key", "key"), ("key", "key-wash")]
    weak = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}
    assert {pair: round(value, 2) for pair, value in weak.items() if value < LEAST_CONTRAST} == {}

"""A chart as a file of its own: well formed, with a size and every colour that it names."""

import re
from xml.etree import ElementTree

from training.charts.axes import Axes, Axis
from training.charts.palette import DARK, LIGHT, standalone


def test_a_chart_is_an_svg_file_that_needs_nothing_else() -> None:
    axes = Axes("a", Axis(0, 1, (0, 1), ("0", "1"), "x"), Axis(0, 1, (0, 1), ("0", "1")))
    axes.line([0, 1], [0, 1], "own")
    text = standalone(axes.svg())
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert float(root.attrib["width"]) > 400
    assert set(re.findall(r"var\(--([\w-]+)\)", text)) <= set(LIGHT)


def test_light_and_dark_name_the_same_colours() -> None:
    assert list(LIGHT) == list(DARK)

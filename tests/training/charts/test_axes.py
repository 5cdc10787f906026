"""Marks and axes as SVG: escaped, clipped, coloured by the page."""

import re
from xml.etree import ElementTree

from markupsafe import Markup

from training.charts.axes import Axes, Axis
from training.charts.marks import dot, element, label, path, picture


def test_texts_and_attributes_are_escaped_and_none_is_left_out() -> None:
    hostile = "<script>\"'&"
    drawn = picture(0, 0, 10, 10, label(1, 2, hostile, class_=hostile, font_size=None), title=hostile)
    assert isinstance(drawn, Markup)
    assert "<script" not in drawn
    tree = ElementTree.fromstring(drawn)
    assert tree.attrib["aria-label"] == tree[0].text == tree[0].attrib["class"] == hostile
    assert "font-size" not in tree[0].attrib


def test_coordinates_have_two_decimals_at_most() -> None:
    assert path([(1.0, 2.345678), (3.1, 4.0)], fill="none") == '<path d="M1 2.35L3.1 4" fill="none"/>'
    assert dot(1, 2.5, 3.0, class_="dot") == '<circle cx="1" cy="2.5" r="3" class="dot"/>'
    assert element("g", "a & b", stroke_width=0.5) == '<g stroke-width="0.5">a &amp; b</g>'


def axes(name: str = "a") -> Axes:
    ten = Axis(0.0, 10.0, (0, 5, 10), ("0", "5", "10"), "across")
    return Axes(name, ten, Axis(0.0, 1.0, (0, 1), ("0%", "100%"), "up"))


def test_unknown_numbers_and_points_outside_of_the_axes_are_not_drawn() -> None:
    nan = float("nan")
    plot = axes()
    plot.points([1, 2, nan, 4], [0.5, 7.0, 0.5, nan], "own")
    plot.line([1, 2, 3], [0.1, nan, 0.3], "own")
    plot.band([1, 2], [nan, nan], [nan, nan], "own")
    plot.ranges([1, 2], [0.1, nan], [0.2, 0.3], "own")
    drawn = plot.svg()
    assert "nan" not in drawn
    assert drawn.count("<circle") == 1
    assert drawn.count("var(--own)") == 3  # a dot, a line, an error bar


def test_marks_are_clipped_by_the_plot_under_an_id_of_the_name() -> None:
    plot = axes("first")
    plot.line([0, 10], [0, 9], "own")
    drawn = plot.svg()
    tree = ElementTree.fromstring(drawn)
    (clip,) = [child for child in tree if child.tag == "clipPath"]
    assert f'clip-path="url(#{clip.attrib["id"]})"' in drawn
    assert clip.attrib["id"] not in axes("second").svg()
    assert axes("first").svg() == axes("first").svg()


def test_colours_are_variables_of_the_page_and_nothing_is_an_inline_style() -> None:
    plot = axes()
    plot.bars([1, 2], [0.2, 0.4], "own")
    plot.stripe(0.2, 0.4, "good")
    plot.reference(0.5)
    drawn = plot.svg()
    assert "style=" not in drawn
    assert set(re.findall(r'(?:fill|stroke)="([^"]*)"', drawn)) <= {
        "none", "var(--own)", "var(--good)", "var(--line)", "var(--ink)"
    }  # fmt: skip


def test_labels_may_have_two_lines() -> None:
    plot = Axes("a", Axis(0, 1, (0,), ("0h\n100%",), "age"), Axis(0, 1, (), ()))
    texts = {node.text: float(node.attrib["y"]) for node in ElementTree.fromstring(plot.svg()) if node.tag == "text"}
    assert texts["0h"] < texts["100%"] < texts["age"]

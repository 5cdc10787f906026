"""A plot with two labelled axes and a grid.

Units are typographic points: text of 8.6 points in a picture 223 points wide, so that it has 14 pixels where the
picture has 362, as on a phone. Colours are names of CSS variables. Texts in two languages are both drawn; the page
hides one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import repeat
from math import isfinite

from markupsafe import Markup

from features.bilingual import Words
from training.charts.marks import area, bar, dot, element, label, path, picture, segment
from training.charts.scales import Kind, Scale

INCH = 72.0
SIZE = (3.1, 2.35)
EDGE = 0.08
"""Margin right of and above the plot, inches."""
TICK, PAD, TEXT = 3.5, 3.0, 8.6
RADIUS = 2.25
BAND_OPACITY = 0.15
DASHED, DOTTED = "5.6 2.4", "1.5 2.5"
DIGIT = 0.636
"""Width of a digit over the size of its text."""
WIDTHS = {"%": 0.95, ",": 0.318, ".": 0.318, "−": 0.838}


@dataclass(frozen=True)
class Axis:
    """Ends, ticks and title of an axis.

    Attributes:
        low, high: Numbers at its ends.
        ticks: Places of ticks, in numbers.
        labels: Their texts; a newline starts a second line.
        title: What the numbers are.
        kind: Of its scale.
        text: Size of the labels, points.
    """

    low: float
    high: float
    ticks: Sequence[float]
    labels: Sequence[str | Words]
    title: str | Words = ""
    kind: Kind = "linear"
    text: float = TEXT


class Axes:
    """Marks over a grid; what lies outside of the axes is cut off.

    Args:
        name: Name of the picture, unlike that of any other on the page: its id.
        across, up: The axes.
        size: Width and height, inches.
        left, below: Margins for labels and titles, inches.
        rows: The vertical axis has categories, so it has no grid lines.
    """

    def __init__(
        self, name: str, across: Axis, up: Axis, *, size: tuple[float, float] = SIZE, left: float = 0.66,
        below: float = 0.45, rows: bool = False,
    ) -> None:  # fmt: skip
        self.width, self.height = size[0] * INCH, size[1] * INCH
        self.left, self.right = left * INCH, self.width - EDGE * INCH
        self.top, self.bottom = EDGE * INCH, self.height - below * INCH
        self.across, self.up, self.rows = across, up, rows
        self.x = Scale(across.low, across.high, self.left, self.right, across.kind)
        self.y = Scale(up.low, up.high, self.bottom, self.top, up.kind)
        self._id = "clip-" + sha256(name.encode()).hexdigest()[:10]
        self._marks: list[Markup] = []
        self._points: list[Markup] = []

    def line(self, xs: Iterable[float], ys: Iterable[float], colour: str, width: float = 1.5, dash: str = "") -> None:
        """A line through points."""
        points = [(self.x(x), self.y(y)) for x, y in zip(xs, ys) if isfinite(x) and isfinite(y)]
        if not points:
            return
        self._marks.append(
            path(points, fill="none", stroke=_colour(colour), stroke_width=width, stroke_dasharray=dash or None)
        )

    def band(self, xs: Iterable[float], low: Iterable[float], high: Iterable[float], colour: str) -> None:
        """A shaded area between two lines."""
        known = [ends for ends in zip(xs, low, high) if all(isfinite(end) for end in ends)]
        if not known:
            return
        places = [self.x(x) for x, _, _ in known]
        lower, upper = [self.y(y) for _, y, _ in known], [self.y(y) for _, _, y in known]
        self._marks.append(area(places, lower, upper, fill=_colour(colour), opacity=BAND_OPACITY))

    def stripe(self, low: float, high: float, colour: str) -> None:
        """A shaded band across the plot."""
        self.band((self.across.low, self.across.high), (low, low), (high, high), colour)

    def reference(self, value: float) -> None:
        """A horizontal line across the plot."""
        self.line((self.across.low, self.across.high), (value, value), "line", 1.0)

    def ranges(
        self, at: Iterable[float], low: Iterable[float], high: Iterable[float], colour: str, width: float = 1.0,
    ) -> None:  # fmt: skip
        """Error bars: vertical ones, or horizontal ones where the vertical axis has categories."""
        for place, first, last in zip(at, low, high):
            if not (isfinite(first) and isfinite(last)):
                continue
            ends = (first, place, last, place) if self.rows else (place, first, place, last)
            x1, y1, x2, y2 = self.x(ends[0]), self.y(ends[1]), self.x(ends[2]), self.y(ends[3])
            self._marks.append(segment(x1, y1, x2, y2, stroke=_colour(colour), stroke_width=width, opacity=0.5))

    def points(
        self, xs: Iterable[float], ys: Iterable[float], colour: str, radii: Iterable[float] | None = None,
        opacity: float | None = None,
    ) -> None:  # fmt: skip
        """Dots, above all other marks; those outside of the axes are left out."""
        for x, y, radius in zip(xs, ys, repeat(RADIUS) if radii is None else radii):
            if self.across.low <= x <= self.across.high and self.up.low <= y <= self.up.high:
                self._points.append(dot(self.x(x), self.y(y), radius, fill=_colour(colour), opacity=opacity))

    def bars(self, xs: Iterable[float], ys: Iterable[float], colour: str, width: float = 0.7) -> None:
        """Bars from 0; `width` in numbers of the horizontal axis."""
        for x, y in zip(xs, ys):
            corners = self.x(x - width / 2), self.y(0.0), self.x(x + width / 2), self.y(y)
            self._marks.append(bar(*corners, fill=_colour(colour), opacity=0.75))

    def svg(self) -> Markup:
        """The picture."""
        box = bar(self.left, self.top, self.right, self.bottom)
        frame = [(self.left, self.top), (self.left, self.bottom), (self.right, self.bottom)]
        return picture(
            0.0,
            0.0,
            self.width,
            self.height,
            element("clipPath", box, id=self._id),
            *self._grid_and_ticks(),
            element("g", *self._marks, clip_path=f"url(#{self._id})"),
            path(frame, fill="none", stroke=_colour("line"), stroke_width=0.6),
            *self._points,
            *self._titles(),
        )

    def _grid_and_ticks(self) -> Iterable[Markup]:
        grid = {"stroke": _colour("line"), "stroke_width": 0.5, "opacity": 0.5}
        tick = {"stroke": _colour("ink"), "stroke_width": 0.8}
        for value, text in zip(self.across.ticks, self.across.labels):
            x, size = self.x(value), self.across.text
            yield segment(x, self.bottom, x, self.top, **grid)
            yield segment(x, self.bottom, x, self.bottom + TICK, **tick)
            first = self.bottom + TICK + PAD + (0.76 if _lines(text) == 1 else 0.86) * size
            for class_, shown in _languages(text):
                for number, line in enumerate(shown.split("\n")):
                    yield _text(x, first + number * 1.2 * size, line, size, "middle", class_)
        for value, text in zip(self.up.ticks, self.up.labels):
            y = self.y(value)
            if not self.rows:
                yield segment(self.left, y, self.right, y, **grid)
            yield segment(self.left, y, self.left - TICK, y, **tick)
            for class_, shown in _languages(text):
                yield _text(self.left - TICK - PAD, y + 0.38 * self.up.text, shown, self.up.text, "end", class_)

    def _titles(self) -> Iterable[Markup]:
        lines = max((_lines(text) for text in self.across.labels), default=1)
        below = self.across.text if lines == 1 else 1.2 * lines * self.across.text
        y = self.bottom + TICK + PAD + below + 4.0 + 0.76 * TEXT
        for class_, shown in _languages(self.across.title):
            yield _text((self.left + self.right) / 2, y, shown, TEXT, "middle", class_)
        texts = [shown for text in self.up.labels for _, shown in _languages(text)]
        widest = max((_width(text) for text in texts), default=0.0) * self.up.text
        x, y = self.left - TICK - PAD - widest - 5.0, (self.top + self.bottom) / 2
        for class_, shown in _languages(self.up.title):
            yield _text(x, y, shown, TEXT, "middle", class_, transform=f"rotate(-90 {x:.2f} {y:.2f})")


def _languages(text: str | Words) -> list[tuple[str | None, str]]:
    """A text of both languages, or each with the class that the page hides or shows; none for an empty text."""
    if isinstance(text, str) or text.zh == text.en:
        shown = text if isinstance(text, str) else text.en
        return [(None, shown)] if shown else []
    return [("zh", text.zh), ("en", text.en)]


def _lines(text: str | Words) -> int:
    return 1 + (text if isinstance(text, str) else text.en).count("\n")


def _colour(name: str) -> str:
    return f"var(--{name})"


def _text(
    x: float, y: float, text: str, size: float, anchor: str, class_: str | None, transform: str | None = None
) -> Markup:
    more = {"class_": class_, "transform": transform}
    return label(x, y, text, font_size=size, text_anchor=anchor, fill=_colour("ink"), **more)


def _width(text: str) -> float:
    return sum(WIDTHS.get(letter, DIGIT) for letter in text)

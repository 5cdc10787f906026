"""SVG elements: every attribute and text is escaped, numbers have two decimals at most."""

from collections.abc import Iterable

from markupsafe import Markup, escape

Point = tuple[float, float]


def number(value: float) -> str:
    """A coordinate."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def element(name: str, *children: object, **attributes: object) -> Markup:
    """An element; `class_` is written as class, other underscores in attributes as hyphens; None is left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(number(value) if isinstance(value, float) else value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = "".join(escape(child) for child in children)
    return Markup(f"<{name}{written}>{inner}</{name}>" if inner else f"<{name}{written}/>")


def picture(left: float, top: float, width: float, height: float, *children: object, title: str = "") -> Markup:
    """A drawing; without a title screen readers skip it, because the page says the same in a table."""
    box = " ".join(number(value) for value in (left, top, width, height))
    named = {"role": "img", "aria-label": title} if title else {"aria-hidden": "true"}
    return element("svg", *children, viewBox=box, **named)


def path(points: Iterable[Point], *, closed: bool = False, **attributes: object) -> Markup:
    """A line through points, or the outline of an area."""
    steps = "L".join(f"{number(x)} {number(y)}" for x, y in points)
    return element("path", d=f"M{steps}{'Z' if closed else ''}", **attributes)


def area(places: list[float], lower: list[float], upper: list[float], **attributes: object) -> Markup:
    """The area between two lines; all three lists are places, in the same order."""
    outline = [*zip(places, lower), *reversed(list(zip(places, upper)))]
    return path(outline, closed=True, **attributes)


def dot(x: float, y: float, radius: float, **attributes: object) -> Markup:
    """A filled or hollow circle."""
    return element("circle", cx=float(x), cy=float(y), r=float(radius), **attributes)


def segment(x1: float, y1: float, x2: float, y2: float, **attributes: object) -> Markup:
    """A straight line."""
    return path([(x1, y1), (x2, y2)], closed=False, **attributes)


def bar(x1: float, y1: float, x2: float, y2: float, **attributes: object) -> Markup:
    """A rectangle between two corners."""
    left, top = min(x1, x2), min(y1, y2)
    return element("rect", x=left, y=top, width=abs(x2 - x1), height=abs(y2 - y1), **attributes)


def label(x: float, y: float, text: object, **attributes: object) -> Markup:
    """A text with its baseline at y."""
    return element("text", text, x=float(x), y=float(y), **attributes)


def points_path(points: Iterable[Point], **attributes: object) -> Markup:
    """Many dots as one path of zero-length lines: with round line caps they are dots as wide as the stroke."""
    return element("path", d="".join(f"M{number(x)} {number(y)}h0" for x, y in points), **attributes)

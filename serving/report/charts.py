"""Where the marks of each plot stand: geometry in the units of its picture, no markup and no words."""

from collections.abc import Sequence
from math import exp, log

from pydantic import BaseModel, ConfigDict

from serving.report.diversity import Chance
from serving.report.drivers import Dependence, Swarm
from serving.report.effects import Effect

WIDE, ROW = 200.0, 18.0
LEAST_REACH, MOST_REACH = log(1.1), log(2.5)
TICKS = (0.4, 0.5, 0.67, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 2.5)
FEW_TICKS = (0.25, 0.5, 0.8, 1.0, 1.25, 2.0, 4.0)
SHADES = 3


class Drawn(BaseModel):
    """A part of a plot."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Mark(Drawn):
    """One line of a forest plot: places on a scale of logs; a raw rate beyond the scale has none."""

    at: float
    low: float
    high: float
    raw: float | None


class Forest(Drawn):
    """A line a value; `one` is the place of ×1.00, `ticks` other factors and their places."""

    one: float
    marks: list[Mark]
    ticks: list[tuple[str, float]]


class Dots(Drawn):
    """A beeswarm: of each line its points by shade (a path), where its name stands, and ticks."""

    height: float
    rows: list[float]
    one: float
    lines: list[list[str]]
    ticks: list[tuple[str, float]]


class Curve(Drawn):
    """A curve with the numbers it stands on: `path`, `rug`, and ticks of both axes."""

    path: str
    rug: str
    one: float
    across: list[tuple[str, float]]
    up: list[tuple[str, float]]


class Fan(Drawn):
    """Chance of at least one hit: a path each."""

    alike: str
    now: str
    apart: str
    across: list[tuple[str, float]]
    up: list[tuple[str, float]]


def forest(effects: Sequence[Effect]) -> Forest:
    """Of these effects, in order."""
    ends = [abs(log(end)) for one in effects for end in (one.low, one.high)]
    reach = min(max([LEAST_REACH, *ends]), MOST_REACH) * 1.05
    place = _scale(-reach, reach, 4.0, WIDE - 4.0)
    marks = [
        Mark(
            at=place(log(one.factor)),
            low=place(log(one.low)),
            high=place(log(one.high)),
            raw=place(log(one.raw_factor)) if one.raw_factor and abs(log(one.raw_factor)) < reach else None,
        )
        for one in effects
    ]
    return Forest(one=place(0.0), marks=marks, ticks=_ticks(TICKS, reach, place, 26.0, 14.0))


def swarm(told: Swarm) -> Dots:
    """Dots side by side where several creatives lie at one place."""
    flat = sorted(abs(value) for line in told.points for value in line)
    reach = min(max(LEAST_REACH, flat[int(len(flat) * 0.995)] if flat else 0.0), log(6.0)) * 1.05
    place = _scale(-reach, reach, 4.0, WIDE - 4.0)
    lines = []
    for number, (values, shades) in enumerate(zip(told.points, told.shades)):
        middle, used = number * ROW + ROW / 2, dict[int, int]()
        paths = [""] * (SHADES if shades else 1)
        for index, value in enumerate(values):
            across = place(value)
            bucket = round(across / 1.6)
            step = used[bucket] = used.get(bucket, -1) + 1
            offset = min((step + 1) // 2 * 1.5, ROW / 2 - 1.5) * (1 if step % 2 else -1)
            shade = min(int(shades[index] * SHADES), SHADES - 1) if shades else 0
            paths[shade] += f"M{across:.1f} {middle + offset:.1f}h0"
        lines.append(paths)
    rows = [number * ROW + ROW / 2 + 3 for number in range(len(lines))]
    return Dots(
        height=len(lines) * ROW,
        rows=rows,
        one=place(0.0),
        lines=lines,
        ticks=_ticks(FEW_TICKS, reach, place, 20.0, 8.0),
    )


def dependence(told: Dependence, wide: float = 220.0, high: float = 110.0) -> Curve:
    """The factor over the number (on a log scale), and a rug of the creatives it is known from."""
    xs = [log(value) for value in told.x]
    logs = [log(value) for value in told.factors]
    reach = max(LEAST_REACH, *(abs(value) for value in logs)) * 1.1
    across = _scale(min(xs), max(xs), 30.0, wide - 6.0)
    up = _scale(-reach, reach, high - 22.0, 6.0)
    by_x: dict[float, list[float]] = {}
    for x, value in zip(xs, logs):
        by_x.setdefault(x, []).append(value)
    points = [(across(x), up(sum(held) / len(held))) for x, held in sorted(by_x.items())]
    rug = "".join(f"M{across(x):.1f} {high - 20:.1f}v-5" for x in sorted(by_x))
    edges = [told.x[0], exp((xs[0] + xs[-1]) / 2), told.x[-1]]
    return Curve(
        path="M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points),
        rug=rug,
        one=up(0.0),
        across=[(f"{value:.3g}" if value < 1000 else f"{value:.0f}", across(log(value))) for value in edges],
        up=[(label, y) for label, y in _ticks(TICKS, reach, up, 14.0)],
    )


def chances(told: Chance, wide: float = 320.0, high: float = 170.0) -> Fan:
    """Over the number of creatives, on a scale of roots."""
    across = _scale(0.0, told.counts[-1] ** 0.5, 34.0, wide - 8.0)
    up = _scale(0.0, 1.0, high - 24.0, 8.0)

    def path(values: Sequence[float]) -> str:
        points = zip(told.counts, values)
        return "M" + "L".join(f"{across(count**0.5):.1f} {up(value):.1f}" for count, value in points)

    return Fan(
        alike=path(told.alike),
        now=path(told.now),
        apart=path(told.apart),
        across=[(str(count), across(count**0.5)) for count in told.counts if count not in (2, 3)],
        up=[(f"{share:.0%}", up(share)) for share in (0.0, 0.25, 0.5, 0.75, 1.0)],
    )


class _Line:
    """A straight scale that keeps what lies beyond it at its ends."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.span, self.start, self.end = low, (high - low) or 1.0, start, end

    def __call__(self, value: float) -> float:
        share = min(max((value - self.low) / self.span, 0.0), 1.0)
        return round(self.start + share * (self.end - self.start), 1)


def _scale(low: float, high: float, start: float, end: float) -> _Line:
    return _Line(low, high, start, end)


def _ticks(
    factors: Sequence[float], reach: float, place: _Line, apart: float, edge: float = 0.0
) -> list[tuple[str, float]]:
    """Those inside, as far apart, and from both ends, as their labels need; ×1 is always there."""
    found = [("1", place(0.0))]
    ends = sorted((place.start, place.end))
    for factor in sorted(factors, key=lambda one: abs(log(one))):
        at = place(log(factor))
        inside = abs(log(factor)) < reach and ends[0] + edge <= at <= ends[1] - edge
        if inside and all(abs(at - other) >= apart for _, other in found):
            found.append((f"{factor:g}", at))
    return found

"""Beeswarms of the heads' SHAP values, drawn from the points in the folder of an evaluation."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from markupsafe import Markup

from features.arrays import Floats
from features.bilingual import Words
from features.sanitise import visible_text
from training.charts.marks import label, picture, points_path, segment
from training.charts.scales import Scale, decimal_labels, nice_ticks
from training.evaluation.files import HeadFacts
from training.explanation.head_points import FOLDER, GREY, POINTS, SHADES

WIDTH, EDGE = 360.0, 10.0
NAME, SWARM, AXIS = 20.0, 22.0, 22.0
"""Heights of a feature's name, of its points, and of the axis."""
BUCKET, STEP = 2.5, 1.9
"""Points nearer than that across stand one above the other, so far apart."""
INSIDE = 0.995
"""Share of the points between the ends of the axis; those beyond stand at its ends."""
LONGEST = 44.0
"""Longest name that is shown whole, in Latin letters; Chinese ones are twice as wide."""


@dataclass(frozen=True)
class HeadSwarm:
    """What the page shows of one head.

    Attributes:
        label: Of the head.
        picture: A row of points for each feature, largest first; None where trees change nothing.
    """

    label: Words
    picture: Markup | None


def head_swarms(heads: Sequence[HeadFacts], folder: Path) -> list[HeadSwarm]:
    """Draw what `training.explanation.head_points.write_heads` wrote.

    Args:
        heads: Heads of the run.
        folder: Of the evaluation.
    """
    path = folder / FOLDER / POINTS
    table = pd.read_parquet(path) if path.exists() else pd.DataFrame({"head": pd.Series(dtype="str")})
    parts = dict(list(table.groupby("head", sort=False)))
    return [
        HeadSwarm(Words(head.zh, head.en), beeswarm(parts[head.name]) if head.name in parts else None) for head in heads
    ]


def beeswarm(points: pd.DataFrame) -> Markup:
    """Points of one head: across by percent, coloured by shade; above each row its name and mean |percent|.

    Args:
        points: Of `training.explanation.head_points.points`.
    """
    percent = points["percent"].to_numpy(np.float64)
    reach = max(float(np.quantile(np.abs(percent), INSIDE)), 1e-3)
    scale = Scale(-reach, reach, EDGE, WIDTH - EDGE, clamp=True)
    rows = list(points.groupby("feature", sort=False))
    height = len(rows) * (NAME + SWARM)
    marks: list[Markup] = []
    for number, (_, part) in enumerate(rows):
        top, values = number * (NAME + SWARM), part["percent"].to_numpy(np.float64)
        marks += [
            label(EDGE, top + 15.0, shortened(str(part[language].iloc[0])), class_=f"who {language}")
            for language in ("zh", "en")
        ]
        marks.append(label(WIDTH - EDGE, top + 15.0, f"{np.abs(values).mean():.1f}%", class_="size"))
        places = stacked(values, scale, top + NAME + SWARM / 2.0)
        shade = part["shade"].to_numpy(np.int64)
        for one in range(GREY, SHADES):
            if own := [place for place, its in zip(places, shade.tolist()) if its == one]:
                marks.append(points_path(own, class_=f"points {'grey' if one == GREY else f'q{one}'}"))
    ticks = nice_ticks(-reach, reach, 6)
    return picture(
        0.0,
        0.0,
        WIDTH,
        height + AXIS,
        segment(scale(0.0), NAME, scale(0.0), height, class_="one"),
        *marks,
        *(
            label(scale(tick), height + 16.0, f"{text}%", class_="tick")
            for tick, text in zip(ticks, decimal_labels(ticks))
        ),
    )


def stacked(values: Floats, scale: Scale, middle: float) -> list[tuple[float, float]]:
    """Places of the points of one row; those of one bucket alternate above and below its middle line.

    They stand STEP apart, or nearer where the fullest bucket would leave the row.
    """
    across = [scale(value) for value in values.tolist()]
    buckets = [round(x / BUCKET) for x in across]
    most = max(Counter(buckets).values(), default=1)
    step = min(STEP, (SWARM / 2.0 - 1.5) / max(most // 2, 1))
    before: dict[int, int] = defaultdict(int)
    places = []
    for x, bucket in zip(across, buckets):
        level = before[bucket]
        before[bucket] += 1
        apart = (level + 1) // 2 * step
        places.append((round(x, 1), round(middle + (apart if level % 2 else -apart), 1)))
    return places


def shortened(name: str) -> str:
    """A name on one line, as long as there is room for."""
    text, width = " ".join(visible_text(name).split()), 0.0
    for place, letter in enumerate(text):
        width += 1.0 if ord(letter) < 0x2E80 else 2.0
        if width > LONGEST:
            return f"{text[: place - 1]}…"
    return text

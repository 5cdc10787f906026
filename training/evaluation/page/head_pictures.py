"""Pictures of the heads' SHAP values, read back from the folder of an evaluation for its page."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from features.bilingual import Words
from training.evaluation.files import HeadFacts
from training.explanation.pictures import BAR, BEESWARM, FOLDER, IMPORTANCE


@dataclass(frozen=True)
class HeadPictures:
    """What the page shows of one head.

    Attributes:
        label: Of the head.
        images: Beeswarm and bars, each a PNG file in base64; none where trees change nothing.
        features: Labels of the features in them, largest first.
    """

    label: Words
    images: list[str]
    features: list[Words]


def read_head_pictures(heads: Sequence[HeadFacts], folder: Path) -> list[HeadPictures]:
    """Read what `training.explanation.pictures.draw_heads` wrote.

    Args:
        heads: Heads of the run.
        folder: Of the evaluation.
    """
    place, columns = folder / FOLDER, ["head", "zh", "en"]
    table = pd.DataFrame(columns=columns)
    if (place / IMPORTANCE).exists():
        table = pd.read_csv(place / IMPORTANCE, encoding="utf-8-sig", dtype="str", keep_default_na=False)
    found = []
    for head in heads:
        files = [place / name.format(head=head.name) for name in (BEESWARM, BAR)]
        drawn = all(file.exists() for file in files)
        images = [b64encode(file.read_bytes()).decode() for file in files] if drawn else []
        shown = table[table["head"] == head.name] if drawn else table[:0]
        names = [Words(zh, en) for zh, en in zip(shown["zh"], shown["en"])]
        found.append(HeadPictures(Words(head.zh, head.en), images, names))
    return found

"""Beeswarm and bars of every head's SHAP values as PNG files, and a table of the features that they show."""

import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.matrix.catalogue import Catalogue
from features.matrix.feature_matrix import Features
from features.sanitise import visible_text
from training.atomic_write import write_table
from training.boosting.model import CreativeModel
from training.boosting.volume import CHOICES
from training.explanation.shap_values import tree_shap

if TYPE_CHECKING:
    from matplotlib.ft2font import FT2Font

Floats = npt.NDArray[np.float64]

FOLDER, IMPORTANCE = "shap", "importance.csv"
BEESWARM, BAR = "{head}_beeswarm.png", "{head}_bar.png"
MOST_ROWS = 500
MOST_FEATURES = 12
LONGEST_LABEL = 44
INCHES, DPI = (8.0, 5.2), 80
LATIN_FONT = "DejaVu Sans"
"""Comes with matplotlib."""
CHINESE_FONTS = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "PingFang SC", "Microsoft YaHei",
    "Hiragino Sans GB", "Heiti SC", "SimHei", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Noto Sans CJK JP",
    "Arial Unicode MS",
)  # fmt: skip
NO_GLYPH = "□"
UNIT = "{} × 100 (≈ percent)"


def draw_heads(model: CreativeModel, features: Features, folder: Path, seed: int = 0) -> None:
    """Draw what the trees change in every head's log prediction: SHAP values times their weight in the stack.

    Writes `shap/<head>_beeswarm.png`, `shap/<head>_bar.png` and `shap/importance.csv` (head, feature, zh, en and
    mean |SHAP value| of the features shown, largest first). A head whose trees change nothing has no files. Names are
    Chinese where matplotlib finds a Chinese font, else English.

    Args:
        model: The fitted model.
        features: Of rows that it was not trained on; at most `MOST_ROWS` of them are drawn, chosen at random.
        folder: Of the evaluation.
        seed: Of that choice.
    """
    target = folder / FOLDER
    target.mkdir(parents=True, exist_ok=True)
    for left in [*target.glob("*.png"), target / IMPORTANCE]:
        left.unlink(missing_ok=True)  # of an earlier run
    rows = np.sort(np.random.default_rng(seed).permutation(len(features.values))[:MOST_ROWS])
    matrix = features.values.matrix[rows]
    coloured = matrix.copy()  # codes of categories have no order
    coloured[:, [feature.categorical for feature in features.catalogue]] = np.nan
    of_volume = {CHOICES[figure]: booster for figure, booster in model.volume.boosters.items()}
    weights = {name: head.stack.trees for name, head in model.heads.items()} | dict.fromkeys(of_volume, 1.0)
    boosters = {name: booster for name, booster in (model.boosters | of_volume).items() if weights[name] > 0}
    tables = []
    for name, values in tree_shap(boosters, matrix).items():
        logs = weights[name] * values[:, :-1]
        if logs.any():
            tables.append(_importance(name, logs, features.catalogue))
            _draw(logs, coloured, tables[-1], target)
    if tables:
        write_table(pd.concat(tables, ignore_index=True), target / IMPORTANCE)


def _importance(head: str, logs: Floats, catalogue: Catalogue) -> pd.DataFrame:
    size = np.abs(logs).mean(axis=0)
    order = [place for place in np.argsort(-size, kind="stable")[:MOST_FEATURES].tolist() if size[place] > 0]
    shown = [catalogue[place] for place in order]
    return pd.DataFrame(
        {
            "head": head,
            "feature": [feature.name for feature in shown],
            "zh": [feature.zh for feature in shown],
            "en": [feature.en for feature in shown],
            "mean_abs_log": size[order],
        },
        index=order,
    )


def _draw(logs: Floats, coloured: Floats, shown: pd.DataFrame, folder: Path) -> None:
    """Draw beeswarm and bars of one head.

    Args:
        logs: (rows, features) What the trees change.
        coloured: (rows, features) Numbers of the features; NaN is grey.
        shown: Rows of `importance.csv`; their index is the feature's place. Its number in the picture is its line here.
        folder: Of the files.
    """
    import shap
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from shap.plots import bar, beeswarm

    fonts = _fonts()
    language = "zh" if len(fonts) > 1 else "en"
    names = [""] * logs.shape[1]
    for number, (place, label) in enumerate(zip(shown.index.tolist(), shown[language]), start=1):
        names[place] = f"{number}  {_drawable(label, fonts)}"
    explained = shap.Explanation(100.0 * logs, data=coloured, feature_names=names)
    head = str(shown["head"].iloc[0])
    # Without pyplot: no backend is chosen and no figure is kept, so that a notebook's own stay as they are.
    with rc_context({"font.family": list(fonts), "text.parse_math": False}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)  # a feature that is missing in all rows
        for plot, name in ((beeswarm, BEESWARM), (bar, BAR)):
            figure = Figure(INCHES, DPI, layout="constrained")
            FigureCanvasAgg(figure)
            more = {"plot_size": None} if plot is beeswarm else {}
            axes = plot(explained, max_display=MOST_FEATURES + 1, ax=figure.subplots(), show=False, **more)
            if plot is bar:
                axes.set_xlim(right=1.12 * axes.get_xlim()[1])  # room for the numbers behind the bars
            axes.set_xlabel(UNIT.format("SHAP value" if plot is beeswarm else "mean |SHAP value|"))
            figure.savefig(folder / name.format(head=head))


@cache
def _fonts() -> dict[str, "FT2Font"]:
    """Font family → its glyphs: matplotlib's own, then a Chinese one if there is any."""
    from matplotlib.font_manager import FontProperties, findfont, fontManager
    from matplotlib.ft2font import FT2Font

    found = {font.name for font in fontManager.ttflist}
    families = [LATIN_FONT, *[name for name in CHINESE_FONTS if name in found][:1]]
    return {name: FT2Font(findfont(FontProperties(family=[name]))) for name in families}


def _drawable(label: str, fonts: dict[str, "FT2Font"]) -> str:
    """The label on one line, shortened, with a box for every character that no font has."""
    text = " ".join(visible_text(label).split())
    text = text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}…"
    return "".join(c if any(font.get_char_index(ord(c)) for font in fonts.values()) else NO_GLYPH for c in text)

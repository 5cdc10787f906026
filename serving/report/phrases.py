"""Which copy is clicked most: what creatives with a phrase do beyond what everything else about them lets expect.

The model reads copy as a whole, not by phrase: these are no served contributions but what the data say beside them.
"""

import re

import numpy as np
import pandas as pd

from serving.report.context import Residual, Seen
from serving.report.effects import Figure
from serving.report.residuals import cells

BREAKS = re.compile(r"[\s,，。.!！?？;；:：、|~～…]+")
LONGEST = 24
MOST = 12


class Phrase(Figure):
    """A phrase of the copy.

    Attributes:
        text: As it stands there.
        creatives: With clicks or impressions that carry it.
        factor: On the click rate beyond what else is known of them, shrunk for evidence; with its interval.
        raw: Their pooled click rate; None where nothing was shown.
        thin: Fewer creatives than a statement needs.
    """

    text: str
    creatives: int
    factor: float
    low: float
    high: float
    raw: float | None
    thin: bool


def phrases(seen: Seen, z: float) -> list[Phrase]:
    """The best and the worst ones, best first; those of fewer than ten creatives say nothing.

    Args:
        seen: The creatives.
        z: Standard deviations to either end of an interval.
    """
    texts = seen.observed["copy_text"].dropna().astype(str)
    parts = texts.str.split(BREAKS.pattern, regex=True).explode()
    parts = parts[(parts.str.len() > 1) & (parts.str.len() <= LONGEST)].rename("phrase")
    pairs = parts.rename_axis("row").reset_index().drop_duplicates()
    sizes = pairs["phrase"].value_counts()
    pairs = pairs[pairs["phrase"].map(sizes) >= 10]
    codes, names = pd.factorize(pairs["phrase"], sort=True)
    rows = pairs["row"].to_numpy(np.int64)
    click = seen.residuals["click"]
    spread = Residual(click.off[rows], click.weight[rows])
    clicks, shown = (np.nan_to_num(seen.figure(name))[rows] for name in ("clicks", "impressions"))
    tops, bottoms = np.bincount(codes, clicks, len(names)), np.bincount(codes, shown, len(names))
    found = [
        Phrase(
            text=str(names[cell.code]),
            creatives=cell.creatives,
            factor=float(np.exp(cell.log)),
            low=float(np.exp(cell.log - z * cell.sd)),
            high=float(np.exp(cell.log + z * cell.sd)),
            raw=float(tops[cell.code] / bottoms[cell.code]) if bottoms[cell.code] > 0 else None,
            thin=cell.creatives < seen.settings.verdict.min_creatives,
        )
        for cell in cells([spread], codes.astype(np.int64), len(names))
    ]
    found.sort(key=lambda phrase: -phrase.factor)
    return found if len(found) <= MOST else [*found[: MOST // 2], *found[-MOST // 2 :]]

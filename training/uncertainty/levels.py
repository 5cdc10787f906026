"""At which level intervals are computed so that they hold the nominal one although few rows calibrated them.

All promotion types are calibrated together, and each leans on all of them where it has little of its own
(`training.uncertainty.recalibration`). What is left is what few creatives can tell of a coverage: measured on n of
them it has the standard error √(level · (1 − level) / n). The level is raised by that error, one-sided 90 %, and by
less the nearer the rows of the type come to `interval.enough_rows`, from where on nothing is added.
"""

from math import sqrt

import numpy as np

from training.uncertainty.recalibration import OTHER, Columns

ONE_SIDED_90 = 1.2816
"""Quantile of the normal distribution."""
WORTH_OF_OTHERS = 0.25
"""What a creative of another promotion type tells of a type's coverage, in creatives of its own."""
MOST = 0.99
"""Highest level that is computed at."""


def added_levels(columns: Columns, level: float, enough_rows: int) -> dict[str, float]:
    """Promotion type → what is added to the level of its intervals; OTHER: of a type without rows.

    Args:
        columns: Of the rows that calibrate: `promotion_type` and `creative`. Rows of a creative depend on each other,
            so that the error is that of creatives.
        level: Nominal.
        enough_rows: Rows of a type from which on nothing is added.
    """
    types = columns["promotion_type"]
    rows = {str(name): int((types == name).sum()) for name in np.unique(types)} | {OTHER: 0}
    creatives = {name: len(set(columns["creative"][types == name].tolist())) for name in rows}
    everyone = sum(creatives.values())
    found = {}
    for name, count in rows.items():
        worth = max(creatives[name] + WORTH_OF_OTHERS * (everyone - creatives[name]), 1.0)
        lacking = max(0.0, 1.0 - count / enough_rows)
        found[name] = ONE_SIDED_90 * sqrt(level * (1.0 - level) / worth) * lacking
    return found

"""What gpmcast is measured by: figures with the bounds they are to reach, by data set."""

from dataclasses import dataclass

from benchmarks.own_models import FUNNEL, HEADS
from benchmarks.scores import OUTCOME, TRUTH
from features.targets import RATE_TARGETS
from training.evaluation.metrics import ALL_AGES

WORLDS = ("interplay", "shift")
FRESH = "fresh"
"""A world that was first looked at when nothing was changed any more."""
DISPLAY = ("display-warm", "display-cold")
SETS = ("additive", *WORLDS, FRESH, *DISPLAY)
GROUPS = "least and most total of groups"
VOLUME = "later_impressions"


@dataclass(frozen=True)
class Goal:
    """A bound on one figure.

    Attributes:
        target: Of the funnel.
        figure: `spearman` (against outcomes that of the typical value), `deviance`, `total`, or GROUPS: totals of every
            promotion type and age that hold at least MIN_SHARE of the impressions.
        low, high: Bounds, inclusive.
        against: OUTCOME or TRUTH.
        age_hours: ALL_AGES for all together.
        beside: Method that the figure is compared with: difference of ranks, quotient of deviances. Empty: none.
    """

    target: str
    figure: str
    low: float = float("-inf")
    high: float = float("inf")
    against: str = OUTCOME
    age_hours: float = ALL_AGES
    beside: str = ""


MIN_SHARE = 0.01
_TOTALS = [Goal(name, "total", 0.9, 1.1, against) for name in RATE_TARGETS for against in (OUTCOME, TRUTH)]
_ADDITIVE = [
    Goal("gpm", "spearman", low=0.845, against=TRUTH),
    Goal("net_roi", "spearman", low=0.635, against=TRUTH),
    Goal("roi", "deviance", high=0.54),
    Goal("gpm", "deviance", high=0.545),
    *_TOTALS,
    Goal("gpm", "spearman", low=0.665),
    Goal("roi", "spearman", low=0.555),
    Goal(VOLUME, "spearman", low=0.87),
    Goal(VOLUME, "spearman", low=0.845, age_hours=24),
    Goal(VOLUME, "deviance", high=3.03),
    Goal(VOLUME, GROUPS, 0.8, 1.25),
]
_AGAINST_PARTS = [
    Goal(name, "deviance", high=1.0, against=against, beside=beside)
    for name in RATE_TARGETS
    for beside in (FUNNEL, HEADS)
    for against in (OUTCOME, TRUTH)
]
_FRESH = [
    *(Goal(name, "spearman", low=-0.003, against=TRUTH, beside=FUNNEL) for name in RATE_TARGETS),
    Goal("net_roi", "deviance", high=0.9, against=TRUTH, beside=FUNNEL),
    *_TOTALS,
]
GOALS: dict[str, list[Goal]] = {
    "additive": _ADDITIVE,
    **dict.fromkeys(WORLDS, _AGAINST_PARTS),
    FRESH: _FRESH,
    "display-warm": [Goal("gpm", "spearman", low=0.78), Goal("roi", "spearman", low=0.70)],
    "display-cold": [Goal("gpm", "spearman", low=0.84), Goal("roi", "spearman", low=0.775)],
}
PLACED = {"spearman": SETS, "deviance": DISPLAY}
"""Figure of rates against outcomes by which gpmcast is to be first or within noise of the first → data sets."""

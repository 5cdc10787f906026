"""What the data can support: which model there is enough for, and the split that leaves enough to train it.

A run and the doctor, which foretells it, ask here. The holdout of a full model is as long as the settings say. That of
a small one is the shortest on which its rates can be judged and which leaves enough to train (LEAST_TRAINED); where
there is none, the shortest on which later volume can, else the shortest.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from configs.settings import Settings, Thin
from features.arrays import Mask
from features.funnel import Funnel
from features.targets import RATE_TARGETS, TARGETS
from training.errors import TooThinError
from training.labels.judged import MIN_GROUP_ROWS, judged_rows
from training.labels.outcomes import MATURE
from training.labels.splits import holdout_split

Amount = Literal["none", "small", "full"]

LEAST_TRAINED = 0.5
"""Share of the creatives with a closed outcome that a holdout beyond the shortest leaves for training: the model that
is judged must not be much weaker than the one that serves, which is trained on all of them."""
LONGER_HOLDOUTS = (14, 21, 28, 42, 56)
"""Days that are tried as the holdout of a small model, besides SMALL_AT_MOST and those of the settings."""
SMALL_AT_MOST = {
    ("split", "holdout_days"): 7,
    ("refits", "first_days"): 3,
    ("refits", "every_days"): 3,
}
"""Section and name of a setting → its most in a run on small data: five weeks of exports have to suffice. Of the
holdout it is the most that is tried first."""


@dataclass(frozen=True)
class TrainingAmount:
    """Creatives with a row to train on, and their orders; None where the data count none."""

    creatives: int
    orders: int | None

    def suffices(self, creatives: int, orders: int) -> bool:
        """Whether both amounts are reached."""
        return self.creatives >= creatives and (self.orders is None or self.orders >= orders)


@dataclass(frozen=True)
class Supported:
    """What the data can support.

    Attributes:
        amount: The model that there is enough for.
        settings: Of its run.
        train, holdout: (rows,) Training and holdout rows.
        since: Cutoff after which the holdout starts.
        found: What there is to train on.
        judged: Holdout rows by which every rate can be judged; MIN_GROUP_ROWS are needed.
    """

    amount: Amount
    settings: Settings
    train: Mask
    holdout: Mask
    since: pd.Timestamp
    found: TrainingAmount
    judged: int


def least_of(thin: Thin, amount: Literal["small", "full"]) -> tuple[int, int]:
    """Return creatives and orders that a model needs at least; a small one never needs more than the full one."""
    if amount == "full":
        return thin.min_creatives, thin.min_orders
    return min(thin.small_creatives, thin.min_creatives), min(thin.small_orders, thin.min_orders)


def supported(
    rows: pd.DataFrame,
    outcome: pd.DataFrame,
    funnel: Funnel,
    settings: Settings,
    count: Callable[[Mask], TrainingAmount],
) -> Supported:
    """Find the model that there is enough for, and its split.

    Args:
        rows: With `cutoff`, `closed_at` and `state`.
        outcome: Outcomes of the same rows (`training.labels.outcomes.outcomes`).
        funnel: Of the data.
        settings: Of the run.
        count: Function from (rows,) training rows to what there is of them.

    Raises:
        TooThinError: No row is mature, or none closed before a holdout starts.
    """
    known = judged_rows(outcome, funnel, settings.evaluate.min_impressions)
    rates = np.logical_and.reduce([known[name] for name in RATE_TARGETS if name in known])
    volume = np.logical_or.reduce([known[name] for name in known if TARGETS[name].is_volume])

    def split(days: int) -> Supported:
        train, holdout, since = holdout_split(rows, days)
        found = count(train)
        full, small = (found.suffices(*least_of(settings.thin, one)) for one in ("full", "small"))
        amount: Amount = "full" if full else "small" if small else "none"
        return Supported(amount, settings, train, holdout, since, found, int((holdout & rates).sum()))

    try:
        first = split(settings.split.holdout_days)
        if first.amount == "full":
            return first
    except TooThinError:
        first = None
    lengths, tried = holdout_lengths(settings), list[Supported]()
    closed = count((rows["state"] == MATURE).to_numpy(np.bool_)).creatives
    for days in lengths:
        try:
            one = split(days)
        except TooThinError:
            if not tried and first is None:
                raise
            break
        weak = tried and one.found.creatives < LEAST_TRAINED * closed
        if one.amount == "none" or weak:  # with a longer holdout there is still less to train on
            break
        tried.append(Supported(**{**vars(one), "amount": "small", "settings": for_small_data(settings, days)}))
    if not tried:
        return first or split(lengths[0])
    enough = [one for one in tried if one.judged >= MIN_GROUP_ROWS]
    some = [one for one in tried if (one.holdout & volume).sum() >= MIN_GROUP_ROWS]
    return [*enough, *some, *tried][0]


def holdout_lengths(settings: Settings) -> list[int]:
    """Return the days that are tried as the holdout of a small model, rising."""
    own = settings.split.holdout_days
    shortest = min(own, SMALL_AT_MOST["split", "holdout_days"])
    return sorted({shortest, own, *(longer for longer in LONGER_HOLDOUTS if longer > shortest)})


def for_small_data(settings: Settings, holdout_days: int) -> Settings:
    """Return the settings of a run on small data: its holdout, and an earlier first fit of the funnel model.

    Settings that ask for less stay as they are.
    """
    content = settings.model_dump()
    for section, name in SMALL_AT_MOST:
        content[section][name] = min(content[section][name], SMALL_AT_MOST[section, name])
    content["split"]["holdout_days"] = holdout_days
    return Settings.model_validate(content)

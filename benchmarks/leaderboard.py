"""Find the best method per figure, and whether gpmcast is first, within noise of the first, or behind."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from benchmarks.scores import KNOWN_EFFECTS, OURS
from training.evaluation.metrics import ALL_AGES

BETTER = {"spearman": "higher", "deviance": "lower", "captured_share": "higher"}
"""Figures that methods are ranked by, and which direction is better."""
FIRST, NOISE, BEHIND = "first", "within noise", "behind"


@dataclass(frozen=True)
class Placing:
    """Place of gpmcast in one ranking.

    Attributes:
        against: Outcome, truth or replay.
        target: Predicted target; for a replay, the target it funds by.
        figure: Of BETTER.
        age_hours: ALL_AGES for all together.
        first: Best method.
        best: Its figure.
        ours: Figure of gpmcast.
        place: FIRST, NOISE (the band of the difference includes 0) or BEHIND.
    """

    against: str
    target: str
    figure: str
    age_hours: float
    first: str
    best: float
    ours: float
    place: str


def placings(figures: pd.DataFrame, decisions: pd.DataFrame, funded_by: str) -> list[Placing]:
    """Place of gpmcast in every ranking of a comparison that it takes part in.

    Args:
        figures: From `benchmarks.scores.compare_methods`.
        decisions: From `training.evaluation.budget_replay.replay`; may be empty.
        funded_by: Target that the replay funds by.
    """
    ranked = figures[(figures["part"] == "all") & figures["figure"].isin(BETTER)]
    keys = ["against", "target", "figure", "age_hours"]
    found = [
        _placing((str(against), str(target), str(figure), float(str(age))), rows)
        for (against, target, figure, age), rows in ranked.groupby(keys, sort=False)
    ]
    if len(decisions):
        columns = {"rule": "method", "captured_share": "value", "apart_cny": "difference"}
        columns |= {"apart_cny_low": "difference_low", "apart_cny_high": "difference_high"}
        gains = decisions.rename(columns=columns)
        gains = gains[~gains["method"].isin(["oracle", "everyone alike"])]
        found += [
            _placing(("a replay", funded_by, "captured_share", float(str(age))), rows)
            for age, rows in gains.groupby("age_hours", sort=False)
        ]
    return [placing for placing in found if placing is not None]


def summary(found: Sequence[Placing]) -> list[tuple[str, ...]]:
    """A line per ranking over all ages, with the number of ages where gpmcast is first, within noise, and behind."""
    lines: list[tuple[str, ...]] = []
    for one in found:
        if one.age_hours != ALL_AGES:
            continue
        same = [
            other.place
            for other in found
            if (other.against, other.target, other.figure) == (one.against, one.target, one.figure)
            and other.age_hours != ALL_AGES
        ]
        by_age = "/".join(str(same.count(place)) for place in (FIRST, NOISE, BEHIND))
        numbers = (f"{one.best:.3f}", f"{one.ours:.3f}")
        lines.append((f"{one.target}, {one.against}", one.figure, one.first, *numbers, one.place, by_age))
    return lines


def _placing(ranking: tuple[str, str, str, float], rows: pd.DataFrame) -> Placing | None:
    known = rows[rows["value"].notna() & (rows["method"] != KNOWN_EFFECTS)].reset_index(drop=True)
    ours = known[known["method"] == OURS]
    if ours.empty:
        return None
    values = known["value"]
    best = known.iloc[int(values.argmax() if BETTER[ranking[2]] == "higher" else values.argmin())]
    own = float(ours["value"].iloc[0])
    if best["method"] == OURS or best["value"] == own:
        place = FIRST
    else:
        place = NOISE if best["difference_low"] <= 0 <= best["difference_high"] else BEHIND
    return Placing(*ranking, str(best["method"]), float(best["value"]), own, place)

"""Who is first where, and is gpmcast first, within noise of the first, or behind?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from benchmarks.scores import OURS
from training.evaluation.metrics import ALL_AGES

ORACLE = "knows every effect"
BETTER = {"spearman": "higher", "deviance": "lower", "captured_share": "higher"}
"""Figures by which methods are ranked, and which way is better."""
FIRST, NOISE, BEHIND = "first", "within noise", "behind"


@dataclass(frozen=True)
class Standing:
    """One contest.

    Attributes:
        against: What came, or the truth.
        target: Predicted; of a replay, what it funds by.
        figure: Of BETTER.
        age_hours: ALL_AGES for all together.
        first: Method that does best.
        best: Its figure.
        ours: Ours.
        place: FIRST, NOISE (the band of the difference holds 0) or BEHIND.
    """

    against: str
    target: str
    figure: str
    age_hours: float
    first: str
    best: float
    ours: float
    place: str


def standings(figures: pd.DataFrame, decisions: pd.DataFrame, funded_by: str) -> list[Standing]:
    """Every contest of a comparison in which we take part.

    Args:
        figures: Of `benchmarks.scores.compare`, with `against`.
        decisions: Of `training.evaluation.budget_replay.replay`; may be empty.
        funded_by: What the replay funds by.
    """
    ranked = figures[(figures["part"] == "all") & figures["figure"].isin(BETTER)]
    found = [
        _standing((str(against), str(target), str(figure), float(str(age))), rows)
        for (against, target, figure, age), rows in ranked.groupby(
            ["against", "target", "figure", "age_hours"], sort=False
        )
    ]
    if len(decisions):
        gains = decisions.rename(columns={"rule": "method", "captured_share": "value", "apart_cny": "apart"})
        gains = gains.rename(columns={"apart_cny_low": "apart_low", "apart_cny_high": "apart_high"})
        gains = gains[~gains["method"].isin(["oracle", "everyone alike"])]
        found += [
            _standing(("a replay", funded_by, "captured_share", float(str(age))), rows)
            for age, rows in gains.groupby("age_hours", sort=False)
        ]
    return [one for one in found if one is not None]


def summary(found: Sequence[Standing]) -> list[tuple[str, ...]]:
    """A line per contest over all ages, with how often we are first, within noise and behind by age."""
    lines: list[tuple[str, ...]] = []
    for one in found:
        if one.age_hours == ALL_AGES:
            same = [
                other.place
                for other in found
                if (other.against, other.target, other.figure) == (one.against, one.target, one.figure)
                and other.age_hours != ALL_AGES
            ]
            by_age = "/".join(str(same.count(place)) for place in (FIRST, NOISE, BEHIND))
            lines.append(
                (f"{one.target}, {one.against}", one.figure, one.first, f"{one.best:.3f}", f"{one.ours:.3f}",
                 one.place, by_age)
            )  # fmt: skip
    return lines


def _standing(about: tuple[str, str, str, float], rows: pd.DataFrame) -> Standing | None:
    known = rows[rows["value"].notna() & (rows["method"] != ORACLE)]
    ours = known[known["method"] == OURS]
    if ours.empty:
        return None
    higher = BETTER[about[2]] == "higher"
    best = known.loc[known["value"].idxmax() if higher else known["value"].idxmin()]
    mine = float(ours["value"].iloc[0])
    place = FIRST if best["method"] == OURS or best["value"] == mine else _beyond(best)
    return Standing(*about, str(best["method"]), float(best["value"]), mine, place)


def _beyond(best: Mapping[str, float]) -> str:
    return NOISE if best["apart_low"] <= 0 <= best["apart_high"] else BEHIND

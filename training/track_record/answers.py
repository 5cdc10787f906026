"""Past answers as one table, what their decisions mean today, and which answers count."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Floats
from features.schema import KEY

VERSION = ["model", "version"]
ANSWER = [*VERSION, *KEY, "at", "age_hours", "cutoff", "trained_until", "outcome_days", "basis"]
"""Columns of every table of answers.

Besides: `asked_roi`, `chance` (of reaching it), `hit_chance`, `hit_of` and `hit_at` (the measure of such a hit and what
it reaches in its window; empty and NaN where that was not recorded), `decision`, `unseen` (whether a value was not in
the model's data), and where stated `predicted_<target>`, `typical_<target>`, `<target>_low`, `<target>_high`,
`stage_<stage>`. Times are naive, in the model's time zone."""
BACKTEST = "backtest"
"""Name of the model in answers of a backtest; the version is the day of its origin."""

SCALE, HOLD, BID_LESS, WATCH, STOP = RUNNING_DECISIONS = ["scale", "hold", "bid_less", "watch", "stop"]
FIRST, RESERVE, SKIP = WAITING_DECISIONS = ["first", "reserve", "skip"]
FAVOURS = [SCALE, FIRST]
"""Decisions that are right where the ROI target is reached."""
AGAINST = [BID_LESS, STOP, SKIP]
"""Decisions that are right where it is missed."""
OLD_CODES = {
    ("test", False): WATCH,
    ("scale", True): FIRST,
    ("test", True): RESERVE,
    ("hold", True): RESERVE,
    ("watch", True): RESERVE,
    ("stop", True): SKIP,
}
"""Verdict of an earlier version and whether the creative waited for its launch → today's decision; others keep their
code. Verdicts once were the same before and after launch, and `watch` was called `test`."""


def decisions_of(verdicts: pd.Series, age_hours: pd.Series) -> pd.Series:
    """Today's code of each recorded verdict; empty where there was none.

    Args:
        verdicts: Codes of any version.
        age_hours: Hours since launch when they were given.
    """
    waiting = (age_hours <= 0).to_numpy(np.bool_)
    codes = [OLD_CODES.get((code, bool(waits)), code) for code, waits in zip(verdicts.fillna(""), waiting)]
    return pd.Series(codes, index=verdicts.index, dtype="str")


def backtest_answers(table: pd.DataFrame, roi: str, outcome_days: int, basis: str) -> pd.DataFrame:
    """Answers of a backtest (`training.backtest.backtest`): each given at its cutoff by the model of its origin.

    Args:
        table: As `make backtest` writes it.
        roi: Main ROI target; empty where there is none.
        outcome_days: Of the settings of the backtest.
        basis: Of the settings of the backtest.
    """
    stated, ends = ("predicted_", "typical_", "stage_"), _ends(table)
    kept = [name for name in map(str, table) if name.startswith(stated) or name in ends]
    nothing = pd.Series(np.nan, index=table.index)
    return table[[*KEY, "age_hours", "cutoff", *kept]].assign(
        model=BACKTEST,
        version=table["origin"].dt.strftime("%Y-%m-%d"),
        at=table["cutoff"],
        trained_until=table["origin"],
        outcome_days=outcome_days,
        basis=basis,
        asked_roi=table.get("asked_roi", nothing),
        chance=table.get(f"{roi or 'roi'}_chance", nothing),
        hit_chance=table.get("hit_chance", nothing),
        hit_of=table.get("hit_of", pd.Series("", index=table.index)),
        hit_at=table.get("hit_at", nothing),
        decision=decisions_of(table.get("verdict", pd.Series("", index=table.index)), table["age_hours"]),
        unseen=False,
    )


def counted(answers: pd.DataFrame) -> pd.DataFrame:
    """The answers that count: of each creative, version and day of the cutoff the last one given.

    A creative is often asked for several times a day, with the same report behind it. Whether to launch it and what to
    do once it runs are two questions: of a launch day both last answers count.
    """
    places = {"_day": answers["cutoff"].dt.normalize(), "_waiting": answers["age_hours"] <= 0}
    order = answers.assign(**places).sort_values([*VERSION, *KEY, "cutoff", "at"], kind="stable")
    last = order.drop_duplicates([*VERSION, *KEY, *places], keep="last")
    return last.drop(columns=list(places)).reset_index(drop=True)


def day_shares(units: npt.NDArray[np.int64], opens: npt.NDArray[np.int64], closes: npt.NDArray[np.int64]) -> Floats:
    """Weight of each answer, so that every moment of a creative counts once, however often it was asked for.

    A moment that k windows of a creative cover counts 1/k in each; the weight is the mean of that over the window. A
    creative that was asked for every day so weighs about as many windows as its life holds.

    Args:
        units: (answers,) code of each answer's creative.
        opens: (answers,) begin of its outcome window, seconds.
        closes: (answers,) end of it.

    Returns:
        (answers,) from above 0 to 1.
    """
    count = len(units)
    if not count:
        return np.zeros(0)
    times, owners = np.concatenate([opens, closes]), np.concatenate([units, units])
    order = np.lexsort((times, owners))
    covering = np.cumsum(np.concatenate([np.ones(count), -np.ones(count)])[order])
    lengths = np.diff(times[order], append=times[order][-1])
    weighted = np.where(covering > 0, lengths / np.maximum(covering, 1.0), 0.0)
    running = np.empty(2 * count)
    running[order] = np.concatenate([[0.0], np.cumsum(weighted)[:-1]])
    return (running[count:] - running[:count]) / (closes - opens)


def targets_of(answers: Iterable[object]) -> list[str]:
    """Targets that a table of answers predicts."""
    return [str(name).removeprefix("predicted_") for name in answers if str(name).startswith("predicted_")]


def _ends(table: pd.DataFrame) -> set[str]:
    return {f"{target}_{end}" for target in targets_of(table) for end in ("low", "high")} & set(map(str, table))

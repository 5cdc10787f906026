"""Rankings that were answered (`/v1/rank`): was their order right, and what was the choice of the first k worth.

A list is one answer about creatives of one promotion type, by one target. What came is compared within each list:

- order: the correlation of places in the list and places by outcome (Spearman's within lists, put together by shares),
- lift: what the first k brought, by exposure, over what the whole list brought,
- told, and corrected for choosing the highest by conditional shrinkage (`training.track_record.top_lists`), beside what
  came of the first k.

Of lists about the same creatives, by the same version, target and day, the last counts.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.settings import Settings
from features.arrays import Floats, Mask
from features.funnel import Funnel
from features.schema import KEY, Loaded
from features.targets import TARGETS
from training.evaluation.metrics import ratio
from training.track_record.answers import VERSION
from training.track_record.matured import Matured, matured
from training.track_record.quality import comparable
from training.track_record.resampling import Figure, Resampling
from training.track_record.top_lists import shrunk

LEAST_LIST = 5
"""Creatives with an outcome below which a list has no order."""
RANKING = [*VERSION, *KEY, "at", "age_hours", "cutoff", "trained_until", "outcome_days", "basis", "list", "by", "top",
    "place", "value", "unseen"]  # fmt: skip
"""Columns of a table of answered rankings: `list` names the answer, `by` its target, `top` is how many were wanted,
`place` (from 1) and `value` are what was answered of the creative. Times as in `training.track_record.answers`."""
RANKING_COLUMNS = ["promotion_type", "by", "lists", "figure", *Figure._fields]


def rankings(
    ranked: pd.DataFrame, loaded: Loaded, funnel: Funnel, settings: Settings, least_volume: float
) -> tuple[pd.DataFrame, int]:
    """Score the answered rankings.

    Args:
        ranked: Columns RANKING; may be empty.
        loaded: Metrics and creatives, newer than the answers.
        funnel: Of the data.
        settings: Of the run.
        least_volume: Least later volume of a creative whose rate is compared.

    Returns:
        One row per promotion type, target and figure: `rank`, `lift`, `told`, `corrected`, `came` (of the first k),
        `others` (of the rest), `slope` (the power of the correction); `lists` is their number. And the number of lists
        answered, those without outcomes yet included.
    """
    lists = last_lists(ranked)
    given = lists.groupby(["list", "promotion_type"]).ngroups
    lines: list[dict[str, object]] = []
    for by, part in lists.groupby("by", sort=True):
        target = str(by)
        if target not in funnel.targets:
            continue
        found = _with_outcomes(part.reset_index(drop=True), loaded, funnel, settings)
        table = found.table
        if f"actual_{target}" not in table:
            continue
        draws, types = Resampling.of(table), table["promotion_type"].to_numpy()
        known = comparable(table, target, least_volume)
        for kind in sorted(set(types)):
            rows, codes = _of_long_lists(table, known & (types == kind))
            if rows.any():
                about = {"promotion_type": kind, "by": target, "lists": len(set(codes[rows].tolist()))}
                figures = _figures(table, draws, target, rows, codes)
                lines += [about | {"figure": name} | one._asdict() for name, one in figures.items()]
    return pd.DataFrame(lines, columns=RANKING_COLUMNS), given


def last_lists(ranked: pd.DataFrame) -> pd.DataFrame:
    """The lists that count: of those about the same creatives, by the same version, target and day, the last."""
    if ranked.empty:
        return ranked
    about = ranked.assign(whom=ranked[KEY].agg(" ".join, axis=1), day=ranked["at"].dt.normalize())
    lists = about.sort_values("whom", kind="stable").groupby("list", sort=False)
    whole = lists[[*VERSION, "by", "day", "at"]].first().assign(whom=lists["whom"].agg("|".join))
    last = whole.sort_values("at", kind="stable").drop_duplicates([*VERSION, "by", "day", "whom"], keep="last")
    return ranked[ranked["list"].isin(last.index)]


def _with_outcomes(part: pd.DataFrame, loaded: Loaded, funnel: Funnel, settings: Settings) -> Matured:
    """Lists by one target joined with outcomes; a creative stands once in every list."""
    target = str(part["by"].iloc[0])
    answers = part.assign(**{f"predicted_{target}": part["value"]})
    return matured(answers, loaded, funnel, settings, every=True)


def _of_long_lists(table: pd.DataFrame, rows: Mask) -> tuple[Mask, npt.NDArray[np.int64]]:
    """Rows of lists with enough outcomes, and the code of each row's list."""
    codes = pd.factorize(table["list"] + " " + table["promotion_type"])[0].astype(np.int64)
    sizes = np.bincount(codes[rows], minlength=int(codes.max(initial=-1)) + 1)
    return rows & (sizes[codes] >= LEAST_LIST), codes


def _figures(
    table: pd.DataFrame, draws: Resampling, target: str, rows: Mask, codes: npt.NDArray[np.int64]
) -> dict[str, Figure]:
    told, actual, exposure = (
        np.nan_to_num(table[f"{part}_{target}"].to_numpy(np.float64)) for part in ("predicted", "actual", "exposure")
    )
    share = table["share"].to_numpy(np.float64)
    weight, came = share * exposure, exposure * actual
    first = rows & (table["place"] <= table["top"]).to_numpy(np.bool_)
    by_place, by_outcome = (_within(values, codes, rows) for values in (-table["place"].to_numpy(np.float64), actual))
    parts = np.stack([by_place * by_outcome, by_place**2, by_outcome**2], axis=1)
    sums = draws.totals(share[:, None] * parts, rows)
    found = {"rank": draws.figure(ratio(sums[:, 0], np.sqrt(sums[:, 1] * sums[:, 2])), rows)}
    if TARGETS[target].is_volume or not first.any() or first.sum() == rows.sum():
        return found
    corrected, slope = shrunk(told, (came, exposure, share), draws, rows)
    best, whole = (draws.ratios(share * came, weight, some) for some in (first, rows))
    return found | {
        "lift": draws.figure(ratio(best, whole), first),
        "told": draws.quotient(weight * told, weight, first),
        "corrected": draws.quotient(weight * np.nan_to_num(corrected), weight, first),
        "came": draws.figure(best, first),
        "others": draws.quotient(share * came, weight, rows & ~first),
        "slope": slope,
    }


def _within(values: Floats, codes: npt.NDArray[np.int64], rows: Mask) -> Floats:
    """(rows,) Rank of each value in its list, from −½ to ½; 0 elsewhere."""
    frame = pd.DataFrame({"value": values, "list": codes})[rows]
    grouped = frame.groupby("list")["value"]
    centred = (grouped.rank() - (grouped.transform("size") + 1.0) / 2.0) / grouped.transform("size")
    found = np.zeros(len(values))
    found[rows] = centred.to_numpy(np.float64)
    return found

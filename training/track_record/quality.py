"""How good past answers were: order, level, intervals and chances, beside simple rules."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.funnel import TARGETS
from training.track_record.answers import targets_of
from training.track_record.matured import RULES
from training.track_record.resampling import Figure, Resampling

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

AGES = {"waiting": 0.0, "day_1": 24.0, "day_3": 72.0, "day_7": 168.0, "later": np.inf}
"""Group of ages → most hours since launch."""
BINS = 5
"""Groups of stated chances, equal in answers."""
FIGURES = ["rank", "level", "inside", *(f"rank_{rule}" for rule in RULES), *(f"ahead_{rule}" for rule in RULES)]
QUALITY_COLUMNS = ["promotion_type", "by", "group", "target", "figure", *Figure._fields]


def age_groups(age_hours: pd.Series) -> pd.Series:
    """Name of the group of ages of each answer."""
    place = np.searchsorted(np.array(list(AGES.values())), age_hours.to_numpy(np.float64))
    return pd.Series(np.array(list(AGES))[place], index=age_hours.index, dtype="str")


def comparable(table: pd.DataFrame, target: str, least_volume: float) -> Mask:
    """Answers that count for a target: the outcome is known and, for a rate, on at least so much volume."""
    truth, guess = (table[f"{part}_{target}"].to_numpy(np.float64) for part in ("actual", "predicted"))
    known = np.isfinite(truth) & np.isfinite(guess) & (table[f"exposure_{target}"].to_numpy(np.float64) > 0)
    if TARGETS[target].is_volume:
        return known
    return known & (table["later_volume"].to_numpy(np.float64) >= least_volume)


def quality(table: pd.DataFrame, draws: Resampling, roi: str, least_volume: float) -> pd.DataFrame:
    """Order, level and coverage of past answers; 推直播 and 推商品 are never put together.

    Args:
        table: Of `training.track_record.matured.Matured`, with the groups `ages` and `version`.
        draws: Of its rows.
        roi: Main ROI target: it is also broken down, and compared with simple rules.
        least_volume: Least later volume of an answer about a rate (`evaluate.min_impressions`).

    Returns:
        One row per promotion type, breakdown (`all`, `account_id`, `ages`, `version`), its group, target and figure:
        `rank` (Spearman's correlation of typical value, else expected value, and outcome), `level` (predicted over
        actual by exposure), `inside` (share of outcomes in their interval), `rank_<rule>`, and `ahead_<rule>` (rank
        minus that of the rule), each with `low` and `high`, `answers` and `creatives`.
    """
    lines: list[dict[str, object]] = []
    types = table["promotion_type"].to_numpy()
    for kind in sorted(set(types)):
        of_type = types == kind
        for target in targets_of(table):
            if f"actual_{target}" not in table or (TARGETS[target].is_volume and target != _volume(table)):
                continue
            known = of_type & comparable(table, target, least_volume)
            for by in ("all", "account_id", "ages", "version") if target == roi else ("all",):
                values = table[by].to_numpy() if by != "all" else np.full(len(table), "all")
                for group in sorted(set(values[known])):
                    found = _figures(table, draws, target, known & (values == group), rules=target == roi)
                    about = {"promotion_type": kind, "by": by, "group": str(group), "target": target}
                    lines += [about | {"figure": name} | one._asdict() for name, one in found.items()]
    return pd.DataFrame(lines, columns=QUALITY_COLUMNS)


def _volume(table: pd.DataFrame) -> str:
    return next((name for name in targets_of(table) if TARGETS[name].is_volume), "")


def _figures(table: pd.DataFrame, draws: Resampling, target: str, rows: Mask, *, rules: bool) -> Mapping[str, Figure]:
    guess, truth, exposure = (
        table[f"{part}_{target}"].to_numpy(np.float64) for part in ("predicted", "actual", "exposure")
    )
    share = table["share"].to_numpy(np.float64)
    weight, truth = share * exposure, np.nan_to_num(truth)
    # Zeros are many: what a creative will most likely show orders them better than its mean, where it was stated.
    order = table[f"typical_{target}"].fillna(table[f"predicted_{target}"]) if f"typical_{target}" in table else guess
    order = np.asarray(order, dtype=np.float64)
    ranks, rank = draws.rank(order, truth, share, rows)
    found = {"rank": rank, "level": draws.quotient(weight * guess, weight * truth, rows)}
    if f"{target}_low" in table:
        low, high = (table[f"{target}_{end}"].to_numpy(np.float64) for end in ("low", "high"))
        inside, known = share * ((truth >= low) & (truth <= high)), rows & np.isfinite(low)
        found["inside"] = draws.share(draws.ratios(inside, share, known), known)
    if rules:
        for rule in RULES:
            score = table[f"rule_{rule}"].to_numpy(np.float64)
            both = rows & np.isfinite(score)
            own = ranks if both.sum() == rows.sum() else draws.rank(order, truth, share, both)[0]
            others, found[f"rank_{rule}"] = draws.rank(np.nan_to_num(score), truth, share, both)
            found[f"ahead_{rule}"] = draws.figure(own - others, both)
    return found


def chances(table: pd.DataFrame, draws: Resampling, roi: str, least_volume: float) -> pd.DataFrame:
    """Stated chances of reaching the asked ROI beside how often it was reached.

    Returns:
        One row per promotion type and fifth of the stated chances (0: all of them): `stated`, and `value` with `low`,
        `high`, `answers`, `creatives`: how often the ROI was reached; `brier` and `brier_base` (of stating the mean
        frequency for all) in the row of all.
    """
    columns = ["promotion_type", "bin", "stated", *Figure._fields, "brier", "brier_base"]
    if not roi or f"actual_{roi}" not in table:
        return pd.DataFrame(columns=columns)
    stated, asked = table["chance"].to_numpy(np.float64), table["asked_roi"].to_numpy(np.float64)
    reached = (table[f"actual_{roi}"].to_numpy(np.float64) >= asked).astype(np.float64)
    known = comparable(table, roi, least_volume) & np.isfinite(stated) & np.isfinite(asked)
    share, types, lines = table["share"].to_numpy(np.float64), table["promotion_type"].to_numpy(), []
    for kind in sorted(set(types)):
        rows = known & (types == kind)
        if not rows.any():
            continue
        edges = np.quantile(stated[rows], np.linspace(0, 1, BINS + 1)[1:-1])
        bins = np.searchsorted(edges, stated, side="right") + 1
        for number in range(BINS + 1):
            of_bin = rows & ((bins == number) | (number == 0))
            if not of_bin.any():
                continue
            true = draws.share(draws.ratios(share * reached, share, of_bin), of_bin)
            line = {"promotion_type": kind, "bin": number, **true._asdict()}
            line["stated"] = float(np.average(stated[of_bin], weights=share[of_bin]))
            if number == 0:
                line["brier"] = float(np.average((stated - reached)[of_bin] ** 2, weights=share[of_bin]))
                line["brier_base"] = true.value * (1.0 - true.value)
            lines.append(line)
    return pd.DataFrame(lines, columns=columns)

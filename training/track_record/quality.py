"""How good past answers were: order, level, intervals and chances, beside simple rules."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from features.arrays import Floats, Mask
from features.targets import TARGETS
from training.evaluation.metrics import ratio
from training.track_record.answers import targets_of
from training.track_record.matured import RULES
from training.track_record.resampling import Figure, Resampling

AGES = {"waiting": 0.0, "day_1": 24.0, "day_3": 72.0, "day_7": 168.0, "later": np.inf}
"""Group of ages → most hours since launch."""
BINS = 5
"""Groups of stated chances, equal in answers."""
FIGURES = ["rank", "level", "inside", *(f"rank_{rule}" for rule in RULES), *(f"ahead_{rule}" for rule in RULES)]
TARGET, HIT = "target", "hit"
"""What a chance is of: of reaching the asked ROI, of a hit."""
LEAST_CHANCE = 1e-4
"""Chances below count as this in the log score, which is infinite at 0; likewise near 1."""
SCORES = ["brier", "brier_base", "log_score", "log_score_base", "skill", "skill_low", "skill_high"]
CHANCE_COLUMNS = ["promotion_type", "of", "bin", "stated", *Figure._fields, *SCORES]
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
    """Stated chances beside how often they came true: of reaching the asked ROI, and of a hit.

    Args:
        table: Of `training.track_record.matured.Matured`.
        draws: Of its rows.
        roi: Main ROI target.
        least_volume: Least later volume of an answer whose ROI is compared with the asked one; hits count without.

    Returns:
        One row per promotion type, `of` (TARGET or HIT) and fifth of the stated chances (`bin`; 0: all of them):
        `stated`, and `value` with `low`, `high`, `answers`, `creatives`: how often it came true. In the row of all also
        `brier` and `log_score` (mean of the negative log-likelihood), each with `…_base`, that of stating the mean
        frequency for all, and `skill` (1 − brier over its base) with `skill_low` and `skill_high`.
    """
    lines: list[dict[str, object]] = []
    if roi and f"actual_{roi}" in table:
        asked, actual = (table[name].to_numpy(np.float64) for name in ("asked_roi", f"actual_{roi}"))
        known = comparable(table, roi, least_volume) & np.isfinite(asked)
        came = np.where(known, actual >= asked, np.nan)
        lines += _came_true(table, draws, TARGET, table["chance"].to_numpy(np.float64), came)
    if "hit" in table:
        stated, came = (table[name].to_numpy(np.float64) for name in ("hit_chance", "hit"))
        lines += _came_true(table, draws, HIT, stated, came)
    return pd.DataFrame(lines, columns=CHANCE_COLUMNS)


def _came_true(
    table: pd.DataFrame, draws: Resampling, of: str, stated: Floats, came: Floats
) -> Iterator[dict[str, object]]:
    """Rows of `chances`; `came`: (rows,) 1, 0 or NaN."""
    known, types = np.isfinite(stated) & np.isfinite(came), table["promotion_type"].to_numpy()
    share, came = table["share"].to_numpy(np.float64), np.nan_to_num(came)
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
            true = draws.share(draws.ratios(share * came, share, of_bin), of_bin)
            line: dict[str, object] = {"promotion_type": kind, "of": of, "bin": number, **true._asdict()}
            line["stated"] = float(np.average(stated[of_bin], weights=share[of_bin]))
            yield line | (_scores(draws, share, stated, came, of_bin) if number == 0 else {})


def _scores(draws: Resampling, share: Floats, stated: Floats, came: Floats, rows: Mask) -> dict[str, float]:
    """Brier and log score of stated chances, against stating the mean frequency for all."""
    chance = np.clip(np.nan_to_num(stated), LEAST_CHANCE, 1.0 - LEAST_CHANCE)
    squares, logs = (np.nan_to_num(stated) - came) ** 2, -np.log(np.where(came > 0, chance, 1.0 - chance))
    sums = draws.totals(share[:, None] * np.stack([squares, logs, came, np.ones_like(came)], axis=1), rows)
    brier, log_score, frequency = (ratio(sums[:, place], sums[:, 3]) for place in range(3))
    base = frequency * (1.0 - frequency)
    skill = draws.figure(1.0 - ratio(brier, base), rows)
    rare = np.clip(frequency[0], LEAST_CHANCE, 1.0 - LEAST_CHANCE)
    return {
        "brier": float(brier[0]),
        "brier_base": float(base[0]),
        "log_score": float(log_score[0]),
        "log_score_base": float(-rare * np.log(rare) - (1.0 - rare) * np.log(1.0 - rare)),
        "skill": skill.value,
        "skill_low": skill.low,
        "skill_high": skill.high,
    }

"""Were decisions right, and what was it worth: by decision, beside as many picks by simple rules."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.arrays import Floats, Mask
from training.track_record.answers import AGAINST, FAVOURS, RUNNING_DECISIONS, WAITING_DECISIONS
from training.track_record.matured import RULES, YESTERDAY
from training.track_record.quality import comparable
from training.track_record.resampling import Figure, Resampling

RULE_SPEND_CNY = 50.0
"""A simple rule stops nothing that has spent less: teams do not judge before."""
DECISION_COLUMNS = ["promotion_type", "decision", "told", "silent", "figure", *Figure._fields]


def decisions(table: pd.DataFrame, draws: Resampling, roi: str, least_volume: float) -> pd.DataFrame:
    """What came after each decision.

    `right` is the share of those with enough volume afterwards whose ROI reached (FAVOURS) or missed (AGAINST) the
    asked one; of others, `reached`: the share that reached it. `base` is the same over all decisions of that
    promotion type, before launch and after it apart. Money counts in every case: `gain_cny`, spend × (ROI − asked
    ROI) of the windows; of a creative that was to be stopped and was not, what it lost is negative. A creative that
    got no traffic has no outcome: it is counted in `silent` alone.

    Args:
        table: Of `training.track_record.matured.Matured`.
        draws: Of its rows.
        roi: Main ROI target.
        least_volume: Least later volume of an answer whose ROI is compared with the asked one.

    Returns:
        One row per promotion type, decision and figure (`right` or `reached`, `base`, `spend_cny`, `gain_cny`;
        for FAVOURS and AGAINST also `<rule>_right`, `<rule>_gain_cny` of as many picks by the rule, and
        `ahead_right`, `ahead_gain_cny` of the decisions over those of yesterday's ROI), with `told` (answers with the
        decision) and `silent`.
    """
    if not roi or f"actual_{roi}" not in table:
        return pd.DataFrame(columns=DECISION_COLUMNS)
    types, codes = table["promotion_type"].to_numpy(), table["decision"].to_numpy()
    lines: list[dict[str, object]] = []
    for kind in sorted(set(types)):
        for names in (RUNNING_DECISIONS, WAITING_DECISIONS):
            family = (types == kind) & np.isin(codes, names)
            for name in names:
                chosen = family & (codes == name)
                if not chosen.any():
                    continue
                found, silent = _figures(table, draws, roi, least_volume, name, family)
                about = {"promotion_type": kind, "decision": name, "told": int(chosen.sum()), "silent": silent}
                lines += [about | {"figure": figure} | one._asdict() for figure, one in found.items()]
    return pd.DataFrame(lines, columns=DECISION_COLUMNS)


def _figures(
    table: pd.DataFrame, draws: Resampling, roi: str, least_volume: float, name: str, family: Mask
) -> tuple[Mapping[str, Figure], int]:
    share = table["share"].to_numpy(np.float64)
    actual, asked = (table[column].to_numpy(np.float64) for column in (f"actual_{roi}", "asked_roi"))
    spend = np.nan_to_num(table["spend_cny"].to_numpy(np.float64))
    gain = share * spend * (np.nan_to_num(actual) - asked)
    known = comparable(table, roi, least_volume) & np.isfinite(asked)
    wanted = actual < asked if name in AGAINST else actual >= asked
    chosen = family & (table["decision"] == name).to_numpy(np.bool_)
    money = chosen & np.isfinite(asked) & (spend > 0)

    def right(rows: Mask) -> Floats:
        return draws.ratios(share * wanted, share, rows & known)

    own, own_gain = right(chosen), draws.total(gain, money)
    judged = name in FAVOURS + AGAINST
    found = {
        "right" if judged else "reached": draws.share(own, chosen & known),
        "base": draws.share(right(family), family & known),
        "spend_cny": draws.sum(share * spend, money),
        "gain_cny": draws.figure(own_gain, money),
    }
    if judged:
        for rule in RULES:
            picks = _picks(table, family, chosen, f"rule_{rule}", lowest=name in AGAINST)
            spent = picks & np.isfinite(asked) & (spend > 0)
            hits, earned = right(picks), draws.total(gain, spent)
            found[f"{rule}_right"] = draws.share(hits, picks & known)
            found[f"{rule}_gain_cny"] = draws.figure(earned, spent)
            if rule == YESTERDAY:
                sign = -1.0 if name in AGAINST else 1.0  # money after a stop is better the less it is
                found["ahead_right"] = draws.figure(own - hits, (chosen | picks) & known)
                found["ahead_gain_cny"] = draws.figure(sign * (own_gain - earned), money | spent)
    return found, int((chosen & ~(spend > 0)).sum())


def _picks(table: pd.DataFrame, family: Mask, chosen: Mask, rule: str, *, lowest: bool) -> Mask:
    """As many creatives of each day as were chosen, by the highest (or, of those that have spent, lowest) score."""
    score = table[rule].to_numpy(np.float64) * (-1.0 if lowest else 1.0)
    untested = lowest & (table["age_hours"] > 0).to_numpy() & (table["spent_cny"].to_numpy(np.float64) < RULE_SPEND_CNY)
    frame = pd.DataFrame(
        {
            "day": table["cutoff"].dt.normalize(),
            "score": np.where(np.isnan(score) | untested, -np.inf, score),
            "chosen": chosen,
        }
    )[family]
    wanted = frame.groupby("day")["chosen"].transform("sum")
    place = frame.groupby("day")["score"].rank(method="first", ascending=False)
    picked = np.zeros(len(table), dtype=np.bool_)
    picked[frame.index[((place <= wanted) & (frame["score"] > -np.inf)).to_numpy()]] = True
    return picked

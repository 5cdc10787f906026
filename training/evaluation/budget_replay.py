"""What would decisions by these scores have earned? The held-out weeks once more, with money for a part of them.

At each age the creatives are ranked by a score and funded from the top until the budget is spent. A creative can take
no more than it really spent, for nobody knows what more would have brought: so a rule is judged by which spend it lets
through, never by spend that did not happen. Platforms move freed budget elsewhere; here it is simply kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.funnel import NET_ROI, ROI, TARGETS
from features.schema import KEY
from training.evaluation.bootstrap import band, creative_draws
from training.evaluation.metrics import ALL_AGES

Floats = npt.NDArray[np.float64]

ALIKE = "everyone alike"
ORACLE = "oracle"
HIT_SHARE = 0.1
"""Of the creatives of an age, those with the largest gain are its hits."""
FIGURES = ("net_gmv_share", "gain_cny", "captured_share", "saved_share", "missed_share", "apart_cny")


@dataclass(frozen=True)
class Budget:
    """What there is to give out at each age.

    Attributes:
        share: Of all later spend of that age (or of its creatives).
        by_creatives: A funded creative costs one place, whatever it spends; else what it spends.
        break_even: ROI at which money earns what it would elsewhere: gain is net gmv − break_even · spend.
    """

    share: float
    break_even: float
    by_creatives: bool = False


def roi_target(beside: pd.DataFrame) -> str:
    """The ROI that a frame of `training.evaluation.holdout` can be replayed on: after refunds where it is known.

    Raises:
        ValueError: It has none: decisions about money need spend.
    """
    for target in (NET_ROI.name, ROI.name):
        if f"actual_{target}" in beside:
            return target
    raise ValueError("These rows have no ROI: a replay needs spend and money per creative.")


def usual_roi(beside: pd.DataFrame) -> float:
    """What all money of these rows earned together: as a break-even it makes gain what choosing is worth."""
    target = roi_target(beside)
    roi, spend = (beside[f"{part}_{target}"].to_numpy(np.float64) for part in ("actual", "exposure"))
    known = np.isfinite(roi) & (spend > 0)
    return float(np.average(roi[known], weights=spend[known])) if known.any() else float("nan")


def predicted_gain(beside: pd.DataFrame, break_even: float) -> Floats:
    """Gain in CNY that predictions expect of each row: what to rank by where a creative costs one place.

    Later spend is predicted as later impressions at the predicted cost, which GPM over ROI tells.
    """
    roi = beside[f"predicted_{roi_target(beside)}"].to_numpy(np.float64)
    if "predicted_later_spend_cny" in beside:
        spend = beside["predicted_later_spend_cny"].to_numpy(np.float64)
    else:
        gpm = beside[f"predicted_{TARGETS[roi_target(beside)].per_impression.name}"].to_numpy(np.float64)
        shown = beside["predicted_later_impressions"].to_numpy(np.float64)
        spend = np.divide(shown * gpm / 1000.0, roi, out=np.zeros_like(roi), where=roi > 0)
    return spend * (roi - break_even)


def replay(
    beside: pd.DataFrame,
    scores: Mapping[str, Floats],
    budget: Budget,
    *,
    against: str = ALIKE,
    draws: int = 200,
    seed: int = 7,
) -> pd.DataFrame:
    """What each rule would have let through, with bands from a bootstrap over creatives.

    Rows of equal score share what is left of the budget alike. Rows without later spend cost and earn nothing and are
    left out. The oracle ranks by what came: by ROI where money is scarce, by gain where places are.

    Args:
        beside: As of `training.evaluation.holdout.judge`: KEY, age_hours, `actual_…` and `exposure_…` of the ROI
        (later spend).
        scores: Rule → a score per row, the higher the sooner funded; ALIKE and ORACLE are added.
        budget: What there is.
        against: The rule whose gain is subtracted, draw by draw, in `apart_cny`.
        draws: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        A row per age (ALL_AGES: the sums of all ages, each with its own budget) and rule: `rows`, and with `…_low` and
        `…_high`: `net_gmv_share` (of all net gmv), `gain_cny`, `captured_share` (of the way
        from everyone alike to the oracle: 0 and 1; a rule that chooses worse than by chance lies below 0),
        `saved_share` (of the spend below break-even, what was not funded), `missed_share` (of the hits, what was not
        funded) and `apart_cny` (gain less that of `against`). NaN where there is nothing to take a share of.

    Raises:
        ValueError: No ROI, a score is not a number, or no rule is called `against`.
    """
    target = roi_target(beside)
    roi, spend = (beside[f"{part}_{target}"].to_numpy(np.float64) for part in ("actual", "exposure"))
    known = np.isfinite(roi) & (spend > 0)
    for name, score in scores.items():
        if not np.isfinite(score[known]).all():
            raise ValueError(f"The scores of {name!r} are no numbers on {int((~np.isfinite(score[known])).sum())} rows")
    rows, roi, spend = beside[known].reset_index(drop=True), roi[known], spend[known]
    gain = spend * (roi - budget.break_even)
    ranked = {name: np.asarray(score, np.float64)[known] for name, score in scores.items()}
    ranked |= {ALIKE: np.zeros(len(rows)), ORACLE: gain if budget.by_creatives else roi}
    if against not in ranked:
        raise ValueError(f"No rule is called {against!r}; there are {', '.join(ranked)}")

    counts = np.vstack([np.ones((1, len(rows))), creative_draws(rows[KEY], draws, seed)])
    ages = rows["age_hours"].to_numpy()
    found: dict[tuple[float, str], dict[str, Floats]] = {}
    for age in sorted(set(ages)):
        of_age = ages == age
        hits = _hits(gain[of_age])
        for name, score in ranked.items():
            sums = _sums(score[of_age], roi[of_age], spend[of_age], hits, counts[:, of_age], budget)
            found[age, name] = sums | {"rows": np.full(len(counts), of_age.sum(), dtype=np.float64)}
    for name in ranked:
        parts = [sums for (_, rule), sums in found.items() if rule == name]
        found[ALL_AGES, name] = (
            {key: np.sum([part[key] for part in parts], axis=0) for key in parts[0]} if parts else {}
        )
    lines = [
        {
            "age_hours": age,
            "rule": name,
            **_told(sums, *(found[age, rule]["gain"] for rule in (ALIKE, ORACLE, against))),
        }
        for (age, name), sums in found.items()
        if sums
    ]
    return pd.DataFrame(lines).sort_values("age_hours", kind="stable", ignore_index=True)


def funded(score: Floats, cost: Floats, budget: Floats) -> Floats:
    """Which share of each row is funded, from the highest score down; equal scores share alike.

    Args:
        score: Of each row.
        cost: Draws × rows.
        budget: Of each draw.
    """
    values, place = np.unique(-score, return_inverse=True)
    order = np.argsort(place, kind="stable")
    edges = np.searchsorted(place[order], np.arange(len(values)))
    asked = np.add.reduceat(cost[:, order], edges, axis=1)
    left = budget[:, None] - (np.cumsum(asked, axis=1) - asked)
    return np.clip(np.divide(left, asked, out=np.zeros_like(asked), where=asked > 0), 0.0, 1.0)[:, place]


def _hits(gain: Floats) -> npt.NDArray[np.bool_]:
    """Rows of the largest gains, HIT_SHARE of them and at least one, as far as they gain at all."""
    count = max(1, round(HIT_SHARE * len(gain)))
    return (gain >= np.sort(gain)[-count]) & (gain > 0)


def _sums(
    score: Floats, roi: Floats, spend: Floats, hits: npt.NDArray[np.bool_], counts: Floats, budget: Budget
) -> dict[str, Floats]:
    cost = counts if budget.by_creatives else counts * spend
    share = counts * funded(score, cost, budget.share * cost.sum(axis=1))
    money, loses = spend * roi, np.where(roi < budget.break_even, spend, 0.0)
    return {
        "net_gmv": share @ money,
        "all_net_gmv": counts @ money,
        "gain": share @ (money - budget.break_even * spend),
        "lost": share @ loses,
        "all_lost": counts @ loses,
        "hits": share @ hits.astype(np.float64),
        "all_hits": counts @ hits.astype(np.float64),
    }


def _told(sums: Mapping[str, Floats], alike: Floats, best: Floats, other: Floats) -> dict[str, float]:
    def part(top: Floats, below: Floats) -> Floats:
        return np.divide(top, below, out=np.full_like(top, np.nan), where=below > 0)

    values = (
        part(sums["net_gmv"], sums["all_net_gmv"]),
        sums["gain"],
        part(sums["gain"] - alike, best - alike),
        1.0 - part(sums["lost"], sums["all_lost"]),
        1.0 - part(sums["hits"], sums["all_hits"]),
        sums["gain"] - other,
    )
    line: dict[str, float] = {"rows": int(sums["rows"][0])}
    for name, drawn in zip(FIGURES, values):
        low, high = band(drawn[1:])
        line |= {name: float(drawn[0]), f"{name}_low": low, f"{name}_high": high}
    return line

"""Replay the holdout spend under a smaller budget: decision value of a ranking, and how early a forecast is useful.

At each age the creatives are ranked by a score and funded from the top until the budget is used. A creative receives at
most what it really spent, because the outcome of more spend is not known: a ranking is measured by which of the real
spend it funds. Freed budget is kept, not moved elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Floats
from features.schema import KEY
from features.targets import NET_ROI, ROI
from training.evaluation.metrics import (
    ALL_AGES,
    BOOTSTRAP_DRAWS,
    COLUMN_PREFIXES,
    MIN_METRIC_ROWS,
    band,
    comparable_rows,
    drawn_spearman,
    ratio,
    with_observed_sample,
)

ALIKE = "everyone alike"
"""Rule that funds the same share of every creative."""
ORACLE = "oracle"
"""Rule that ranks by the actual ROI."""
HIT_SHARE = 0.1
"""Share of the creatives of an age, those with the largest gain, that are its hits."""
BUDGET_SHARE = 0.3
"""Share of later spend that the replay of a run funds."""
REPLAY_FIGURES = ("net_gmv_share", "gain_cny", "captured_share", "saved_share", "missed_share", "apart_cny")


@dataclass(frozen=True)
class Budget:
    """Budget of each age.

    Attributes:
        share: Of all later spend of that age.
        break_even: ROI of the alternative use of the money: gain is net GMV − break_even · spend.
    """

    share: float
    break_even: float


def roi_target(holdout: pd.DataFrame) -> str:
    """Return the ROI target to replay: after refunds where it is known.

    Raises:
        ValueError: The frame has no ROI.
    """
    for target in (NET_ROI.name, ROI.name):
        if f"actual_{target}" in holdout:
            return target
    raise ValueError("These rows have no ROI: a replay needs spend and money per creative.")


def overall_roi(holdout: pd.DataFrame) -> float:
    """Return the ROI of all rows together; as break-even it makes gain the value of the selection."""
    target = roi_target(holdout)
    roi, spend = (holdout[f"{part}_{target}"].to_numpy(np.float64) for part in ("actual", "exposure"))
    known = np.isfinite(roi) & (spend > 0)
    return float(np.average(roi[known], weights=spend[known])) if known.any() else float("nan")


def replay(
    holdout: pd.DataFrame,
    scores: Mapping[str, Floats],
    budget: Budget,
    *,
    against: str = ALIKE,
    draws: int = BOOTSTRAP_DRAWS,
) -> pd.DataFrame:
    """Compute what each ranking would have funded, with bands from a bootstrap over creatives.

    Rows of equal score share the remaining budget in proportion. Rows without later spend are left out.

    Args:
        holdout: A holdout frame (`training.evaluation.metrics`): KEY, `age_hours`, and `actual_…` and `exposure_…`
            (later spend in CNY) of the ROI.
        scores: Rule → score per row, the highest funded first; ALIKE and ORACLE are added.
        budget: Of each age.
        against: Rule whose gain is subtracted, replicate by replicate, in `apart_cny`.
        draws: Bootstrap replicates.

    Returns:
        One row per age (ALL_AGES: the sums over ages, each with its own budget) and rule: `rows`, and with `_low` and
        `_high`: `net_gmv_share` (of all net GMV), `gain_cny`, `captured_share` (0: as ALIKE, 1: as ORACLE; below 0:
        worse than ALIKE), `saved_share` (of the spend below break-even, the share not funded), `missed_share` (of the
        hits, the share not funded) and `apart_cny` (gain minus that of `against`). NaN where the denominator is 0.

    Raises:
        ValueError: No ROI, a score that is not finite, or no rule called `against`.
    """
    target = roi_target(holdout)
    roi, spend = (holdout[f"{part}_{target}"].to_numpy(np.float64) for part in ("actual", "exposure"))
    known = np.isfinite(roi) & (spend > 0)
    for name, values in scores.items():
        if not np.isfinite(values[known]).all():
            raise ValueError(
                f"The scores of {name!r} are no numbers on {int((~np.isfinite(values[known])).sum())} rows"
            )
    rows, roi, spend = holdout[known].reset_index(drop=True), roi[known], spend[known]
    gain = spend * (roi - budget.break_even)
    ranked = {name: np.asarray(values, np.float64)[known] for name, values in scores.items()}
    ranked |= {ALIKE: np.zeros(len(rows)), ORACLE: roi}
    if against not in ranked:
        raise ValueError(f"No rule is called {against!r}; there are {', '.join(ranked)}")

    counts = with_observed_sample(rows[KEY], draws)
    ages = rows["age_hours"].to_numpy()
    found: dict[tuple[float, str], dict[str, Floats]] = {}
    for age in sorted(set(ages)):
        of_age = ages == age
        hits = _hits(gain[of_age])
        for name, values in ranked.items():
            sums = _sums(values[of_age], roi[of_age], spend[of_age], hits, counts[:, of_age], budget)
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
            **_replay_figures(sums, *(found[age, rule]["gain"] for rule in (ALIKE, ORACLE, against))),
        }
        for (age, name), sums in found.items()
        if sums
    ]
    return pd.DataFrame(lines).sort_values("age_hours", kind="stable", ignore_index=True)


def funded(rank_by: Floats, cost: Floats, budget: Floats) -> Floats:
    """Compute the funded share of each row, from the highest score down; equal scores get equal shares.

    Args:
        rank_by: Score per row.
        cost: Axis 0: bootstrap replicates, axis 1: rows.
        budget: One per replicate.

    Returns:
        Shares from 0 to 1; axis 0: replicates, axis 1: rows.
    """
    values, place = np.unique(-rank_by, return_inverse=True)
    order = np.argsort(place, kind="stable")
    edges = np.searchsorted(place[order], np.arange(len(values)))
    wanted = np.add.reduceat(cost[:, order], edges, axis=1)
    left = budget[:, None] - (np.cumsum(wanted, axis=1) - wanted)
    return np.clip(np.divide(left, wanted, out=np.zeros_like(wanted), where=wanted > 0), 0.0, 1.0)[:, place]


def holdout_earliness(holdout: pd.DataFrame, least_volume: float, *, draws: int = BOOTSTRAP_DRAWS) -> pd.DataFrame:
    """Compute the earliness curve of an evaluation for gpmcast and the baselines; empty where no ROI is known.

    Break-even is the ROI of all rows together, so that decision value is what the selection adds.
    """
    roi = next((target for target in (NET_ROI.name, ROI.name) if f"actual_{target}" in holdout), None)
    if roi is None or not holdout[f"actual_{roi}"].notna().any():
        return pd.DataFrame()
    predicted = {method: holdout[f"{part}_{roi}"].to_numpy(np.float64) for method, part in COLUMN_PREFIXES.items()}
    budget = Budget(BUDGET_SHARE, overall_roi(holdout))
    spent = holdout["spent_cny"].to_numpy(np.float64)
    return earliness(holdout, predicted, spent, budget, least_volume=least_volume, draws=draws)


def earliness(
    holdout: pd.DataFrame,
    predicted: Mapping[str, Floats],
    spent_cny: Floats,
    budget: Budget,
    *,
    least_volume: float = 0.0,
    draws: int = BOOTSTRAP_DRAWS,
) -> pd.DataFrame:
    """Compute accuracy and decision value by age, with the share of the spend that is still undecided then.

    Undecided at an age is the spend of the following outcome window as a share of that and all earlier spend, of the
    creatives with a holdout row at that age. Spend after the window is not counted.

    Args:
        holdout: A holdout frame (`training.evaluation.metrics`).
        predicted: Method → predicted ROI per row.
        spent_cny: Spend of each row's creative up to its cutoff.
        budget: Of the replay.
        least_volume: Least later volume of a row that counts for the rank correlation; the replay uses all rows.
        draws: Replicates of the bootstrap over creatives.

    Returns:
        One row per age and method: `rows`, `undecided_share`, `spearman` with `_low` and `_high` (NaN below
        MIN_METRIC_ROWS rows), `captured_share` with `_low` and `_high`.
    """
    target = roi_target(holdout)
    truth, spend = (holdout[f"{part}_{target}"].to_numpy(np.float64) for part in ("actual", "exposure"))
    known = comparable_rows(holdout, target, least_volume)
    value = replay(holdout, predicted, budget, draws=draws).set_index(["age_hours", "rule"])
    ages = holdout["age_hours"].to_numpy()
    lines: list[dict[str, object]] = []
    for age in sorted(set(ages)):
        of_age, compared = ages == age, (ages == age) & known
        total = np.nansum(spend[of_age]) + np.nansum(spent_cny[of_age])
        undecided = float(np.nansum(spend[of_age]) / total) if total > 0 else float("nan")
        drawn = with_observed_sample(holdout[compared], draws)
        for method, guess in predicted.items():
            if (age, method) not in value.index:
                continue
            ranks = np.full(len(drawn), np.nan)
            if compared.sum() >= MIN_METRIC_ROWS:
                ranks = drawn_spearman(guess[compared], truth[compared], drawn)
            low, high = band(ranks[1:])
            captured = value[["captured_share", "captured_share_low", "captured_share_high"]].xs((age, method))
            lines.append(
                {
                    "age_hours": age,
                    "method": method,
                    "rows": int(compared.sum()),
                    "undecided_share": undecided,
                    "spearman": float(ranks[0]),
                    "spearman_low": low,
                    "spearman_high": high,
                    **{str(name): share for name, share in captured.to_dict().items()},
                }
            )
    return pd.DataFrame(lines)


def _hits(gain: Floats) -> npt.NDArray[np.bool_]:
    """Rows with the largest gains above 0: HIT_SHARE of the rows, at least one."""
    count = max(1, round(HIT_SHARE * len(gain)))
    return (gain >= np.sort(gain)[-count]) & (gain > 0)


def _sums(
    rank_by: Floats, roi: Floats, spend: Floats, hits: npt.NDArray[np.bool_], counts: Floats, budget: Budget
) -> dict[str, Floats]:
    """One value per replicate for each sum; `counts` has axis 0: replicates, axis 1: rows."""
    cost = counts * spend
    share = counts * funded(rank_by, cost, budget.share * cost.sum(axis=1))
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


def _replay_figures(sums: Mapping[str, Floats], alike: Floats, best: Floats, other: Floats) -> dict[str, float]:
    """Figures with bands; axis 0 of all arrays: the observed sample, then bootstrap replicates."""
    values = (
        ratio(sums["net_gmv"], sums["all_net_gmv"]),
        sums["gain"],
        ratio(sums["gain"] - alike, best - alike),
        1.0 - ratio(sums["lost"], sums["all_lost"]),
        1.0 - ratio(sums["hits"], sums["all_hits"]),
        sums["gain"] - other,
    )
    line: dict[str, float] = {"rows": int(sums["rows"][0])}
    for name, drawn in zip(REPLAY_FIGURES, values):
        low, high = band(drawn[1:])
        line |= {name: float(drawn[0]), f"{name}_low": low, f"{name}_high": high}
    return line

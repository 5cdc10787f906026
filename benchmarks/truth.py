"""How near do predictions come to the sample world's truth, and to the best that can be known before a creative runs?

    python -m benchmarks.truth [--work var/work/sample-exports] [--truth var/sample-truth.parquet] [--deciles]

Takes the held-out rows of the newest run in that workspace. A line per promotion type and age, per type, and for all:
Spearman correlation with the truth; after the `/` that of someone who knows every effect but not the creative's own
luck; and `×` the geometric mean of predicted over true (of volume, each plus one). `·`: fewer than ten rows.
Volume is predicted as a mean, which a few hits carry: for the typical creative its `×` lies far above 1, rightly so.
Of accounts that report by the day the launch is known as a midnight only: their cutoffs lie up to a day too early.

`--deciles`: predicted over what came and over the truth instead, in total, on average and by tenth of prediction, at
every age, on the rows that an evaluation judges. Against the truth the luck is gone.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from configs.settings import Evaluate
from features.schema import KEY
from training.evaluation.calibration_table import DECILES, WHOLE, calibration_table
from training.evaluation.holdout_frame import judged_rows
from training.evaluation.metrics import ALL_AGES

ON = [*KEY, "age_hours"]
TRUE = {
    "gpm": "gpm",
    "net_gpm": "net_gpm",
    "roi": "roi",
    "net_roi": "net_roi",
    "later_impressions": "expected_later_impressions",
}
"""Predicted target → what the truth calls it: expected values, before chance."""
LEAST_ROWS = 10


def main() -> None:
    """Print the table; what is not there is said on stderr, with exit code 2."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("var/work/sample-exports"), help="a workspace")
    parser.add_argument("--truth", type=Path, default=Path("var/sample-truth.parquet"), help="of the sample world")
    parser.add_argument("--deciles", action="store_true", help="calibration by age and tenth of prediction instead")
    given = parser.parse_args()
    try:
        joined, unmatched = join(given.work, given.truth)
    except (FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    print((deciles(joined) if given.deciles else table(joined)).to_string(index=False))
    print(f"{len(joined):,} held-out rows; {unmatched:,} more have no truth (the creative was at its end by then)")


def join(work: Path, truth: Path) -> tuple[pd.DataFrame, int]:
    """Held-out rows beside their truth, and how many have none.

    Raises:
        FileNotFoundError: A file is absent; the message says what to type.
        ValueError: Not one row is of this world.
    """
    holdout = work / "evaluation" / "holdout.parquet"
    if not holdout.exists():
        raise FileNotFoundError(f"{holdout}: there is no such file. Train on the sample world first: make train")
    if not truth.exists():
        raise FileNotFoundError(f"{truth}: there is no such file. Write the sample world and its truth: make sample")
    held = pd.read_parquet(holdout)
    known = pd.read_parquet(truth).drop(columns="cutoff")
    joined = held.merge(known, on=ON, validate="one_to_one")
    if joined.empty:
        raise ValueError(
            f"No row of {holdout} stands in {truth}: they are of different worlds. Write both anew: make sample train"
        )
    return joined, len(held) - len(joined)


def table(joined: pd.DataFrame) -> pd.DataFrame:
    """A line per promotion type and age, per type, and for all."""
    lines = []
    for kind, rows in joined.groupby("promotion_type"):
        lines += [_line(str(kind), f"{age} h", of_age) for age, of_age in rows.groupby("age_hours")]
        lines.append(_line(str(kind), "all", rows))
    lines.append(_line("all", "all", joined))
    return pd.DataFrame(lines)


def deciles(joined: pd.DataFrame, least_volume: float = Evaluate().min_impressions) -> pd.DataFrame:
    """Two lines per target and age: predicted over what came, and over the truth, of the same rows."""
    frames = {"came": joined.copy(), "truth": joined.copy()}
    for target in TRUE:
        if f"actual_{target}" not in joined:
            continue
        compared = judged_rows(joined, target, least_volume) & joined[TRUE[target]].notna().to_numpy()
        frames["came"][f"actual_{target}"] = joined[f"actual_{target}"].where(compared)
        frames["truth"][f"actual_{target}"] = joined[TRUE[target]].where(compared)
    tables = [calibration_table(frame, 0.0, draws=1).assign(against=name) for name, frame in frames.items()]
    lines = []
    for (target, age, against), rows in pd.concat(tables).groupby(["target", "age_hours", "against"], sort=False):
        by_decile = rows.set_index("decile")
        whole = by_decile.loc[WHOLE]
        line = {"target": target, "age": "all" if age == ALL_AGES else f"{age:g} h", "over": against}
        line |= {"rows": f"{whole['rows']:,}", "total": _ratio(whole["total"]), "mean": _ratio(whole["mean"])}
        tenths = by_decile["total"].reindex(range(1, DECILES + 1))
        lines.append(line | {str(number): _ratio(ratio) for number, ratio in tenths.items()})
    order = {target: place for place, target in enumerate(TRUE)}
    found = pd.DataFrame(lines)
    ages = found["age"].map(lambda age: -1.0 if age == "all" else float(age.removesuffix(" h")))
    keys = pd.DataFrame({"target": found["target"].map(order), "age": ages, "over": found["over"]})
    return found.loc[keys.sort_values(["target", "age", "over"]).index]


def figures(rows: pd.DataFrame, target: str) -> tuple[float, float, float]:
    """Spearman of the prediction, Spearman without luck, geometric mean of predicted over true; NaN where unknown."""
    predicted, true = rows[f"predicted_{target}"], rows[TRUE[target]]
    known = (predicted > 0) & (true > 0)
    if known.sum() < LEAST_ROWS:
        return float("nan"), float("nan"), float("nan")
    predicted, true = predicted[known], true[known]
    best = f"{target}_without_luck"
    oracle = float(spearmanr(rows.loc[known, best], true).statistic) if best in rows else float("nan")
    least = 1.0 if target.startswith("later_") else 0.0  # at the end of a life almost nothing is to come
    bias = float(np.exp(np.log((predicted + least) / (true + least)).mean()))
    return float(spearmanr(predicted, true).statistic), oracle, bias


def _line(kind: str, age: str, rows: pd.DataFrame) -> dict[str, str]:
    line = {"type": kind, "age": age, "rows": f"{len(rows):,}"}
    for target in TRUE:
        if f"predicted_{target}" in rows:
            ours, oracle, bias = figures(rows, target)
            beside = "" if np.isnan(oracle) else f"/{_short(oracle)}"
            line[target] = "·" if np.isnan(ours) else f"{_short(ours)}{beside} ×{bias:.2f}"
    return line


def _ratio(ratio: float) -> str:
    return "·" if np.isnan(ratio) else f"{ratio:.2f}" if ratio < 100 else f"{ratio:,.0f}"


def _short(correlation: float) -> str:
    return f"{correlation:.2f}".replace("0.", ".")


if __name__ == "__main__":
    main()

"""Compare predictions of the holdout with the sample world's true rates.

    python -m benchmarks.truth [--work var/work/sample-exports] [--truth var/sample-truth.parquet] [--deciles]

Reads the holdout rows of the newest run in that workspace. One line per promotion type and age, per type, and for all:
Spearman correlation of predicted with true rates; after the `/` that of the rates from all known effects, without the
creative's own variation, which is the best possible before it runs; and `×`, the geometric mean of predicted over true
(of volume, each plus one). `·`: fewer than ten rows. Volume is predicted as a mean, which few hits dominate: its `×` is
expected to be far above 1 for the typical creative. Accounts that report by day have launches at midnight: their
cutoffs lie up to a day too early.

`--deciles` prints predicted over outcome and predicted over truth instead, in total, on average and by decile of the
prediction, at every age, on the rows that an evaluation uses. The truth has no sampling variance.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from configs.settings import Evaluate
from features.schema import KEY
from features.targets import TARGETS
from training.evaluation.deciles import DECILES, WHOLE, calibration_table
from training.evaluation.metrics import ALL_AGES, comparable_rows

ON = [*KEY, "age_hours"]
TRUE = {
    "gpm": "gpm",
    "net_gpm": "net_gpm",
    "roi": "roi",
    "net_roi": "net_roi",
    "later_impressions": "expected_later_impressions",
}
"""Predicted target → column of the truth: expected values, before sampling."""
LEAST_ROWS = 10


def main() -> None:
    """Print the table; a missing file is reported on stderr with exit code 2."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("var/work/sample-exports"), help="workspace")
    parser.add_argument(
        "--truth", type=Path, default=Path("var/sample-truth.parquet"), help="truth of the sample world"
    )
    parser.add_argument("--deciles", action="store_true", help="print calibration by age and decile instead")
    options = parser.parse_args()
    try:
        joined, unmatched = join(options.work, options.truth)
    except (FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    print((deciles(joined) if options.deciles else table(joined)).to_string(index=False))
    print(f"{len(joined):,} holdout rows; {unmatched:,} more have no truth (the creative had ended by then)")


def holdout_frame(work: Path) -> pd.DataFrame:
    """Holdout frame of the newest run of a workspace (`training.evaluation.metrics`).

    Raises:
        FileNotFoundError: It is absent; the message names the command that writes it.
    """
    path = work / "evaluation" / "holdout.parquet"
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is no such file. Train on the sample world first: make train")
    return pd.read_parquet(path)


def join(work: Path, truth: Path) -> tuple[pd.DataFrame, int]:
    """Join holdout rows with their truth; also return the number of rows without one.

    Raises:
        FileNotFoundError: A file is absent; the message names the command that writes it.
        ValueError: No row is in the truth.
    """
    rows = holdout_frame(work)
    if not truth.exists():
        raise FileNotFoundError(f"{truth}: there is no such file. Write the sample world and its truth: make sample")
    known = pd.read_parquet(truth).drop(columns="cutoff")
    joined = rows.merge(known, on=ON, validate="one_to_one")
    if joined.empty:
        raise ValueError(
            f"No row of {work} stands in {truth}: they are of different worlds. Write both anew: make sample train"
        )
    return joined, len(rows) - len(joined)


def table(joined: pd.DataFrame) -> pd.DataFrame:
    """One line per promotion type and age, per type, and for all."""
    lines = []
    for promotion_type, rows in joined.groupby("promotion_type"):
        lines += [_line(str(promotion_type), f"{age} h", of_age) for age, of_age in rows.groupby("age_hours")]
        lines.append(_line(str(promotion_type), "all", rows))
    lines.append(_line("all", "all", joined))
    return pd.DataFrame(lines)


def deciles(joined: pd.DataFrame, least_volume: float = Evaluate().min_impressions) -> pd.DataFrame:
    """Two lines per target and age: predicted over outcome, and predicted over truth, on the same rows."""
    frames = {"came": joined.copy(), "truth": joined.copy()}
    for name, true in TRUE.items():
        if f"actual_{name}" not in joined:
            continue
        compared = comparable_rows(joined, name, least_volume) & joined[true].notna().to_numpy()
        frames["came"][f"actual_{name}"] = joined[f"actual_{name}"].where(compared)
        frames["truth"][f"actual_{name}"] = joined[true].where(compared)
    tables = [calibration_table(frame, 0.0, draws=1).assign(against=name) for name, frame in frames.items()]
    lines = []
    for (target, age, against), rows in pd.concat(tables).groupby(["target", "age_hours", "against"], sort=False):
        whole = rows[rows["decile"] == WHOLE].to_dict("records")[0]
        line = {"target": str(target), "age": "all" if age == ALL_AGES else f"{age:g} h", "over": str(against)}
        line |= {
            "rows": f"{whole['rows']:,}",
            "total": _ratio(whole["total"]),
            "mean": _ratio(whole["mean"]),
        }
        totals = rows.set_index("decile")["total"].reindex(range(1, DECILES + 1)).to_numpy(np.float64)
        lines.append(line | {str(number): _ratio(ratio) for number, ratio in enumerate(totals, start=1)})
    order = {name: place for place, name in enumerate(TRUE)}
    found = pd.DataFrame(lines)
    ages = found["age"].map(lambda age: -1.0 if age == "all" else float(age.removesuffix(" h")))
    keys = pd.DataFrame({"target": found["target"].map(order), "age": ages, "over": found["over"]})
    return found.loc[keys.sort_values(["target", "age", "over"]).index]


def figures(rows: pd.DataFrame, target: str) -> tuple[float, float, float]:
    """Spearman of the predictions, Spearman of the known effects, geometric mean of predicted over true; or NaN."""
    predicted, true = rows[f"predicted_{target}"], rows[TRUE[target]]
    known = (predicted > 0) & (true > 0)
    if known.sum() < LEAST_ROWS:
        return float("nan"), float("nan"), float("nan")
    predicted, true = predicted[known], true[known]
    best = f"{target}_known_effects"
    oracle = float(spearmanr(rows.loc[known, best], true).statistic) if best in rows else float("nan")
    plus = 1.0 if TARGETS[target].is_volume else 0.0  # true later volume is near 0 at the end of a life
    bias = float(np.exp(np.log((predicted + plus) / (true + plus)).mean()))
    return float(spearmanr(predicted, true).statistic), oracle, bias


def _line(promotion_type: str, age: str, rows: pd.DataFrame) -> dict[str, str]:
    line = {"type": promotion_type, "age": age, "rows": f"{len(rows):,}"}
    for target in TRUE:
        if f"predicted_{target}" in rows:
            ours, oracle, bias = figures(rows, target)
            known = "" if np.isnan(oracle) else f"/{_short(oracle)}"
            line[target] = "·" if np.isnan(ours) else f"{_short(ours)}{known} ×{bias:.2f}"
    return line


def _ratio(ratio: float) -> str:
    return "·" if np.isnan(ratio) else f"{ratio:.2f}" if ratio < 100 else f"{ratio:,.0f}"


def _short(correlation: float) -> str:
    return f"{correlation:.2f}".replace("0.", ".")


if __name__ == "__main__":
    main()

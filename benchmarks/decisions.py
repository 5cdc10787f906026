"""How often decisions on running creatives are wrong, by the true rates of the sample world.

    python -m benchmarks.decisions --data var/sample-exports-shift --truth var/sample-truth-shift.parquet [--config F]

A backtest (`training.backtest`) decides about every creative at every age; what it decides is held against the true net
ROI of the seven days after (`sample.truth`), which has no luck of single orders. One line per verdict: share of the
rows; `reach`, the share whose true ROI is at its target or above, each creative counted once, with a 90 % interval
(Jeffreys: a beta distribution); `of spend`, the same by what is spent afterwards; what running on is truly worth
against the target, of those that gain and of those that lose, in CNY. Then stops by the orders that the target asked
for so far (spend × target / predicted value of an order): how much own evidence there was. `first`: creatives whose
first stop this is, with what running on from there is worth, so that every creative counts once. Then how often
creatives reach it by what `rate_chance` says. A config with a table of rules of its own (`verdict.rules`) compares
tables.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import beta

from configs.settings import CONFIG_DIR, load_settings
from features.arrays import Floats
from features.schema import KEY
from features.store.inputs import load_data
from training.backtest import backtest
from training.data.dataset import prepare
from training.workspace import workspace

SPENT = "early:spend_cny"
ASKED = (-np.inf, 0.05, 0.1, 0.5, 1.0, np.inf)
"""Orders that the target asked for so far: bounds of lines."""
CHANCES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.85, 0.95, 1.0)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="var/sample-exports", help="exports of the sample world")
    parser.add_argument("--truth", type=Path, default=Path("var/sample-truth.parquet"), help="its truth")
    parser.add_argument("--config", type=Path, default=CONFIG_DIR / "default.yaml")
    options = parser.parse_args()
    settings = load_settings(options.config)
    loaded, _ = load_data([options.data], workspace([options.data], settings).store, settings)
    dataset = prepare(loaded, settings)
    spent = dataset.observed[[*KEY, "age_hours", SPENT]]
    rows = decided(backtest(dataset).merge(spent, on=[*KEY, "age_hours"]), pd.read_parquet(options.truth))
    print(by_verdict(rows).to_string(index=False))
    print(by_evidence(rows[rows["verdict"] == "stop"]).to_string(index=False))
    print(by_chance(rows).to_string(index=False))


def decided(table: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Rows with a verdict on a running creative: KEY, `age_hours`, `verdict`, `rate_chance`, `reaches`, `spend`,
    `worth`, `asked`.

    Args:
        table: Of `training.backtest.backtest`, with SPENT.
        truth: Of `sample.truth.truth`.
    """
    true = truth[[*KEY, "age_hours", "net_roi", "cost", "expected_later_impressions"]]
    rows = table.merge(true, on=[*KEY, "age_hours"], validate="one_to_one")
    rows = rows[(rows["age_hours"] > 0) & (rows["verdict"] != "")]
    spend = rows["expected_later_impressions"] * rows["cost"]
    return rows[[*KEY, "age_hours", "verdict", "rate_chance"]].assign(
        reaches=rows["net_roi"] >= rows["asked_roi"],
        spend=spend,
        worth=spend * (rows["net_roi"] - rows["asked_roi"]),
        asked=rows[SPENT] * rows["asked_roi"] / rows["stage_value"],
    )


def by_verdict(rows: pd.DataFrame) -> pd.DataFrame:
    """One line per verdict."""
    lines = []
    for verdict, part in rows.groupby("verdict"):
        reach = part.groupby(KEY)["reaches"].mean().to_numpy(np.float64)
        low, high = band(reach)
        lines.append(
            {
                "verdict": verdict,
                "rows": len(part),
                "share": f"{len(part) / len(rows):.1%}",
                "creatives": len(reach),
                "reach": f"{reach.mean():.1%} ({low:.1%} to {high:.1%})",
                "of spend": f"{np.average(part['reaches'], weights=part['spend']):.1%}",
                "gain": f"{part['worth'].clip(lower=0).sum():,.0f}",
                "lose": f"{part['worth'].clip(upper=0).sum():,.0f}",
            }
        )
    return pd.DataFrame(lines)


def by_evidence(stops: pd.DataFrame) -> pd.DataFrame:
    """One line per bin of `asked`."""
    lines = []
    first = stops.sort_values("age_hours").drop_duplicates(KEY)
    for asked, part in stops.groupby(pd.cut(stops["asked"], ASKED), observed=True):
        reach, own = part.groupby(KEY)["reaches"].mean(), first.loc[first.index.intersection(part.index)]
        lines.append(
            {
                "asked": str(asked),
                "rows": len(part),
                "creatives": len(reach),
                "reach": f"{reach.mean():.1%}",
                "first": len(own),
                "gain": f"{own['worth'].clip(lower=0).sum():,.0f}",
                "lose": f"{own['worth'].clip(upper=0).sum():,.0f}",
            }
        )
    return pd.DataFrame(lines)


def by_chance(rows: pd.DataFrame) -> pd.DataFrame:
    """One line per bin of `rate_chance`."""
    found = rows.groupby(pd.cut(rows["rate_chance"], CHANCES), observed=True)
    return found.agg(
        rows=("reaches", "size"), said=("rate_chance", "mean"), reach=("reaches", "mean")
    ).round(3).reset_index()  # fmt: skip


def band(values: Floats) -> tuple[float, float]:
    """90 % interval of a share, each value from 0 to 1 counting once (Brown, Cai and DasGupta 2001)."""
    reached = float(values.sum())
    low, high = beta.ppf([0.05, 0.95], reached + 0.5, len(values) - reached + 0.5)
    return float(low), float(high)


if __name__ == "__main__":
    main()

"""Print what gpmcast reaches of its goals (`benchmarks.goals`), on one data set.

    python -m benchmarks.targets --set additive --work var/work/<name> --truth var/sample-truth-additive.parquet
    python -m benchmarks.targets --set interplay --peers var/proof/sample-interplay.json

`--work` reads the holdout frame of a run, whose model is tuned; `--peers` a comparison (`benchmarks.peers`), whose
model has the hand setting and stands beside the funnel alone, heads alone and the peers. A goal that a file has no
figure for is printed as not measured.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console

from benchmarks.goals import GOALS, GROUPS, MIN_SHARE, PLACED, Goal
from benchmarks.leaderboard import BEHIND, placings
from benchmarks.pages import TextTable, print_table
from benchmarks.scores import FIGURES, OURS, OUTCOME, TRUTH, figures
from benchmarks.truth import TRUE, holdout_frame, join
from configs.settings import Evaluate
from features.targets import RATE_TARGETS, VOLUME_TARGETS
from training.evaluation.metrics import ALL_AGES, MIN_METRIC_ROWS, comparable_rows, evaluated_targets

COLUMNS = ("figure", "of", "against", "age", "bound", "found", "")


def main() -> None:
    """Print the goals of one data set; a missing file is reported on stderr with exit code 2."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", required=True, choices=GOALS, help="data set, whose goals are printed")
    parser.add_argument("--work", type=Path, help="workspace of a run on it")
    parser.add_argument("--truth", type=Path, help="truth of a world of the sample")
    parser.add_argument("--peers", type=Path, help="JSON of a comparison on it (benchmarks.peers)")
    options = parser.parse_args()
    if not options.work and not options.peers:
        parser.error("--work or --peers is needed")
    out = Console()
    try:
        if options.work:
            rows = holdout_frame(options.work)
            found = figures_of_frame(rows)
            if options.truth:
                joined, _ = join(options.work, options.truth)
                found = pd.concat([found, figures_of_frame(joined, true=True)])
            goals = [goal for goal in GOALS[options.set] if not goal.beside]
            print_table(TextTable(f"{options.set}: the run", COLUMNS, lines_of(goals, found)), out)
        if options.peers:
            report = json.loads(options.peers.read_text(encoding="utf-8"))
            found = pd.DataFrame(report["figures"])
            lines = lines_of([goal for goal in GOALS[options.set] if goal.figure != GROUPS], found)
            lines += places(options.set, found)
            print_table(TextTable(f"{options.set}: the comparison", COLUMNS, lines), out)
    except (FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)


def figures_of_frame(rows: pd.DataFrame, *, true: bool = False) -> pd.DataFrame:
    """Figures of a holdout frame, in the form of `benchmarks.scores.compare_methods`.

    Args:
        rows: Holdout frame (`training.evaluation.metrics`); with the truth's columns for `true`.
        true: Compare with the true values, on the rows that an evaluation uses; else with the outcomes.
    """
    lines: list[dict[str, object]] = []
    least = Evaluate().min_impressions
    for target in evaluated_targets(rows):
        if true and target not in TRUE:
            continue
        actual = rows[TRUE[target] if true else f"actual_{target}"].to_numpy(np.float64)
        known = comparable_rows(rows, target, least) & ((actual > 0) if true else np.isfinite(actual))
        expected, exposure = (rows[f"{part}_{target}"].to_numpy(np.float64) for part in ("predicted", "exposure"))
        typical = (
            expected if true else rows.get(f"typical_{target}", pd.Series(np.nan, rows.index)).to_numpy(np.float64)
        )
        about: dict[str, object] = {
            "against": TRUTH if true else OUTCOME, "target": target, "part": "all", "method": OURS,
        }  # fmt: skip
        for age in [ALL_AGES, *sorted(rows["age_hours"].unique())]:
            chosen = known & ((rows["age_hours"] == age).to_numpy(np.bool_) if age != ALL_AGES else True)
            if chosen.sum() < MIN_METRIC_ROWS:
                continue
            drawn = np.ones((1, int(chosen.sum())))
            values = figures(expected[chosen], np.asarray(typical[chosen]), actual[chosen], exposure[chosen], drawn)
            if not np.isfinite(typical[chosen]).all():
                values["spearman"] = np.array([np.nan])
            lines += [about | {"age_hours": age, "figure": name, "value": float(values[name][0])} for name in FIGURES]
        if target in VOLUME_TARGETS and not true:
            total = {"age_hours": ALL_AGES, "figure": GROUPS}
            lines += [about | total | {"value": value} for value in group_totals(rows[known], target)]
    return pd.DataFrame(lines)


def group_totals(rows: pd.DataFrame, target: str) -> list[float]:
    """Least and most of predicted over actual volume, of groups (promotion type, age) with MIN_SHARE of all volume."""
    sums = rows.groupby(["promotion_type", "age_hours"])[[f"predicted_{target}", f"actual_{target}"]].sum()
    held = sums[f"actual_{target}"] / sums[f"actual_{target}"].sum()
    ratio = (sums[f"predicted_{target}"] / sums[f"actual_{target}"])[held >= MIN_SHARE]
    return [float(ratio.min()), float(ratio.max())] if len(ratio) else []


def lines_of(goals: list[Goal], found: pd.DataFrame) -> list[tuple[str, ...]]:
    """One line per goal: figure, bound, value, and whether it is reached."""
    lines: list[tuple[str, ...]] = []
    for goal in goals:
        values = _values(goal, found, OURS)
        if goal.beside and values:
            others = _values(goal, found, goal.beside)
            pairs = zip(values, others)
            values = [own - other if goal.figure == "spearman" else own / other for own, other in pairs]
        known = bool(values) and bool(np.isfinite(values).all())
        reached = known and goal.low <= min(values) and max(values) <= goal.high
        name = ("rank" if goal.against == TRUTH else "typical rank") if goal.figure == "spearman" else goal.figure
        if goal.beside:
            name += f" {'less' if goal.figure == 'spearman' else 'over'} {goal.beside}'s"
        age = "all" if goal.age_hours == ALL_AGES else f"{goal.age_hours:g} h"
        shown = " … ".join(f"{value:.4f}" for value in values) if known else "·"
        verdict = "reached" if reached else "MISSED" if known else "not measured"
        lines.append((name, goal.target, goal.against, age, _bound(goal), shown, verdict))
    return lines


def places(name: str, found: pd.DataFrame) -> list[tuple[str, ...]]:
    """One line per ranking of a rate against outcomes in which gpmcast is to be first or within noise of the first."""
    lines: list[tuple[str, ...]] = []
    for one in placings(found, pd.DataFrame(), ""):
        wanted = one.target in RATE_TARGETS and name in PLACED.get(one.figure, ())
        if wanted and one.against == OUTCOME and one.age_hours == ALL_AGES:
            figure = "typical rank" if one.figure == "spearman" else one.figure
            bound, verdict = f"first: {one.first} {one.best:.3f}", "MISSED" if one.place == BEHIND else "reached"
            lines.append((figure, one.target, one.against, "all", bound, f"{one.ours:.3f} {one.place}", verdict))
    return lines


def _values(goal: Goal, found: pd.DataFrame, method: str) -> list[float]:
    rows = (found["against"] == goal.against) & (found["target"] == goal.target) & (found["figure"] == goal.figure)
    rows &= (found["age_hours"] == goal.age_hours) & (found["method"] == method) & (found["part"] == "all")
    return [float(value) for value in found.loc[rows, "value"]]


def _bound(goal: Goal) -> str:
    if np.isinf(goal.low):
        return f"≤ {goal.high:g}"
    return f"≥ {goal.low:g}" if np.isinf(goal.high) else f"{goal.low:g}–{goal.high:g}"


if __name__ == "__main__":
    main()

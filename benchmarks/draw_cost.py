"""What does it cost to train on a draw of the snapshots, as runs do that have more than `most_snapshots`?

    python -m benchmarks.draw_cost --data PATH … [--config FILE] [--truth FILE] [--share N …] --out FILE.json

Whole creatives are drawn from the training rows (`training.data.subsample`) until so large a share of these is left;
the rows
that judge are the same for all, and so is what others' history and the mixed model are made from: all creatives.
"""

import json
import sys
from collections.abc import Sequence

import numpy as np
import pandas as pd
from rich.console import Console

from benchmarks.load_files import read
from benchmarks.pages import Sheet, figure_sheet, print_sheet
from benchmarks.scores import OURS, compare, exposures, known_rows, records, true_targets
from benchmarks.tasks import Task, command, make_task
from benchmarks.truth import ON
from configs.errors import GpmcastError
from configs.settings import load_settings
from features.matrix.feature_matrix import build_features
from features.schema import KEY
from training.boosting.recipe import fit_on, recipe_by_hand
from training.boosting.stage_targets import actual_targets
from training.data.dataset import Mask
from training.data.subsample import drawn
from training.evaluation.metrics import ALL_AGES

SHARES = [0.5, 0.25, 0.1]


def main() -> None:
    """Print, write; what a person can put right is said on stderr, with exit code 2."""
    parser = command(__doc__.splitlines()[0])
    parser.add_argument("--share", type=float, action="append", help=f"of the training rows; else {SHARES}")
    given = parser.parse_args()
    shares = given.share or SHARES
    if not all(0 < share < 1 for share in shares):
        parser.error(f"--share: expected shares between 0 and 1, found {shares}.")
    try:
        settings = load_settings(given.config)
        task = make_task(read(given.data, settings), settings)
        truth = pd.read_parquet(given.truth) if given.truth else None
    except (GpmcastError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    figures = run(task, shares, truth, given.draws)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    found = {"data": [path.name for path in given.data], "figures": records(figures)}
    given.out.write_text(json.dumps(found, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    for sheet in sheets(figures):
        print_sheet(sheet, Console())


def run(task: Task, shares: Sequence[float], truth: pd.DataFrame | None = None, draws: int = 200) -> pd.DataFrame:
    """Figures of the model of all training rows, and of one of each share (`benchmarks.scores.compare`)."""
    masks = {OURS: task.train} | {f"{share:.0%} of the rows": drawn_of(task, share) for share in shares}
    methods = {name: predicted(task, train) for name, train in masks.items()}
    keys = task.observed[ON].assign(cold=task.cold)
    actual, exposure = actual_targets(task.outcome, task.funnel), exposures(task.outcome, task.funnel)
    known = known_rows(actual, exposure, task.judges.settings.evaluate.min_impressions)
    figures = compare(methods, actual, exposure, keys, known, draws=draws).assign(against="what came")
    if truth is None:
        return figures
    true, _ = true_targets(keys, truth, task.funnel)
    known = {target: known[target] & (true[target] > 0).to_numpy() for target in true}
    of_truth = compare(methods, true, exposure, keys, known, draws=draws).assign(against="the truth")
    return pd.concat([figures, of_truth], ignore_index=True)


def drawn_of(task: Task, share: float) -> Mask:
    """Which rows train where only so large a share of those that could is drawn."""
    rows = task.teaches.observed.loc[task.train, KEY].assign(place=np.flatnonzero(task.train))
    kept = np.zeros_like(task.train)
    kept[drawn(rows, int(share * len(rows)))["place"]] = True
    return kept


def predicted(task: Task, train: Mask) -> pd.DataFrame:
    """Targets of the held-out rows by a model of these training rows; its folds choose starts and how many trees."""
    model = fit_on(task.teaches, train, task.starts, recipe_by_hand(task.teaches, train))
    return model.predict(build_features(task.observed, model.fitted))[task.funnel.targets]


def sheets(figures: pd.DataFrame) -> list[Sheet]:
    """A table per target, of all ages."""
    rows = figures[(figures["age_hours"] == ALL_AGES) & (figures["part"] == "all")]
    return [
        figure_sheet(f"{target} against {against}, {found['rows'].iloc[0]:,} rows", found, {})
        for (against, target), found in rows.groupby(["against", "target"], sort=False)
    ]


if __name__ == "__main__":
    main()

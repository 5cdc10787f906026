"""Measure what each kind of input adds: fit and evaluate the same model without it.

    python -m benchmarks.ablations --data PATH … [--config FILE] [--truth FILE] --out FILE.json [--markdown FILE]

Prints age 0 first, where only metadata are known, then all ages together and one by one. An input is removed by leaving
out its columns or entities before anything is fitted, so the rest of the model adapts.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from rich.console import Console

from benchmarks.load_files import comparison_parser, read
from benchmarks.pages import TextTable, figure_table, markdown_lines, print_table
from benchmarks.scores import OURS, compare_methods, records
from configs.errors import GpmcastError
from configs.settings import Settings, load_settings
from features.arrays import Mask
from features.matrix.feature_matrix import build_features
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.entity_history import MARKET, TAG
from features.schema import Loaded
from training.boosting.recipe import fit_on, recipe_by_hand
from training.boosting.rolling_fits import plan_refits, with_refits
from training.data.dataset import Dataset, prepare
from training.evaluation.metrics import ALL_AGES
from training.labels.splits import holdout_split

OWN = ("early:", "last_days:", "last_day:", "late_half:")
"""Prefixes of the counts of the creative itself."""


@dataclass(frozen=True)
class Without:
    """Inputs that are removed.

    Attributes:
        creatives: Prefixes of attribute columns to remove.
        history: Keep only the market's history, not that of account, product, KOC, category and tags.
        early: Remove all counts of the creative itself.
    """

    creatives: tuple[str, ...] = ()
    history: bool = False
    early: bool = False


ABLATIONS: dict[str, Without] = {
    "metadata alone": Without(history=True, early=True),
    OURS: Without(),
    "without tags": Without(creatives=(TAG, "copy_text", "creative_name")),
    "without early metrics": Without(early=True),
    "without history": Without(history=True),
}


def main() -> None:
    """Print and write; errors that a user can fix are reported on stderr with exit code 2."""
    parser = comparison_parser(__doc__.splitlines()[0])
    options = parser.parse_args()
    out, err = Console(), Console(stderr=True)
    try:
        settings = load_settings(options.config)
        loaded = read(options.data, settings)
        truth = pd.read_parquet(options.truth) if options.truth else None
        figures = run(loaded, settings, truth, options.draws, lambda line: err.print(line))
    except (GpmcastError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    found = {"data": [path.name for path in options.data], "figures": records(figures)}
    options.out.write_text(json.dumps(found, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    tables = figure_tables(figures)
    for table in tables:
        print_table(table, out)
    if options.markdown:
        lines = [line for table in tables for line in markdown_lines(table)]
        options.markdown.write_text("\n".join(lines), encoding="utf-8")


def run(
    loaded: Loaded,
    settings: Settings,
    truth: pd.DataFrame | None = None,
    draws: int = 200,
    progress: Callable[[str], None] = lambda line: None,
) -> pd.DataFrame:
    """Compare every ablation on the same holdout rows (`benchmarks.scores.compare_methods`), age 0 first.

    Args:
        loaded: Metrics and creatives of the store.
        settings: Of the run.
        truth: Of the sample world.
        draws: Draws of the bootstrap.
        progress: Called with the name of each ablation.
    """
    whole = prepare(loaded, settings)
    train, holdout, until = holdout_split(whole.rows, settings.split.holdout_days)
    methods = {}
    for name, without in ABLATIONS.items():
        progress(name)
        methods[name] = holdout_predictions(_without(loaded, whole, without), train, holdout, until)
    outcome = whole.outcome[holdout].reset_index(drop=True)
    observed = whole.observed[holdout].reset_index(drop=True)
    trained = set(whole.observed.loc[train, "creative_id"])
    cold = ~observed["creative_id"].isin(trained).to_numpy(np.bool_)
    figures = compare_methods(
        methods, observed, outcome, cold, whole.funnel,
        least_volume=settings.evaluate.min_impressions, draws=draws, truth=truth,
    )  # fmt: skip
    order = figures["age_hours"].map(lambda age: {0: -2, ALL_AGES: -1}.get(age, age))
    return figures.assign(order=order).sort_values("order", kind="stable", ignore_index=True).drop(columns="order")


def holdout_predictions(dataset: Dataset, train: Mask, holdout: Mask, until: pd.Timestamp) -> pd.DataFrame:
    """Train on the dataset's inputs and predict the targets of the holdout rows; folds choose rounds and stacks."""
    observed = dataset.observed[holdout].reset_index(drop=True)
    ((train, _),), moments = plan_refits(dataset, [(train, until)])
    dataset = with_refits(dataset, moments)
    model = fit_on(dataset, train, until, recipe_by_hand(dataset, train))
    return model.predict(build_features(ArrayFrame.of(observed), model.fitted))[model.fitted.funnel.targets]


def figure_tables(figures: pd.DataFrame) -> list[TextTable]:
    """One table per age and target, age 0 first."""
    found = []
    for (age, against, target), rows in figures[figures["part"] == "all"].groupby(
        ["age_hours", "against", "target"], sort=False
    ):
        when = "all ages" if age == ALL_AGES else "age 0: metadata only" if age == 0 else f"age {age:g} h"
        found.append(figure_table(f"{when}: {target} against {against}, {rows['rows'].iloc[0]:,} rows", rows))
    return found


def _without(loaded: Loaded, whole: Dataset, without: Without) -> Dataset:
    """The same rows in the same order, without these inputs."""
    dataset = whole
    if without.creatives:
        dropped = [name for name in map(str, loaded.creatives) if name.startswith(without.creatives)]
        dataset = prepare(replace(loaded, creatives=loaded.creatives.drop(columns=dropped)), whole.settings)
    if without.history:
        dataset = replace(dataset, entities=[MARKET])
    if without.early:
        own = [name for name in map(str, dataset.observed) if name.startswith(OWN)]
        dataset = replace(dataset, observed=dataset.observed.assign(**dict.fromkeys(own, np.nan)))
    return dataset


if __name__ == "__main__":
    main()

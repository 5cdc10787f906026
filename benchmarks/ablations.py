"""What is each kind of knowledge worth? The same model, taught and judged without it.

    python -m benchmarks.ablations --data PATH … [--config FILE] [--truth FILE] --out FILE.json [--markdown FILE]

First of all, what metadata alone say at age 0, before anything of a creative has been counted; then all ages together
and one by one. Something is taken away by leaving out its columns or entities before anything is fitted, never by
changing the model; so what is left is fitted anew.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from rich.console import Console

from benchmarks.load_files import read
from benchmarks.pages import Sheet, figure_sheet, print_sheet, sheet_lines
from benchmarks.scores import OURS, compare, exposures, known_rows, records, true_targets
from benchmarks.tasks import command
from benchmarks.truth import ON
from configs.errors import GpmcastError
from configs.settings import Settings, load_settings
from features.funnel import VOLUME
from features.matrix.feature_matrix import Features, build_features
from features.point_in_time.entity_history import MARKET, TAG
from features.schema import Loaded
from training.boosting.model import fit_model
from training.boosting.recipe import fit_on, recipe_by_hand
from training.boosting.rolling_fits import plan_refits, with_refits
from training.boosting.stage_targets import StageData, actual_targets
from training.boosting.tune import Fold, by_hand, make_folds
from training.data.dataset import Dataset, Mask, fit_features, prepare, rows_of
from training.evaluation.metrics import ALL_AGES
from training.labels.splits import holdout_split

OWN = ("early:", "last_days:", "last_day:", "late_half:")
"""Columns of what has been counted of the creative itself."""
ROUNDS_WITHOUT_OFFSET = 1500
"""Trees allowed where they must learn what the start would have told them."""


@dataclass(frozen=True)
class Without:
    """What is taken away.

    Attributes:
        creatives: Prefixes of columns of the creatives that are left out.
        history: Only the market's history is kept, not that of account, product, KOC, category, tags.
        early: Nothing counted of the creative itself is known.
        offset: Trees start from the market's rate instead of the start.
    """

    creatives: tuple[str, ...] = ()
    history: bool = False
    early: bool = False
    offset: bool = False


ABLATIONS: dict[str, Without] = {
    "metadata alone": Without(history=True, early=True),
    OURS: Without(),
    "without tags": Without(creatives=(TAG, "copy_text", "creative_name")),
    "without early metrics": Without(early=True),
    "without history": Without(history=True),
    "without offset": Without(offset=True),
}


def main() -> None:
    """Print, write; what a person can put right is said on stderr, with exit code 2."""
    parser = command(__doc__.splitlines()[0])
    given = parser.parse_args()
    out, err = Console(), Console(stderr=True)
    try:
        settings = load_settings(given.config)
        loaded = read(given.data, settings)
        truth = pd.read_parquet(given.truth) if given.truth else None
        figures = run(loaded, settings, truth, given.draws, lambda line: err.print(line))
    except (GpmcastError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    found = {"data": [path.name for path in given.data], "figures": records(figures)}
    given.out.write_text(json.dumps(found, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    tables = sheets(figures)
    for sheet in tables:
        print_sheet(sheet, out)
    if given.markdown:
        given.markdown.write_text("\n".join(line for sheet in tables for line in sheet_lines(sheet)), encoding="utf-8")


def run(
    loaded: Loaded,
    settings: Settings,
    truth: pd.DataFrame | None = None,
    draws: int = 200,
    tell: Callable[[str], None] = lambda line: None,
) -> pd.DataFrame:
    """Figures of every ablation on the same held-out rows (`benchmarks.scores.compare`), age 0 first.

    Args:
        loaded: Of the store.
        settings: Of the run.
        truth: Of the sample world.
        draws: Of the bootstrap.
        tell: Called with a line for people.
    """
    whole = prepare(loaded, settings)
    train, held, starts = holdout_split(whole.rows, settings.split.holdout_days)
    methods = {}
    for name, without in ABLATIONS.items():
        tell(name)
        methods[name] = predicted(_masked(loaded, whole, without), train, held, starts, without)
    outcome = whole.outcome[held].reset_index(drop=True)
    observed = whole.observed[held].reset_index(drop=True)
    taught = set(whole.observed.loc[train, "creative_id"])
    keys = observed[ON].assign(cold=~observed["creative_id"].isin(taught).to_numpy())
    actual, exposure = actual_targets(outcome, whole.funnel), exposures(outcome, whole.funnel)
    known = known_rows(actual, exposure, settings.evaluate.min_impressions)
    figures = compare(methods, actual, exposure, keys, known, draws=draws).assign(against="what came")
    if truth is not None:
        true, _ = true_targets(keys, truth, whole.funnel)
        known = {target: known[target] & (true[target] > 0).to_numpy() for target in true}
        of_truth = compare(methods, true, exposure, keys, known, draws=draws).assign(against="the truth")
        figures = pd.concat([figures, of_truth], ignore_index=True)
    order = figures["age_hours"].map(lambda age: {0: -2, ALL_AGES: -1}.get(age, age))
    return figures.assign(order=order).sort_values("order", kind="stable", ignore_index=True).drop(columns="order")


def predicted(dataset: Dataset, train: Mask, held: Mask, starts: pd.Timestamp, without: Without) -> pd.DataFrame:
    """Targets of the held-out rows by a model trained without it; its folds choose starts and how many trees."""
    observed = dataset.observed[held].reset_index(drop=True)
    if not without.offset:
        ((train, _),), moments = plan_refits(dataset, [(train, starts)])
        dataset = with_refits(dataset, moments)
        model = fit_on(dataset, train, starts, recipe_by_hand(dataset, train))
        return model.predict(build_features(observed, model.fitted))[model.fitted.funnel.targets]
    trees = dataset.settings.trees
    trees = trees.model_copy(update={"rounds": max(trees.rounds, ROUNDS_WITHOUT_OFFSET)})
    settings = dataset.settings.model_copy(update={"trees": trees})
    fitted = fit_features(dataset, train, starts)
    features, outcome = rows_of(dataset, train, fitted)
    chosen = by_hand([flat_fold(fold) for fold in make_folds(dataset, train)], settings)
    model = fit_model(flat(features), outcome, fitted, chosen, seed=settings.tune.seed)
    return model.predict(flat(build_features(observed, fitted)))[fitted.funnel.targets]


def sheets(figures: pd.DataFrame) -> list[Sheet]:
    """A table per age and target, age 0 first."""
    found = []
    for (age, against, target), rows in figures[figures["part"] == "all"].groupby(
        ["age_hours", "against", "target"], sort=False
    ):
        when = "all ages" if age == ALL_AGES else "age 0: before anything is counted" if age == 0 else f"age {age:g} h"
        found.append(figure_sheet(f"{when}: {target} against {against}, {rows['rows'].iloc[0]:,} rows", rows, {}))
    return found


def _masked(loaded: Loaded, whole: Dataset, without: Without) -> Dataset:
    """The same rows in the same order, with less known of them."""
    dataset = whole
    if without.creatives:
        dropped = [name for name in loaded.creatives if name.startswith(without.creatives)]
        dataset = prepare(replace(loaded, creatives=loaded.creatives.drop(columns=dropped)), whole.settings)
    if without.history:
        dataset = replace(dataset, entities=[MARKET])
    if without.early:
        own = [name for name in dataset.observed if name.startswith(OWN)]
        dataset = replace(dataset, observed=dataset.observed.assign(**dict.fromkeys(own, np.nan)))
    return dataset


def flat(features: Features) -> Features:
    """Features whose stages all start from the market's rate; the columns that tell the start are kept."""
    starts = {
        name: replace(
            begin,
            base_rate=begin.market_rate,
            log_effects={},
            log_prior=np.log(begin.market_rate),
            log_own_evidence=np.zeros_like(begin.log_own_evidence),
        )
        for name, begin in features.posteriors.items()
    }
    return replace(features, posteriors=starts)


def flat_fold(fold: Fold) -> Fold:
    """A fold whose stages all start from the market's rate; volume keeps its start."""

    def unaided(data: StageData, features: Features) -> StageData:
        if data.stage == VOLUME:
            return data
        rate = features.posteriors[data.stage].market_rate[data.rows]
        return replace(data, offset=np.log(rate), weight=data.worth / rate)

    return Fold(
        flat(fold.fit),
        flat(fold.validate),
        [unaided(data, fold.fit) for data in fold.fit_data],
        [unaided(data, fold.validate) for data in fold.validation_data],
    )


if __name__ == "__main__":
    main()

"""What would have been predicted, origin by origin, beside what came: how anyone checks us."""

from collections.abc import Callable

import pandas as pd

from features.schema import KEY
from training.boosting.recipe import fit_on, out_of_fold, recipe_by_hand
from training.boosting.rolling_fits import plan_refits, with_refits
from training.boosting.stage_targets import actual_targets
from training.data.dataset import Dataset, rows_of
from training.errors import TooThinError
from training.labels.outcomes import MATURE
from training.uncertainty import fit_uncertainty

LEAST_CREATIVES = 30
"""Mature creatives before an origin; an origin with fewer is left out."""


def origins(dataset: Dataset) -> list[pd.Timestamp]:
    """Moments at which a model is trained: every so many days once there are enough."""
    rows, step = dataset.rows, dataset.settings.backtest
    first = rows["cutoff"].min().normalize() + pd.Timedelta(days=step.min_train_days)
    last = rows.loc[rows["state"] == MATURE, "cutoff"].max()
    return list(pd.date_range(first, last, freq=pd.Timedelta(days=step.every_days)))


def backtest(
    dataset: Dataset,
    refitting: Callable[[int, int], None] = lambda done, count: None,
    tell: Callable[[int, int, pd.Timestamp], None] = lambda done, count, origin: None,
) -> pd.DataFrame:
    """Predictions of every mature row by the model of the last origin before its cutoff.

    A model knows only outcomes that stood at its origin. It is trained with the hand setting; its folds, all before
    the origin, choose what each stage starts from and how many trees follow.

    Args:
        dataset: All rows.
        refitting: Called before each fit of the mixed model with fits done and fits in all.
        tell: Called before each origin with origins done, origins in all, and the origin.

    Returns:
        A row per creative and age: KEY, `age_hours`, `cutoff`, `origin`, `cold` (the creative's id was not among the
        training rows), `predicted_<target>`, `<target>_low` and `<target>_high` (NaN from an origin with too few
        rows to calibrate), `actual_<target>` (NaN where nothing was exposed), and the outcome's own
        `later_<figure>` and `covered_share`.

    Raises:
        TooThinError: No origin has enough before it and something after.
    """
    found = []
    moments, rows = origins(dataset), dataset.rows
    mature = (rows["state"] == MATURE).to_numpy()
    trainings = [(mature & (rows["closed_at"] <= origin).to_numpy(), origin) for origin in moments]
    known = dataset.observed[KEY]
    trainings = [training for training in trainings if len(known[training[0]].drop_duplicates()) >= LEAST_CREATIVES]
    if trainings:
        trainings, fits = plan_refits(dataset, trainings)
        dataset = with_refits(dataset, fits, refitting)
    for place, (train, origin) in enumerate(trainings):
        tell(place, len(trainings), origin)
        until = min((moment for moment in moments if moment > origin), default=pd.Timestamp.max)
        test = mature & rows["cutoff"].ge(origin).to_numpy() & rows["cutoff"].lt(until).to_numpy()
        if not test.any():
            continue
        taught = dataset.observed.loc[train, KEY].drop_duplicates()
        recipe = recipe_by_hand(dataset, train)
        model = fit_on(dataset, train, origin, recipe)
        uncertainty = fit_uncertainty(out_of_fold(dataset, train, recipe), dataset.funnel, dataset.settings)
        features, outcome = rows_of(dataset, test, model.fitted)
        predicted = model.predict(features)
        later = outcome[[name for name in map(str, outcome) if name.startswith("later:")]]
        found.append(
            pd.concat(
                [
                    predicted[[*KEY, "age_hours", "cutoff"]],
                    pd.DataFrame(
                        {
                            "origin": origin,
                            "cold": ~predicted["creative_id"].isin(taught["creative_id"]).to_numpy(),
                        }
                    ),
                    predicted[dataset.funnel.targets].add_prefix("predicted_"),
                    *([pd.DataFrame(uncertainty.of(predicted, features).intervals)] if uncertainty else []),
                    actual_targets(outcome, dataset.funnel).add_prefix("actual_"),
                    later.rename(columns=lambda name: name.replace(":", "_")),
                    outcome[["covered_share"]],
                ],
                axis=1,
            )
        )
    if not found:
        span = (rows["cutoff"].max() - rows["cutoff"].min()) / pd.Timedelta(days=1)
        raise TooThinError(
            f"Cutoffs span {span:.0f} days and no origin has {LEAST_CREATIVES} mature creatives before it and "
            "mature rows after it. Add earlier exports, or set backtest.min_train_days lower."
        )
    table = pd.concat(found, ignore_index=True)
    table["origin"] = table["origin"].astype("datetime64[us]")
    return table.sort_values([*KEY, "age_hours"], ignore_index=True)

"""Backtest at rolling origins: predictions of models trained on what was mature then, with the outcomes."""

from collections.abc import Callable
from dataclasses import replace

import pandas as pd

from features.funnel import Funnel
from features.point_in_time.array_frame import ArrayFrame
from features.schema import KEY
from features.targets import TARGETS
from training.boosting.recipe import fit_on, out_of_fold, recipe_by_hand
from training.boosting.rolling_fits import plan_refits, with_refits
from training.data.dataset import Dataset, rows_of
from training.decision.advice import advise
from training.decision.status import RUNNING, WAITING
from training.errors import TooThinError
from training.labels.outcomes import MATURE, actual_targets
from training.uncertainty import fit_uncertainty

MIN_ORIGIN_CREATIVES = 30
"""Mature creatives before an origin, below which it is skipped."""


def origins(dataset: Dataset) -> list[pd.Timestamp]:
    """Return the moments at which a model is trained: every `every_days` after `min_train_days`."""
    rows, step = dataset.rows, dataset.settings.backtest
    first = rows["cutoff"].min().normalize() + pd.Timedelta(days=step.min_train_days)
    last = rows.loc[rows["state"] == MATURE, "cutoff"].max()
    return list(pd.date_range(first, last, freq=pd.Timedelta(days=step.every_days)))


def backtest(
    dataset: Dataset,
    on_refit: Callable[[int, int], None] = lambda done, count: None,
    on_origin: Callable[[int, int, pd.Timestamp], None] = lambda done, count, origin: None,
) -> pd.DataFrame:
    """Predict every mature row by the model of the last origin before its cutoff.

    A model is trained on outcomes that were known at its origin, with the default tree parameters; cross-validation
    before the origin chooses the prior of each stage and the number of trees.

    Args:
        dataset: All rows.
        on_refit: Called before each fit of the funnel model with fits done and number of fits.
        on_origin: Called before each origin with origins done, number of origins, and the origin.

    Returns:
        One row per creative and age: KEY, `age_hours`, `cutoff`, `origin`, `cold` (the creative's id was not among the
        training rows), `predicted_<target>`, `stage_<stage>`, and of `training.decision.advice.Advice`
        `typical_<target>`, `<target>_low`, `<target>_high`, `asked_roi`, `<roi>_chance`, `hit_chance` (NaN from an
        origin with too few rows to calibrate) and `verdict` (empty there); `hit_of` and `hit_at`: measure and
        threshold of such a hit (empty and NaN there); `actual_<target>` (NaN without exposure),
        and of the outcome `later_<metric>` and `covered_share`.

    Raises:
        TooThinError: No origin has enough creatives before it and mature rows after it.
    """
    found = []
    moments, rows = origins(dataset), dataset.rows
    mature = (rows["state"] == MATURE).to_numpy()
    trainings = [(mature & (rows["closed_at"] <= origin).to_numpy(), origin) for origin in moments]
    known = dataset.observed[KEY]
    trainings = [
        training for training in trainings if len(known[training[0]].drop_duplicates()) >= MIN_ORIGIN_CREATIVES
    ]
    if trainings:
        trainings, fits = plan_refits(dataset, trainings)
        dataset = with_refits(dataset, fits, on_refit)
    for place, (train, origin) in enumerate(trainings):
        on_origin(place, len(trainings), origin)
        until = min((moment for moment in moments if moment > origin), default=pd.Timestamp.max)
        test = mature & rows["cutoff"].ge(origin).to_numpy() & rows["cutoff"].lt(until).to_numpy()
        if not test.any():
            continue
        training_keys = dataset.observed.loc[train, KEY].drop_duplicates()
        recipe = recipe_by_hand(dataset, train)
        model = fit_on(dataset, train, origin, recipe)
        uncertainty = fit_uncertainty(out_of_fold(dataset, train, recipe), dataset.funnel, dataset.settings)
        features, outcome = rows_of(dataset, test, model.fitted)
        predicted = model.predict(features)
        advised = advise(
            predicted,
            features,
            ArrayFrame.of(dataset.observed[test]),
            [WAITING if age <= 0 else RUNNING for age in predicted["age_hours"]],
            replace(model, uncertainty=uncertainty),
            dataset.settings,
        ).frame()
        measure, thresholds = (uncertainty.hit_measure, uncertainty.hit_thresholds) if uncertainty else ("", {})
        later = outcome[[name for name in map(str, outcome) if name.startswith("later:")]]
        found.append(
            pd.concat(
                [
                    predicted[[*KEY, "age_hours", "cutoff"]],
                    pd.DataFrame(
                        {
                            "origin": origin,
                            "cold": ~predicted["creative_id"].isin(training_keys["creative_id"]).to_numpy(),
                            "hit_of": measure,
                            "hit_at": predicted["promotion_type"].map(thresholds).astype("float64").to_numpy(),
                        }
                    ),
                    predicted[dataset.funnel.targets].add_prefix("predicted_"),
                    predicted[[stage.name for stage in dataset.funnel.stages]].add_prefix("stage_"),
                    advised.drop(columns=[name for name in advised if str(name).startswith("verdict_")]),
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
            f"Cutoffs span {span:.0f} days and no origin has {MIN_ORIGIN_CREATIVES} mature creatives before it and "
            "mature rows after it. Add earlier exports, or set backtest.min_train_days lower.",
            zh=f"数据只跨 {span:.0f} 天，没有一个时点之前有 {MIN_ORIGIN_CREATIVES} 个结果已出的素材、之后也有。"
            "处理：导出更早的日期，或在配置里把 backtest.min_train_days 设小。",
        )
    table = pd.concat(found, ignore_index=True)
    table["origin"] = table["origin"].astype("datetime64[us]")
    return table.sort_values([*KEY, "age_hours"], ignore_index=True)


def summary(table: pd.DataFrame, funnel: Funnel, least_volume: float) -> pd.DataFrame:
    """How predictions of a backtest compared with their outcomes.

    Args:
        table: Of `backtest`.
        funnel: Of the data.
        least_volume: Later volume from which a rate is compared (`evaluate.min_impressions`).

    Returns:
        One row per target: `rows`; `rank`, Spearman correlation of typical value and outcome (of the expected value
        where there is none); `total`, predicted over actual by exposure; `inside`, share of outcomes in their interval.
    """
    lines = []
    volume = table[f"later_{funnel.volume_of}"]
    for name in funnel.targets:
        target = TARGETS[name]
        known = table[f"actual_{name}"].notna() & ((volume >= least_volume) | target.is_volume)
        rows = table[known]
        actual, predicted = rows[f"actual_{name}"], rows[f"predicted_{name}"]
        exposure = rows[f"later_{target.exposure}"] if target.exposure else pd.Series(1.0, index=rows.index)
        calibrated = rows[rows[f"{name}_low"].notna()] if f"{name}_low" in rows else rows.iloc[:0]
        inside = calibrated[f"actual_{name}"].between(calibrated[f"{name}_low"], calibrated[f"{name}_high"])
        typical = rows[f"typical_{name}"].fillna(predicted) if f"typical_{name}" in rows else predicted
        lines.append(
            {
                "target": name,
                "rows": len(rows),
                "rank": float(typical.corr(actual, method="spearman")),
                "total": float((predicted * exposure).sum() / (actual * exposure).sum()),
                "inside": float(inside.mean()) if len(calibrated) else float("nan"),
            }
        )
    return pd.DataFrame(lines)

"""Steps of a training run that are more than one call: the amount of data, tune the heads, evaluate the tuning."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

from configs import __version__
from configs.settings import Settings
from features.arrays import Mask
from features.bilingual import Words
from features.funnel import Funnel
from features.matrix.feature_matrix import FEATURES_VERSION
from features.point_in_time.metric_rows import unit_codes
from features.schema import KEY
from training.boosting.cv_folds import make_folds
from training.boosting.heads import head_rows
from training.boosting.model import Choice, CreativeModel
from training.boosting.optuna_study import storage_of
from training.boosting.recipe import Recipe, fit_on
from training.boosting.rolling_fits import Training
from training.boosting.stack import deviance
from training.boosting.tune import tune
from training.boosting.volume import CHOICES, volume_deviance
from training.data.dataset import Dataset, rows_of, totals_known
from training.errors import TooThinError
from training.labels.amount import Supported, TrainingAmount, least_of, supported
from training.labels.calibration import Calibration, calibration_of, new_a_week
from training.labels.outcomes import MATURE
from training.progress import ProgressCallbacks

NOT_IN_STUDY_NAME = {
    "name", "var", "tune", "evaluate", "interval", "verdict", "plan", "backtest",
    "engine", "dask", "processes", "in_memory_rows",
}  # fmt: skip
"""Settings that do not change what a trial of the study returns."""


def supported_by(dataset: Dataset) -> Supported:
    """Return the model that the data suffice for, the full one or the funnel model alone, and its split.

    Args:
        dataset: All rows.

    Raises:
        TooThinError: Not even the funnel model; the message has what is there, what is needed and where the rest is.
    """
    thin, creatives = dataset.settings.thin, dataset.source.creatives
    codes = unit_codes(dataset.observed[KEY], creatives)
    totals = totals_known(dataset, last_reported(dataset))
    orders = totals["orders"].to_numpy(np.float64) if "orders" in totals else None

    def count(train: Mask) -> TrainingAmount:
        chosen = np.unique(codes[train])
        return TrainingAmount(len(chosen), None if orders is None else int(orders[chosen].sum()))

    found = supported(dataset.rows, dataset.outcome, dataset.funnel, dataset.settings, count)
    if found.amount != "none":
        return found
    (creatives_needed, orders_needed), least = least_of(thin, "full"), least_of(thin, "small")
    amounts = [(found.found.creatives, creatives_needed, least[0], CLOSED)]
    if found.found.orders is not None:
        amounts.append((found.found.orders, orders_needed, least[1], THEIR_ORDERS))
    short = [
        Words(
            f"{there:,} {what.zh}（至少 {few:,}，完整模型 {needed:,}）",
            f"{there:,} {what.en} ({few:,} needed, {needed:,} for the full model)",
        )
        for there, needed, few, what in amounts
        if there < few
    ]
    uses = uses_of_creatives(dataset, found.train, found.holdout).items()
    raise TooThinError(
        f"Too little training data: {'; '.join(one.en for one in short)}. Of {len(creatives):,} creatives: "
        f"{'; '.join(f'{count:,} {use.en}' for use, count in uses)}. "
        "Add earlier exports or more creatives, or wait until more outcomes have closed. Until then empirical "
        "Bayes alone can be had: `make train BASELINE=1` predicts without funnel model and trees.",
        zh=f"训练数据太少：{'；'.join(one.zh for one in short)}。{len(creatives):,} 个素材中："
        f"{'；'.join(f'{count:,} 个{use.zh}' for use, count in uses)}。"
        "处理：导出更早的日期或更多素材，或等更多结果出来。在那之前可以用 make train BASELINE=1："
        "只用经验贝叶斯，没有漏斗模型和树模型。",
    )


CLOSED = Words("个结果已出的素材", "creatives with a closed outcome")
THEIR_ORDERS = Words("笔这些素材的订单", "orders of these creatives")


def calibration_of_run(dataset: Dataset, train: Mask, holdout: Mask) -> Calibration:
    """Count what calibrates intervals and chances of the model that serves.

    Args:
        dataset: All rows, with the settings of the run.
        train: (rows,) Training rows of the evaluation model, without those before the first fit.
        holdout: (rows,) Holdout rows.
    """
    rows = dataset.rows.assign(promotion_type=dataset.observed["promotion_type"])
    return calibration_of(
        rows,
        dataset.outcome,
        dataset.funnel,
        dataset.settings,
        (train, holdout, (rows["state"] == MATURE).to_numpy(np.bool_)),
        unit_codes(dataset.observed[KEY], dataset.source.creatives),
        new_a_week(dataset.source.launches()["launched_at"], dataset.source.until),
    )


def refuse_no_numbers(predicted: pd.DataFrame, funnel: Funnel) -> None:
    """Stop a run whose funnel model has not converged: some rate is no finite number.

    Args:
        predicted: Predictions of rows that the model was not trained on.
        funnel: Of the model.

    Raises:
        TooThinError: A target of some row is no finite number.
    """
    rows = int((~np.isfinite(predicted[list(funnel.targets)].to_numpy(np.float64))).any(axis=1).sum())
    if not rows:
        return
    lacks = "; ".join(f"{name} needs {columns}" for name, columns in funnel.missing.items())
    raise TooThinError(
        f"The model has no finite prediction for {rows:,} of {len(predicted):,} rows held out: too little is known of "
        f"a step of the funnel{f' ({lacks})' if lacks else ''}. Export the columns that are missing (make doctor names "
        "them) or earlier days; until then: make train BASELINE=1.",
        zh=f"留作检验的 {len(predicted):,} 行中有 {rows:,} 行算不出有限的数：漏斗的某一步数据太少或缺列。"
        "处理：导出时加上缺的列（make doctor 会列出），或导出更早的日期；在那之前可以用 make train BASELINE=1。",
    )


def uses_of_creatives(dataset: Dataset, train: Mask, holdout: Mask) -> dict[Words, int]:
    """Count the creatives by what their rows are used for; each counts where it is used first, in this order.

    Args:
        dataset: All rows.
        train: (rows,) Training rows.
        holdout: (rows,) Holdout rows.

    Returns:
        Use → creatives, uses without any left out; they sum to all creatives.
    """
    mature = (dataset.rows["state"] == MATURE).to_numpy(np.bool_)
    creatives = dataset.source.creatives
    codes = unit_codes(dataset.observed[KEY], creatives)
    left = np.ones(len(creatives), np.bool_)
    found = {}
    delivered = dataset.rows["cutoff"].notna().to_numpy()
    for use, rows in (
        (Words("可训练（结果已出）", "closed for training"), train),
        (Words("留作检验", "held out for the evaluation"), holdout),
        (
            Words(
                "结果在训练期与检验期之间出来（与检验期重叠）",
                "closed between training and holdout, where a row would know the holdout's time",
            ),
            mature,
        ),
        (
            Words(
                f"还在等前 {dataset.settings.outcome_days} 天的结果",
                f"still waiting for the outcome of their first {dataset.settings.outcome_days} days",
            ),
            delivered,
        ),
    ):
        chosen = np.unique(codes[rows])
        chosen = chosen[left[chosen]]
        left[chosen] = False
        found[use] = len(chosen)
    found[Words("还没有投放", "not delivered yet")] = int(left.sum())
    return {use: count for use, count in found.items() if count}


def last_reported(dataset: Dataset) -> pd.Timestamp:
    """Return when the last row of metrics was reported: end of the last period plus the longest report delay."""
    return dataset.source.until + pd.Timedelta(hours=max(dataset.settings.report_delay_hours.values()))


def tune_heads(dataset: Dataset, rows: Mask, journal: Path, progress: ProgressCallbacks) -> Recipe:
    """Choose hyperparameters, number of trees and stack of every head by time-ordered cross-validation.

    Args:
        dataset: All rows.
        rows: Mask of the training rows.
        journal: File of the Optuna studies; the same data and settings resume their studies.
        progress: Callbacks that report progress.
    """
    settings = dataset.settings
    folds = make_folds(dataset, rows)
    progress.phase("tune")
    progress.line(f"tuning: {settings.tune.trials} trials per head on {len(folds)} folds")
    heads, trials = [*(head.name for head in dataset.funnel.heads), *CHOICES.values()], settings.tune.trials

    def on_trial(head: str, done: int, best: float) -> None:
        progress.trial(head, heads.index(head) * trials + done, len(heads) * trials, best)

    return Recipe(
        tune(
            folds,
            settings,
            len(dataset.observed.loc[rows, KEY].drop_duplicates()),
            study_name(dataset.source.fingerprint, settings),
            storage_of(journal),
            on_trial,
            dataset.source.engine,
        )
    )


def holdout_deviances(
    dataset: Dataset, trained_on: Training, holdout: Mask, model: CreativeModel, recipe: Recipe
) -> dict[str, dict[str, float]]:
    """Deviance of every head on the holdout: whether what was gained on the folds held.

    Args:
        dataset: All rows.
        trained_on: Training rows of the evaluation model, and its moment.
        holdout: Mask of the holdout rows.
        model: The evaluation model.
        recipe: By which it was trained.

    Returns:
        Head → `funnel` (the funnel model alone; volume: without trees), `hand` (hand setting) and, where the study
        found another setting, `tuned`; those that were measured: none without rows to evaluate.
    """
    funnel, least = dataset.funnel, dataset.settings.evaluate.min_impressions
    features, outcome = rows_of(dataset, holdout, model.fitted)
    others = {name: choice.alternative for name, choice in recipe.choices.items() if choice.alternative}
    other = fit_on(dataset, *trained_on, Recipe(others)) if others else model
    found = {}
    for head in funnel.heads:
        if choice := recipe.choices.get(head.name):
            rows = [head_rows(head, features, outcome, funnel, least)]
            logs = [one.heads[head.name].log(features)[rows[0].rows] for one in (model, other)]
            values = [deviance(rows, [log]) for log in (rows[0].log_funnel, *logs)]
            found[head.name] = _by_setting(choice, *values)
    for figure, name in CHOICES.items():
        if choice := recipe.choices.get(name):
            alone = replace(model.volume, boosters={})
            parts = [
                volume_deviance(one, (features, outcome), funnel, figure) for one in (alone, model.volume, other.volume)
            ]
            found[name] = _by_setting(choice, *(float(losses.sum() / weight.sum()) for losses, weight in parts))
    return found


def _by_setting(choice: Choice, funnel: float, own: float, alternative: float) -> dict[str, float]:
    names = ("tuned", "hand") if choice.tuned else ("hand", "tuned")
    found = {"funnel": funnel, names[0]: own} | ({names[1]: alternative} if choice.alternative else {})
    return {name: value for name, value in found.items() if np.isfinite(value)}


def study_name(data_fingerprint: str, settings: Settings) -> str:
    """Return the name of a study: equal for the same data, version of gpmcast and settings that change its trials."""
    made_with = f"{__version__}/{FEATURES_VERSION}/{settings.model_dump_json(exclude=NOT_IN_STUDY_NAME)}"
    return f"{data_fingerprint[:16]}-{sha256(made_with.encode()).hexdigest()[:16]}"

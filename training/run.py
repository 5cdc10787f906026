"""One training run: files to store, rows, folds, model, evaluation, registry, predictions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

from configs import __version__
from configs.settings import Settings
from features.ingest import IngestReport, ingest
from features.load import load
from features.schema import KEY, Loaded
from features.store import open_store
from training import tracking
from training.bundle import FEATURES_VERSION, load_bundle, save_bundle
from training.dataset import Dataset, Mask, fit_features, prepare, rows_of
from training.earliness import judged_earliness
from training.errors import BundleError, TooThinError
from training.evaluate import ALL_AGES
from training.figures import draw, draw_earliness
from training.judge import Contest, contest, judge
from training.model import Choice, CreativeModel, fit_model
from training.outcome import MATURE
from training.predict import latest_predictions
from training.split import holdout_split
from training.told import Told
from training.tune import Fold, make_folds, tune
from training.workspace import Workspace, data_fingerprint
from training.write import write_table


@dataclass(frozen=True)
class Result:
    """What a run made.

    Attributes:
        figures: Of the evaluation on the holdout (`training.evaluate`).
        registered: The new version.
        contest: Whether it became the champion, and why.
        held: Holdout rows, and since when.
        trained: Training rows of the judged model, and their creatives.
        choices: By stage, how its trees were chosen.
        left_out: Rows that do not train, by reason.
        missing: Stage or target that the columns do not allow → the columns it needs.
        predictions: Where they were written, and how many.
    """

    figures: pd.DataFrame
    registered: tracking.Registered
    contest: Contest
    held: tuple[int, pd.Timestamp]
    trained: tuple[int, int]
    choices: Mapping[str, Choice]
    left_out: Mapping[str, int]
    missing: Mapping[str, str]
    predictions: tuple[Path, int]


def read_data(
    data: list[str], space: Workspace, settings: Settings, told: Told, *, strict: bool = False
) -> tuple[Loaded, IngestReport]:
    """The data's files into the workspace's store, and everything out of it."""
    with open_store(space.store) as store:
        report = ingest(store, data, settings, strict=strict, progress=told.file)
        return load(store, settings), report


def fit_and_register(
    loaded: Loaded, space: Workspace, settings: Settings, told: Told, *, baseline: bool = False
) -> Result:
    """The road of `make train`, from loaded data on: a registered model, its evaluation and its predictions.

    Args:
        loaded: Of the store.
        space: Where everything lies.
        settings: Of the run.
        told: Progress.
        baseline: Empirical Bayes only: no trees, no least amount of data.

    Raises:
        TooThinError: The data cannot support a model.
    """
    dataset = prepare(loaded, settings, told.line)
    train_rows, held, starts = holdout_split(dataset.rows, settings.split.holdout_days)
    if not baseline:
        refuse_thin(dataset, train_rows)
    print_of_data = data_fingerprint(loaded)
    choices = {} if baseline else _choose(dataset, train_rows, space, print_of_data, told)

    told.line("fitting and judging")
    judged = fit_on(dataset, train_rows, starts, choices)
    known = set(dataset.observed.loc[train_rows, "creative_id"])
    figures, beside = judge(dataset, held, known, judged)
    told.line("fitting on all mature rows")
    mature = (dataset.rows["state"] == MATURE).to_numpy()
    until = loaded.metrics["period_end"].max()
    final = fit_on(dataset, mature, until, choices)

    stamp = {
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "data_fingerprint": print_of_data,
        "data_until": until.isoformat(),
    }
    headline = headline_figures(figures)
    save_bundle(space.judged_bundle, judged, settings, trained_until=starts.isoformat(), summary=headline, **stamp)
    save_bundle(space.bundle, final, settings, trained_until=until.isoformat(), summary=headline, **stamp)
    predictions = latest_predictions(loaded, final, settings)
    write_table(predictions, space.predictions)

    told.line("registering")
    evaluation = space.folder / "evaluation"
    draw(figures, beside, evaluation)
    curve = judged_earliness(beside, settings.evaluate.min_impressions)
    if len(curve):
        draw_earliness(curve, evaluation)
        write_table(curve, evaluation / "earliness.csv")
    write_table(figures, evaluation / "figures.csv")
    write_table(beside, evaluation / "holdout.parquet")
    left_out = {**dataset.left_out(), **loaded.notes}
    with tracking.tracked_run(space) as run_id:
        counts = {f"left_out/{name}": count for name, count in left_out.items()}
        metrics = {f"gain/{stage}": choice.gain for stage, choice in choices.items()} | by_age_figures(figures)
        tags = {**stamp, "trained_until": until.isoformat(), "kind": "baseline" if baseline else "model"}
        tracking.log_run(settings, tags, counts, metrics, evaluation)
        registered = tracking.register(
            space, run_id, space.bundle, space.judged_bundle, f"data until {until:%Y-%m-%d}, basis {settings.basis}"
        )
    verdict = _contest(dataset, held, judged, space)
    if verdict.won:
        tracking.crown(space, registered)
    return Result(
        figures=figures,
        registered=registered,
        contest=verdict,
        held=(int(held.sum()), starts),
        trained=(int(train_rows.sum()), len(dataset.observed.loc[train_rows, KEY].drop_duplicates())),
        choices=choices,
        left_out=left_out,
        missing=dataset.plan.missing,
        predictions=(space.predictions, len(predictions)),
    )


def fit_on(dataset: Dataset, rows: Mask, until: pd.Timestamp, choices: Mapping[str, Choice]) -> CreativeModel:
    """A model of these rows, with priors from what was known at a moment."""
    fitted = fit_features(dataset, rows, until)
    return fit_model(*rows_of(dataset, rows, fitted), fitted, choices, seed=dataset.settings.tune.seed)


def refuse_thin(dataset: Dataset, rows: Mask) -> None:
    """Raise where the training rows cannot support a model, saying what is there and what is needed."""
    thin = dataset.settings.thin
    taught = dataset.observed.loc[rows, KEY].drop_duplicates()
    facts = [(len(taught), thin.min_creatives, "creatives with a closed outcome")]
    if "orders" in dataset.loaded.metrics:
        mine = dataset.loaded.metrics.merge(taught, on=KEY)
        facts.append((int(mine["orders"].sum()), thin.min_orders, "orders of these creatives"))
    short = [f"{have:,} {what} ({needed:,} needed)" for have, needed, what in facts if have < needed]
    if short:
        raise TooThinError(
            f"Too little to learn from: {'; '.join(short)}. Add earlier exports or more creatives. Until then, "
            "empirical Bayes alone can be had: `python -m training train --baseline …` predicts without trees and "
            "registers that as the model."
        )


def headline_figures(figures: pd.DataFrame) -> dict[str, float | str | None]:
    """Figures of all ages together, by target: what a bundle says of itself."""
    rows = figures.query("age_hours == @ALL_AGES and part == 'all' and method == 'gpmcast'").set_index("target")
    table: dict[str, float | str | None] = {}
    for target in rows.index:
        for name in ("rows", "spearman", "log_error", "total", "mean", "deviance"):
            value = float(rows.loc[target, name])
            table[f"{target}/{name}"] = value if np.isfinite(value) else None
    return table


def by_age_figures(figures: pd.DataFrame) -> dict[str, float]:
    """Spearman and deviance of every method, target and age, under names that MLflow takes."""
    rows = figures[figures["part"] == "all"]
    table = {}
    for row in rows.to_dict("records"):
        age = "all_ages" if row["age_hours"] == ALL_AGES else f"{row['age_hours']:g}h"
        for name in ("spearman", "deviance"):
            table[f"{row['target']}/{age}/{str(row['method']).replace(' ', '_')}/{name}"] = float(row[name])
    return table


def _choose(dataset: Dataset, rows: Mask, space: Workspace, data_print: str, told: Told) -> dict[str, Choice]:
    settings = dataset.settings
    told.line("cutting folds")
    made: list[Fold] = make_folds(dataset, rows)
    told.line(f"tuning: {settings.tune.trials} trials on {len(made)} folds")
    shaping = settings.model_dump_json(exclude={"name", "var", "tune", "evaluate", "backtest"})
    return tune(
        made,
        settings,
        space.journal,
        study_name(data_print, shaping),
        lambda done, best: told.trial(done, settings.tune.trials, best),
    )


def study_name(data_print: str, shaping: str) -> str:
    """Name of a study: the same data and settings resume it, others start anew."""
    made_with = f"{__version__}/{FEATURES_VERSION}/{shaping}"
    return f"{data_print[:16]}-{sha256(made_with.encode()).hexdigest()[:16]}"


def _contest(dataset: Dataset, held: Mask, judged: CreativeModel, space: Workspace) -> Contest:
    reigning = tracking.champion(space)
    if reigning is None:
        return contest(dataset, held, judged, None, None)
    try:
        old, manifest = load_bundle(tracking.fetch(space, reigning, tracking.JUDGED))
    except BundleError as refusal:
        return Contest(True, f"the champion so far cannot be used any more ({refusal})")
    return contest(dataset, held, judged, old, manifest)

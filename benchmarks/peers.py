"""Compare gpmcast with other methods on the same training rows, holdout rows, features and time.

    python -m benchmarks.peers --data PATH … [--config FILE] [--truth FILE] [--only NAME …] [--seconds N] --out FILE

Prints tables and writes everything as JSON (`--markdown FILE`: the tables as Markdown too). `--cold-share 0.4` holds
that share of the creatives out altogether. How to read it: docs/proof.md.
"""

import json
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console

from benchmarks.heads_alone import HeadsAlone
from benchmarks.load_files import comparison_parser, read, some_creatives
from benchmarks.other_checkout import OtherCheckout, predict_elsewhere
from benchmarks.own_models import FUNNEL, HEADS, trained, trained_alone, with_typical
from benchmarks.pages import BudgetReport, Report, markdown, print_report
from benchmarks.peer_others import flaml, glm, gpboost
from benchmarks.peer_trees import catboost, hist_gradient_boosting, lightgbm_log1p, xgboost
from benchmarks.rules import rule_scores, team_forecasts
from benchmarks.same_predictions import state
from benchmarks.scores import OURS, compare_methods, records
from benchmarks.search import Library, PeerResult, search
from benchmarks.tasks import TargetData, Task, make_task, target_data
from benchmarks.truth import ON
from configs.errors import GpmcastError
from configs.settings import load_settings
from features.matrix.feature_matrix import Features
from training.boosting.model import CreativeModel
from training.boosting.recipe import Recipe, fit_on, recipe_by_hand
from training.data.dataset import fit_features
from training.evaluation.budget_replay import Budget, replay
from training.evaluation.holdout import carry_forward, empirical_bayes
from training.labels.outcomes import actual_targets, exposures
from training.workspace import data_fingerprint

Peer = Callable[[TargetData, float], PeerResult]
"""Predict one target within CPU seconds."""

PREVIOUS = "previous design"


def _searched(library: Callable[[], Library]) -> Peer:
    return lambda data, seconds: search(library(), data, seconds)


PEERS: dict[str, tuple[str, Peer]] = {
    "GLM": ("sklearn", _searched(glm)),
    "LightGBM log1p": ("lightgbm", _searched(lightgbm_log1p)),
    "HistGradientBoosting": ("sklearn", _searched(hist_gradient_boosting)),
    "XGBoost": ("xgboost", _searched(xgboost)),
    "CatBoost": ("catboost", _searched(catboost)),
    "GPBoost": ("gpboost", gpboost),
    "FLAML": ("flaml", flaml),
}
"""Peer → the module it needs, and how it predicts one target."""


@dataclass(frozen=True)
class MethodResult:
    """A method's predictions.

    Attributes:
        predicted: A column per target that it predicts, a row per holdout row; `typical_<target>` beside it where it
            has a typical value (`benchmarks.scores`).
        seconds: CPU seconds to train and predict, without the feature tables, which all methods share.
        settings: Target (`all`: all of them) → description.
        not_run: Why it did not run; else empty.
    """

    predicted: pd.DataFrame
    seconds: float
    settings: Mapping[str, str]
    not_run: str = ""


Method = Callable[[], MethodResult]
"""Train and predict the holdout rows."""


def main() -> None:
    """Compare, print and write; errors that a user can fix are reported on stderr with exit code 2."""
    parser = comparison_parser(__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=[*PEERS, "none"], help="peers to run; may be repeated")
    parser.add_argument("--seconds", type=float, default=45.0, help="CPU seconds of each peer, over all targets")
    parser.add_argument("--cold-share", type=float, default=0.0, help="share of the creatives held out altogether")
    parser.add_argument("--every", type=int, default=1, help="use every Nth creative only")
    parser.add_argument("--share", type=float, default=0.3, help="budget of the replay, as a share of later spend")
    parser.add_argument("--other", type=Path, help=f"checkout with its own .venv, whose model is the row `{PREVIOUS}`")
    options = parser.parse_args()
    out, err = Console(), Console(stderr=True)
    try:
        settings = load_settings(options.config)
        loaded = some_creatives(read(options.data, settings), options.every)
        task = make_task(loaded, settings, options.cold_share)
        truth = pd.read_parquet(options.truth) if options.truth else None
        other = (
            OtherCheckout(options.other, options.data, options.config, options.every, options.cold_share)
            if options.other
            else None
        )
    except (GpmcastError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    names = [name for name in options.only or PEERS if name != "none"]
    report = run(task, names, options.seconds, truth, options.share, options.draws, lambda line: err.print(line), other)
    report["paths"] = [path.name for path in options.data]
    report["fingerprint"] = data_fingerprint(loaded)  # by which the evaluation page finds the peers of its data
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    print_report(report, out)
    if options.markdown:
        options.markdown.parent.mkdir(parents=True, exist_ok=True)
        options.markdown.write_text(markdown(report), encoding="utf-8")


def run(
    task: Task,
    names: Sequence[str],
    seconds: float,
    truth: pd.DataFrame | None = None,
    share: float = 0.3,
    draws: int = 200,
    progress: Callable[[str], None] = lambda line: None,
    other: OtherCheckout | None = None,
) -> Report:
    """Run all methods and compare them.

    Args:
        task: Training and holdout rows.
        names: Peers to run, of PEERS.
        seconds: CPU seconds of each peer, over all targets.
        truth: Of the sample world: adds the comparison with true rates.
        share: Share of later spend that the replay funds.
        draws: Draws of the bootstrap.
        progress: Called with a line at each step.
        other: A checkout whose model is compared too.
    """
    results = run_methods(task, names, seconds, progress, other)
    methods = {name: result.predicted for name, result in results.items() if not result.not_run}
    progress("figures")
    least_volume = task.evaluation.settings.evaluate.min_impressions
    figures = compare_methods(
        methods, task.observed, task.outcome, task.cold, task.funnel,
        least_volume=least_volume, draws=draws, truth=truth,
    )  # fmt: skip
    budget, decisions = _replay(task, methods, share, draws)
    return {
        "data": {
            "trained_rows": int(task.train.sum()),
            "held_out_rows": int(task.holdout.sum()),
            "held_out_since": str(task.until),
            "cold_rows": int(task.cold.sum()),
            "seconds_a_peer": seconds,
        },
        "methods": {
            name: {"seconds": round(one.seconds, 1), "settings": dict(one.settings), "not_run": one.not_run}
            for name, one in results.items()
        },
        "figures": records(figures),
        "budget": budget,
        "decisions": decisions,
    }


def run_methods(
    task: Task,
    names: Sequence[str],
    seconds: float,
    progress: Callable[[str], None],
    other: OtherCheckout | None = None,
) -> dict[str, MethodResult]:
    """Predict the holdout rows with every method, gpmcast first; arguments as of `run`."""
    found = {}
    for name, method in methods_of(task, names, seconds, other):
        progress(name)
        found[name] = method()
    return found


def methods_of(
    task: Task, names: Sequence[str], seconds: float, other: OtherCheckout | None = None
) -> list[tuple[str, Method]]:
    """Every method of a comparison by its name, in the order of the tables."""
    ours = cache(partial(trained, task, lambda: recipe_by_hand(task.training, task.train)))
    by_hand = "settings of the run; trees by the hand setting, their number and the stacks from the folds"
    methods: list[tuple[str, Method]] = [
        (OURS, partial(_own, task, ours, by_hand)),
        (FUNNEL, partial(_own, task, partial(trained, task, Recipe), "the funnel model, without heads")),
        (HEADS, partial(_own, task, partial(trained_alone, task), "heads by the hand setting, without funnel model")),
        ("carry-forward", lambda: _simple(_carried(task, *ours()))),  # simple methods use our forecast of volume
        ("empirical Bayes", lambda: _simple(_shrunk(task, *ours()))),
    ]
    if other is not None:
        methods.append((PREVIOUS, partial(_previous, task, other)))
    teams = team_forecasts(task.observed, task.training.observed[task.train], task.funnel)
    methods += [(name, partial(_simple, table)) for name, table in teams.items()]
    tables = cache(partial(target_data, task))
    each = seconds / len(task.funnel.targets)
    return methods + [(name, partial(_peer, name, tables, each)) for name in names]


def _own(task: Task, train: Callable[[], tuple[CreativeModel | HeadsAlone, Features]], text: str) -> MethodResult:
    started = time.process_time()
    model, features = train()
    predicted = with_typical(model.predict(features), features, model.uncertainty, task.funnel.targets)
    return MethodResult(predicted, time.process_time() - started, {"all": text})


def _previous(task: Task, other: OtherCheckout) -> MethodResult:
    predicted, seconds = predict_elsewhere(other, task)
    text = f"the model of another checkout, {state(other.folder) or 'with uncommitted changes'}"
    return MethodResult(predicted, seconds, {"all": text})


def _simple(predicted: pd.DataFrame) -> MethodResult:
    return MethodResult(predicted, 0.0, {"all": "nothing to set"})


def _carried(task: Task, model: CreativeModel, features: Features) -> pd.DataFrame:
    return carry_forward(task.observed, features, model, task.training.settings.outcome_days)


def _shrunk(task: Task, model: CreativeModel, features: Features) -> pd.DataFrame:
    bayes = fit_features(task.training, task.train, task.until, empirical_bayes_only=True)
    return empirical_bayes(task.observed, features, bayes, model)


def _gpmcast(task: Task) -> CreativeModel:
    """The model alone, as another checkout is asked for it (`benchmarks.other_checkout`)."""
    return fit_on(task.training, task.train, task.until, recipe_by_hand(task.training, task.train))


def _peer(name: str, tables: Callable[[], Sequence[TargetData]], seconds: float) -> MethodResult:
    """Run one peer, with `seconds` for each target."""
    module, peer = PEERS[name]
    if find_spec(module) is None:
        return MethodResult(pd.DataFrame(), 0.0, {}, f"{module} is not installed; `make bench-peers` installs it")
    predicted, settings, spent = {}, {}, 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings of other libraries about themselves
        try:
            for data in tables():
                result = peer(data, seconds)
                predicted[data.target] = result.predicted
                predicted[f"typical_{data.target}"] = result.typical
                settings[data.target] = f"{result.setting} (best of {result.tried})"
                spent += result.seconds
        except ImportError as error:
            return MethodResult(pd.DataFrame(), 0.0, {}, f"{module} cannot be loaded here: {error}")
    return MethodResult(pd.DataFrame(predicted), spent, settings)


def _replay(
    task: Task, methods: Mapping[str, pd.DataFrame], share: float, draws: int
) -> tuple[BudgetReport | None, list[dict[str, object]]]:
    """Replay the budget by every forecast of ROI and every rule of the teams; nothing without an ROI target."""
    roi = task.funnel.main_roi
    if not roi:
        return None, []
    actual = actual_targets(task.training.outcome[task.train], task.funnel)[roi].to_numpy(np.float64)
    spend = task.training.outcome.loc[task.train, "later:spend_cny"].to_numpy(np.float64)
    break_even = float(np.nansum(actual * spend) / spend.sum())
    frame = task.observed[ON].copy()
    frame[f"actual_{roi}"] = actual_targets(task.outcome, task.funnel)[roi]
    frame[f"exposure_{roi}"] = exposures(task.outcome, task.funnel)[roi]
    scores = {name: table[roi].to_numpy(np.float64) for name, table in methods.items() if roi in table}
    rules = rule_scores(task.observed, task.training.observed[task.train])
    scores |= {f"teams: {name}": score for name, score in rules.items()}
    table = replay(frame, scores, Budget(share, break_even), against=OURS, draws=draws)
    return {"share": share, "break_even": break_even, "roi": roi}, records(table)


if __name__ == "__main__":
    main()

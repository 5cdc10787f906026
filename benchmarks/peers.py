"""Is there anything better? gpmcast beside its peers: the same training rows, held-out rows, features and time.

    python -m benchmarks.peers --data PATH … [--config FILE] [--truth FILE] [--only NAME …] [--seconds N] --out FILE

Prints tables, writes everything as JSON (`--markdown FILE`: the tables as Markdown too). `--cold-share 0.4` holds that
share of the creatives out altogether. How to read it: docs/proof.md.
"""

import json
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt
import pandas as pd
from rich.console import Console

from benchmarks.load_files import read, some_creatives
from benchmarks.pages import markdown, show
from benchmarks.peer_others import flaml, glm, gpboost
from benchmarks.peer_trees import catboost, hist_gradient_boosting, lightgbm_log1p, xgboost
from benchmarks.rules import plain_roi, rule_scores, shrunk_roi
from benchmarks.scores import OURS, compare, exposures, known_rows, records, true_targets
from benchmarks.search import Found, Library, search
from benchmarks.standing import ORACLE
from benchmarks.tasks import StageData, Task, command, make_task, stage_data
from benchmarks.truth import ON
from configs.errors import GpmcastError
from configs.settings import load_settings
from features.matrix.feature_matrix import build_features
from training.boosting.model import CreativeModel
from training.boosting.recipe import fit_on, recipe_by_hand
from training.boosting.stage_targets import actual_targets
from training.data.dataset import fit_features
from training.evaluation.baselines import carry_forward, empirical_bayes
from training.evaluation.budget_replay import Budget, replay
from training.workspace import data_fingerprint

Floats = npt.NDArray[np.float64]
Peer = Callable[[StageData, float], Found]

FUNNEL = "LightGBM funnel"


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
"""Direct peers: the module each needs, and how it predicts one target."""


@dataclass(frozen=True)
class Contender:
    """A method with its predictions.

    Attributes:
        predicted: Of the held-out rows, the targets it knows.
        seconds: Of the processor, to train and predict; tables of features, which all share, are not in it.
        settings: By target (`all`: of all of them), in words.
        not_run: Why it is not there, if it is not.
    """

    predicted: pd.DataFrame
    seconds: float
    settings: Mapping[str, str]
    not_run: str = ""


def main() -> None:
    """Compare, print and write; what a person can put right is said on stderr, with exit code 2."""
    parser = command(__doc__.splitlines()[0])
    parser.add_argument(
        "--only", action="append", choices=[*PEERS, "none"], help="direct peers to run; may be repeated"
    )
    parser.add_argument("--seconds", type=float, default=45.0, help="of each direct peer, over all targets")
    parser.add_argument("--cold-share", type=float, default=0.0, help="share of the creatives held out altogether")
    parser.add_argument("--every", type=int, default=1, help="each Nth creative only: fewer teach, and fewer judge")
    parser.add_argument("--share", type=float, default=0.3, help="budget of the replay, as a share of later spend")
    given = parser.parse_args()
    out, err = Console(), Console(stderr=True)
    try:
        settings = load_settings(given.config)
        loaded = some_creatives(read(given.data, settings), given.every)
        task = make_task(loaded, settings, given.cold_share)
        truth = pd.read_parquet(given.truth) if given.truth else None
    except (GpmcastError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    names = [name for name in given.only or PEERS if name != "none"]
    report = run(task, names, given.seconds, truth, given.share, given.draws, lambda line: err.print(line))
    report["paths"] = [path.name for path in given.data]
    report["fingerprint"] = data_fingerprint(loaded)  # the page of a run shows the peers of its data
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(report, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    show(report, out)
    if given.markdown:
        given.markdown.parent.mkdir(parents=True, exist_ok=True)
        given.markdown.write_text(markdown(report), encoding="utf-8")


def run(
    task: Task,
    names: Sequence[str],
    seconds: float,
    truth: pd.DataFrame | None = None,
    share: float = 0.3,
    draws: int = 200,
    tell: Callable[[str], None] = lambda line: None,
) -> dict[str, object]:
    """Everything that is known after a comparison, as plain lists and dicts.

    Args:
        task: Of `benchmarks.tasks`.
        names: Direct peers to run, of PEERS.
        seconds: Of each, over all targets.
        truth: Of the sample world: figures against expected values too, and who knows every effect but no luck.
        share: Of later spend that a replay funds.
        draws: Of the bootstrap.
        tell: Called with a line for people.
    """
    contenders = contend(task, names, seconds, tell)
    methods = {name: found.predicted for name, found in contenders.items() if not found.not_run}
    observed, outcome = task.observed, task.outcome
    actual = actual_targets(outcome, task.funnel)
    keys = observed[ON].assign(cold=task.cold)
    exposure = exposures(outcome, task.funnel)
    known = known_rows(actual, exposure, task.judges.settings.evaluate.min_impressions)
    tell("figures")
    figures = compare(methods, actual, exposure, keys, known, draws=draws).assign(against="what came")
    if truth is not None:
        true, best = true_targets(keys, truth, task.funnel)
        known = {target: known[target] & (true[target] > 0).to_numpy() for target in true}
        of_truth = compare({**methods, ORACLE: best}, true, exposure, keys, known, draws=draws)
        of_truth = of_truth.assign(against="the truth")
        figures = pd.concat([figures, of_truth], ignore_index=True)
    return {
        "data": {
            "trained_rows": int(task.train.sum()),
            "held_out_rows": int(task.held.sum()),
            "held_out_since": str(task.starts),
            "cold_rows": int(task.cold.sum()),
            "seconds_a_peer": seconds,
        },
        "methods": {
            name: {"seconds": round(found.seconds, 1), "settings": dict(found.settings), "not_run": found.not_run}
            for name, found in contenders.items()
        },
        "figures": records(figures),
        **_decisions(task, methods, actual, exposure, keys, share, draws),
    }


def contend(task: Task, names: Sequence[str], seconds: float, tell: Callable[[str], None]) -> dict[str, Contender]:
    """Every method's predictions of the held-out rows, ours first."""
    targets, settings = task.funnel.targets, task.teaches.settings
    found: dict[str, Contender] = {}
    tell(OURS)
    begun = time.process_time()
    model = _trained(task)
    features = build_features(task.observed, model.fitted)
    ours = model.predict(features)[targets]
    words = {"all": f"settings of the run; trees by the hand setting, their number from {settings.split.folds} folds"}
    found[OURS] = Contender(ours, time.process_time() - begun, words)
    begun = time.process_time()
    funnel = _trained(replace(task, teaches=replace(task.teaches, states=())))
    predicted = funnel.predict(build_features(task.observed, funnel.fitted))[targets]
    words = {"all": "the same with empirical Bayes as the start of every stage"}
    found[FUNNEL] = Contender(predicted, time.process_time() - begun, words)
    bayes = fit_features(task.teaches, task.train, task.starts)
    simple = {
        "carry-forward": carry_forward(task.observed, features, model, settings.outcome_days),
        "empirical Bayes": empirical_bayes(task.observed, bayes, model),
        **_teams(task),
    }
    found |= {name: Contender(table, 0.0, {"all": "nothing to set"}) for name, table in simple.items()}
    met = stage_data(task) if names else []
    for name in names:
        tell(name)
        found[name] = _direct(name, met, seconds / len(targets))
    return found


def _trained(task: Task) -> CreativeModel:
    return fit_on(task.teaches, task.train, task.starts, recipe_by_hand(task.teaches, task.train))


def _direct(name: str, met: Sequence[StageData], seconds: float) -> Contender:
    module, peer = PEERS[name]
    if find_spec(module) is None:
        return Contender(pd.DataFrame(), 0.0, {}, f"{module} is not installed; `make bench-peers` installs it")
    predicted, words, spent = {}, {}, 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs, about themselves
        try:
            for data in met:
                found = peer(data, seconds)
                predicted[data.target] = found.predicted
                words[data.target] = f"{found.setting} (best of {found.tried})"
                spent += found.seconds
        except ImportError as error:
            return Contender(pd.DataFrame(), 0.0, {}, f"{module} cannot be loaded here: {error}")
    return Contender(pd.DataFrame(predicted), spent, words)


def _teams(task: Task) -> dict[str, pd.DataFrame]:
    """What the rules of teams that rank by ROI say of ROI."""
    rois = [target for target in task.funnel.targets if target.endswith("roi")]
    if not rois:
        return {}
    cohort = task.teaches.observed[task.train]
    forecasts = {
        "teams: ROI so far": plain_roi(task.observed, cohort),
        "teams: shrunk ROI": shrunk_roi(task.observed, cohort),
    }
    return {name: pd.DataFrame(dict.fromkeys(rois, roi)) for name, roi in forecasts.items()}


def _decisions(
    task: Task,
    methods: Mapping[str, pd.DataFrame],
    actual: pd.DataFrame,
    exposure: Mapping[str, Floats],
    keys: pd.DataFrame,
    share: float,
    draws: int,
) -> dict[str, object]:
    """A replay by every forecast of ROI and every rule of teams; nothing where the data know no ROI."""
    roi = next((target for target in ("net_roi", "roi") if target in task.funnel.targets), None)
    if roi is None:
        return {"budget": None, "decisions": []}
    came = actual_targets(task.teaches.outcome[task.train], task.funnel)[roi]
    spend = task.teaches.outcome.loc[task.train, "later:spend_cny"].to_numpy(np.float64)
    usual = float(np.nansum(came.to_numpy(np.float64) * spend) / spend.sum())
    frame = keys.assign(**{f"actual_{roi}": actual[roi], f"exposure_{roi}": exposure[roi]})
    scores = {name: table[roi].to_numpy(np.float64) for name, table in methods.items() if roi in table}
    rules = rule_scores(task.observed, task.teaches.observed[task.train])
    scores |= {f"teams: {name}": score for name, score in rules.items()}
    table = replay(frame, scores, Budget(share, usual), against=OURS, draws=draws)
    return {"budget": {"share": share, "break_even": usual, "roi": roi}, "decisions": records(table)}


if __name__ == "__main__":
    main()

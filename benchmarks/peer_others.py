"""Peers of other kinds: a penalised GLM, GPBoost (trees on random effects) and FLAML (automatic choice of model)."""

import logging
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import chdir
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.linear_model import TweedieRegressor
from threadpoolctl import threadpool_limits

from benchmarks.peer_trees import CATBOOST_LOSSES
from benchmarks.search import Library, PeerResult, Setting, deviance, setting_text, typical_values
from benchmarks.tasks import VOLUME_POWER, TargetData, TargetTable
from features.arrays import Floats

SEED = 7
MOST_PEER_TREES = 300
STEPS = (1, 5, 10, 20, 40, 80, 150, 300)
"""GPBoost: numbers of trees that are compared; each comparison predicts the random effects once more."""


def glm() -> Library:
    """Ridge regression by each loss: numeric columns scaled, codes one-hot, missing values flagged."""

    def encoder(fit: TargetTable) -> Callable[[TargetTable], Floats]:
        numbers = [str(name) for name in fit.values if name not in fit.codes]
        mean, scale = fit.values[numbers].mean().fillna(0.0), fit.values[numbers].std().fillna(0.0)
        kept = [name for name in numbers if scale[name] > 1e-9]
        with_gaps = [name for name in kept if 0.01 < fit.values[name].isna().mean() < 0.99]
        categories = {name: sorted(fit.values[name].dropna().unique()) for name in fit.codes}

        def columns(rows: TargetTable) -> Floats:
            scaled = ((rows.values[kept] - mean[kept]) / scale[kept]).clip(-5, 5).fillna(0.0).to_numpy(np.float64)
            flags = rows.values[with_gaps].isna().to_numpy(np.float64)
            one_hot = [
                (rows.values[name] == code).to_numpy(np.float64) for name, codes in categories.items() for code in codes
            ]
            return np.column_stack([scaled, flags, *one_hot])

        return columns

    powers = {"poisson": 1.0, "tweedie": VOLUME_POWER, "squared": 0.0}

    def fitted(setting: Setting, rows: TargetTable, loss: str) -> Callable[[TargetTable], Floats]:
        columns = encoder(rows)
        link = "identity" if loss == "squared" else "log"
        model = TweedieRegressor(power=powers[loss], link=link, alpha=setting["alpha"], max_iter=500, tol=1e-4)
        model.fit(columns(rows), rows.ratio, sample_weight=rows.weight)
        largest = float(rows.ratio.max())  # a log link extrapolates without bound
        return lambda other: np.minimum(np.asarray(model.predict(columns(other))), largest)

    def probe(setting: Setting, data: TargetData) -> tuple[int, Floats]:
        return 1, fitted(setting, data.fit, data.loss)(data.validation)

    def train(setting: Setting, rounds: int, data: TargetData) -> Callable[[TargetTable], Floats]:
        return fitted(setting, data.full, data.loss)

    return Library({"alpha": 0.1}, {"alpha": (0.003, 30.0, True)}, probe, train)


def gpboost(data: TargetData, seconds: float) -> PeerResult:
    """Boost trees on random effects of account, product, KOC, category and every tag, on log1p, weighted.

    Its count likelihoods need minutes before the first tree with as many crossed effects, more than the time limit.
    The Gaussian one needs seconds; its prediction of the typical outcome is scaled to the mean on the validation rows.
    Variances are estimated once, before the trees, as its documentation recommends for speed.
    """
    import gpboost as gpb

    def group_labels(rows: TargetTable) -> npt.NDArray[np.object_]:
        return rows.groups.drop(columns="creative").astype(str).to_numpy(dtype=object)

    def label(rows: TargetTable) -> Floats:
        return np.log1p(rows.ratio * rows.baseline) - middle  # else the random effects have to absorb the mean

    whole = data.full.ratio * data.full.baseline
    middle = float(np.average(np.log1p(whole), weights=data.full.weight))

    def effects(rows: TargetTable) -> object:
        model = gpb.GPModel(
            group_data=group_labels(rows), likelihood="gaussian", num_parallel_threads=1, weights=rows.weight
        )
        model.fit(y=label(rows))
        return model

    def fitted(setting: Setting, rows: TargetTable, random: object, rounds: int) -> object:
        parameters = {**setting, "max_bin": 63, "num_threads": 1, "verbose": -1, "seed": SEED}
        table = gpb.Dataset(rows.values.to_numpy(np.float64), label(rows), params={"verbose": -1, "max_bin": 63})
        return gpb.train(
            params=parameters, train_set=table, gp_model=random, num_boost_round=rounds,
            train_gp_model_cov_pars=False, verbose_eval=False,
        )  # fmt: skip

    def predict(model: object, rows: TargetTable, rounds: int) -> Floats:
        parts = model.predict(  # type: ignore[attr-defined]
            data=rows.values.to_numpy(np.float64),
            group_data_pred=group_labels(rows),
            pred_latent=True,
            num_iteration=rounds,
        )
        log = middle + np.asarray(parts["fixed_effect"] + parts["random_effect_mean"], dtype=np.float64)
        return np.maximum(np.expm1(np.minimum(log, 30.0)), 0.0)

    def scale_to_mean(predicted: Floats, rows: TargetTable) -> float:
        weight = rows.weight / rows.baseline
        return float(weight @ (rows.ratio * rows.baseline)) / max(float(weight @ predicted), 1e-12)

    started = time.process_time()
    draw = np.random.default_rng(SEED)
    setting: Setting = {"learning_rate": 0.05, "num_leaves": 8, "min_data_in_leaf": 60, "lambda_l2": 20.0}
    best: tuple[float, Setting, int, float] | None = None
    tried, longest = 0, 0.0
    with threadpool_limits(1):
        random = effects(data.fit)
        while best is None or time.process_time() - started + longest < seconds:
            since = time.process_time()
            model = fitted(setting, data.fit, random, MOST_PEER_TREES)
            for rounds in STEPS:
                guess = predict(model, data.validation, rounds)
                scale = scale_to_mean(guess, data.validation)
                loss = deviance(scale * guess / data.validation.baseline, data.validation, data.is_volume)
                if best is None or loss < best[0]:
                    best = loss, setting, rounds, scale
            tried += 1
            longest = max(longest, time.process_time() - since)
            setting = {
                "learning_rate": 0.05, "num_leaves": int(draw.integers(4, 24)),
                "min_data_in_leaf": int(draw.integers(20, 150)), "lambda_l2": float(np.exp(draw.uniform(0, 4))),
            }  # fmt: skip
        _, setting, rounds, scale = best
        final = fitted(setting, data.full, effects(data.full), rounds)
        typical = predict(final, data.holdout, rounds)
    count = data.full.groups.shape[1] - 1
    text = f"log1p, {count} random effects, {setting_text(setting)}, {rounds} rounds, times {scale:.2f}"
    return PeerResult(scale * typical, typical, tried, text, time.process_time() - started)


def flaml(data: TargetData, seconds: float) -> PeerResult:
    """Let FLAML choose among LightGBM, XGBoost and CatBoost with Poisson or Tweedie loss on the last fold.

    Half of the time it searches with the offset, half without; the better of the two is trained on all rows. It counts
    wall-clock time: on a busy machine it gets less than its limit of CPU time. The chosen model with a squared error on
    log1p gives the typical value.
    """
    from flaml import AutoML

    logging.getLogger("flaml").setLevel(logging.ERROR)
    started = time.process_time()
    found = []
    for variant in (data, data.without_offset()):
        fit, validation = variant.fit, variant.validation
        columns = validation.values.to_numpy(np.float64)

        def loss(
            x: object, y: object, model: object, labels: object, x_fit: object, y_fit: object, weight: object,
            weight_fit: object, *rest: object, table: TargetTable = validation,
        ) -> tuple[float, Mapping[str, float]]:  # fmt: skip
            value = deviance(np.asarray(model.predict(x)), table, data.is_volume)  # type: ignore[attr-defined]
            return value, {"deviance": value}

        automl = AutoML()
        # It writes files into the working directory.
        with threadpool_limits(1), tempfile.TemporaryDirectory() as folder, chdir(folder):
            automl.fit(  # arrays, because it would impute frames
                fit.values.to_numpy(np.float64), fit.ratio, X_val=columns, y_val=validation.ratio,
                task="regression",
                sample_weight=fit.weight, sample_weight_val=validation.weight, metric=loss, time_budget=seconds / 2,
                estimator_list=["lgbm", "xgboost", "catboost"], custom_hp=_search_space(data.loss), n_jobs=1, seed=SEED,
                retrain_full=False, eval_method="holdout", verbose=0, early_stop=False,
            )  # fmt: skip
        ratio = (
            np.asarray(automl.predict(validation.values.to_numpy(np.float64)))
            * validation.baseline
            / data.validation.baseline
        )
        found.append((deviance(ratio, data.validation, data.is_volume), automl, variant))
    _, best, variant = min(found, key=lambda each: each[0])
    with threadpool_limits(1), tempfile.TemporaryDirectory() as folder, chdir(folder):
        ratio = _fitted(best, variant.full, data.loss)(variant.holdout)
        predicted = variant.holdout.baseline * np.maximum(ratio, 0.0)
        typical = typical_values(
            data,
            probe=lambda logs: (0, _fitted(best, logs.fit, logs.loss)(logs.validation)),
            train=lambda rounds, logs: _fitted(best, logs.full, logs.loss),
        )
    offset = "offset" if variant is data else "no offset"
    tried = sum(len(automl.config_history) for _, automl, _ in found)
    text = f"{offset}, {best.best_estimator}: {setting_text(best.best_config)}"
    return PeerResult(predicted, typical, tried, text, time.process_time() - started)


FLAML_LOSSES = {
    "lgbm": ("objective", {"poisson": "poisson", "tweedie": "tweedie", "squared": "regression"}),
    "xgboost": ("objective", {"poisson": "count:poisson", "tweedie": "reg:tweedie", "squared": "reg:squarederror"}),
    "catboost": ("loss_function", CATBOOST_LOSSES),
}
"""Learner of FLAML → its parameter for the loss, and the value for each loss."""


def _search_space(loss: str) -> dict[str, dict[str, dict[str, object]]]:
    """The loss of each of FLAML's learners, as a constant in its search space."""
    return {learner: {name: {"domain": losses[loss]}} for learner, (name, losses) in FLAML_LOSSES.items()}


def _fitted(found: Any, rows: TargetTable, loss: str) -> Callable[[TargetTable], Floats]:
    """Train the model that FLAML chose, with this loss: a function from a table to predicted ratios."""
    name, losses = FLAML_LOSSES[found.best_estimator]
    model = clone(found.model.estimator).set_params(**{name: losses[loss]})
    model.fit(rows.values.to_numpy(np.float64), rows.ratio, sample_weight=rows.weight)
    return lambda other: np.asarray(model.predict(other.values.to_numpy(np.float64)), dtype=np.float64)

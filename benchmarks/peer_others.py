"""Peers of other kinds: a penalised GLM, GPBoost (trees on random effects) and FLAML (automatic choice of model)."""

import logging
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import chdir

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.linear_model import TweedieRegressor
from threadpoolctl import threadpool_limits

from benchmarks.search import Found, Library, Setting, deviance
from benchmarks.tasks import StageData, Table
from training.boosting.volume_offset import POWER

Floats = npt.NDArray[np.float64]

SEED = 7
MOST_TREES = 300
STEPS = (1, 5, 10, 20, 40, 80, 150, 300)
"""Of GPBoost: numbers of trees that are compared; each costs a prediction of the random effects."""


def glm() -> Library:
    """Penalised Poisson regression (volume: Tweedie): columns scaled, codes one-hot, missing values flagged."""

    def shape(fit: Table) -> Callable[[Table], Floats]:
        numbers = [name for name in fit.values if name not in fit.codes]
        mean, scale = fit.values[numbers].mean().fillna(0.0), fit.values[numbers].std().fillna(0.0)
        kept = [name for name in numbers if scale[name] > 1e-9]
        holes = [name for name in kept if 0.01 < fit.values[name].isna().mean() < 0.99]
        words = {name: sorted(fit.values[name].dropna().unique()) for name in fit.codes}

        def columns(rows: Table) -> Floats:
            scaled = ((rows.values[kept] - mean[kept]) / scale[kept]).clip(-5, 5).fillna(0.0).to_numpy(np.float64)
            flags = rows.values[holes].isna().to_numpy(np.float64)
            one_hot = [
                (rows.values[name] == code).to_numpy(np.float64) for name, codes in words.items() for code in codes
            ]
            return np.column_stack([scaled, flags, *one_hot])

        return columns

    def fitted(setting: Setting, rows: Table, volume: bool) -> Callable[[Table], Floats]:
        columns = shape(rows)
        power = POWER if volume else 1.0
        model = TweedieRegressor(power=power, link="log", alpha=setting["alpha"], max_iter=500, tol=1e-4)
        model.fit(columns(rows), rows.ratio, sample_weight=rows.worth)
        most = float(rows.ratio.max())  # a log link far outside what was seen tells nonsense
        return lambda other: np.minimum(np.asarray(model.predict(columns(other))), most)

    def probe(setting: Setting, data: StageData) -> tuple[int, Floats]:
        return 1, fitted(setting, data.fit, data.volume)(data.stop)

    def train(setting: Setting, rounds: int, data: StageData) -> Callable[[Table], Floats]:
        return fitted(setting, data.full, data.volume)

    return Library({"alpha": 0.1}, {"alpha": (0.003, 30.0, True)}, probe, train)


def gpboost(data: StageData, seconds: float) -> Found:
    """Trees on top of random effects of account, product, KOC, category and every tag, on log1p, weighted.

    Its count likelihoods were tried on ratios to the start: with as many crossed effects they take minutes before the
    first tree, far more than the others' time. The Gaussian one takes seconds; what it says of a typical creative is
    levelled to the mean on the last fold. Variances are estimated once, before the trees, as its authors advise for
    speed; a setting is tried as long as the time allows.
    """
    import gpboost as gpb

    def text(rows: Table) -> npt.NDArray[np.object_]:
        return rows.groups.drop(columns="creative").astype(str).to_numpy(dtype=object)

    def label(rows: Table) -> Floats:
        return np.log1p(rows.ratio * rows.start) - middle  # else the random effects must tell the mean

    whole = data.full.ratio * data.full.start
    middle = float(np.average(np.log1p(whole), weights=data.full.worth))

    def effects(rows: Table) -> object:
        model = gpb.GPModel(group_data=text(rows), likelihood="gaussian", num_parallel_threads=1, weights=rows.worth)
        model.fit(y=label(rows))
        return model

    def fitted(setting: Setting, rows: Table, random: object, rounds: int) -> object:
        parameters = {**setting, "max_bin": 63, "num_threads": 1, "verbose": -1, "seed": SEED}
        table = gpb.Dataset(rows.values.to_numpy(np.float64), label(rows), params={"verbose": -1, "max_bin": 63})
        return gpb.train(
            params=parameters, train_set=table, gp_model=random, num_boost_round=rounds,
            train_gp_model_cov_pars=False, verbose_eval=False,
        )  # fmt: skip

    def told(model: object, rows: Table, rounds: int) -> Floats:
        parts = model.predict(  # type: ignore[attr-defined]
            data=rows.values.to_numpy(np.float64), group_data_pred=text(rows), pred_latent=True, num_iteration=rounds
        )
        log = middle + np.asarray(parts["fixed_effect"] + parts["random_effect_mean"], dtype=np.float64)
        return np.maximum(np.expm1(np.minimum(log, 30.0)), 0.0)

    def level(told_: Floats, rows: Table) -> float:
        weight = rows.worth / rows.start
        return float(weight @ (rows.ratio * rows.start)) / max(float(weight @ told_), 1e-12)

    begun = time.process_time()
    draw = np.random.default_rng(SEED)
    setting: Setting = {"learning_rate": 0.05, "num_leaves": 8, "min_data_in_leaf": 60, "lambda_l2": 20.0}
    best: tuple[float, Setting, int, float] | None = None
    tried, longest = 0, 0.0
    with threadpool_limits(1):
        random = effects(data.fit)
        while best is None or time.process_time() - begun + longest < seconds:
            since = time.process_time()
            model = fitted(setting, data.fit, random, MOST_TREES)
            for rounds in STEPS:
                guess = told(model, data.stop, rounds)
                scale = level(guess, data.stop)
                loss = deviance(scale * guess / data.stop.start, data.stop, data.volume)
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
        predicted = scale * told(final, data.held, rounds)
    words = ", ".join(f"{name} {value:.3g}" for name, value in setting.items())
    count = data.full.groups.shape[1] - 1
    told_of = f"log1p, {count} random effects, {words}, {rounds} rounds, times {scale:.2f}"
    return Found(predicted, tried, told_of, time.process_time() - begun)


def flaml(data: StageData, seconds: float) -> Found:
    """FLAML over LightGBM, XGBoost and CatBoost, with Poisson or Tweedie loss, judged on the last fold.

    Half of the time it looks with the offset, half without; the better of the two is trained on all rows. Its own clock
    is that of the wall: where the machine is busy with other work it gets less than its seconds.
    """
    from flaml import AutoML

    logging.getLogger("flaml").setLevel(logging.ERROR)
    begun = time.process_time()
    found = []
    for form in (data, data.flat()):
        fit, stop = form.fit, form.stop

        def loss(
            x: object, y: object, model: object, labels: object, x_fit: object, y_fit: object, weight: object,
            weight_fit: object, *rest: object, of: Table = stop,
        ) -> tuple[float, Mapping[str, float]]:  # fmt: skip
            value = deviance(np.asarray(model.predict(x)), of, data.volume)  # type: ignore[attr-defined]
            return value, {"deviance": value}

        automl = AutoML()
        # It leaves files where it is run.
        with threadpool_limits(1), tempfile.TemporaryDirectory() as folder, chdir(folder):
            automl.fit(  # arrays: of frames it would fill the holes
                fit.values.to_numpy(np.float64), fit.ratio, X_val=stop.values.to_numpy(np.float64), y_val=stop.ratio,
                task="regression",
                sample_weight=fit.worth, sample_weight_val=stop.worth, metric=loss, time_budget=seconds / 2,
                estimator_list=["lgbm", "xgboost", "catboost"], custom_hp=_losses(data.volume), n_jobs=1, seed=SEED,
                retrain_full=False, eval_method="holdout", verbose=0, early_stop=False,
            )  # fmt: skip
        ratio = np.asarray(automl.predict(stop.values.to_numpy(np.float64))) * stop.start / data.stop.start
        found.append((deviance(ratio, data.stop, data.volume), automl, form))
    _, best, form = min(found, key=lambda each: each[0])
    with threadpool_limits(1), tempfile.TemporaryDirectory() as folder, chdir(folder):
        model = clone(best.model.estimator)
        model.fit(form.full.values.to_numpy(np.float64), form.full.ratio, sample_weight=form.full.worth)
        ratio = np.asarray(model.predict(form.held.values.to_numpy(np.float64)))
        predicted = form.held.start * np.maximum(ratio, 0.0)
    offset = "offset" if form is data else "no offset"
    tried = sum(len(automl.config_history) for _, automl, _ in found)
    words = ", ".join(
        f"{name} {value:.3g}" for name, value in best.best_config.items() if isinstance(value, int | float)
    )
    return Found(predicted, tried, f"{offset}, {best.best_estimator}: {words}", time.process_time() - begun)


def _losses(volume: bool) -> dict[str, dict[str, dict[str, object]]]:
    """The loss of each of FLAML's learners, as a constant of its search."""
    losses = {
        "lgbm": "tweedie" if volume else "poisson",
        "xgboost": "reg:tweedie" if volume else "count:poisson",
        "catboost": f"Tweedie:variance_power={POWER}" if volume else "Poisson",
    }
    names = {"catboost": "loss_function"}
    return {name: {names.get(name, "objective"): {"domain": loss}} for name, loss in losses.items()}

"""Peers of other kinds: a penalised GLM, GPBoost (trees with random effects) and FLAML (automatic choice of model)."""

import logging
import time
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import clone
from sklearn.linear_model import TweedieRegressor
from threadpoolctl import threadpool_limits

from benchmarks.search import Found, Library, Setting, deviance
from benchmarks.tasks import Lesson, Table
from training.volume import POWER

Floats = npt.NDArray[np.float64]

SEED = 7
MOST_TREES = 200
"""Of GPBoost: each costs a fit of the random effects."""


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
        most = rows.ratio.max()  # a log link far outside what was seen tells nonsense
        return lambda other: np.minimum(model.predict(columns(other)), most)

    def probe(setting: Setting, lesson: Lesson) -> tuple[int, Floats]:
        return 1, fitted(setting, lesson.fit, lesson.volume)(lesson.stop)

    def train(setting: Setting, rounds: int, lesson: Lesson) -> Callable[[Table], Floats]:
        return fitted(setting, lesson.full, lesson.volume)

    return Library({"alpha": 0.1}, {"alpha": (0.003, 30.0, True)}, probe, train)


def gpboost(lesson: Lesson, seconds: float) -> Found:
    """Trees on top of random effects of account, product, KOC, category, every tag and the creative itself.

    Its Poisson likelihood knows no weights: money is told in units of φ, so that its variance is its mean, and the
    over-dispersion is what the random effects are for. The number of trees comes from the last fold (with all its
    random effects), in half of the time; training on all rows takes as many.
    """
    import gpboost as gpb

    setting = {
        "learning_rate": 0.05, "num_leaves": 8, "min_data_in_leaf": 60, "lambda_l2": 20.0, "max_bin": 63,
        "num_threads": 1, "verbose": -1, "seed": SEED,
    }  # fmt: skip

    def counts(rows: Table) -> tuple[Floats, Floats]:
        events = np.maximum(rows.events, 1e-6)
        return np.round(rows.ratio * events), np.log(events)

    def text(rows: Table) -> npt.NDArray[np.object_]:
        return rows.groups.astype(str).to_numpy(dtype=object)

    def fitted(rows: Table, most: int, until: float) -> tuple[object, int]:
        label, offset = counts(rows)
        effects = gpb.GPModel(group_data=text(rows), likelihood="poisson", num_parallel_threads=1)
        done = 0

        def stop_in_time(env: object) -> None:
            nonlocal done
            done += 1
            if time.monotonic() > until and done > 1:
                raise gpb.callback.EarlyStopException(done - 1, [])

        data = gpb.Dataset(rows.values.to_numpy(np.float64), label, init_score=offset, params={"verbose": -1})
        model = gpb.train(
            params=setting, train_set=data, gp_model=effects, num_boost_round=most, callbacks=[stop_in_time],
            verbose_eval=False,
        )  # fmt: skip
        return model, done

    def told(model: object, rows: Table, trees: int) -> Floats:
        parts = model.predict(  # type: ignore[attr-defined]
            data=rows.values.to_numpy(np.float64), group_data_pred=text(rows), pred_latent=True, num_iteration=trees
        )
        return np.exp(np.clip(parts["fixed_effect"] + parts["random_effect_mean"], -10.0, 10.0))

    begun = time.monotonic()
    with threadpool_limits(1):
        model, most = fitted(lesson.fit, MOST_TREES, begun + seconds / 2)
        steps = sorted({*range(0, most + 1, 5), most} - {0})
        losses = {trees: deviance(told(model, lesson.stop, trees), lesson.stop, lesson.volume) for trees in steps}
        best = min(losses, key=lambda trees: losses[trees])
        final, trees = fitted(lesson.full, best, float("inf"))
        predicted = lesson.held.start * told(final, lesson.held, trees)
    words = f"offset, learning_rate 0.05, num_leaves 8, {lesson.full.groups.shape[1]} random effects, {best} rounds"
    return Found(predicted, 1, f"{words} of {most} that the time allowed", time.monotonic() - begun)


def flaml(lesson: Lesson, seconds: float) -> Found:
    """FLAML over LightGBM, XGBoost and CatBoost, with Poisson or Tweedie loss, judged on the last fold.

    Half of the time it looks with the offset, half without; the better of the two is trained on all rows.
    """
    from flaml import AutoML

    logging.getLogger("flaml").setLevel(logging.ERROR)
    begun = time.monotonic()
    found = []
    for form in (lesson, lesson.flat()):
        fit, stop = form.fit, form.stop

        def loss(
            x: object, y: object, model: object, labels: object, x_fit: object, y_fit: object, weight: object,
            weight_fit: object, *rest: object, of: Table = stop,
        ) -> tuple[float, Mapping[str, float]]:  # fmt: skip
            value = deviance(np.asarray(model.predict(of.values)), of, lesson.volume)  # type: ignore[attr-defined]
            return value, {"deviance": value}

        automl = AutoML()
        with threadpool_limits(1):
            automl.fit(
                fit.values, pd.Series(fit.ratio), X_val=stop.values, y_val=pd.Series(stop.ratio), task="regression",
                sample_weight=fit.worth, sample_weight_val=stop.worth, metric=loss, time_budget=seconds / 2,
                estimator_list=["lgbm", "xgboost", "catboost"], custom_hp=_losses(lesson.volume), n_jobs=1, seed=SEED,
                retrain_full=False, eval_method="holdout", verbose=0, early_stop=False,
            )  # fmt: skip
        ratio = np.asarray(automl.predict(stop.values)) * stop.start / lesson.stop.start
        found.append((deviance(ratio, lesson.stop, lesson.volume), automl, form))
    _, best, form = min(found, key=lambda each: each[0])
    with threadpool_limits(1):
        model = clone(best.model.estimator)
        model.fit(form.full.values, form.full.ratio, sample_weight=form.full.worth)
        predicted = form.held.start * np.maximum(np.asarray(model.predict(form.held.values)), 0.0)
    offset = "offset" if form is lesson else "no offset"
    tried = sum(len(automl.config_history) for _, automl, _ in found)
    words = ", ".join(f"{name} {value:.3g}" for name, value in best.best_config.items() if isinstance(value, int | float))
    return Found(predicted, tried, f"{offset}, {best.best_estimator}: {words}", time.monotonic() - begun)


def _losses(volume: bool) -> dict[str, dict[str, dict[str, object]]]:
    """The loss of each of FLAML's learners, as a constant of its search."""
    losses = {
        "lgbm": "tweedie" if volume else "poisson",
        "xgboost": "reg:tweedie" if volume else "count:poisson",
        "catboost": f"Tweedie:variance_power={POWER}" if volume else "Poisson",
    }
    names = {"catboost": "loss_function"}
    return {name: {names.get(name, "objective"): {"domain": loss}} for name, loss in losses.items()}

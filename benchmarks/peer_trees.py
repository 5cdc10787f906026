"""Peers that boost trees on one target at a time: LightGBM on log1p, HistGradientBoosting, XGBoost, CatBoost.

All but the first learn the ratio of outcome to baseline with a Poisson loss (volume: Tweedie where the library has it),
weighted by effective sample size: the same offset and weights as gpmcast's own trees. For the typical value they learn
differences of log1p with a squared error. One thread each.
"""

from collections.abc import Callable

import lightgbm as lgb
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor

from benchmarks.search import Library, Setting
from benchmarks.tasks import VOLUME_POWER, TargetData, TargetTable
from features.arrays import Floats

PredictTable = Callable[[TargetTable], Floats]

MOST_ROUNDS = 2000
PEER_PATIENCE = 50
"""Rounds without improvement on the validation rows after which training stops."""
SEED = 7
BINS = 128


def lightgbm_log1p() -> Library:
    """LightGBM with squared error on log1p and no offset: the usual first attempt."""

    def parameters(setting: Setting) -> dict[str, object]:
        return {
            **setting, "objective": "l2", "num_threads": 1, "verbosity": -1, "seed": SEED, "deterministic": True,
            "feature_pre_filter": False,
        }  # fmt: skip

    def table(rows: TargetTable, reference: lgb.Dataset | None = None) -> lgb.Dataset:
        return lgb.Dataset(
            rows.values.to_numpy(np.float64),
            label=np.log1p(rows.ratio * rows.baseline),
            weight=rows.weight,
            categorical_feature=_positions(rows),
            reference=reference,
            params={"verbosity": -1, "feature_pre_filter": False},
        )

    def predict(model: lgb.Booster, rows: TargetTable) -> Floats:
        predicted = model.predict(rows.values.to_numpy(np.float64), num_threads=1)
        return np.maximum(np.expm1(predicted), 0.0) / rows.baseline

    def probe(setting: Setting, data: TargetData) -> tuple[int, Floats]:
        fit = table(data.fit)
        model = lgb.train(
            parameters(setting), fit, MOST_ROUNDS, valid_sets=[table(data.validation, fit)],
            callbacks=[lgb.early_stopping(PEER_PATIENCE, verbose=False)],
        )  # fmt: skip
        return model.best_iteration, predict(model, data.validation)

    def train(setting: Setting, rounds: int, data: TargetData) -> PredictTable:
        model = lgb.train(parameters(setting), table(data.full), rounds)
        return lambda rows: predict(model, rows)

    hand = {
        "learning_rate": 0.05, "num_leaves": 15, "min_data_in_leaf": 40, "feature_fraction": 0.5, "lambda_l2": 5.0,
    }  # fmt: skip
    ranges = {
        "learning_rate": (0.02, 0.1, True), "num_leaves": (4, 63, True), "min_data_in_leaf": (10, 200, True),
        "feature_fraction": (0.2, 0.9, False), "lambda_l2": (0.1, 100.0, True),
    }  # fmt: skip
    return Library(hand, ranges, probe, train, offset=False)


def hist_gradient_boosting() -> Library:
    """HistGradientBoostingRegressor; it has no Tweedie loss, so volume is Poisson too.

    Columns are binned here into BINS quantiles of the fitted rows: its own weighted binning takes a tenth of a second
    per column and gives the same trees.
    """

    def model(setting: Setting, rounds: int, data: TargetData, patience: int | None) -> HistGradientBoostingRegressor:
        fit = data.full if patience is None else data.fit
        counts = fit.values.nunique()
        return HistGradientBoostingRegressor(
            loss="squared_error" if data.loss == "squared" else "poisson",
            **setting,
            max_iter=rounds,
            categorical_features=[place for place in _positions(fit) if counts.iloc[place] < 250],
            early_stopping=patience is not None,
            n_iter_no_change=patience or 1,
            tol=0.0,
            random_state=SEED,
        )

    def probe(setting: Setting, data: TargetData) -> tuple[int, Floats]:
        fit, validation, bins = data.fit, data.validation, _binned(data.fit)
        found = model(setting, MOST_ROUNDS, data, PEER_PATIENCE).fit(
            bins(fit), fit.ratio, sample_weight=fit.weight,
            X_val=bins(validation), y_val=validation.ratio, sample_weight_val=validation.weight,
        )  # fmt: skip
        rounds = max(int(np.argmax(found.validation_score_)), 1)
        staged = (
            ratio for place, ratio in enumerate(found.staged_predict(bins(validation)), start=1) if place == rounds
        )
        return rounds, np.asarray(next(staged))

    def train(setting: Setting, rounds: int, data: TargetData) -> PredictTable:
        full, bins = data.full, _binned(data.full)
        found = model(setting, rounds, data, None).fit(bins(full), full.ratio, sample_weight=full.weight)
        return lambda rows: np.asarray(found.predict(bins(rows)))

    hand = {
        "learning_rate": 0.05, "max_leaf_nodes": 8, "min_samples_leaf": 60, "l2_regularization": 20.0,
        "max_features": 0.5,
    }  # fmt: skip
    ranges = {
        "learning_rate": (0.02, 0.1, True), "max_leaf_nodes": (3, 31, True), "min_samples_leaf": (10, 200, True),
        "l2_regularization": (0.1, 200.0, True), "max_features": (0.2, 0.9, False),
    }  # fmt: skip
    return Library(hand, ranges, probe, train)


def xgboost() -> Library:
    """XGBoost with codes as categories."""
    import xgboost as xgb

    def matrix(rows: TargetTable, known: bool = True) -> xgb.DMatrix:
        frame = rows.values.copy()
        for name in rows.codes:
            frame[name] = pd.Categorical.from_codes(
                rows.values[name].fillna(-1).astype(int).to_list(), categories=pd.RangeIndex(MAX_CATEGORIES)
            )
        return xgb.DMatrix(
            frame,
            label=rows.ratio if known else None,
            weight=rows.weight if known else None,
            base_margin=np.zeros(len(rows)),
            enable_categorical=True,
            nthread=1,
        )

    def parameters(setting: Setting, data: TargetData) -> dict[str, object]:
        losses: dict[str, dict[str, object]] = {
            "tweedie": {
                "objective": "reg:tweedie",
                "tweedie_variance_power": VOLUME_POWER,
                "eval_metric": f"tweedie-nloglik@{VOLUME_POWER}",
            },
            "poisson": {"objective": "count:poisson", "eval_metric": "poisson-nloglik", "max_delta_step": 0.7},
            "squared": {"objective": "reg:squarederror", "eval_metric": "rmse"},
        }
        return {**setting, **losses[data.loss], "nthread": 1, "seed": SEED, "verbosity": 0}

    def probe(setting: Setting, data: TargetData) -> tuple[int, Floats]:
        stop = matrix(data.validation)
        model = xgb.train(
            parameters(setting, data), matrix(data.fit), MOST_ROUNDS, evals=[(stop, "stop")],
            early_stopping_rounds=PEER_PATIENCE, verbose_eval=False,
        )  # fmt: skip
        rounds = model.best_iteration + 1
        return rounds, model.predict(stop, iteration_range=(0, rounds)).astype(np.float64)

    def train(setting: Setting, rounds: int, data: TargetData) -> PredictTable:
        model = xgb.train(parameters(setting, data), matrix(data.full), rounds)
        return lambda rows: model.predict(matrix(rows, known=False)).astype(np.float64)

    hand = {
        "learning_rate": 0.05, "max_depth": 4, "min_child_weight": 20.0, "subsample": 0.8, "colsample_bytree": 0.5,
        "reg_lambda": 10.0,
    }  # fmt: skip
    ranges = {
        "learning_rate": (0.02, 0.1, True), "max_depth": (2, 7, False), "min_child_weight": (1.0, 200.0, True),
        "subsample": (0.5, 1.0, False), "colsample_bytree": (0.2, 0.9, False), "reg_lambda": (0.1, 200.0, True),
    }  # fmt: skip
    return Library(hand, ranges, probe, train)


CATBOOST_LOSSES = {"poisson": "Poisson", "tweedie": f"Tweedie:variance_power={VOLUME_POWER}", "squared": "RMSE"}
MAX_CATEGORIES = 1000
"""Upper bound of the number of category codes, which XGBoost requires."""


def catboost() -> Library:
    """CatBoost with codes as its own categories."""
    from catboost import CatBoostRegressor, Pool

    def pool(rows: TargetTable, known: bool = True) -> Pool:
        frame = rows.values.astype({})
        for name in rows.codes:
            frame[name] = rows.values[name].fillna(-1).astype(int).astype(str)
        return Pool(
            frame,
            label=rows.ratio if known else None,
            weight=rows.weight if known else None,
            baseline=np.zeros(len(rows)),
            cat_features=list(rows.codes),
        )

    def model(setting: Setting, rounds: int, data: TargetData) -> CatBoostRegressor:
        return CatBoostRegressor(
            **setting,
            iterations=rounds,
            loss_function=CATBOOST_LOSSES[data.loss],
            thread_count=1,
            random_seed=SEED,
            verbose=False,
            allow_writing_files=False,
        )

    def predict(found: CatBoostRegressor, rows: Pool, data: TargetData) -> Floats:
        raw = np.asarray(found.predict(rows, prediction_type="RawFormulaVal", thread_count=1))
        return raw if data.loss == "squared" else np.exp(raw)

    def probe(setting: Setting, data: TargetData) -> tuple[int, Floats]:
        stop = pool(data.validation)
        found = model(setting, MOST_ROUNDS, data)
        found.fit(pool(data.fit), eval_set=stop, early_stopping_rounds=PEER_PATIENCE, use_best_model=True)
        return max(int(found.tree_count_), 1), predict(found, stop, data)

    def train(setting: Setting, rounds: int, data: TargetData) -> PredictTable:
        found = model(setting, rounds, data)
        found.fit(pool(data.full))
        return lambda rows: predict(found, pool(rows, known=False), data)

    hand = {"learning_rate": 0.05, "depth": 5, "l2_leaf_reg": 10.0, "rsm": 0.5}
    ranges = {
        "learning_rate": (0.02, 0.1, True), "depth": (3, 7, False), "l2_leaf_reg": (1.0, 100.0, True),
        "rsm": (0.2, 0.9, False),
    }  # fmt: skip
    return Library(hand, ranges, probe, train)


def _binned(fit: TargetTable) -> Callable[[TargetTable], Floats]:
    """Replace columns by their index among quantiles of the fitted rows; codes and NaN stay."""
    edges = {
        name: np.unique(np.nanquantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))
        for name, values in fit.values.items()
        if name not in fit.codes and not values.isna().all()
    }

    def columns(rows: TargetTable) -> Floats:
        table = rows.values.to_numpy(np.float64).copy()
        for place, name in enumerate(rows.values):
            if name in edges:
                column = table[:, place]
                table[:, place] = np.where(np.isnan(column), np.nan, np.searchsorted(edges[str(name)], column))
        return table

    return columns


def _positions(rows: TargetTable) -> list[int]:
    return [place for place, name in enumerate(rows.values) if name in rows.codes]

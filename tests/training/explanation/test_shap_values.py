"""SHAP values are those of `shap.TreeExplainer`; explanations work with `shap.plots`."""

import subprocess
import sys

import lightgbm as lgb
import numpy as np
import pytest

from training.explanation.contributions import all_contributions, head_contributions
from training.explanation.shap_values import MISSING, display_data, shap_explanation, tree_shap

shap = pytest.importorskip("shap")


def test_shap_values_of_the_package_and_of_lightgbm_are_equal(model, train_rows) -> None:
    features, _ = train_rows
    matrix = features.values.matrix
    found = tree_shap(model.boosters, matrix)
    assert set(found) == set(model.boosters) >= {"gmv", "keep"}
    for name, booster in model.boosters.items():
        by_lightgbm = booster.predict(matrix, pred_contrib=True, num_threads=1)
        np.testing.assert_allclose(found[name], by_lightgbm, rtol=0, atol=1e-9)
    given, own = (all_contributions(model, features, values)[1] for values in (found, None))
    for name in own:
        np.testing.assert_allclose(given[name].total, own[name].total, rtol=0, atol=1e-9)
    assert tree_shap(model.boosters, matrix[:0]) == {}


def test_shap_values_of_lightgbm_are_those_of_the_packages_own_algorithm() -> None:
    """`TreeExplainer` calls LightGBM; here its own code runs, which knows no categories."""
    draw = np.random.default_rng(2)
    table = draw.normal(size=(400, 6))
    table[draw.random(table.shape) < 0.2] = np.nan
    label = np.exp(np.nan_to_num(table[:, 0]) + np.nan_to_num(table[:, 1] * table[:, 2])) * draw.poisson(1, 400)
    settings = {"objective": "tweedie", "verbosity": -1, "num_threads": 1, "boost_from_average": False}
    booster = lgb.train(settings, lgb.Dataset(table, label), num_boost_round=30)
    explainer = shap.TreeExplainer(booster, feature_perturbation="tree_path_dependent")
    explainer.model.model_type = "internal"
    found = tree_shap({"one": booster}, table)["one"]
    np.testing.assert_allclose(explainer.shap_values(table, check_additivity=False), found[:, :-1], rtol=0, atol=1e-9)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_explanation_adds_up_and_has_names_and_values(model, holdout_rows, language) -> None:
    features, _ = holdout_rows
    stages, targets = all_contributions(model, features)
    gmv = head_contributions(model, features, model.heads["gmv"])
    for own in (*stages.values(), *targets.values(), gmv):
        explained = shap_explanation(own, features, model.fitted.encoder, language)
        np.testing.assert_allclose(explained.values.sum(axis=1) + explained.base_values, own.total, rtol=0, atol=1e-9)
        assert len(set(explained.feature_names)) == len(explained.feature_names) == explained.values.shape[1]
        assert explained.data.shape == explained.display_data.shape == explained.values.shape
    explained = shap_explanation(targets["net_roi"], features, model.fitted.encoder, language)
    hook = explained.feature_names.index({"zh": "开头", "en": "hook"}[language])
    assert set(explained.display_data[:, hook]) <= {"痛点直击", "结果前置", "悬念", MISSING}
    assert np.isnan(explained.data[:, hook]).all()
    effect = explained.feature_names.index({"zh": "效应: 开头", "en": "effect: hook"}[language])
    assert explained.display_data[:, effect].tolist() == explained.display_data[:, hook].tolist()


def test_what_readers_see_is_the_word_or_the_number(model, holdout_rows) -> None:
    features, _ = holdout_rows
    shown = display_data(features, model.fitted.encoder)
    age = features.catalogue.names.index("age")
    assert shown[:, age].tolist() == features.values["age"].tolist()


@pytest.mark.filterwarnings("ignore:All-NaN slice")  # effects have no number and are drawn in grey
def test_plots_of_the_package_take_the_explanations(model, holdout_rows) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    features, _ = holdout_rows
    _, targets = all_contributions(model, features)
    explained = shap_explanation(targets["net_roi"], features, model.fitted.encoder)
    shap.plots.waterfall(explained[0], show=False)
    pyplot.close("all")
    shap.plots.bar(explained, show=False)
    pyplot.close("all")
    shap.plots.beeswarm(explained, show=False)
    pyplot.close("all")


def test_predictions_and_contributions_do_without_the_package() -> None:
    code = "import serving.inference.predict, training.explanation.shap_values, sys; sys.exit('shap' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)

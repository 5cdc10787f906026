"""The funnel model recovers the effects that a world was simulated with."""

import numpy as np
import pandas as pd
import pytest

from features.funnel import build_funnel
from features.funnel_model.fit import fit_funnel_model
from features.funnel_model.model import from_document, predict, predict_as_of, to_document
from features.funnel_model.terms import fit_terms
from features.point_in_time.array_frame import ArrayFrame

COUNT = 3000
FUNNEL = build_funnel(["impressions", "clicks"], None)
NOW = pd.Timestamp("2026-03-01")
HOOK = np.array([-0.3, -0.1, 0.1, 0.3])
CREATIVE_SD = 0.2


@pytest.fixture(scope="module")
def world():
    """Clicks at 5 % (live; 1 % product) × hook × price^0.4 × the creative's own factor (log-normal, sd 0.2).

    Scenes have no effect; impressions range from 20 to 20 000.
    """
    draw = np.random.default_rng(8)
    hook, scene = draw.integers(0, 4, COUNT), draw.integers(0, 5, COUNT)
    price = np.exp(draw.normal(4.5, 0.5, COUNT))
    frame = pd.DataFrame(
        {
            "promotion_type": np.where(draw.random(COUNT) < 0.5, "live", "product"),
            "tag_hook": [f"h{i}" for i in hook],
            "tag_scene": [f"s{i}" for i in scene],
            "price_cny": price,
            "launch_hour": 10.0,
        }
    )
    shown = np.round(np.exp(draw.uniform(np.log(20), np.log(20_000), COUNT)))
    level = np.where(frame["promotion_type"] == "live", 0.05, 0.01)
    own = draw.normal(-(CREATIVE_SD**2) / 2, CREATIVE_SD, COUNT)
    rate = level * np.exp(HOOK[hook] + 0.4 * (np.log(price) - 4.5) + own)
    totals = pd.DataFrame({"clicks": draw.poisson(shown * rate).astype(float), "impressions": shown})
    launch_times = np.full(COUNT, 1_700_000_000, dtype=np.int64)
    terms = fit_terms(ArrayFrame.of(frame), launch_times, ())
    return frame, totals, launch_times, terms


@pytest.fixture(scope="module")
def fitted(world):
    frame, totals, launch_times, terms = world
    return fit_funnel_model(totals, ArrayFrame.of(frame), launch_times, FUNNEL, terms, (), NOW)


def test_effects_slopes_and_the_variance_between_creatives_are_recovered(fitted) -> None:
    click = fitted.stages["click"]
    hooks = click.effects["hook"] - click.effects["hook"].mean()
    np.testing.assert_allclose(hooks, HOOK, atol=0.04)
    assert click.effects["log_price"][0] == pytest.approx(0.4 * fitted.terms.scaling["log_price"][1], abs=0.02)
    assert np.sqrt(click.creative_variance) == pytest.approx(CREATIVE_SD, rel=0.1)
    assert click.dispersion == 1.0


def test_each_promotion_type_has_its_own_base_rate(fitted, world) -> None:
    frame, *_ = world
    rows = frame.head(200).assign(cutoff=NOW)
    found = predict_as_of([fitted], ArrayFrame.of(rows), FUNNEL.stages)["click"]
    by_type = pd.Series(found.base_rate).groupby(rows["promotion_type"]).mean()
    assert by_type["live"] / by_type["product"] == pytest.approx(5.0, rel=0.05)


def test_categories_without_effect_are_shrunk_and_get_a_small_variance_component(fitted) -> None:
    click = fitted.stages["click"]
    assert np.abs(click.effects["scene"]).max() < 0.03
    assert click.variance_components["scene"] < 0.3 * click.variance_components["hook"]
    assert fitted.relative_variances["scene"] < fitted.relative_variances["hook"]


def test_expected_counts_match_the_total(fitted, world) -> None:
    frame, totals, launch_times, _ = world
    clicks = (
        np.exp(predict(fitted, ArrayFrame.of(frame), launch_times, FUNNEL.stages)["click"].log_rate)
        * totals["impressions"]
    )
    assert clicks.sum() / totals["clicks"].sum() == pytest.approx(1.0, abs=0.05)


def test_a_new_category_adds_the_variance_component(fitted, world) -> None:
    frame, *_ = world
    rows = frame.head(1)
    launch_times = np.array([1_700_000_000], dtype=np.int64)
    click = fitted.stages["click"]
    known, new = (
        predict(fitted, ArrayFrame.of(given), launch_times, FUNNEL.stages)["click"].variance[0]
        for given in (rows, rows.assign(tag_hook="新"))
    )
    assert new - known > 0.8 * click.variance_components["hook"]


def test_a_warm_start_converges_to_the_same_effects(fitted, world) -> None:
    frame, totals, launch_times, terms = world
    again = fit_funnel_model(totals, ArrayFrame.of(frame), launch_times, FUNNEL, terms, (), NOW, previous=fitted)
    for term, effect in fitted.stages["click"].effects.items():
        np.testing.assert_allclose(again.stages["click"].effects[term], effect, atol=0.01)


def test_a_stage_without_counts_has_no_effects_and_prior_variances(world) -> None:
    frame, totals, launch_times, terms = world
    none = totals.assign(impressions=0.0, clicks=0.0)
    click = fit_funnel_model(none, ArrayFrame.of(frame), launch_times, FUNNEL, terms, (), NOW).stages["click"]
    assert all((effect == 0).all() for effect in click.effects.values())
    assert all((click.effect_variances[name] > 0).all() for name in click.effects)


def test_a_model_survives_json_bit_for_bit(fitted, world) -> None:
    import json

    frame, *_ = world
    back = from_document(json.loads(json.dumps(to_document(fitted))))
    rows = frame.assign(cutoff=NOW)
    one, other = (predict_as_of([model], ArrayFrame.of(rows), FUNNEL.stages)["click"] for model in (fitted, back))
    assert (one.log_rate == other.log_rate).all()
    assert (one.variance == other.variance).all()


def test_each_cutoff_uses_the_last_model_fitted_before_it(fitted, world) -> None:
    from dataclasses import replace

    frame, *_ = world
    stage = fitted.stages["click"]
    later = replace(
        fitted, origin=NOW + pd.Timedelta(days=10), stages={"click": replace(stage, intercept=stage.intercept + 1.0)}
    )
    cutoffs = [NOW - pd.Timedelta(days=1), NOW, NOW + pd.Timedelta(days=10), NOW + pd.Timedelta(days=99)]
    rows = pd.concat([frame.head(1)] * 4, ignore_index=True).assign(cutoff=cutoffs)
    found = predict_as_of([fitted, later], ArrayFrame.of(rows), FUNNEL.stages)["click"].log_rate
    np.testing.assert_allclose(found - found[0], [0.0, 0.0, 1.0, 1.0])

"""The mixed model finds what a world was made with."""

import numpy as np
import pandas as pd
import pytest

from features.funnel import build_funnel
from features.funnel_model.fit import fit_funnel_model
from features.funnel_model.model import expectations, expected
from features.funnel_model.serialize import from_document, to_document
from features.funnel_model.terms import fit_terms

COUNT = 3000
FUNNEL = build_funnel(["impressions", "clicks"], None)
NOW = pd.Timestamp("2026-03-01")
HOOK = np.array([-0.3, -0.1, 0.1, 0.3])
OWN = 0.2


@pytest.fixture(scope="module")
def world():
    """Clicks at 5 % × hook × price^0.4 × luck (sd 0.2); scenes mean nothing; exposure is anything from 20 to 20 000."""
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
    rate = level * np.exp(HOOK[hook] + 0.4 * (np.log(price) - 4.5) + draw.normal(-(OWN**2) / 2, OWN, COUNT))
    totals = pd.DataFrame({"clicks": draw.poisson(shown * rate).astype(float), "impressions": shown})
    moments = np.full(COUNT, 1_700_000_000, dtype=np.int64)
    terms = fit_terms(frame, moments, ())
    return frame, totals, moments, terms


@pytest.fixture(scope="module")
def fitted(world):
    frame, totals, moments, terms = world
    return fit_funnel_model(totals, frame, moments, FUNNEL, terms, (), NOW)


def test_effects_slopes_and_luck_are_found(fitted) -> None:
    click = fitted.stages["click"]
    hooks = click.effects["hook"] - click.effects["hook"].mean()
    np.testing.assert_allclose(hooks, HOOK, atol=0.04)
    assert click.effects["log_price"][0] == pytest.approx(0.4 * fitted.terms.numbers["log_price"][1], abs=0.02)
    assert np.sqrt(click.own) == pytest.approx(OWN, rel=0.1)
    assert click.dispersion == 1.0


def test_levels_of_the_promotion_types_are_their_own(fitted, world) -> None:
    frame, *_ = world
    rows = frame.head(200).assign(cutoff=NOW)
    found = expectations([fitted], rows, FUNNEL.stages)["click"]
    by_kind = pd.Series(found.level).groupby(rows["promotion_type"]).mean()
    assert by_kind["live"] / by_kind["product"] == pytest.approx(5.0, rel=0.05)


def test_words_that_mean_nothing_are_shrunk_and_known_to_mean_little(fitted) -> None:
    click = fitted.stages["click"]
    assert np.abs(click.effects["scene"]).max() < 0.03
    assert click.spreads["scene"] < 0.3 * click.spreads["hook"]
    assert fitted.relative["scene"] < fitted.relative["hook"]


def test_expected_is_what_comes_in_all(fitted, world) -> None:
    frame, totals, moments, _ = world
    clicks = np.exp(expected(fitted, frame, moments, FUNNEL.stages)["click"].log_rate) * totals["impressions"]
    assert clicks.sum() / totals["clicks"].sum() == pytest.approx(1.0, abs=0.05)


def test_a_value_never_seen_is_as_uncertain_as_values_differ(fitted, world) -> None:
    frame, *_ = world
    rows = frame.head(1)
    moments = np.array([1_700_000_000], dtype=np.int64)
    click = fitted.stages["click"]
    known, strange = (
        expected(fitted, given, moments, FUNNEL.stages)["click"].variance[0]
        for given in (rows, rows.assign(tag_hook="新"))
    )
    assert strange - known > 0.8 * click.spreads["hook"]


def test_a_fit_from_an_earlier_one_ends_where_a_fit_from_nothing_does(fitted, world) -> None:
    frame, totals, moments, terms = world
    again = fit_funnel_model(totals, frame, moments, FUNNEL, terms, (), NOW, before=fitted)
    for term, effect in fitted.stages["click"].effects.items():
        np.testing.assert_allclose(again.stages["click"].effects[term], effect, atol=0.01)


def test_a_stage_of_which_nothing_is_known_expects_little_and_knows_it(world) -> None:
    frame, totals, moments, terms = world
    none = totals.assign(impressions=0.0, clicks=0.0)
    click = fit_funnel_model(none, frame, moments, FUNNEL, terms, (), NOW).stages["click"]
    assert all((effect == 0).all() for effect in click.effects.values())
    assert all((click.variances[name] > 0).all() for name in click.effects)


def test_a_state_comes_back_from_plain_data_to_the_last_bit(fitted, world) -> None:
    import json

    frame, *_ = world
    back = from_document(json.loads(json.dumps(to_document(fitted))))
    rows = frame.assign(cutoff=NOW)
    one, other = (expectations([state], rows, FUNNEL.stages)["click"] for state in (fitted, back))
    assert (one.log_rate == other.log_rate).all()
    assert (one.variance == other.variance).all()


def test_each_cutoff_is_served_by_the_last_fit_before_it(fitted, world) -> None:
    from dataclasses import replace

    frame, *_ = world
    stage = fitted.stages["click"]
    later = replace(
        fitted, origin=NOW + pd.Timedelta(days=10), stages={"click": replace(stage, intercept=stage.intercept + 1.0)}
    )
    cutoffs = [NOW - pd.Timedelta(days=1), NOW, NOW + pd.Timedelta(days=10), NOW + pd.Timedelta(days=99)]
    rows = pd.concat([frame.head(1)] * 4, ignore_index=True).assign(cutoff=cutoffs)
    found = expectations([fitted, later], rows, FUNNEL.stages)["click"].log_rate
    np.testing.assert_allclose(found - found[0], [0.0, 0.0, 1.0, 1.0])

"""Prior and posterior of one creative under a known prior, worked out by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.funnel import build_funnel
from features.funnel_model.empirical_bayes import StagePrior
from features.funnel_model.posterior import cross_stage_evidence, posteriors_of
from features.point_in_time.array_frame import ArrayFrame
from features.stages import CLICK

FUNNEL = build_funnel(["impressions", "clicks"], None)
PRIOR = StagePrior(
    rate={"live": 0.05, "product": 0.01},
    dispersion=1.0,
    creative_variance=0.1,
    drift_variance=0.0625,
    transient_variance=1e-300,
    strengths={"market": 5.0, "category": 10.0, "account_id": 4.0, "hook": 2.0},
    weights={"hook": 0.5},
    cross_stage_weights={"click": 1.0},
)


def snapshot(**known: object) -> pd.DataFrame:
    """One row in which every count is 0, except the given ones."""
    columns: dict[str, object] = {"promotion_type": "live", "elapsed_hours": 144.0}
    for part in ("early", "last_days", "market:click"):
        columns |= {f"{part}:clicks": 0.0, f"{part}:impressions": 0.0}
    for name in PRIOR.strengths:
        columns |= {f"hist:{name}:click:weight": 0.0, f"hist:{name}:click:ratio": 0.0}
    unknown = set(known) - set(columns)
    assert not unknown
    return pd.DataFrame({name: [known.get(name, value)] for name, value in columns.items()})


def posterior(prior: StagePrior = PRIOR, **known: object):
    return posteriors_of(ArrayFrame.of(snapshot(**known)), FUNNEL, {"click": prior})["click"]


def test_the_only_stage_is_clicks() -> None:
    assert FUNNEL.stages == (CLICK,)


def test_without_counts_the_market_rate_is_the_prior() -> None:
    found = posterior()
    assert np.exp(found.log_rate[0]) == pytest.approx(0.05)
    assert found.own_events[0] == 0.0
    assert found.variance[0] == pytest.approx(0.1)  # s²


@pytest.mark.parametrize(("promotion_type", "rate"), [("live", 0.05), ("product", 0.01), ("new", 0.03)])
def test_a_promotion_type_without_training_data_takes_the_mean_of_the_others(promotion_type, rate) -> None:
    assert np.exp(posterior(promotion_type=promotion_type).log_rate[0]) == pytest.approx(rate)


def test_the_recent_market_rate_is_shrunk_to_the_training_periods() -> None:
    # 100 clicks are expected from 2000 impressions at 5 %, 150 came: (100 · 1.5 + 20) / (100 + 20)
    found = posterior(**{"market:click:clicks": 150.0, "market:click:impressions": 2000.0})
    assert found.market_rate[0] == pytest.approx(0.05 * 170 / 120)


def test_history_is_shrunk_along_the_chain_and_weighted_outside_it() -> None:
    history = {
        "hist:market:click:weight": 15.0,
        "hist:market:click:ratio": 12.0,
        "hist:category:click:weight": 10.0,
        "hist:category:click:ratio": 17.0,
        "hist:hook:click:weight": 6.0,
        "hist:hook:click:ratio": 10.2,
    }
    found = posterior(**history)
    average = (12 + 5) / (15 + 5)  # 0.85
    of_category = (17 / average + 10) / (10 + 10)  # 1.5
    of_hook = (10.2 / average + 2) / (6 + 2)  # 1.75
    factors = {name: np.exp(effect[0]) for name, effect in found.log_effects.items()}
    assert factors == pytest.approx(
        {"market": average, "category": of_category, "account_id": 1.0, "hook": of_hook**0.5}
    )
    assert np.exp(found.log_prior[0]) == pytest.approx(0.05 * average * of_category * of_hook**0.5)


def test_own_counts_of_the_last_days_alone_are_one_step_of_shrinking() -> None:
    # 20 clicks are expected from 400 impressions, 40 came; K = φ/s² = 10
    counts = {
        f"{part}:{name}": value
        for part in ("early", "last_days")
        for name, value in (("clicks", 40.0), ("impressions", 400.0))
    }
    found = posterior(**counts)
    assert np.exp(found.log_own_evidence[0]) == pytest.approx((20 * 2 + 10) / (20 + 10))
    assert found.own_events[0] == pytest.approx(20.0)
    assert found.variance[0] == pytest.approx(1 / (20 + 10))


def test_own_counts_are_a_filter_of_two_steps() -> None:
    """The life before its last days, then those days, with drift in between."""
    counts = {
        "early:clicks": 40.0 + 22.5,
        "early:impressions": 400.0 + 300.0,
        "last_days:clicks": 22.5,
        "last_days:impressions": 300.0,
    }
    found = posterior(**counts)
    before = (20 * 2 + 10) / (20 + 10)
    variance = 1 / 30 + 0.0625 * 20 / 30
    expected = 300 * 0.05 * before  # 25 clicks are expected after the first step
    strength = 1 / variance
    factor = before * (expected * (22.5 / expected) + strength) / (expected + strength)
    assert np.exp(found.log_own_evidence[0]) == pytest.approx(factor)
    assert found.own_events[0] == pytest.approx(20 + 25)
    assert found.variance[0] == pytest.approx(1 / (expected + strength))


def test_transient_variance_discounts_the_evidence() -> None:
    counts = {
        f"{part}:{name}": value
        for part in ("early", "last_days")
        for name, value in (("clicks", 40.0), ("impressions", 400.0))
    }
    steady = posterior(**counts).log_own_evidence[0]
    transient = posterior(replace(PRIOR, transient_variance=0.05), **counts)
    discounted = 1 / (1 / 20 + 0.05)
    assert np.exp(transient.log_own_evidence[0]) == pytest.approx((discounted * 2 + 10) / (discounted + 10))
    assert 0 < transient.log_own_evidence[0] < steady
    assert transient.own_events[0] == pytest.approx(20.0)


def test_own_evidence_is_scaled_by_its_weight() -> None:
    counts = {
        "early:clicks": 40.0,
        "early:impressions": 400.0,
        "last_days:clicks": 40.0,
        "last_days:impressions": 400.0,
    }
    whole, half = (
        posterior(replace(PRIOR, cross_stage_weights={"click": weight}), **counts).log_own_evidence[0]
        for weight in (1.0, 0.5)
    )
    assert half == pytest.approx(whole / 2)


def test_evidence_at_one_stage_updates_another() -> None:
    """Clicks twice as expected, weight ½ on the log scale: orders are expected √2 times as often."""
    log_evidence = np.log([[2.0, 1.0], [1.0, 3.0]])  # axis 0: click, order; axis 1: two creatives
    click, order = cross_stage_evidence(log_evidence, np.array([[1.0, 0.0], [0.5, 1.0]]))
    np.testing.assert_allclose(np.exp(order), [2.0**0.5, 3.0])
    np.testing.assert_allclose(np.exp(click), [2.0, 1.0])


@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_unknown_own_counts_are_no_evidence(value) -> None:
    found = posterior(**{"early:clicks": value, "last_days:clicks": value, "early:impressions": value})
    assert found.log_own_evidence[0] == 0.0

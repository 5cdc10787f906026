"""Where a stage's prediction starts: one creative with a known prior, by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.funnel import CLICK, build_funnel
from features.funnel_model.empirical_bayes import StagePrior
from features.funnel_model.posterior import heard_from, posteriors_of

FUNNEL = build_funnel(["impressions", "clicks"], None)
PRIOR = StagePrior(
    rate={"live": 0.05, "product": 0.01},
    dispersion=1.0,
    own=0.1,
    drift=0.0625,
    flutter=1e-300,
    strengths={"market": 5.0, "category": 10.0, "account_id": 4.0, "hook": 2.0},
    weights={"hook": 0.5},
    trust={"click": 1.0},
)


def snapshot(**told: object) -> pd.DataFrame:
    """Nothing known of anyone, except what is told."""
    columns: dict[str, object] = {"promotion_type": "live", "elapsed_hours": 144.0}
    for part in ("early", "last_days", "market:click"):
        columns |= {f"{part}:clicks": 0.0, f"{part}:impressions": 0.0}
    for name in PRIOR.strengths:
        columns |= {f"hist:{name}:click:weight": 0.0, f"hist:{name}:click:ratio": 0.0}
    unknown = set(told) - set(columns)
    assert not unknown
    return pd.DataFrame({name: [told.get(name, value)] for name, value in columns.items()})


def posterior(prior: StagePrior = PRIOR, **told: object):
    return posteriors_of(snapshot(**told), FUNNEL, {"click": prior})["click"]


def test_the_only_stage_is_clicks() -> None:
    assert FUNNEL.stages == (CLICK,)


def test_of_nothing_known_the_market_is_the_start() -> None:
    found = posterior()
    assert np.exp(found.log_rate[0]) == pytest.approx(0.05)
    assert found.own_events[0] == 0.0
    assert found.variance[0] == pytest.approx(0.1)  # all creatives differ by s²


@pytest.mark.parametrize(("kind", "rate"), [("live", 0.05), ("product", 0.01), ("never seen", 0.03)])
def test_a_promotion_type_unseen_in_training_takes_the_mean_of_the_others(kind, rate) -> None:
    assert np.exp(posterior(promotion_type=kind).log_rate[0]) == pytest.approx(rate)


def test_the_markets_recent_rate_is_held_by_the_training_periods() -> None:
    # 2000 impressions at 5 % let 100 clicks expect, 150 came: (100 · 1.5 + 20) / (100 + 20)
    found = posterior(**{"market:click:clicks": 150.0, "market:click:impressions": 2000.0})
    assert found.market[0] == pytest.approx(0.05 * 170 / 120)


def test_history_is_shrunk_down_the_chain_and_weighed_off_it() -> None:
    told = {
        "hist:market:click:weight": 15.0,
        "hist:market:click:ratio": 12.0,
        "hist:category:click:weight": 10.0,
        "hist:category:click:ratio": 17.0,
        "hist:hook:click:weight": 6.0,
        "hist:hook:click:ratio": 10.2,
    }
    found = posterior(**told)
    typical = (12 + 5) / (15 + 5)  # 0.85
    of_category = (17 / typical + 10) / (10 + 10)  # 1.5
    of_hook = (10.2 / typical + 2) / (6 + 2)  # 1.75
    steps = {name: np.exp(step[0]) for name, step in found.log_effects.items()}
    assert steps == pytest.approx({"market": typical, "category": of_category, "account_id": 1.0, "hook": of_hook**0.5})
    assert np.exp(found.log_prior[0]) == pytest.approx(0.05 * typical * of_category * of_hook**0.5)


def test_own_counts_of_the_last_days_alone_are_one_step_of_shrinking() -> None:
    # 400 impressions let 20 clicks expect, 40 came; K = φ/s² = 10
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


def test_counts_that_flutter_say_less() -> None:
    counts = {
        f"{part}:{name}": value
        for part in ("early", "last_days")
        for name, value in (("clicks", 40.0), ("impressions", 400.0))
    }
    calm = posterior(**counts).log_own_evidence[0]
    restless = posterior(replace(PRIOR, flutter=0.05), **counts)
    heard = 1 / (1 / 20 + 0.05)
    assert np.exp(restless.log_own_evidence[0]) == pytest.approx((heard * 2 + 10) / (heard + 10))
    assert 0 < restless.log_own_evidence[0] < calm
    assert restless.own_events[0] == pytest.approx(20.0)


def test_own_counts_are_heard_as_far_as_they_are_trusted() -> None:
    counts = {
        "early:clicks": 40.0,
        "early:impressions": 400.0,
        "last_days:clicks": 40.0,
        "last_days:impressions": 400.0,
    }
    whole, half = (
        posterior(replace(PRIOR, trust={"click": trust}), **counts).log_own_evidence[0] for trust in (1.0, 0.5)
    )
    assert half == pytest.approx(whole / 2)


def test_what_own_counts_say_of_one_stage_is_heard_at_another() -> None:
    """A creative that is clicked twice as often as expected: half of that, on the log scale, is told of its orders."""
    said = np.log([[2.0, 1.0], [1.0, 3.0]])  # of clicks, of orders
    click, order = heard_from(said, np.array([[1.0, 0.0], [0.5, 1.0]]))
    np.testing.assert_allclose(np.exp(order), [2.0**0.5, 3.0])
    np.testing.assert_allclose(np.exp(click), [2.0, 1.0])


@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_unknown_own_counts_leave_the_base(value) -> None:
    found = posterior(**{"early:clicks": value, "last_days:clicks": value, "early:impressions": value})
    assert found.log_own_evidence[0] == 0.0

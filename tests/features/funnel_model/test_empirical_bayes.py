"""Shrinking by hand, and moments that find again what made the data."""

import numpy as np
import pytest

from features.funnel import CLICK, VALUE
from features.funnel_model.empirical_bayes import moments, ratio_and_events, safe_rate, shrink


@pytest.mark.parametrize(
    ("ratio", "events", "strength", "expected"),
    [
        (2.0, 10.0, 10.0, 1.5),
        (2.0, 30.0, 10.0, 1.75),
        (0.0, 10.0, 10.0, 0.5),
        (5.0, 0.0, 10.0, 1.0),
        (np.nan, 0.0, 10.0, 1.0),
        (1.0, 7.0, 3.0, 1.0),
    ],
)
def test_shrunk_ratios(ratio, events, strength, expected) -> None:
    assert shrink(np.array([ratio]), np.array([events]), strength)[0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("stage", "count", "exposure", "events", "ratio", "sure"),
    [
        (CLICK, 6.0, 100.0, 100.0, 1.5, 4.0),  # 4 clicks are expected of 100 impressions at 4 %
        (CLICK, 0.0, 0.0, 0.0, 1.0, 0.0),
        (CLICK, np.nan, 100.0, 100.0, 1.0, 0.0),
        (CLICK, 6.0, np.nan, np.nan, 1.0, 0.0),
        (VALUE, 6.0, 100.0, 3.0, 1.5, 3.0),  # orders make gmv per order sure
    ],
)
def test_a_ratio_is_observed_over_expected(stage, count, exposure, events, ratio, sure) -> None:
    found = ratio_and_events(stage, *(np.array([value]) for value in (count, exposure, events, 0.04)))
    assert [part[0] for part in found] == [pytest.approx(ratio), pytest.approx(sure)]


@pytest.mark.parametrize(("own", "tolerance"), [(0.05, 0.1), (0.3, 0.1), (1.0, 0.15)])
def test_moments_find_how_much_creatives_differ(own, tolerance) -> None:
    """Poisson counts whose rates are gamma around 1: φ is 1, s² what the gamma has."""
    draw = np.random.default_rng(1)
    expected = draw.lognormal(2, 1.2, 20_000)
    counts = draw.poisson(expected * draw.gamma(1 / own, own, len(expected)))
    dispersion, found = moments(CLICK, counts / expected, expected, None)
    assert dispersion == 1.0
    assert found == pytest.approx(own, rel=tolerance)


@pytest.mark.parametrize(("dispersion", "own"), [(0.5, 0.1), (3.0, 0.2)])
def test_moments_find_the_dispersion_of_money_too(dispersion, own) -> None:
    """Sums of money: a spread of each order, over the number of orders, and one of creatives."""
    draw = np.random.default_rng(2)
    orders = draw.integers(1, 60, 30_000).astype(float)
    luck = draw.gamma(orders / dispersion, dispersion / orders)
    ratio = luck * draw.gamma(1 / own, own, len(orders))
    phi, found = moments(VALUE, ratio, orders, None)
    # Luck multiplies, so its share of the spread of creatives adds φ·s²/u to φ/u.
    assert phi == pytest.approx(dispersion * (1 + own), rel=0.1)
    assert found == pytest.approx(own, rel=0.15)


def test_a_given_dispersion_is_kept() -> None:
    draw = np.random.default_rng(3)
    orders = draw.integers(1, 60, 20_000).astype(float)
    ratio = 1 + draw.normal(0, np.sqrt(2.0 / orders + 0.1))
    phi, own = moments(VALUE, ratio, orders, 2.0)
    assert phi == 2.0
    assert own == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize("ratio", [[], [1.0, 1.0, 1.0]])
def test_moments_of_nothing_or_of_no_spread_are_finite_and_above_zero(ratio) -> None:
    for stage in (CLICK, VALUE):
        found = moments(stage, np.array(ratio), np.full(len(ratio), 5.0), None)
        assert all(0 < part < 100 for part in found)


def test_a_rate_of_which_nothing_happened_has_a_logarithm() -> None:
    assert safe_rate(0.0, 99.0) == 0.005
    assert safe_rate(0.0, 0.0) == 0.5
    assert safe_rate(3.0, 100.0) == 0.03


def test_at_phi_over_s2_events_own_counts_weigh_half() -> None:
    strength = 2.0 / 0.25
    assert shrink(np.array([3.0]), np.array([8.0]), strength)[0] == 2.0

"""Shrinkage worked out by hand, and moment estimates that recover the variances of simulated data."""

import numpy as np
import pytest

from features.funnel_model.empirical_bayes import estimate_variances, ratio_and_events, safe_rate, shrink
from features.stages import CLICK, VALUE


@pytest.mark.parametrize(
    ("ratio", "events", "strength", "expected"),
    [
        (2.0, 10.0, 10.0, 1.5),
        (2.0, 30.0, 10.0, 1.75),
        (0.0, 10.0, 10.0, 0.5),
        (5.0, 0.0, 10.0, 1.0),
        (1.0, 7.0, 3.0, 1.0),
    ],
)
def test_shrunk_ratios(ratio, events, strength, expected) -> None:
    assert shrink(np.array([ratio]), np.array([events]), strength)[0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("stage", "count", "exposure", "events", "ratio", "informative"),
    [
        (CLICK, 6.0, 100.0, 100.0, 1.5, 4.0),  # 4 clicks are expected of 100 impressions at 4 %
        (CLICK, 0.0, 0.0, 0.0, 1.0, 0.0),
        (CLICK, np.nan, 100.0, 100.0, 1.0, 0.0),
        (CLICK, 6.0, np.nan, np.nan, 1.0, 0.0),
        (VALUE, 6.0, 100.0, 3.0, 1.5, 3.0),  # the orders inform gmv per order
        (VALUE, 6.0, 100.0, np.nan, 1.0, 0.0),  # how much it informs is not known without them
    ],
)
def test_a_ratio_is_observed_over_expected(stage, count, exposure, events, ratio, informative) -> None:
    found = ratio_and_events(stage.is_poisson, *(np.array([value]) for value in (count, exposure, events, 0.04)))
    assert [part[0] for part in found] == [pytest.approx(ratio), pytest.approx(informative)]


@pytest.mark.parametrize(("creative_variance", "tolerance"), [(0.05, 0.1), (0.3, 0.1), (1.0, 0.15)])
def test_moments_recover_the_variance_between_creatives(creative_variance, tolerance) -> None:
    """Poisson counts whose rates are gamma around 1: φ is 1, s² is the variance of the gamma."""
    draw = np.random.default_rng(1)
    expected = draw.lognormal(2, 1.2, 20_000)
    counts = draw.poisson(expected * draw.gamma(1 / creative_variance, creative_variance, len(expected)))
    _, found = estimate_variances(counts / expected, expected, dispersion=1.0)
    assert found == pytest.approx(creative_variance, rel=tolerance)


@pytest.mark.parametrize(("dispersion", "creative_variance"), [(0.5, 0.1), (3.0, 0.2)])
def test_moments_recover_the_dispersion_of_money_too(dispersion, creative_variance) -> None:
    """Sums of money: sampling variance over the number of orders, and variance between creatives."""
    draw = np.random.default_rng(2)
    orders = draw.integers(1, 60, 30_000).astype(float)
    sampling = draw.gamma(orders / dispersion, dispersion / orders)
    ratio = sampling * draw.gamma(1 / creative_variance, creative_variance, len(orders))
    phi, found = estimate_variances(ratio, orders)
    # The two multiply, so their product adds φ·s²/u to φ/u.
    assert phi == pytest.approx(dispersion * (1 + creative_variance), rel=0.1)
    assert found == pytest.approx(creative_variance, rel=0.15)


def test_a_given_dispersion_is_kept() -> None:
    draw = np.random.default_rng(3)
    orders = draw.integers(1, 60, 20_000).astype(float)
    ratio = 1 + draw.normal(0, np.sqrt(2.0 / orders + 0.1))
    phi, creative_variance = estimate_variances(ratio, orders, dispersion=2.0)
    assert phi == 2.0
    assert creative_variance == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize("ratio", [[], [1.0, 1.0, 1.0]])
def test_moments_of_no_rows_or_no_variance_are_finite_and_above_zero(ratio) -> None:
    for dispersion in (1.0, None):
        found = estimate_variances(np.array(ratio), np.full(len(ratio), 5.0), dispersion)
        assert all(0 < part < 100 for part in found)


def test_the_rate_of_a_count_of_zero_has_a_logarithm() -> None:
    assert safe_rate(0.0, 99.0) == 0.005
    assert safe_rate(0.0, 0.0) == 0.5
    assert safe_rate(3.0, 100.0) == 0.03


def test_at_phi_over_s2_events_a_ratio_has_weight_one_half() -> None:
    strength = 2.0 / 0.25
    assert shrink(np.array([3.0]), np.array([8.0]), strength)[0] == 2.0

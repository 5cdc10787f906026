"""What counts say to a log-linear model, against what can be worked out by hand."""

import numpy as np
import pytest
from scipy.optimize import brentq

from features.funnel_model.working_response import Counts, weigh


def counts(count, exposure, events=None) -> Counts:
    as_floats = [None if part is None else np.asarray(part, dtype=np.float64) for part in (count, exposure, events)]
    return Counts(as_floats[0], as_floats[1], as_floats[2], intercept=0.0)


@pytest.mark.parametrize("count", [0.0, 1.0, 9.0, 400.0])
def test_the_own_effect_of_counts_is_the_mode_of_poisson_and_normal(count) -> None:
    expected, own = 10.0, 0.3
    off, weight, sure = weigh(counts([count], [expected]), np.zeros(1), own, 1.0)
    mode = brentq(lambda e: count - expected * np.exp(e) - e / own, -20, 20)
    assert (off * weight * own)[0] == pytest.approx(mode, abs=1e-8)
    assert sure[0] == pytest.approx(expected * np.exp(mode))
    assert weight[0] == pytest.approx(1.0 / (1.0 / sure[0] + own))


@pytest.mark.parametrize("ratio", [0.05, 1.0, 30.0])
def test_the_own_effect_of_earnings_is_the_mode_under_their_events(ratio) -> None:
    events, own, dispersion = 5.0, 0.3, 0.5
    off, weight, sure = weigh(counts([ratio * 7.0], [7.0], [events]), np.zeros(1), own, dispersion)
    mode = brentq(lambda e: events / dispersion * (ratio * np.exp(-e) - 1.0) - e / own, -20, 20)
    assert (off * weight * own)[0] == pytest.approx(mode, abs=1e-8)
    assert sure[0] == events


def test_counts_that_are_as_expected_are_off_by_nothing() -> None:
    off, _, _ = weigh(counts([10.0, 1000.0], [10.0, 1000.0]), np.zeros(2), 0.2, 1.0)
    np.testing.assert_allclose(off, 0.0, atol=1e-12)


def test_nothing_counted_over_next_to_nothing_hardly_counts() -> None:
    """The first is nearly certain to have none, so that none tells nothing of it."""
    off, weight, _ = weigh(counts([0.0, 0.0], [1e-6, 20.0]), np.zeros(2), 0.2, 1.0)
    assert abs(off[0] * weight[0]) < 1e-5
    assert off[1] * weight[1] < -1.0


def test_a_creative_far_off_moves_a_mean_by_its_logarithm() -> None:
    """Much is counted of both: one has four times what is expected, the other a quarter, and they cancel out."""
    off, weight, _ = weigh(counts([4e6, 0.25e6], [1e6, 1e6]), np.zeros(2), 0.5, 1.0)
    assert off @ weight == pytest.approx(0.0, abs=1e-3)

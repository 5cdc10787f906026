"""How much must be resolved until a decision: against a simulation, and at the edges."""

import numpy as np
import pytest
from scipy.special import ndtr

from training.uncertainty.decided import share_that_decides

BELOW, ABOVE = 0.1, 0.85


@pytest.mark.parametrize(("mean", "variance"), [(-0.3, 0.3), (0.2, 0.5), (0.0, 0.4)])
def test_as_many_creatives_are_decided_by_then_as_was_asked_for(mean: float, variance: float) -> None:
    """True logs, a measurement that resolves the share, and the chance that follows from it."""
    asked, drift = 0.5, 0.05
    share = share_that_decides(
        np.array([mean]), np.array([variance]), np.array([variance - drift]), BELOW, ABOVE, asked
    )[0]
    assert 0.0 < share < 1.0
    chance = np.random.default_rng(3)
    resolved = share * (variance - drift)
    after = chance.normal(mean, np.sqrt(resolved), 200_000)
    reached = ndtr(after / np.sqrt(variance - resolved))
    decided = float(((reached <= BELOW) | (reached >= ABOVE)).mean())
    assert decided == pytest.approx(asked, abs=0.03)  # shares are tried in steps of 0.02
    assert decided >= asked - 0.005


def test_nothing_is_missing_where_it_is_decided_and_all_of_it_is_too_little_at_the_target() -> None:
    mean, variance = np.array([-2.0, 2.0, 0.0, np.nan]), np.array([0.3, 0.3, 0.06, 0.3])
    share = share_that_decides(mean, variance, np.maximum(variance - 0.05, 0.0), BELOW, ABOVE, 0.5)
    np.testing.assert_array_equal(share, [0.0, 0.0, np.inf, np.nan])

"""The chance of a hit, and how many creatives give one."""

import numpy as np
import pytest

from serving.report.hit_chances import at_least_one, intraclass_correlation, needed


def test_a_hit_is_likelier_from_creatives_that_differ() -> None:
    assert at_least_one(0.1, 20, 0.0) == pytest.approx(1 - 0.9**20)
    assert at_least_one(0.1, 1, 0.4) == pytest.approx(0.1)
    assert at_least_one(0.1, 20, 0.4) < at_least_one(0.1, 20, 0.1) < at_least_one(0.1, 20, 0.0)
    draw = np.random.default_rng(1)
    groups = np.repeat(np.arange(400), 6)
    alike = draw.random(len(groups)) < np.repeat(draw.beta(0.5, 1.5, 400), 6)
    found, count = intraclass_correlation(alike.astype(float), groups[:, None])
    assert count == 400
    assert found == pytest.approx(1 / 3, abs=0.07)  # of a beta(a, b): 1/(a + b + 1)
    assert intraclass_correlation((draw.random(len(groups)) < 0.3).astype(float), groups[:, None])[0] < 0.03


def test_the_creatives_needed_are_the_fewest_that_give_the_certainty() -> None:
    for chance, certainty, correlation in ((0.05, 0.8, 0.0), (0.05, 0.8, 0.05), (0.3, 0.95, 0.1), (0.9, 0.5, 0.0)):
        count = needed(chance, certainty, correlation)
        assert count is not None
        assert at_least_one(chance, count, correlation) >= certainty
        assert count == 1 or at_least_one(chance, count - 1, correlation) < certainty
    assert needed(0.001, 0.95, 0.0) is None

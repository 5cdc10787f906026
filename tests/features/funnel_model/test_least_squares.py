"""Working response against worked-out posterior modes, and the solver against numpy's dense inverse."""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import brentq

from features.funnel_model import least_squares
from features.funnel_model.least_squares import Counts, solve, working_response


def counts(count, exposure, events=None) -> Counts:
    as_floats = [None if part is None else np.asarray(part, dtype=np.float64) for part in (count, exposure, events)]
    return Counts(as_floats[0], as_floats[1], as_floats[2], intercept=0.0)


@pytest.mark.parametrize("count", [0.0, 1.0, 9.0, 400.0])
def test_the_effect_of_poisson_counts_is_their_posterior_mode(count) -> None:
    expected, creative_variance = 10.0, 0.3
    off, weight, informative = working_response(counts([count], [expected]), np.zeros(1), creative_variance, 1.0)
    mode = brentq(lambda e: count - expected * np.exp(e) - e / creative_variance, -20, 20)
    assert (off * weight * creative_variance)[0] == pytest.approx(mode, abs=1e-8)
    assert informative[0] == pytest.approx(expected * np.exp(mode))
    assert weight[0] == pytest.approx(1.0 / (1.0 / informative[0] + creative_variance))


@pytest.mark.parametrize("ratio", [0.05, 1.0, 30.0])
def test_the_effect_of_sums_of_money_is_their_posterior_mode(ratio) -> None:
    events, creative_variance, dispersion = 5.0, 0.3, 0.5
    off, weight, informative = working_response(
        counts([ratio * 7.0], [7.0], [events]), np.zeros(1), creative_variance, dispersion
    )
    mode = brentq(lambda e: events / dispersion * (ratio * np.exp(-e) - 1.0) - e / creative_variance, -20, 20)
    assert (off * weight * creative_variance)[0] == pytest.approx(mode, abs=1e-8)
    assert informative[0] == events


@pytest.mark.parametrize("money", [0.0, 7.0, 210.0])
def test_the_effect_of_money_of_orders_is_its_posterior_mode_also_where_there_is_none(money) -> None:
    """7 CNY are expected of 5 events at the average rate; at twice that rate 14 CNY, with the weight of 10 events."""
    creative_variance, dispersion = 0.3, 0.5
    sums = Counts(np.array([money]), np.array([7.0]), np.array([5.0]), 0.0, money_of_orders=True)
    off, weight, informative = working_response(sums, np.log([2.0]), creative_variance, dispersion)
    mode = brentq(lambda e: 10.0 / dispersion * (money / 14.0 - np.exp(e)) - e / creative_variance, -20, 20)
    assert (off * weight * creative_variance)[0] == pytest.approx(mode, abs=1e-6)
    assert informative[0] == pytest.approx(10.0 * np.exp(mode))


def test_counts_as_expected_have_a_residual_of_zero() -> None:
    off, _, _ = working_response(counts([10.0, 1000.0], [10.0, 1000.0]), np.zeros(2), 0.2, 1.0)
    np.testing.assert_allclose(off, 0.0, atol=1e-12)


def test_zero_counts_over_little_exposure_have_little_influence() -> None:
    """The first creative is nearly certain to have a count of 0, so a 0 carries no information."""
    off, weight, _ = working_response(counts([0.0, 0.0], [1e-6, 20.0]), np.zeros(2), 0.2, 1.0)
    assert abs(off[0] * weight[0]) < 1e-5
    assert off[1] * weight[1] < -1.0


def test_deviations_count_by_their_logarithm() -> None:
    """Two large counts, one four times the expected, one a quarter of it: they cancel out."""
    off, weight, _ = working_response(counts([4e6, 0.25e6], [1e6, 1e6]), np.zeros(2), 0.5, 1.0)
    assert off @ weight == pytest.approx(0.0, abs=1e-3)


@pytest.fixture
def problem():
    draw = np.random.default_rng(3)
    count, sizes = 300, [2, 5, 40]
    parts = [sparse.csr_matrix(np.eye(size)[draw.integers(0, size, count)]) for size in sizes]
    matrix = sparse.hstack(parts, format="csr")
    weight, target = draw.gamma(2.0, 1.0, count), draw.normal(size=count)
    ridge = np.repeat([0.1, 4.0, 10.0], sizes)
    dense = matrix.toarray()
    inverse = np.linalg.inv(dense.T @ (weight[:, None] * dense) + np.diag(ridge))
    return matrix, sizes, weight, target, ridge, inverse, inverse @ (dense.T @ (weight * target))


def test_few_columns_are_solved_exactly(problem) -> None:
    matrix, sizes, weight, target, ridge, inverse, expected = problem
    solved, variance = solve(matrix, sizes, weight, target, ridge, np.zeros(47))
    np.testing.assert_allclose(solved, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(variance, np.diag(inverse), rtol=1e-9)


def test_many_columns_are_solved_by_conjugate_gradients_to_the_same(problem, monkeypatch) -> None:
    matrix, sizes, weight, target, ridge, inverse, expected = problem
    monkeypatch.setattr(least_squares, "EXACT_COLUMNS", 10)
    solved, variance = solve(matrix, sizes, weight, target, ridge, np.zeros(47))
    np.testing.assert_allclose(solved, expected, atol=1e-6)
    assert (variance[7:] <= np.diag(inverse)[7:]).all()  # of the large term: as if all others were known
    np.testing.assert_allclose(variance[7:], np.diag(inverse)[7:], rtol=0.15)

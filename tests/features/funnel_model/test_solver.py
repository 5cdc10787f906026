"""The solver against numpy's own."""

import numpy as np
import pytest
from scipy import sparse

from features.funnel_model import solver as normal_equations
from features.funnel_model.solver import solve


@pytest.fixture
def problem():
    draw = np.random.default_rng(3)
    count, sizes = 300, [2, 5, 40]
    parts = [sparse.csr_matrix(np.eye(size)[draw.integers(0, size, count)]) for size in sizes]
    columns = sparse.hstack(parts, format="csr")
    weight, target = draw.gamma(2.0, 1.0, count), draw.normal(size=count)
    ridge = np.repeat([0.1, 4.0, 10.0], sizes)
    dense = columns.toarray()
    inverse = np.linalg.inv(dense.T @ (weight[:, None] * dense) + np.diag(ridge))
    return columns, sizes, weight, target, ridge, inverse, inverse @ (dense.T @ (weight * target))


def test_few_columns_are_solved_exactly(problem) -> None:
    columns, sizes, weight, target, ridge, inverse, expected = problem
    solved, variance = solve(columns, sizes, weight, target, ridge, np.zeros(47))
    np.testing.assert_allclose(solved, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(variance, np.diag(inverse), rtol=1e-9)


def test_many_columns_are_solved_by_conjugate_gradients_to_the_same(problem, monkeypatch) -> None:
    columns, sizes, weight, target, ridge, inverse, expected = problem
    monkeypatch.setattr(normal_equations, "DENSE", 10)
    solved, variance = solve(columns, sizes, weight, target, ridge, np.zeros(47))
    np.testing.assert_allclose(solved, expected, atol=1e-6)
    assert (variance[7:] <= np.diag(inverse)[7:]).all()  # of the large term: as if all others were known
    np.testing.assert_allclose(variance[7:], np.diag(inverse)[7:], rtol=0.15)

"""The examples in the docstrings of the funnel model are true."""

import doctest

import pytest

from features.funnel_model import design_matrix, empirical_bayes, posterior


@pytest.mark.parametrize("module", [design_matrix, empirical_bayes, posterior], ids=lambda module: module.__name__)
def test_docstring_examples_run(module) -> None:
    outcome = doctest.testmod(module)
    assert outcome.attempted
    assert not outcome.failed

"""Figures of the holdout in plain words."""

import pytest

from serving.report.model_quality import pair_accuracy


def test_pair_accuracy_is_a_half_without_correlation_and_one_for_equal_order() -> None:
    assert pair_accuracy(0.0) == pytest.approx(0.5)
    assert pair_accuracy(1.0) == pytest.approx(1.0)

"""Diversity of creatives."""

import numpy as np
import pytest

from serving.report.data import ReportData
from serving.report.diversity import mean_shared_tags


def test_shared_tags_are_those_that_two_creatives_have_in_common() -> None:
    assert mean_shared_tags(np.array([[0, 0], [0, 1], [0, 2]])) == pytest.approx(0.5)
    assert mean_shared_tags(np.array([[0, 0]])) is None


def test_promotion_types_and_accounts_are_told_of_apart(data: ReportData) -> None:
    slices = data.diversity.slices
    of_types = {one.promotion_type: one for one in slices if not one.account}
    assert len(data.diversity.codes) == len(data.creatives)
    for name, one in of_types.items():
        accounts = [other for other in slices if other.account and other.promotion_type == name]
        assert sum(other.creatives for other in accounts) == one.creatives
        assert sum(other.recent for other in accounts) == one.recent
        mine = [row for row in data.creatives if row.promotion_type == name]
        assert one.running == sum(row.status == "running" for row in mine)

"""Groups by tag value, and the mean contribution of each value."""

import numpy as np
import pytest

from serving.report.context import ReportContext
from serving.report.effects import group_by_tag


def test_the_contribution_of_a_value_is_the_mean_over_its_creatives(context: ReportContext) -> None:
    group = group_by_tag(context, "hook", "tag_hook")
    logs = context.stages["click"].of_group("hook")
    found = dict(zip(group.values, group.contribution_by_value(logs)))
    for value, size in zip(group.values, group.sizes):
        mine = (context.observed["tag_hook"] == value).to_numpy()
        assert size == mine.sum()
        assert found[value] == pytest.approx(logs[mine].mean())
    assert found["痛点直击"] > found["悬念"]


def test_several_values_of_a_tag_share_its_contribution_without_remainder(context: ReportContext) -> None:
    group = group_by_tag(context, "selling_point", "tag_selling_point")
    assert set(group.values) == {"便宜", "好用"}
    true = np.array([0.2, -0.1])
    np.testing.assert_allclose(group.contribution_by_value(group.shares @ true), true)

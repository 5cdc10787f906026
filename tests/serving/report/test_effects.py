"""Effects of tag values: mean contributions, and raw rates that can be checked by hand."""

import numpy as np
import pytest

from serving.report.context import ReportContext
from serving.report.effects import baseline, bootstrap, group_by_tag, tag_effects


def test_a_tags_effect_is_the_mean_contribution_of_its_creatives(context: ReportContext) -> None:
    group = group_by_tag(context, "hook", "tag_hook")
    weights = bootstrap(len(context.observed))
    found = {effect.value: effect for effect in tag_effects(context, baseline(context), group, ["click"], weights)}
    logs = context.stages["click"].of_group("hook")
    for value, one in found.items():
        mine = (context.observed["tag_hook"] == value).to_numpy()
        assert one.creatives == mine.sum()
        assert one.factor == pytest.approx(np.exp(logs[mine].mean()))
        assert one.low <= one.factor <= one.high
        clicks, shown = (context.counts(name)[mine].sum() for name in ("clicks", "impressions"))
        assert one.raw == pytest.approx(clicks / shown)
    assert found["痛点直击"].factor > found["悬念"].factor
    assert found["痛点直击"].raw_factor > 1.0 > found["悬念"].raw_factor


def test_several_values_of_a_tag_share_its_contribution_without_remainder(context: ReportContext) -> None:
    group = group_by_tag(context, "selling_point", "tag_selling_point")
    assert set(group.values) == {"便宜", "好用"}
    true = np.array([0.2, -0.1])
    np.testing.assert_allclose(group.contribution_by_value(group.shares @ true), true)

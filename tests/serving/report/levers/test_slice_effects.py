"""Effects of levers in slices: against the same numbers made one cell at a time, and what little evidence does."""

import numpy as np
import pytest

from serving.report.context import ReportContext
from serving.report.effects import grade, group_by_tag, model_variance
from serving.report.levers.slice_effects import Slice, lever_effects, lever_groups, lever_slices


def test_levers_are_tags_koc_and_bands_of_price_and_duration(context: ReportContext) -> None:
    groups = {group.tag: group for group in lever_groups(context)}
    assert set(groups) == {"hook", "scene", "selling_point", "creator_id", "price", "duration"}
    assert groups["price"].values == ("30–60", "60–100", "200–500")
    price = context.observed["price_cny"].to_numpy()
    assert (groups["price"].has_value[:, 1] == ((price >= 60) & (price < 100))).all()
    assert (groups["duration"].has_value.sum(axis=1) == 1).all()


def test_slices_are_of_one_promotion_type_and_have_enough_creatives(context: ReportContext) -> None:
    slices = lever_slices(context)
    least, types = context.settings.verdict.min_creatives, context.observed["promotion_type"]
    assert [one.by for one in slices if not one.of] == ["", ""]
    for one in slices:
        assert set(types[one.rows]) == {one.promotion_type}
        assert one.rows.sum() >= least
        if one.by:
            assert set(context.observed.loc[one.rows, one.by]) == {one.of}


def test_an_effect_is_the_shrunk_mean_partial_residual_of_the_slice(context: ReportContext) -> None:
    group = group_by_tag(context, "hook", "tag_hook")
    rows = (context.observed["account_id"] == "acc1").to_numpy()
    whole = (context.observed["promotion_type"] == "product").to_numpy()
    slices = [Slice("product", "", "", whole), Slice("product", "a", "b", rows)]
    found = lever_effects(context, [group], slices)["click"]
    residual, model = context.residuals["click"], context.stages["click"].of_group("hook")
    of_model, between = model_variance(context, "click", group)
    logs, sizes = [], []
    for place, value in enumerate(group.values):
        mine = rows & (context.observed["tag_hook"] == value).to_numpy()
        weight, deviation = residual.weight[mine], residual.deviation[mine]
        mean = np.average(deviation, weights=weight)
        level = np.average(residual.deviation[rows], weights=residual.weight[rows])
        count = (weight > 0).sum()
        robust = ((weight * (deviation - mean)) ** 2).sum() / weight.sum() ** 2 * count / (count - 1)
        share = weight.sum() / residual.weight[(context.observed["tag_hook"] == value).to_numpy()].sum()
        implied = of_model[place] * between / (between - of_model[place]) / share
        error = max(robust, 1 / weight.sum(), implied)
        logs.append(between / (between + error) * (model[mine].mean() + mean - level))
        sizes.append(mine.sum())
        assert found.sds[1, place] == pytest.approx(np.sqrt(between * error / (between + error)))
    centred = np.array(logs) - np.average(logs, weights=sizes)
    np.testing.assert_allclose(found.logs[1], centred, rtol=1e-9)
    assert (found.sds[0] <= found.sds[1] + 1e-12).all()
    best, worst = (group.values.index(value) for value in ("痛点直击", "悬念"))
    assert found.logs[0, best] > 0 > found.logs[0, worst]


def test_a_slice_without_a_value_says_nothing_about_it(context: ReportContext) -> None:
    groups = lever_groups(context)
    rows = (context.observed["tag_hook"] == "悬念").to_numpy() & (context.observed["account_id"] == "acc0").to_numpy()
    first = (context.observed["promotion_type"] == "live").to_numpy()
    slices = [Slice("live", "", "", first), Slice("live", "x", "y", rows)]
    found = lever_effects(context, groups, slices)["click"]
    hooks = groups[0].values
    absent = [place for place, value in enumerate(hooks) if value != "悬念"]
    _, between = model_variance(context, "click", groups[0])
    np.testing.assert_allclose(found.sds[1, absent], np.sqrt(between))
    assert found.logs[1, hooks.index("悬念")] == pytest.approx(0.0)  # the mean creative of the slice has it too


def test_the_price_counts_for_what_an_order_is_worth(context: ReportContext) -> None:
    groups = [group for group in lever_groups(context) if group.tag == "price"]
    slices = [one for one in lever_slices(context) if not one.by]
    found = lever_effects(context, groups, slices)["value"]
    for row in found.logs:
        assert row[0] < row[1] < row[2]
        assert np.exp(row[2] - row[0]) == pytest.approx(299 / 39, rel=0.25)


@pytest.mark.parametrize(
    ("log", "sd", "expected"),
    [
        (0.3, 0.2, "certain"),
        (-0.3, 0.2, "certain"),
        (0.2, 0.2, "likely"),
        (-0.1, 0.2, "unclear"),
        (0.0, 0.2, "unclear"),
        (0.0, 0.0, "unclear"),
    ],
)
def test_grades_of_an_80_percent_interval(log: float, sd: float, expected: str) -> None:
    assert grade(log, sd, 0.8) == expected

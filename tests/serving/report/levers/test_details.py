"""What opened levers show: SHAP values as `shap` knows them, curves with bands, pairs, and members by index."""

import numpy as np
import pytest
import shap

from serving.report.context import ReportContext
from serving.report.data import ReportData
from serving.report.levers.details import target_explanation
from serving.report.levers.slice_effects import KOC


def test_the_explanation_adds_up_and_names_what_readers_see(context: ReportContext) -> None:
    found = target_explanation(context, "net_roi")
    assert isinstance(found, shap.Explanation)
    logs = np.log(context.predicted["net_roi"].to_numpy())
    np.testing.assert_allclose(found.values.sum(axis=1) + found.base_values, logs, atol=1e-9)
    hook = found[:, "hook"]
    assert hook.display_data.tolist() == context.observed["tag_hook"].tolist()
    assert np.isnan(hook.data).all()
    assert found[:, "price"].data.tolist() == context.observed["price_cny"].tolist()
    price, worth = found[:, "price"].values, np.log(context.features.reference_price)
    own = context.targets["net_roi"].of_group("price")
    np.testing.assert_allclose(price - own, worth - worth.mean())


def test_a_swarm_has_a_row_of_contributions_for_each_named_value(data: ReportData, context: ReportContext) -> None:
    swarm = next(one for one in data.lever_details.swarms if (one.promotion_type, one.tag) == ("live", "hook"))
    assert set(swarm.values) == {"痛点直击", "结果前置", "悬念"}
    means = [np.mean(points) for points in swarm.points]
    assert means == sorted(means, reverse=True)
    values = target_explanation(context, "net_roi")[:, "hook"].values
    mine = (context.observed["promotion_type"] == "live").to_numpy()
    every = {round(float(one), 3) for one in values[mine] - values[mine].mean()}
    assert {point for points in swarm.points for point in points} <= every


def test_a_number_has_a_curve_with_a_band_over_its_bins(data: ReportData) -> None:
    curves = {(one.promotion_type, one.tag): one for one in data.lever_details.curves}
    assert set(curves) == {(kind, tag) for kind in ("live", "product") for tag in ("price", "duration")}
    price = curves["live", "price"]
    assert price.x == [39.0, 99.0, 299.0]
    assert price.logs == sorted(price.logs)
    for log, low, high in zip(price.logs, price.low, price.high):
        assert low <= log <= high
    assert {x for x, _ in price.dots} == set(price.x)


def test_creatives_are_known_by_their_index(data: ReportData) -> None:
    levers = data.levers.levers
    for row, mine, predicted in zip(data.creatives, data.lever_details.members, data.lever_details.predicted):
        kocs = [levers[place].value for place in mine if levers[place].tag == KOC]
        assert kocs == [row.creator_id]
        assert (predicted is None) == (row.status == "waiting")


def test_a_value_has_at_most_one_pair_and_none_with_itself(data: ReportData) -> None:
    pairs = data.lever_details.pairs
    assert set(pairs.examined) == {"live", "product"}
    assert len({(one.promotion_type, one.lever) for one in pairs.pairs}) == len(pairs.pairs)
    for one in pairs.pairs:
        assert one.other_tag != data.levers.levers[one.lever].tag
        assert one.creatives >= 8
    assert sum(one.clear for one in pairs.pairs) <= 2  # the small world has no pair effects


def test_a_pair_that_sells_only_together_is_found(context: ReportContext) -> None:
    from dataclasses import replace

    from serving.report.contribution_groups import StageResidual
    from serving.report.levers.pairs import lever_pairs
    from serving.report.levers.slice_effects import lever_groups

    both = ((context.observed["tag_hook"] == "悬念") & (context.observed["tag_scene"] == "门店")).to_numpy()
    residual = StageResidual(np.where(both, 0.8, 0.0), np.full(len(both), 50.0))
    nothing = StageResidual(np.zeros(len(both)), np.full(len(both), 50.0))
    moved = replace(context)
    moved.__dict__["residuals"] = dict.fromkeys(context.stages, nothing) | {"click": residual}
    groups = lever_groups(context)
    found = lever_pairs(moved, groups, {"all": np.ones(len(both), dtype=bool)}, ["click", "order", "value", "cost"])
    names = [(group.tag, value) for group in groups for value in group.values]
    (pair,) = [one for one in found.pairs if names[one.lever] == ("hook", "悬念")]
    assert (pair.other_tag, pair.other, pair.clear) == ("scene", "门店", True)
    assert np.exp(pair.log) == pytest.approx(1.8, rel=0.35)

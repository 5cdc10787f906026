"""Waterfalls start from what the account made, add up to the prediction, and are sums of `shap.Explanation`."""

from math import exp, log

import numpy as np
import pytest

from features.schema import Loaded
from serving.report.cards.steps import AccountGroups
from serving.report.cards.waterfall import LEAST_LOG, AccountWaterfalls
from serving.report.context import ReportContext
from serving.report.contribution_groups import BASE, OWN, feature_group
from serving.report.data import ReportData
from training.explanation.contributions import all_contributions
from training.explanation.shap_values import shap_explanation, tree_shap

TARGETS = ["net_roi", "net_gpm"]


def test_they_start_from_what_the_account_made(data: ReportData, small_world: Loaded) -> None:
    sums = small_world.metrics.groupby("account_id").sum(numeric_only=True)
    for card in data.cards[::11]:
        total = sums.loc[card.account_id]
        assert card.waterfalls["net_roi"].actual
        made = total["net_gmv_cny"] / total["spend_cny"]  # but for the last days, whose refunds are still open
        assert exp(card.waterfalls["net_roi"].start) == pytest.approx(made, rel=0.03)


@pytest.mark.parametrize("target", TARGETS)
def test_they_add_up_to_the_prediction(data: ReportData, target: str) -> None:
    found = [card for card in data.cards if target in card.waterfalls]
    assert len(found) > 4
    for card in found:
        fall = card.waterfalls[target]
        reached = fall.start + fall.level + sum(bar for _, bar, _ in fall.bars) + fall.others + fall.own
        assert reached == pytest.approx(log(card.targets[target][0]), abs=1e-5)
        assert all(abs(bar) >= LEAST_LOG for _, bar, _ in fall.bars)


@pytest.mark.parametrize("target", TARGETS)
def test_bars_are_sums_of_the_explanation_over_the_accounts_mean(context: ReportContext, target: str) -> None:
    model = context.loaded_model.model
    _, of_targets = all_contributions(
        model, context.features, tree_shap(model.boosters, context.features.values.matrix)
    )
    contributions = of_targets[target]
    explanation = shap_explanation(contributions, context.features, model.fitted.encoder)
    predicted = np.log(context.predicted[target].to_numpy())
    assert explanation.base_values + explanation.values.sum(axis=1) == pytest.approx(predicted, abs=1e-9)

    # Columns of the explanation: effects, own evidence, limits, then features, of which all values are SHAP values.
    catalogue = {feature.name: feature for feature in context.loaded_model.catalogue}
    stages = [stage.name for stage in context.funnel.stages]
    effects = [feature_group(name, catalogue, stages) for name in contributions.effect_names]
    features = [feature_group(name, catalogue, stages) for name in contributions.feature_names]
    groups = [*effects, OWN, BASE, *features]
    of_trees = np.arange(len(groups)) >= len(effects) + 2
    weights = np.nan_to_num(context.counts("spend_cny" if target == "net_roi" else "impressions"))
    falls = AccountWaterfalls(context, target, AccountGroups(context))
    row = int(context.order[0])
    same = (context.observed["account_id"] == context.observed["account_id"].iat[row]).to_numpy()
    for name, bar, shap in falls.of_row(row).bars:
        if name == "price":
            continue  # it has the reference price too
        for columns, shown in ((np.array(groups) == name, bar), ((np.array(groups) == name) & of_trees, shap)):
            values = explanation.values[:, columns].sum(axis=1)
            usual = np.average(values[same], weights=weights[same])
            assert shown == pytest.approx(values[row] - usual, abs=2e-6), name


def test_the_price_of_an_order_counts_as_price(context: ReportContext) -> None:
    grouped, falls = context.targets["net_gpm"], AccountWaterfalls(context, "net_gpm", AccountGroups(context))
    price = falls.logs[:, falls.groups.index("price")]
    moved = grouped.of_group("price") + np.log(context.features.reference_price)
    apart = price - moved
    for account in ("acc0", "acc1"):
        own = apart[(context.observed["account_id"] == account).to_numpy()]
        assert own == pytest.approx(np.full(len(own), own[0]), abs=1e-9)


def test_where_nothing_was_counted_they_start_from_the_models_level(context: ReportContext) -> None:
    fall = AccountWaterfalls(context, "later_impressions", AccountGroups(context)).of_row(int(context.order[0]))
    assert not fall.actual
    reached = fall.start + fall.level + sum(bar for _, bar, _ in fall.bars) + fall.others + fall.own
    assert exp(reached) == pytest.approx(context.predicted["later_impressions"].iat[int(context.order[0])], rel=1e-4)

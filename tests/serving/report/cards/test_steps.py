"""Steps of the funnel beside the account: benchmarks, percentiles, what is clear, and where a creative leaks."""

import numpy as np
import pytest

from features.schema import Loaded
from serving.report.cards.card import Card
from serving.report.cards.steps import CLEAR_SDS, LEAK_PLACE, LEAST_EVENTS, good_sign
from serving.report.context import ReportContext
from serving.report.data import ReportData


def peers(data: ReportData, card: Card) -> list[Card]:
    return [one for one in data.cards if (one.account_id, one.promotion_type) == (card.account_id, card.promotion_type)]


def test_a_benchmark_is_all_creatives_of_the_account_and_promotion_type_together(
    data: ReportData, small_world: Loaded
) -> None:
    sums = small_world.metrics.groupby(["account_id", "promotion_type"]).sum(numeric_only=True)
    found = {(one.account_id, one.promotion_type, one.stage): one for one in data.benchmarks}
    assert len(found) == 2 * len(data.stages)
    for account, kind in (("acc0", "live"), ("acc1", "product")):
        total = sums.loc[(account, kind)]
        rates = {name: found[account, kind, name].rate for name in ("hold", "click", "order", "value", "cost")}
        assert rates["hold"] == pytest.approx(total["plays_3s"] / total["plays"])
        assert rates["click"] == pytest.approx(total["clicks"] / total["impressions"])
        assert rates["order"] == pytest.approx(total["orders"] / total["clicks"])
        assert rates["value"] == pytest.approx(total["gmv_cny"] / total["orders"])
        assert rates["cost"] == pytest.approx(total["spend_cny"] / total["impressions"])


def test_own_rates_are_counted_and_shown_only_with_enough_events(data: ReportData, context: ReportContext) -> None:
    benchmark = {(one.account_id, one.stage): one.rate for one in data.benchmarks}
    seen = 0
    for card in data.cards:
        step, counts = card.steps["click"], card.evidence
        enough = (counts["impressions"] or 0.0) * benchmark[card.account_id, "click"] >= LEAST_EVENTS
        assert (step.observed is not None) == enough
        if enough:
            assert step.observed == pytest.approx(counts["clicks"] / counts["impressions"])
            seen += 1
    assert seen > 50
    predicted = context.predicted["click"].to_numpy()[context.order]
    assert [card.steps["click"].predicted for card in data.cards] == predicted.tolist()


@pytest.mark.parametrize("stage", ["click", "cost"])
def test_a_percentile_is_the_share_of_the_account_that_is_worse(data: ReportData, stage: str) -> None:
    card = next(card for card in data.cards if card.steps[stage].observed is not None)
    step = card.steps[stage]
    others = [one.steps[stage].observed for one in peers(data, card) if one is not card]
    known = np.array([value for value in others if value is not None])
    worse = known > step.observed if stage == "cost" else known < step.observed
    assert step.percentile == pytest.approx((worse.sum() + (known == step.observed).sum() / 2) / len(known))


def test_without_enough_events_the_place_is_that_of_the_prediction(data: ReportData) -> None:
    card = next(card for card in data.cards if card.steps["value"].observed is None)
    values = np.array([one.steps["value"].predicted for one in peers(data, card) if one is not card])
    below = (values < card.steps["value"].predicted).mean() + (values == card.steps["value"].predicted).mean() / 2
    assert card.steps["value"].percentile == pytest.approx(below)


def test_a_creative_leaks_at_a_step_that_is_clearly_and_markedly_worse(
    data: ReportData, context: ReportContext
) -> None:
    benchmark = {(one.account_id, one.stage): one.rate for one in data.benchmarks}
    leaking = [card for card in data.cards if card.leak]
    assert leaking
    for card in leaking:
        step = card.steps[card.leak]
        assert step.clear
        assert step.percentile <= LEAK_PLACE
        assert good_sign(card.leak) * (step.observed - benchmark[card.account_id, card.leak]) < 0
    for card in data.cards:
        clicks, impressions = card.evidence["clicks"] or 0.0, card.evidence["impressions"] or 0.0
        expected = impressions * benchmark[card.account_id, "click"]
        if expected >= LEAST_EVENTS:  # a Poisson count, whose dispersion is 1
            assert card.steps["click"].clear == (abs(clicks / expected - 1.0) * np.sqrt(expected) >= CLEAR_SDS)


def test_refunds_and_cost_are_better_when_lower() -> None:
    assert good_sign("cost") == -1.0
    assert good_sign("keep") == good_sign("click") == 1.0

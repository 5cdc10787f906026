"""KOC × product × price: pairs lie between what their KOC is and what their own creatives say, by promotion type."""

from dataclasses import replace

import numpy as np
import pytest

from features.schema import Loaded
from serving.report.context import ReportContext
from serving.report.data import ReportData
from serving.report.kocs import LEAST_OF_PAIR, KocTable, koc_table
from serving.report.levers.slice_effects import lever_effects, lever_groups, lever_slices


@pytest.fixture(scope="module")
def table(data: ReportData) -> KocTable:
    return data.kocs


def test_every_promotion_type_stands_alone(table: KocTable, context: ReportContext) -> None:
    observed = context.observed
    assert [one.promotion_type for one in table.types] == observed["promotion_type"].value_counts().index.tolist()
    for one in table.types:
        mine = observed[observed["promotion_type"] == one.promotion_type]
        assert one.creatives == mine["creator_id"].notna().sum()
        assert sum(effect.creatives for effect in one.kocs) == one.creatives
        products = {table.products[product.of].id: product.creatives for product in one.products}
        assert products == mine["product_id"].value_counts().to_dict()


def test_the_effect_of_a_koc_is_that_of_the_levers(table: KocTable, context: ReportContext) -> None:
    groups = lever_groups(context)
    slices = [one for one in lever_slices(context) if not one.by]
    stated = lever_effects(context, groups, slices)
    signs = context.funnel.compositions[table.target].signs
    start = next(
        sum(len(group.values) for group in groups[:place])
        for place, group in enumerate(groups)
        if group.tag == "creator_id"
    )
    for place, one in enumerate(table.types):
        for effect in one.kocs:
            logs = [sign * stated[stage].logs[place, start + effect.of] for stage, sign in signs.items()]
            assert effect.log == pytest.approx(sum(logs), abs=1e-4)


def test_a_pair_is_less_certain_than_its_koc_and_near_it_without_much_evidence(table: KocTable) -> None:
    for one in table.types:
        kocs = {effect.of: effect for effect in one.kocs}
        assert one.pairs
        for pair in one.pairs:
            assert pair.sd >= kocs[pair.koc].sd - 1e-4
            assert abs(pair.log - kocs[pair.koc].log) < 3 * pair.sd
            assert pair.creatives <= kocs[pair.koc].creatives


def test_few_creatives_are_never_certain(table: KocTable, context: ReportContext) -> None:
    least = context.settings.verdict.min_creatives
    effects = [effect for one in table.types for effect in (*one.kocs, *one.bands, *one.pairs, *one.prices)]
    assert {effect.grade for effect in effects if effect.creatives < least} <= {"likely", "unclear"}
    pairs = [pair for one in table.types for pair in (*one.pairs, *one.prices)]
    assert {pair.grade for pair in pairs if pair.creatives < LEAST_OF_PAIR} <= {"unclear"}


def test_names_stand_for_ids_and_the_same_name_is_told_apart(context: ReportContext) -> None:
    creatives = context.loaded.creatives.copy()
    products = creatives["product_id"].dropna().unique()
    creatives["product_name"] = np.where(creatives["product_id"].isin(products[:2]), "轻颜洗发水", None)
    named = replace(context, loaded=Loaded(context.loaded.metrics, creatives))
    names = {one.id: one.name for one in koc_table(named).products}
    first, second = products[:2]
    assert (names[first], names[second]) == (f"轻颜洗发水 {first[-4:]}", f"轻颜洗发水 {second[-4:]}")
    assert all(names[other] == other for other in products[2:] if other in names)

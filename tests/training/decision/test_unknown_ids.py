"""Ids that a model does not know are named on their creatives, and folded for a summary."""

import pandas as pd

from training.decision.unknown_ids import unknown_ids, unknown_of_each

CREATIVES = pd.DataFrame(
    {"account_id": ["a", "b", "b"], "product_id": ["p", None, "q"], "creator_id": ["k1", "k2", "k3"]}, index=[4, 5, 6]
)
KNOWN = {"account_id": frozenset({"a"}), "product_id": frozenset({"p", "q"})}


def test_each_creative_has_its_own_and_missing_or_unchecked_ids_are_none() -> None:
    assert unknown_of_each(CREATIVES, KNOWN) == [[], [("account_id", "b")], [("account_id", "b")]]
    assert unknown_of_each(CREATIVES, {}) == [[], [], []]


def test_a_summary_counts_ids_and_creatives_and_names_three() -> None:
    creatives = pd.DataFrame({"creator_id": [f"k{place}" for place in range(5)] + ["k0"]})
    (found,) = unknown_ids(creatives, {"creator_id": frozenset()})
    assert (len(found.ids), found.creatives) == (5, 6)
    assert found.words.zh.startswith("模型没有见过的达人：5 个（k0、k1、k2 …），涉及 6 个素材")
    assert found.words.en.startswith("KOC: 5 not in the model's data (k0, k1, k2 …), on 6 creatives")
    assert unknown_ids(creatives, {"creator_id": frozenset(creatives["creator_id"])}) == []

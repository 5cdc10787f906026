"""Every feature declared once, with labels in both languages."""

import pytest

from features.funnel import build_funnel
from features.matrix.catalogue import NUMBERS, catalogue, entity_label

FUNNEL = build_funnel(
    ["impressions", "clicks", "orders", "plays", "plays_3s", "likes", "spend_cny", "gmv_cny", "net_gmv_cny"],
    "net_gmv_cny",
)
GROUPS = {"creative", "early", "pacing", "paid", "history", "siblings", "funnel"}


@pytest.fixture(scope="module")
def declared():
    return catalogue(
        FUNNEL,
        present=[feature.name for feature in NUMBERS],
        codes=["promotion_type", "category", "creative_source", "tag_hook", "tag_自有"],
        multi=[("tag_selling_point", "好用"), ("tag_selling_point", "a=b")],
        text=[("新手爸妈", "买一送一"), (), ("显瘦",)],
        shared=["account_id", "hook", "creator_id*product_id", "自有"],
    )


def test_every_name_stands_once(declared) -> None:
    names = [feature.name for feature in declared]
    assert len(names) == len(set(names)) > 80


def test_every_feature_has_labels_a_unit_and_a_group(declared) -> None:
    for feature in declared:
        assert feature.zh.strip(), feature
        assert feature.en.strip(), feature
        assert feature.unit.strip(), feature
        assert feature.group in GROUPS, feature


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_two_features_are_called_the_same(declared, language) -> None:
    labels = [getattr(feature, language) for feature in declared]
    assert sorted({label for label in labels if labels.count(label) > 1}) == []


def test_level_0_is_declared_for_every_stage_and_every_head(declared) -> None:
    names = [feature.name for feature in declared if feature.group == "funnel"]
    of_stages = [f"{kind}_{stage.name}" for stage in FUNNEL.stages for kind in ("bayes", "prior", "rate", "variance")]
    of_heads = [f"{kind}_{head.name}" for head in FUNNEL.heads for kind in ("funnel", "funnel_less_bayes")]
    assert names == [*of_stages, *of_heads]


def test_only_codes_are_categorical(declared) -> None:
    categorical = {feature.name for feature in declared if feature.categorical}
    assert categorical == {"promotion_type", "category", "creative_source", "tag_hook", "tag_自有"}


@pytest.mark.parametrize(
    ("name", "zh", "en"),
    [
        ("hook", "开头", "hook"),
        ("creator_id*product_id", "达人 × 商品", "KOC × product"),
        ("自有", "自有", "自有"),
    ],
)
def test_an_entity_is_called_as_strategists_call_it(name, zh, en) -> None:
    assert entity_label(name) == (zh, en)


def test_a_component_of_the_copy_text_is_called_by_the_words_it_stands_for(declared) -> None:
    labels = {feature.name: (feature.zh, feature.en) for feature in declared}
    assert labels["text_1"] == ("文案成分1（新手爸妈、买一送一）", "copy text, part 1 (新手爸妈, 买一送一)")
    assert labels["text_2"] == ("文案成分2", "copy text, part 2")

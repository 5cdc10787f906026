"""Which creatives are the same idea: shared tags, near-duplicate copies, and no chains."""

import numpy as np
import pandas as pd
import pytest

from training.decision.similar import NEAR_DUPLICATE, normalised, same_ideas, shared_tags

COPY = "生姜洗发水限时优惠,银发族都看过来"


def creatives(*rows: dict[str, object]) -> pd.DataFrame:
    """Creatives of one account and product; the first row is launched first."""
    usual = {"promotion_type": "live", "account_id": "a", "product_id": "p", "copy_text": None}
    tags = dict.fromkeys(("tag_hook", "tag_scene", "tag_face", "tag_script"))
    frame = pd.DataFrame([{**usual, **tags, **row} for row in rows])
    return frame.assign(launched_at=pd.date_range("2026-03-01", periods=len(frame), unit="us"))


def tags(hook: str, scene: str = "门店", face: str = "老板", script: str = "街访") -> dict[str, object]:
    return {"tag_hook": hook, "tag_scene": scene, "tag_face": face, "tag_script": script}


def test_creatives_that_share_all_tags_are_one_idea_whatever_their_copies_say() -> None:
    frame = creatives(
        tags("悬念") | {"copy_text": COPY}, tags("悬念") | {"copy_text": "完全另外一段话,没有相同"}, tags("反差")
    )
    found = same_ideas(frame)
    assert found.first.tolist() == [0, 0, 2]
    assert found.size.tolist() == [2, 2, 1]
    assert found.groups == [[0, 1]]
    assert found.near_copy.tolist() == [-1, -1, -1]
    assert shared_tags(frame, np.array([1, 0, 0]))[1:] == [
        ["hook", "scene", "face", "script"],
        ["scene", "face", "script"],
    ]


def test_near_duplicate_copies_are_one_idea_where_half_of_the_tags_are_shared() -> None:
    near = COPY.replace("都", "")
    frame = creatives(
        tags("悬念") | {"copy_text": COPY},
        tags("反差", "居家") | {"copy_text": near},
        tags("反差", "车内", "学生") | {"copy_text": near},
    )
    found = same_ideas(frame)
    assert found.first.tolist() == [0, 0, 2]
    assert found.near_copy.tolist() == [1, 2, 1]
    assert found.near_copy_similarity[1] == found.near_copy_similarity[2] == 1.0
    assert NEAR_DUPLICATE <= found.copy_similarity[1] < 1.0
    assert np.isnan(found.copy_similarity[[0, 2]]).all()


def test_the_similarity_of_copies_is_the_share_of_common_bigrams() -> None:
    frame = creatives({"copy_text": "abcdefghijkl"}, {"copy_text": "ABCDEFGHIJKx!"})
    found = same_ideas(frame)
    assert found.near_copy_similarity.tolist() == pytest.approx([10 / 12, 10 / 12])
    assert found.copy_similarity[1] == pytest.approx(10 / 12)


@pytest.mark.parametrize(
    "other", [{"product_id": "q"}, {"account_id": "b"}, {"promotion_type": "product"}, {"product_id": None}]
)
def test_another_product_account_or_promotion_type_is_another_idea(other: dict[str, object]) -> None:
    found = same_ideas(creatives(tags("悬念") | {"copy_text": COPY}, tags("悬念") | {"copy_text": COPY} | other))
    assert found.size.tolist() == [1, 1]
    assert found.near_copy.tolist() == [-1, -1]


def test_a_chain_of_small_changes_does_not_join_its_ends() -> None:
    letters = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥"
    chain = [letters[at : at + 12] for at in range(6)]
    found = same_ideas(creatives(*({"copy_text": text} for text in chain)))
    assert found.first.tolist() == [0, 0, 2, 2, 4, 4]


def test_the_one_delivered_first_is_the_first_and_those_not_launched_come_last() -> None:
    frame = creatives(tags("悬念"), tags("悬念"), tags("悬念"))
    frame["launched_at"] = [pd.NaT, pd.Timestamp("2026-04-02"), pd.Timestamp("2026-04-01")]
    assert same_ideas(frame).groups == [[2, 0, 1]]


def test_two_coarse_tags_or_unknown_tags_are_not_enough() -> None:
    two = creatives(tags("悬念"), tags("悬念"))[["promotion_type", "account_id", "tag_hook", "tag_scene"]]
    assert same_ideas(two).groups == []
    unknown = creatives(tags("悬念") | {"tag_script": None}, tags("悬念") | {"tag_script": None}, tags("反差"))
    assert same_ideas(unknown).groups == []


def test_short_or_missing_copies_are_not_compared() -> None:
    assert same_ideas(creatives({"copy_text": "买它"}, {"copy_text": "买它"}, {})).groups == []
    assert normalised("买1送1!  限时 OFF😀") == "买1送1限时off"


def test_no_creatives_make_no_groups() -> None:
    assert same_ideas(creatives(tags("悬念")).iloc[:0]).groups == []

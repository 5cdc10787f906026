"""Categories and texts as numbers."""

import numpy as np
import pandas as pd
import pytest

from configs.settings import Settings
from features.matrix.encoders import Encoder, encode, fit_encoder
from features.point_in_time.array_frame import ArrayFrame

SETTINGS = Settings.model_validate({"tags": {"min_creatives": 2}, "text": {"components": 2, "buckets": 256}})


def creatives(**columns: list) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(values, dtype="str") for name, values in columns.items()})


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    copies = [f"第{number}条:{'痛点' if number % 2 else '结果'}直接说" for number in range(12)]
    return fit_encoder(
        creatives(
            promotion_type=["live"] * 12,
            tag_hook=["悬念"] * 5 + ["对比"] * 6 + ["独一份"],
            tag_selling_point=["便宜|好用"] * 4 + ["好用"] * 4 + [None] * 3 + ["稀有|好用"],
            copy_text=copies,
        ),
        SETTINGS,
    )


@pytest.mark.parametrize(
    ("hook", "code"),
    [
        ("对比", 0.0),
        ("悬念", 1.0),
        ("独一份", np.nan),  # rare: seen, but on too few to have a code
        ("没见过", np.nan),
        (None, np.nan),
    ],
)
def test_a_value_has_a_code_or_is_missing(encoder, hook, code) -> None:
    rows = creatives(tag_hook=[hook])
    np.testing.assert_equal(encode(ArrayFrame.of(rows), encoder)["tag_hook"][0], code)


@pytest.mark.parametrize(
    ("points", "cheap", "good"),
    [
        ("便宜|好用", 1.0, 1.0),
        ("好用", 0.0, 1.0),
        ("好用|没见过", 0.0, 1.0),
        ("很好用", 0.0, 0.0),  # not a part of a word
        (None, np.nan, np.nan),
    ],
)
def test_each_value_of_a_multi_valued_tag_is_a_flag(encoder, points, cheap, good) -> None:
    rows = creatives(tag_selling_point=[points])
    found = encode(ArrayFrame.of(rows), encoder)
    np.testing.assert_equal(found["tag_selling_point=便宜"][0], cheap)
    np.testing.assert_equal(found["tag_selling_point=好用"][0], good)
    assert "tag_selling_point=稀有" not in found


def test_codes_are_of_values_not_of_the_rows_at_hand(encoder) -> None:
    alone = encode(ArrayFrame.of(creatives(tag_hook=["对比"])), encoder)["tag_hook"].tolist()
    together = encode(ArrayFrame.of(creatives(tag_hook=["没见过", "悬念", "对比"])), encoder)["tag_hook"].tolist()
    assert alone == together[2:] == [0.0]


def test_text_components_are_the_same_alone_and_in_a_batch(encoder) -> None:
    draw = np.random.default_rng(0)
    copies = ["".join(draw.choice(list("痛点结果直接说好用的话"), 30)) for _ in range(200)]
    together = encode(ArrayFrame.of(creatives(copy_text=[*copies, None])), encoder)
    assert [name for name in together if name.startswith("text_")] == ["text_1", "text_2"]
    assert len(set(together["text_1"])) > 150
    for place in (0, 17, 199):
        alone = encode(ArrayFrame.of(creatives(copy_text=[copies[place]])), encoder)
        assert alone["text_1"][0] == together["text_1"][place]
        assert alone["text_2"][0] == together["text_2"][place]
    assert np.isnan(together["text_1"][-1])


def test_without_copy_text_there_are_no_components() -> None:
    hooks = creatives(tag_hook=["x"] * 20)
    assert fit_encoder(hooks, SETTINGS).components == ()
    assert list(encode(ArrayFrame.of(hooks), fit_encoder(hooks, SETTINGS))) == ["tag_hook"]


def test_a_model_with_text_takes_creatives_without(encoder) -> None:
    found = encode(ArrayFrame.of(creatives(tag_hook=["悬念"])), encoder)
    assert np.isnan([found["text_1"], found["text_2"]]).all()


def test_too_few_copies_or_none_asked_for_leave_text_out() -> None:
    few = creatives(copy_text=[f"文案{number}" for number in range(10)])
    many = creatives(copy_text=[f"文案{number}" for number in range(40)])
    assert fit_encoder(few, SETTINGS).components == ()
    assert len(fit_encoder(many, SETTINGS).components) == len(fit_encoder(many, SETTINGS).terms) == 2
    off = SETTINGS.model_copy(update={"text": SETTINGS.text.model_copy(update={"components": 0})})
    assert fit_encoder(many, off).components == ()


def test_columns_that_creatives_lack_are_missing(encoder) -> None:
    found = encode(ArrayFrame.of(creatives(promotion_type=["live"])), encoder)
    assert found["promotion_type"].tolist() == [0.0]
    assert np.isnan([values for name, values in found.items() if name != "promotion_type"]).all()


def test_no_creatives_are_no_rows(encoder) -> None:
    found = encode(ArrayFrame.of(creatives(tag_hook=[], tag_selling_point=[], copy_text=[])), encoder)
    assert {len(values) for values in found.values()} == {0}


def test_a_multi_valued_tag_whose_values_are_all_rare_has_no_columns() -> None:
    rows = creatives(tag_selling_point=["便宜", "好用", "稀有"], tag_hook=["悬念"] * 3)
    encoder = fit_encoder(rows, SETTINGS)
    assert encoder.multi == {"tag_selling_point": ()}
    found = encode(ArrayFrame.of(rows), encoder)
    assert not [name for name in found if name.startswith("tag_selling_point=")]

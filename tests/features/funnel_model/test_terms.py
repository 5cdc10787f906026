"""What a creative is, as columns: by hand."""

import numpy as np
import pandas as pd
import pytest

from features.funnel_model.design_matrix import term_columns
from features.funnel_model.terms import KNOT_SECONDS, candidates, codes_of, cross_code, fit_terms, is_slope, is_word

DAY = 86_400


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "promotion_type": ["live", "live", "product", "product"],
            "creator_id": ["k1", "k2", "k3", "k4"],
            "category": ["食品", "美妆", "食品", None],
            "price_cny": [100.0, 200.0, np.nan, 0.0],
            "launch_hour": [0.0, 6.0, np.nan, 12.0],
            "tag_hook": ["悬念", "悬念", "痛点", "痛点"],
            "tag_selling_point": ["便宜|好用", "好用", "便宜|好用", None],
        }
    )


@pytest.fixture
def moments() -> np.ndarray:
    return np.array([0, DAY, 20 * DAY, 28 * DAY], dtype=np.int64)


@pytest.fixture
def terms(frame, moments):
    return fit_terms(frame, moments, multi=["selling_point"])


def test_a_value_needs_two_creatives_in_the_mean_for_its_column_to_describe_anything(terms) -> None:
    assert terms.levels["hook"] == ("悬念", "痛点")
    assert "creator_id" not in terms.levels  # names each creative
    assert "category" not in terms.levels  # three creatives for two values


def test_numbers_are_logarithms_of_mean_0_and_deviation_1_and_what_is_unknown_is_the_mean(
    terms, frame, moments
) -> None:
    columns = term_columns(frame, moments, terms)
    assert terms.numbers["log_price"][0] == pytest.approx(np.log(100 * 200) / 2)
    np.testing.assert_allclose(columns["log_price"].toarray().ravel(), [-1.0, 1.0, 0.0, 0.0])
    np.testing.assert_allclose(columns["log_price²"].toarray().ravel(), [0.0, 0.0, 0.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(columns["hour_sin"].toarray().ravel(), [0.0, 1.0, 0.0, 0.0], atol=1e-12)


def test_several_values_of_one_tag_count_in_part(terms, frame, moments) -> None:
    shares = term_columns(frame, moments, terms)["selling_point"].toarray()
    assert terms.levels["selling_point"] == ("便宜", "好用")
    assert shares.tolist() == [[0.5, 0.5], [0.0, 1.0], [0.5, 0.5], [0.0, 0.0]]


def test_a_value_never_seen_and_an_absent_column_have_no_columns_of_their_own(terms, frame, moments) -> None:
    strange = term_columns(frame.assign(tag_hook="没见过"), moments, terms)["hook"]
    absent = term_columns(frame.drop(columns=["tag_hook", "tag_selling_point"]), moments, terms)
    assert strange.nnz == absent["hook"].nnz == absent["selling_point"].nnz == 0


def test_time_rises_from_knot_to_knot_and_its_last_level_goes_on(terms, frame) -> None:
    assert terms.knots == (0, KNOT_SECONDS, 2 * KNOT_SECONDS)
    moments = np.array([0, 7 * DAY, 14 * DAY, 400 * DAY], dtype=np.int64)
    bumps = term_columns(frame, moments, terms)["time"].toarray()
    assert bumps[0].tolist() == [1, 0, 0, 0, 0, 0]  # live
    assert bumps[1].tolist() == [0.5, 0.5, 0, 0, 0, 0]
    assert bumps[2].tolist() == [0, 0, 0, 0, 1, 0]  # product
    assert bumps[3].tolist() == [0, 0, 0, 0, 0, 1]


def test_a_cross_knows_the_pairs_it_saw(terms, frame, moments) -> None:
    pair = ("promotion_type", "hook")
    assert pair in candidates(terms, [])
    codes = cross_code(codes_of(frame, terms), terms, pair)
    assert codes.tolist() == [0, 0, 3, 3]
    crossed = terms.model_copy(update={"crosses": {"promotion_type*hook": (0, 3)}})
    columns = term_columns(frame, moments, crossed)["promotion_type*hook"].toarray()
    assert columns.tolist() == [[1, 0], [1, 0], [0, 1], [0, 1]]
    never = frame.assign(promotion_type="product", tag_hook="悬念")
    assert term_columns(never, moments, crossed)["promotion_type*hook"].nnz == 0


def test_pairs_are_wanted_once_and_never_with_a_tag_of_several_values(terms) -> None:
    found = candidates(terms, [("hook", "promotion_type"), ("selling_point", "hook"), ("creator_id", "hook")])
    assert found == [("promotion_type", "hook")]


@pytest.mark.parametrize(
    ("term", "word", "slope"),
    [("hook", True, False), ("log_price", False, True), ("time", False, False), ("hook*scene", False, False)],
)
def test_what_kind_of_term_it_is(term, word, slope) -> None:
    assert (is_word(term), is_slope(term)) == (word, slope)

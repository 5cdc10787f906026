"""Terms and the design matrix of four creatives, worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from features.funnel_model.design_matrix import term_matrices
from features.funnel_model.interactions import candidate_pairs, category_codes, pair_code
from features.funnel_model.terms import KNOT_SECONDS, fit_terms, is_categorical, is_interaction, is_slope
from features.point_in_time.array_frame import ArrayFrame

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
def launch_times() -> np.ndarray:
    return np.array([0, DAY, 20 * DAY, 28 * DAY], dtype=np.int64)


@pytest.fixture
def terms(frame, launch_times):
    return fit_terms(ArrayFrame.of(frame), launch_times, multi=["selling_point"])


def test_a_term_needs_two_creatives_per_category_on_average(terms) -> None:
    assert terms.categories["hook"] == ("悬念", "痛点")
    assert "creator_id" not in terms.categories  # identifies each creative
    assert "category" not in terms.categories  # three creatives for two values


def test_slopes_are_standardised_logarithms_and_unknown_numbers_are_the_mean(terms, frame, launch_times) -> None:
    matrices = term_matrices(ArrayFrame.of(frame), launch_times, terms)
    assert terms.scaling["log_price"][0] == pytest.approx(np.log(100 * 200) / 2)
    np.testing.assert_allclose(matrices["log_price"].toarray().ravel(), [-1.0, 1.0, 0.0, 0.0])
    np.testing.assert_allclose(matrices["log_price²"].toarray().ravel(), [0.0, 0.0, 0.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(matrices["hour_sin"].toarray().ravel(), [0.0, 1.0, 0.0, 0.0], atol=1e-12)


def test_each_of_several_values_of_a_tag_counts_in_part(terms, frame, launch_times) -> None:
    shares = term_matrices(ArrayFrame.of(frame), launch_times, terms)["selling_point"].toarray()
    assert terms.categories["selling_point"] == ("便宜", "好用")
    assert shares.tolist() == [[0.5, 0.5], [0.0, 1.0], [0.5, 0.5], [0.0, 0.0]]


def test_a_new_value_and_an_absent_column_have_no_entries(terms, frame, launch_times) -> None:
    new = term_matrices(ArrayFrame.of(frame.assign(tag_hook="没见过")), launch_times, terms)["hook"]
    absent = term_matrices(ArrayFrame.of(frame.drop(columns=["tag_hook", "tag_selling_point"])), launch_times, terms)
    assert new.nnz == absent["hook"].nnz == absent["selling_point"].nnz == 0


def test_the_time_basis_interpolates_between_knots_and_is_constant_beyond_the_last(terms, frame) -> None:
    assert terms.knots == (0, KNOT_SECONDS, 2 * KNOT_SECONDS)
    launch_times = np.array([0, 7 * DAY, 14 * DAY, 400 * DAY], dtype=np.int64)
    heights = term_matrices(ArrayFrame.of(frame), launch_times, terms)["time"].toarray()
    assert heights[0].tolist() == [1, 0, 0, 0, 0, 0]  # live
    assert heights[1].tolist() == [0.5, 0.5, 0, 0, 0, 0]
    assert heights[2].tolist() == [0, 0, 0, 0, 1, 0]  # product
    assert heights[3].tolist() == [0, 0, 0, 0, 0, 1]


def test_an_interaction_has_a_column_for_each_pair_that_occurs(terms, frame, launch_times) -> None:
    pair = ("promotion_type", "hook")
    assert pair in candidate_pairs(terms, [])
    codes = pair_code(category_codes(ArrayFrame.of(frame), terms), terms, pair)
    assert codes.tolist() == [0, 0, 3, 3]
    wider = terms.model_copy(update={"interactions": {"promotion_type*hook": (0, 3)}})
    matrix = term_matrices(ArrayFrame.of(frame), launch_times, wider)["promotion_type*hook"].toarray()
    assert matrix.tolist() == [[1, 0], [1, 0], [0, 1], [0, 1]]
    new_pair = frame.assign(promotion_type="product", tag_hook="悬念")
    assert term_matrices(ArrayFrame.of(new_pair), launch_times, wider)["promotion_type*hook"].nnz == 0


def test_candidate_pairs_are_unique_and_exclude_multi_valued_tags(terms) -> None:
    found = candidate_pairs(terms, [("hook", "promotion_type"), ("selling_point", "hook"), ("creator_id", "hook")])
    assert found == [("promotion_type", "hook")]


@pytest.mark.parametrize(
    ("term", "categorical", "slope", "interaction"),
    [
        ("hook", True, False, False),
        ("log_price", False, True, False),
        ("time", False, False, False),
        ("hook*scene", False, False, True),
    ],
)
def test_each_term_is_of_one_kind(term, categorical, slope, interaction) -> None:
    assert (is_categorical(term), is_slope(term), is_interaction(term)) == (categorical, slope, interaction)

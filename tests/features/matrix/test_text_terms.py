"""Words that name the components of copy texts."""

import numpy as np
import pytest

from features.matrix.text_terms import LEAST_COPIES, runs_of, terms_of

PEOPLE, OFFERS = ("新手爸妈", "大学生", "银发族"), ("买一送一", "限时优惠", "工厂直供")
COPIES = sorted(
    f"{thing}{offer}，{people}看过来！" for thing in ("坚果", "登机箱", "面霜") for offer in OFFERS for people in PEOPLE
)


def scores(*words: str) -> np.ndarray:
    """A component that is high where all of these words are."""
    return np.array([[float(all(word in copy for word in words))] for copy in COPIES])


@pytest.mark.parametrize("word", [*PEOPLE, *OFFERS])
def test_the_word_that_a_component_follows_names_it_whole(word) -> None:
    assert terms_of(COPIES, scores(word))[0][0] == word


def test_words_of_a_component_come_by_how_much_they_tell_and_do_not_overlap() -> None:
    terms = terms_of(COPIES, scores("买一送一", "银发族"))[0]
    assert set(terms[:2]) == {"买一送一", "银发族"}
    assert len(terms) <= 3


def test_the_end_at_which_scores_are_high_gives_the_name() -> None:
    assert terms_of(COPIES, -scores("大学生"))[0][0] != "大学生"


def test_a_piece_that_runs_across_two_words_names_nothing() -> None:
    pieces = {term for word in PEOPLE for term in terms_of(COPIES, scores(word))[0]}
    assert not {"生看", "族看", "妈看", "妈看过", "大学生看"} & pieces


def test_every_component_has_its_own_words() -> None:
    both = np.hstack([scores("大学生"), scores("工厂直供")])
    assert [one[0] for one in terms_of(COPIES, both)] == ["大学生", "工厂直供"]


def test_texts_with_nothing_in_common_leave_components_without_words() -> None:
    few = [f"{number}" for number in range(2 * LEAST_COPIES)]
    assert terms_of(few, np.ones((len(few), 2))) == ((), ())


def test_latin_words_are_taken_whole_and_signs_and_digits_left_out() -> None:
    assert list(runs_of("Sale 50%!")) == ["sale"]
    assert list(runs_of("<b>囤货")) == ["囤", "货", "囤货"]
    copies = [f"{start} big sale now" for start in "abcdef"] + [f"{start} quiet day" for start in "abcdef"]
    high = np.array([[float("sale" in copy)] for copy in copies])
    assert set(terms_of(copies, high)[0]) == {"big", "now", "sale"}

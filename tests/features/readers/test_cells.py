"""Columns of raw cells: types, text and ids."""

import sys
import unicodedata

import pyarrow as pa
import pytest

from features.readers.cells import clean, clean_list, parse_ids, to_column


def test_control_and_direction_marks_are_stripped_and_text_is_composed_and_capped():
    assert clean("a\u202eb\u0000\u2066c\n\td") == "abc d"
    assert clean("e\u0301") == "é"
    assert len(clean("字" * 5000)) == 2000
    assert clean(" -- ") is None


def test_several_values_are_sorted_and_each_stands_once():
    assert clean_list("送礼体面、成分安全,耐用;成分安全/耐用") == "成分安全|耐用|送礼体面"
    assert clean_list("、") is None


def test_no_control_character_is_left_in_text():
    for letter in map(chr, range(sys.maxunicode + 1)):
        if unicodedata.category(letter) in ("Cc", "Cs"):
            assert clean(f"a{letter}b") == ("a b" if letter.isspace() else "ab")


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("7345678901234567891", "7345678901234567891"),
        ("\t7345678901234567891 ", "7345678901234567891"),
        ("'7345678901234567891", "7345678901234567891"),
        ('="7345678901234567891"', "7345678901234567891"),
        ("７３４５６７８９０１２３４５６７８９１", "7345678901234567891"),
        ("12345.0", "12345"),
        (7345678901234567891, "7345678901234567891"),
        (12345.0, "12345"),
        ("04576e7123", "04576e7123"),
        ("--BYVtRqBFI", "--BYVtRqBFI"),
    ],
)
def test_a_whole_id_is_kept_as_text(cell, text):
    ids = parse_ids(pa.array([cell]))
    assert ids.values.to_pylist() == [text]
    assert not ids.lost[0]


@pytest.mark.parametrize(
    "cell", ["7.7E+18", "7.34568E+18", "7.7e18", "7E+18", 7.345678901234568e18, 2.0**53, 1.5, "9007199254740993.0"]
)
def test_an_id_that_lost_digits_is_refused(cell):
    ids = parse_ids(pa.array([cell]))
    assert ids.values.to_pylist() == [None]
    assert ids.lost.tolist() == [True]


def test_ids_cut_to_fifteen_digits_are_refused_where_most_of_the_column_is():
    cut = ["7345678901234560000", "7345678901234570000", "7345678901234567891"]
    assert parse_ids(pa.array(cut)).lost.tolist() == [True, True, False]


def test_one_id_that_happens_to_end_in_zeros_is_kept():
    whole = ["7345678901234560000", "7345678901234567892", "7345678901234567891"]
    assert not parse_ids(pa.array(whole)).lost.any()


def test_a_large_number_in_a_mixed_column_is_known_to_be_lost():
    assert parse_ids(to_column(["7345678901234567891", 7.345678901234568e18])).lost.tolist() == [False, True]

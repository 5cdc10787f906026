import pyarrow as pa
import pytest

from features.readers.cells import parse_ids, to_column


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

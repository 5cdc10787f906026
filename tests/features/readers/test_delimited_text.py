"""The fast reader of delimited text gives what `csv` gives, or leaves the file to it."""

import csv
import io

from hypothesis import given, strategies as st

from features.readers.delimited_text import plain_rows

CELLS = st.text(alphabet='a1,"\n;素 -', max_size=4)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=3), max_size=4), st.booleans(), st.sampled_from(["\n", "\r\n"]))
def test_rows_are_those_of_csv(rows, quoted, ends) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=ends, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
    writer.writerows(rows)
    content = f"x,y{ends}{text.getvalue()}"
    check(content)


@given(st.text(alphabet='a,"\n', max_size=12))
def test_rows_are_those_of_csv_for_any_text(text) -> None:
    check(f"x,y\n{text}")


def check(content: str) -> None:
    found = plain_rows(content, ",", 0, 2)
    if found is not None:
        expected = list(csv.reader(io.StringIO(content, newline="")))[1:]
        assert [list(row) for row in zip(*(column.to_pylist() for column in found.columns))] == expected
        assert found.numbers.tolist() == list(range(2, len(expected) + 2))


def test_a_usual_export_is_read_fast() -> None:
    found = plain_rows('id,spend\r\n1,"1,234.56"\r\n2,--\r\n', ",", 0, 2)
    assert found is not None
    assert [column.to_pylist() for column in found.columns] == [["1", "2"], ["1,234.56", "--"]]


def test_rows_of_another_width_are_left_to_csv() -> None:
    assert plain_rows("a,b\n1,2\n3\n", ",", 0, 2) is None

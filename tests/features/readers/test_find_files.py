"""Files, folders and patterns of the command line."""

import pytest

from features.errors import InputError
from features.readers.find_files import find_files


def test_a_folder_gives_its_exports_sorted_without_temporary_files(tmp_path):
    for name in (
        "b/2.csv",
        "a/1.xlsx",
        "a/~$1.xlsx",
        ".DS_Store",
        "a/.hidden.csv",
        ".git/x.csv",
        "notes.md",
        "c.csv.part",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert [path.name for path in find_files([str(tmp_path)])] == ["1.xlsx", "2.csv"]
    assert [path.name for path in find_files([f"{tmp_path}/*/*.csv", str(tmp_path / "b")])] == ["2.csv"]
    assert [path.name for path in find_files([str(tmp_path / "notes.md")])] == ["notes.md"]


@pytest.mark.parametrize("given", ["", "gone.csv", "*.csv"])
def test_nothing_to_read_says_what_is_expected(tmp_path, given):
    (tmp_path / "notes.md").write_text("x")
    with pytest.raises(InputError, match=r"\.xlsx"):
        find_files([str(tmp_path / given)])


def test_an_empty_folder_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="found nothing"):
        find_files([str(tmp_path)])

"""Tables are written completely or not at all."""

import pandas as pd
import pytest

from configs.errors import ConfigError
from features import atomic_write as write
from features.atomic_write import write_table

TABLE = pd.DataFrame({"creative_id": ["c1", '素材,"2"'], "gpm": [1.5, 1 / 3]})


@pytest.mark.parametrize(("name", "read"), [("t.csv", pd.read_csv), ("t.parquet", pd.read_parquet)])
def test_a_table_comes_back(tmp_path, name, read) -> None:
    path = tmp_path / "new" / "folder" / name
    write_table(TABLE, path)
    pd.testing.assert_frame_equal(read(path), TABLE, rtol=1e-8)
    assert [found.name for found in path.parent.iterdir()] == [name]


def test_spreadsheets_see_chinese_in_a_csv(tmp_path) -> None:
    write_table(TABLE, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_texts_that_a_spreadsheet_would_evaluate_get_an_apostrophe(tmp_path) -> None:
    table = pd.DataFrame({"creative_id": ["=1+1", "@sum", "c1", None], "gpm": [-1.5, 2.0, 0.5, 1.0]})
    write_table(table, tmp_path / "t.csv")
    assert pd.read_csv(tmp_path / "t.csv")["creative_id"].tolist()[:3] == ["'=1+1", "'@sum", "c1"]
    assert pd.read_csv(tmp_path / "t.csv")["gpm"].tolist() == table["gpm"].tolist()
    write_table(table, tmp_path / "t.parquet")
    assert pd.read_parquet(tmp_path / "t.parquet")["creative_id"].tolist()[:2] == ["=1+1", "@sum"]


def test_ids_that_cannot_be_formulas_stay_as_they_are(tmp_path) -> None:
    table = pd.DataFrame({"creative_id": ["--BYVtRqBFI", "-7_x", "-1+cmd|x"], "note": ["-7_x", "a", "b"]})
    write_table(table, tmp_path / "t.csv")
    written = pd.read_csv(tmp_path / "t.csv")
    assert written["creative_id"].tolist() == ["--BYVtRqBFI", "-7_x", "'-1+cmd|x"]
    assert written["note"].tolist() == ["'-7_x", "a", "b"]


def test_another_ending_is_refused(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"ends in \.csv or \.parquet"):
        write_table(TABLE, tmp_path / "t.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch) -> None:
    path = tmp_path / "t.csv"
    write_table(TABLE, path)
    before = path.read_bytes()

    def failing(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(write.os, "replace", failing)
    with pytest.raises(OSError, match="disk full"):
        write_table(TABLE.head(1), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]

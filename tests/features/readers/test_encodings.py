"""Encodings are recognised by content; text that was saved in the wrong one is repaired where its bytes allow it."""

import pytest

from features.readers.encodings import decode, misread
from features.readers.findings import Findings, UnusableFile


def as_read_in(text: str, wrong: str) -> bytes:
    """A file that a program read in the wrong encoding and saved as UTF-8."""
    right = "gbk" if wrong == "gbk as cp1252" else "utf-8"
    raw = text.encode(right)
    if wrong == "utf-8 as gbk":
        return raw.decode("gb18030").encode("utf-8")
    return "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in raw).encode("utf-8")


SHORT_ROW = {"素材ID": "1", "日期": "2026-07-01", "整体展现次数": "100", "整体成交金额": "12.5"}


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("素材ID".encode(), "UTF-8"),
        ("素材ID".encode("utf-8-sig"), "UTF-8 BOM"),
        ("素材ID".encode("gbk"), "GBK"),
        ("素材ID".encode("utf-16"), "UTF-16"),
        (b"id,date", "ASCII"),
    ],
)
def test_the_encoding_is_named(content, encoding) -> None:
    assert decode(content, Findings("x.csv")).encoding == encoding


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("utf-8 as gbk", "UTF-8 that was read as GBK"),
        ("utf-8 as cp1252", "UTF-8 that was read as Western European"),
        ("gbk as cp1252", "GBK that was read as Western European"),
    ],
)
def test_text_that_was_saved_in_the_wrong_encoding_is_repaired_with_a_note(
    read, live, as_csv, problems, wrong, words
) -> None:
    # Some words of UTF-8 have bytes that are no characters in GBK: a program that reads them so loses them.
    row = live(素材视频名称="成片.mp4") if wrong != "utf-8 as gbk" else SHORT_ROW
    found = read(as_read_in(as_csv(row), wrong))
    assert any(words in note for note in problems(found, "note"))
    assert found.source == "qianchuan_export"
    assert len(found.metrics) == 1


def test_lines_in_two_encodings_are_each_read_in_their_own(read, live, as_csv, problems) -> None:
    head, *rows = as_csv(live(), live(素材ID="3")).split("\r\n")
    found = read("\r\n".join([head, rows[0]]).encode() + b"\r\n" + rows[1].encode("gbk") + b"\r\n")
    assert found.attributes.query("name == 'hook'")["value"].tolist() == ["悬念", "悬念"]
    assert "lines in two encodings: 1 in GBK" in problems(found, "note")[0]


def test_a_few_damaged_bytes_do_not_cost_a_file(read, live, as_csv, problems) -> None:
    content = as_csv(*(live(素材ID=str(number)) for number in range(1, 40))).encode()
    found = read(content.replace("悬念".encode(), b"\xe6\x82\xff", 1))
    assert len(found.metrics) == 39
    assert "damaged characters" in problems(found, "note")[0]


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(UnusableFile, match="no text"):
        decode(b"\x00\x01\x02\xff\xfe\x00" * 50, Findings("x.csv"))


def test_text_whose_characters_were_lost_is_said_to_be_misread(read, live, as_csv, problems) -> None:
    lossy = as_csv(live()).encode().decode("gbk", "replace").replace("\N{REPLACEMENT CHARACTER}", "?").encode()
    [message] = problems(read(lossy), "file")
    assert "it looks like UTF-8 that was read as GBK" in message
    assert "Export it again" in message
    assert misread("素材ID,日期") == ""

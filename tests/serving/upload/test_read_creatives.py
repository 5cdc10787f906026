"""An uploaded file becomes creatives that a request can contain; a hostile one becomes a refusal, and nothing else."""

import gzip
import io
import json
import re
import time
import zipfile
from datetime import datetime

import numpy as np
import pytest
import xlsxwriter

from serving.api.errors import Refused, refused
from serving.api.requests import PredictRequest
from serving.api.validation import parse_request
from serving.upload.file_context import FileContext
from serving.upload.read_creatives import read_file

NOW = datetime(2026, 5, 12)
DAYS = ["素材ID", "素材视频名称", "日期", "整体消耗", "整体展现次数", "整体点击次数", "整体成交订单数", "整体成交金额"]
EXPORT = [
    DAYS,
    ["全部", "-", "全部", "1,234.56", "99,999", "9", "9", "9"],
    ["7412345678901234567", "新品-悬念.mp4", "2026-05-08", "1,040.50", "2,200", "71", "4", "396.00"],
    ["7412345678901234567", "新品-悬念.mp4", "2026-05-09", "40.50", "200", "11", "0", "0.00"],
    ["7.41235E+18", "坏掉的.mp4", "2026-05-09", "1", "1", "0", "0", "0"],
]
SHEET = [
    ["素材ID", "推广方式", "价格", "目标ROI", "开头类型", "卖点", "情绪"],
    ["new-1", "推直播", "99", "1.5", "悬念", "好用、便宜", "激动"],
    ["new-2", "推直播", "约一百", "5000", "悬念", "好用", "平静"],
]


def text(table: list[list[str]], encoding: str = "utf-8-sig", delimiter: str = ",") -> bytes:
    lines = [delimiter.join(f'"{cell}"' if "," in cell else cell for cell in cells) for cells in table]
    return "\r\n".join([*lines, ""]).encode(encoding)


def book(table: list[list[str]]) -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"constant_memory": True}) as made:
        sheet = made.add_worksheet()
        for place, cells in enumerate(table):
            for column, cell in enumerate(cells):
                sheet.write_string(place, column, cell)
    return content.getvalue()


def repacked(**parts: bytes) -> bytes:
    """A workbook of which some parts are exchanged, by the end of their names."""
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book(SHEET))) as whole, zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as made:
        for name in whole.namelist():
            other = [part for end, part in parts.items() if name.endswith(f"{end}.xml")]
            made.writestr(name, other[0] if other else whole.read(name))
    return content.getvalue()


def sheet_of(rows: str, head: str = "") -> bytes:
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    return f'<?xml version="1.0"?>{head}<worksheet {space}><sheetData>{rows}</sheetData></worksheet>'.encode()


@pytest.fixture
def read(loaded):
    def call(content: bytes, name: str = "export.csv", **more: str) -> dict:
        return json.loads(json.dumps(read_file(loaded, content, FileContext(name, **more), NOW)))

    return call


def test_names_of_product_and_koc_come_with_the_creative_and_stand_for_ids_that_are_absent(read) -> None:
    sheet = (
        "素材ID,账户ID,推广方式,商品ID,商品名称,达人名称\nn1,acc0,推直播,p1,轻颜洗发水,小美测评\nn2,acc0,推直播,p1,,\n"
    )
    first, second = read(sheet.encode(), "标签.csv")["creatives"]
    assert (first["product_name"], first["creator_name"]) == ("轻颜洗发水", "小美测评")
    assert (first["creative"]["product_id"], first["creative"]["creator_id"]) == ("p1", "小美测评")
    assert (second["product_name"], second["creator_name"]) == (None, None)


def test_a_row_of_a_tag_sheet_with_an_id_alone_is_a_creative_and_rows_that_differ_are_none(read) -> None:
    rows = ["n1,acc0,推直播,", "n2,acc0,推直播,悬念", "n2,acc0,推直播,结果前置", "n3,,,", "n4,acc0,推直播,悬念"]
    answer = read("\n".join(["素材ID,账户ID,推广方式,开头类型", *rows]).encode(), "标签.csv")
    found = {one["creative"]["creative_id"]: one for one in answer["creatives"]}
    assert set(found) == {"n1", "n3", "n4"}
    assert (found["n1"]["row"], found["n1"]["creative"]["tags"]) == (2, {})
    assert (found["n3"]["row"], found["n3"]["missing"]) == (5, ["promotion_type", "account_id"])
    assert [problem["rows"] for problem in answer["problems"]] == [[3, 4]]


@pytest.mark.parametrize("content", [text(EXPORT, "gbk"), text(EXPORT), text(EXPORT, "gbk", "\t"), book(EXPORT)])
def test_an_export_becomes_creatives_that_can_be_predicted(read, loaded, content) -> None:
    answer = read(content, account_id="acc0")
    (found,) = answer["creatives"]
    assert (found["row"], found["name"], found["missing"]) == (3, "新品-悬念.mp4", [])
    assert answer["source"] == "qianchuan_export"
    creative = found["creative"]
    assert creative["promotion_type"] == "live"
    assert creative["creative_id"] == "7412345678901234567"
    assert creative["tags"] == {"hook": "悬念"}
    assert creative["metrics"][0] == {
        "period_start": "2026-05-08T00:00:00",
        "period_end": "2026-05-09T00:00:00",
        "impressions": 2200.0,
        "clicks": 71.0,
        "orders": 4.0,
        "spend_cny": 1040.5,
        "gmv_cny": 396.0,
    }
    body = json.dumps({"creatives": [creative]}).encode()
    assert len(parse_request(PredictRequest, body, loaded.vocabulary).creatives[0].metrics) == 2
    lost = [problem for problem in answer["problems"] if problem["severity"] == "row"]
    assert [(problem["rows"], problem["column"]) for problem in lost] == [([5], "素材ID")]


def test_a_tag_sheet_becomes_creatives_with_problems_at_their_row_and_field(read) -> None:
    answer = read(text(SHEET), "标签.csv")
    first, second = (found["creative"] for found in answer["creatives"])
    assert first == {
        "creative_id": "new-1",
        "promotion_type": "live",
        "price_cny": 99.0,
        "roi_target": 1.5,
        "tags": {"hook": "悬念", "selling_point": ["便宜", "好用"]},
    }
    assert [found["missing"] for found in answer["creatives"]] == [["account_id"], ["account_id"]]
    assert second == {
        "creative_id": "new-2",
        "promotion_type": "live",
        "tags": {"hook": "悬念", "selling_point": ["好用"]},
    }
    by_place = {(problem["column"] or problem["field"], *problem["rows"]): problem for problem in answer["problems"]}
    assert "约一百" in by_place["价格", 3]["found"]
    assert by_place["roi_target", 3]["creative_id"] == "new-2"
    assert any("情绪" in problem["found"] for problem in answer["problems"])


def test_account_and_promotion_type_of_the_caller_fill_what_the_file_lacks(read) -> None:
    table = [[cell for place, cell in enumerate(cells) if place != 1] for cells in SHEET]
    found = read(text(table), account_id="a7", promotion_type="product")["creatives"][0]
    assert found["creative"]["account_id"] == "a7"
    assert found["creative"]["promotion_type"] == "product"
    assert read(text(table))["creatives"][0]["missing"] == ["promotion_type", "account_id"]
    assert read(text(SHEET), promotion_type="product")["creatives"][0]["creative"]["promotion_type"] == "live"


def test_names_from_strangers_stay_what_they_are(read) -> None:
    answer = read(text([["素材ID", "素材名称", "开头类型"], ["@SUM(A1)", "<script>alert(1)</script>", "../../etc"]]))
    assert answer["creatives"][0]["name"] == "<script>alert(1)</script>"
    assert answer["creatives"][0]["creative"]["creative_id"] == "@SUM(A1)"


HOSTILE = {
    "empty": b"",
    "zeros": bytes(5000),
    "zip of nothing": b"PK\x03\x04" + bytes(200),
    "gzip": gzip.compress(text(SHEET)),
    "parquet": b"PAR1" + bytes(100),
    "json": b"[" * 100_000,
    "xml": b"<html></html>",
    "no layout": b"a,b,c\n1,2,3\n",
    "columns": b"," * 900_000,
    "cells": b"," * 3_000_000,
    "lines": b"\xe7\xb4\xa0\xe6\x9d\x90ID\n" + b"1\n" * 70_000,
    "long cell": text([["素材ID", "价格"], ["a", "x" * 300_000]]),
    "open quote": text(SHEET)[:-30] + b'"' + b"x,\n" * 1000,
    "no workbook": repacked().replace(b"xl/workbook.xml", b"xl/warkbook.xml"),
    "binary": repacked().replace(b"sheet1.xml", b"sheet1.bin"),
    "far cell": repacked(sheet1=sheet_of('<row r="1"><c r="A1"><v>1</v></c><c r="ZZ1048576"><v>1</v></c></row>')),
    "far column": repacked(sheet1=sheet_of('<row r="1"><c r="AAAAAAA1"><v>1</v></c></row>')),
    "far row": repacked(sheet1=sheet_of('<row r="999999999"><c><v>1</v></c><c><v>1</v></c><c><v>1</v></c></row>')),
    "no place": repacked(sheet1=sheet_of("<row><c r='1A'><v>1</v></c></row>")),
    "entities": repacked(sheet1=sheet_of("<row/>", '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]>')),
    "broken": repacked(sheet1=b"<worksheet>"),
    "utf-16": repacked(sheet1=sheet_of("<row/>").decode().encode("utf-16")),
    "bomb": repacked(sharedStrings=b"<sst>" + b" " * 40_000_000 + b"</sst>", sheet1=b" " * 40_000_000),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_are_refused_at_once_with_the_cure(read, kind) -> None:
    began = time.process_time()  # of this process alone: others on the machine do not count
    with pytest.raises(Refused) as caught:
        read(HOSTILE[kind], account_id="a", promotion_type="live")
    assert caught.value.status == 422
    assert all(one.problem and one.hint for one in caught.value.problems)
    assert len(str(caught.value)) < 4000
    assert time.process_time() - began < 3.0


def test_a_workbook_that_lies_about_its_sizes_is_refused(read) -> None:
    content = repacked(sheet1=b" " * 20_000_000)
    at = content.rindex(b"xl/worksheets/sheet1.xml") - 46
    lied = content[: at + 24] + (100).to_bytes(4, "little") + content[at + 28 :]
    with pytest.raises(Refused, match="damaged"):
        read(lied)


@pytest.mark.slow
def test_damaged_files_bring_a_refusal_or_an_answer_and_nothing_else(read) -> None:
    draw = np.random.default_rng(11)
    outcomes = {True: 0, False: 0}
    for content in (text(EXPORT, "gbk"), text(SHEET), book(SHEET)):
        for _ in range(60):
            damaged = bytearray(content)
            for _ in range(int(draw.integers(1, 8))):
                damaged[int(draw.integers(0, len(damaged)))] = int(draw.integers(0, 256))
            cut = bytes(damaged[: int(draw.integers(len(damaged) // 2, len(damaged) + 1))])
            try:
                answer = read(cut if draw.random() < 0.3 else bytes(damaged), account_id="a")
            except Refused:
                outcomes[False] += 1
            else:
                assert set(answer) == {"source", "creatives", "problems", "more"}
                outcomes[True] += 1
    assert min(outcomes.values()) > 10


@pytest.mark.parametrize("character", ["\0", "\x07", "\x7f"])
@pytest.mark.parametrize("column", range(7))
def test_a_cell_with_a_control_character_is_left_out_and_named_with_its_row(read, character, column) -> None:
    many = [[f"x-{n}", *SHEET[1][1:]] for n in range(600)]  # at its start, a file with NUL counts as no text
    cells = [cell[:1] + character + cell[1:] if place == column else cell for place, cell in enumerate(SHEET[1])]
    found = read(text([SHEET[0], *many, cells]))
    listed = [one for one in found["problems"] if "control character" in one["found"]]
    assert [(one["column"], one["rows"]) for one in listed] == [(SHEET[0][column], [602])]
    assert character not in json.dumps(found, ensure_ascii=False)
    assert len(found["creatives"]) == (600 if column == 0 else 601)


def test_a_workbook_with_an_escaped_nul_is_read_without_that_cell(read) -> None:
    found = read(book([SHEET[0], [*SHEET[1][:4], "悬\0念", *SHEET[1][5:]]]))
    assert [one["column"] for one in found["problems"] if "control character" in one["found"]] == ["开头类型"]
    assert "hook" not in found["creatives"][0]["creative"]["tags"]


def test_a_sheet_whose_rows_are_all_left_out_is_refused_with_the_reasons(read) -> None:
    rows = [["n1", "推直播", "99", "1.5", f"开头{n}", "好用", "激动"] for n in range(59_000)]
    with pytest.raises(Refused) as caught:
        read(text([SHEET[0], *rows]))
    assert caught.value.status == 422
    (reason,) = caught.value.problems
    assert "differ in 开头类型" in reason.problem
    assert "58995 more" in reason.problem


def test_a_problem_of_one_tag_leaves_the_others(read) -> None:
    found = read(text([[*SHEET[0], "场景"], ["n1", *SHEET[1][1:4], "长" * 150, *SHEET[1][5:], "居家"]]))
    assert [one["field"] for one in found["problems"] if one["severity"] == "row"] == ["tags.hook"]
    assert found["creatives"][0]["creative"]["tags"] == {"scene": "居家", "selling_point": ["便宜", "好用"]}


def test_reading_stops_between_two_creatives_once_it_is_too_late(loaded) -> None:
    table = [SHEET[0], *([f"new-{n}", *SHEET[1][1:]] for n in range(50))]
    looks: list[int] = []

    def check_deadline() -> None:
        looks.append(1)
        if len(looks) == 3:
            raise refused("too_slow")

    with pytest.raises(Refused) as caught:
        read_file(loaded, text(table), FileContext("tags.csv", "acc0"), NOW, check_deadline)
    assert (caught.value.status, len(looks)) == (504, 3)


@pytest.mark.parametrize(
    ("table", "zh", "en"),
    [
        ([["编号", *SHEET[0][1:]], SHEET[1]], "把文件发给负责训练的同事", "send the file to whoever trains the model"),
        ([[*EXPORT[0], "随便一列"], [*EXPORT[2], "1"]], "把文件发给负责训练的同事", "send the file to whoever trains"),
        (
            [SHEET[0], ["n", "推宇宙", *SHEET[1][2:]], SHEET[1]],
            "请负责训练的同事让系统认识",
            "ask whoever trains the model",
        ),
    ],
    ids=["nearly a layout", "a column that is not read", "a promotion type that is not known"],
)
def test_cures_are_in_the_words_of_who_gives_a_file_and_name_no_command(read, table, zh, en) -> None:
    try:
        problems = read(text(table))["problems"]
    except Refused as refused:
        problems = [{"zh": one.zh, "cure": one.hint} for one in refused.problems]
    assert any(zh in one["zh"] and en in one["cure"] for one in problems), problems
    for one in problems:
        assert not re.search("make |配置|source config|promotion_type", one["zh"] + one["cure"])

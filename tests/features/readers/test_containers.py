"""Every container of a table, and what cannot be opened."""

import datetime as dt
import gzip
import io
import json
import zipfile

import pandas as pd
import pytest
import xlsxwriter

from configs.settings import Settings

ONE, TWO = "7345678901234567891", "7345678901234567892"


def workbook(*sheets, **options):
    """Sheets of rows as XLSX; strings are written inline."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"constant_memory": True, **options}) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for rows in sheets:
            sheet = book.add_worksheet()
            for number, row in enumerate(rows):
                for place, cell in enumerate(row):
                    if isinstance(cell, dt.date):
                        sheet.write_datetime(number, place, cell, day)
                    elif cell != "":
                        sheet.write(number, place, cell)
    return content.getvalue()


def page(*rows, topic="SITE_PROMOTION_POST_DATA_VIDEO", **more):
    """An answer of the report API."""
    listed = [
        {
            "dimensions": {
                "material_id": {"Value": int(ONE), "ValueStr": ONE},
                "stat_time_hour": {"Value": time, "ValueStr": time},
            },
            "metrics": {
                "live_show_count_for_roi2_v2": {"Value": 200, "ValueStr": "200"},
                "live_cvr_rate_for_roi2_v2": {"Value": 0.5, "ValueStr": "0.50"},
                "stat_cost_for_roi2": {"Value": 12.5, "ValueStr": "12.50"},
                "video_play_count_for_roi2_v2": 100,
                "video_play_duration_3s_rate_for_roi2": 31.0,
            },
        }
        for time in rows
    ]
    return {"advertiser_id": 1635078296873626, "topic": topic, "code": 0, "data": {"rows": listed}, **more}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_encoding_and_delimiter_are_recognised_by_the_content(read, live, as_csv, encoding, delimiter, ends):
    text = as_csv(live(), live(素材ID="3"), ends=ends, delimiter=delimiter)
    found = read(text.encode(encoding), name="whatever.dat")
    assert found.problems == []
    assert found.metrics["spend_cny"].tolist() == [1234.56, 1234.56]
    assert found.attributes.query("name == 'hook'")["value"].tolist() == ["悬念", "悬念"]


def test_gz_is_unpacked_by_content(read, live, as_csv):
    assert len(read(gzip.compress(as_csv(live()).encode("gbk")), name="x.csv").metrics) == 1


def test_an_xlsx_with_inline_strings_is_read(read, live):
    found = read(workbook([list(live()), list(live().values())]), name="x.xlsx")
    assert found.problems == []
    assert found.metrics["spend_cny"].tolist() == [1234.56]
    assert found.metrics["row"].tolist() == [2]


def test_typed_cells_notes_above_the_header_and_other_sheets_are_no_obstacle(read, live):
    typed = live(日期=dt.date(2026, 7, 1), 整体消耗=1234.56, 整体点击次数=600, 素材ID=12345, **{"3秒播放率": 0.3})
    notes = [["全域推广报表"], [], ["导出时间", "2026-07-09"]]
    book = workbook([["目录"], ["说明"]], [*notes, list(typed), list(typed.values())])
    found = read(book, name="x.xlsx")
    assert found.problems == []
    row = found.metrics.iloc[0]
    assert row["creative_id"] == "12345"
    assert row["row"] == 5
    assert row["plays_3s"] == 3600
    assert row["period_start"] == pd.Timestamp(2026, 7, 1)


def test_long_ids_typed_as_numbers_in_a_workbook_are_refused(read, live, problems):
    rows = [live(), live(素材ID=int(ONE))]
    found = read(workbook([list(live()), *(list(row.values()) for row in rows)]), name="x.xlsx")
    assert found.metrics["row"].tolist() == [2]
    assert "lost digits" in problems(found, "row")[0]


def test_a_header_below_a_few_lines_of_text_is_found_in_a_csv(read, live, as_csv):
    found = read("推广报表\n导出时间,2026-07-09\n\n" + as_csv(live()))
    assert found.metrics["row"].tolist() == [5]


def test_parquet_keeps_long_whole_numbers(read, live, tmp_path):
    frame = pd.DataFrame([live(素材ID=int(ONE), 日期=dt.date(2026, 7, 1), 整体消耗=1234.56)])
    frame["素材来源"] = frame["3秒播放率"].astype("category")
    frame.to_parquet(tmp_path / "x.parquet")
    found = read((tmp_path / "x.parquet").read_bytes(), name="y.parquet")
    assert found.problems == []
    assert found.metrics["creative_id"].tolist() == [ONE]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(page("2026-07-01 13:00:00", "2026-07-01 14:00:00")),
        json.dumps([page("2026-07-01 13:00:00"), page("2026-07-01 14:00:00")]),
        "\n".join(json.dumps(page(f"2026-07-01 {hour}:00:00")) for hour in (13, 14)),
        json.dumps(page("2026-07-01 13:00:00", "2026-07-01 14:00:00"), indent=1),
    ],
)
def test_pages_of_the_report_api_are_read_in_every_usual_form(read, text):
    found = read(text.encode(), name="page.json", folder="anywhere")
    assert found.problems == []
    assert found.metrics["account_id"].tolist() == ["1635078296873626"] * 2
    assert found.metrics["promotion_type"].tolist() == ["live", "live"]
    assert found.metrics["grain"].tolist() == ["hour", "hour"]
    assert found.metrics["creative_id"].tolist() == [ONE, ONE]
    assert found.metrics[["clicks", "plays_3s", "spend_cny"]].iloc[0].tolist() == [1, 31, 12.5]


def test_a_bare_list_of_plain_rows_is_read_and_the_fields_give_the_promotion_type(read):
    row = {"material_id": ONE, "stat_time_day": "2026-07-01", "product_show_count_for_roi2": 5, "stat_cost_for_roi2": 1}
    found = read(json.dumps([row, row | {"stat_time_day": "2026-07-02"}]).encode(), name="rows.json")
    assert found.metrics["promotion_type"].tolist() == ["product", "product"]
    assert found.metrics["grain"].tolist() == ["day", "day"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty file"),
        (b"\x00\x01\x02\xff\xfe\x00" * 50, "no text"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old Excel"),
        (b"<html><table></table></html>", "web page"),
        (b"a,b\n1,2\n", "no known layout"),
        (gzip.compress(b"x" * 10_000, mtime=0)[:-20], "cut off"),
        (b"PK\x03\x04 and then nothing", "cut off"),
        (b"PAR1 and then nothing", "cut off"),
        (json.dumps(page("2026-07-01 13:00:00")).encode()[:-30], "cut off"),
        (b'{"code": 40100, "message": "Too many requests", "data": {}}', "40100"),
        (b'{"code": 0, "data": {"rows": []}}', "no rows"),
        (b"[1, 2]", "another form"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_what_to_do(read, problems, content, words):
    found = read(content, name="x.bin")
    assert found.metrics.empty
    assert found.attributes.empty
    [message] = problems(found, "file")
    assert words in message
    assert "expected" in message


def test_a_workbook_cut_in_the_middle_and_a_zip_of_something_else_are_refused(read, live, problems):
    book = workbook([list(live()), list(live().values())])
    assert "cut off" in problems(read(book[: len(book) // 2], name="x.xlsx"), "file")[0]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.csv", "a,b")
    assert "Unpack" in problems(read(archive.getvalue(), name="x.zip"), "file")[0]


def test_a_quotation_mark_that_never_closes_is_not_read_over(read, live, as_csv, problems):
    plain = {name: cell.replace(",", "") for name, cell in live().items()}
    lines = as_csv(*(plain | {"日期": f"2026-07-0{day}"} for day in range(1, 10))).splitlines()
    lines[2] = lines[2].replace("7月1日", '"7月1日', 1)
    [message] = problems(read("\n".join(lines)), "file")
    assert "never closed" in message


def test_a_file_that_unpacks_to_an_absurd_size_is_refused(read, live, as_csv, problems, monkeypatch):
    monkeypatch.setattr("features.readers.containers.MAX_BYTES", 1_000)
    packed = gzip.compress(as_csv(*[live()] * 50).encode("gbk"))
    assert "2 GB" in problems(read(packed), "file")[0]
    assert "GB" in problems(read(as_csv(*[live()] * 50)), "file")[0]


def test_a_stray_cell_at_the_far_corner_is_refused_before_it_takes_all_memory(read, live, problems):
    corner = [[""] * 16383 + ["x"]]
    book = workbook([list(live()), list(live().values()), *corner])
    assert "column ZZ" in problems(read(book, name="x.xlsx"), "file")[0]


def test_a_file_that_is_gone_is_a_problem_and_no_crash(tmp_path, sources):
    from features.readers.export_file import read_export

    found = read_export(tmp_path / "gone.csv", Settings(), sources)
    assert [problem.severity for problem in found.problems] == ["file"]


def test_trailing_empty_cells_and_columns_do_no_harm(read, live, as_csv):
    lines = as_csv(live(), live(素材ID=TWO)).splitlines()
    found = read("\n".join([lines[0] + ",,", lines[1] + ",,", lines[2] + ",,,,"]))
    assert len(found.metrics) == 2
    assert found.problems == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_a_file_cut_in_the_middle_of_a_character_is_read_up_to_there(read, live, as_csv, problems, encoding):
    content = as_csv(live(), live(素材ID=TWO)).encode(encoding)
    found = read(content[: content.rindex("悬".encode(encoding.removesuffix("-sig"))) + 1])
    assert found.metrics["creative_id"].tolist() == [ONE]
    assert "row 3" in problems(found, "row")[0]


def test_a_header_without_rows_is_empty_and_no_fault(read, live, as_csv):
    found = read(as_csv(live()).splitlines()[0])
    assert found.metrics.empty
    assert found.problems == []


def saved_answer(*rows, **metrics):
    """An answer that a web tool saved: capitals, ids in ValueStr alone."""
    listed = [
        {
            "Dimensions": {"material_id": {"ValueStr": ONE}, "range_stat_time_hour": {"ValueStr": time}},
            "Metrics": {name: {"Value": value, "ValueStr": str(value)} for name, value in metrics.items()},
        }
        for time in rows
    ]
    return json.dumps({"materials": listed}).encode()


def test_saved_answers_of_the_web_tools_are_read(read):
    found = read(
        saved_answer(
            "2026-07-01 13:00:00",
            product_show_count_for_roi2=200,
            stat_cost_for_roi2=12.5,
            product_cpc_for_roi2=2.5,
            additional_delivery_stat_cost_for_roi2_assist=4.0,
        ),
        name="saved.json",
    )
    assert found.problems == []
    row = found.metrics.iloc[0]
    assert (row["creative_id"], row["promotion_type"], row["grain"]) == (ONE, "product", "hour")
    assert (row["impressions"], row["boost_spend_cny"]) == (200, 4.0)


def test_spend_of_products_is_recovered_from_their_price_of_impressions_or_clicks(read):
    moment = "2026-07-01 13:00:00"
    by_cpm = read(saved_answer(moment, product_show_count_for_roi2=2000, product_ecpm_for_roi2=50.0), name="a.json")
    by_cpc = read(saved_answer(moment, product_click_count_for_roi2=10, product_cpc_for_roi2=2.5), name="b.json")
    assert by_cpm.metrics["spend_cny"].tolist() == [100.0]
    assert by_cpc.metrics["spend_cny"].tolist() == [25.0]


def test_rows_with_a_day_and_an_hour_are_by_the_hour(read):
    row = {
        "dimensions": {
            "material_id": {"ValueStr": ONE},
            "stat_time_day": {"ValueStr": "2026-07-01"},
            "range_stat_time_hour": {"ValueStr": "2026-07-01 13:00:00"},
        },
        "metrics": {"live_show_count_for_roi2_v2": {"Value": 5}},
    }
    found = read(json.dumps([row]).encode(), name="rows.json")
    assert found.metrics["period_start"].tolist() == [pd.Timestamp(2026, 7, 1, 13)]


def test_the_upload_is_taken_where_the_time_of_creation_is_a_dash_in_every_row(read, problems):
    row = {
        "material_id": ONE,
        "stat_time_day": "2026-07-01",
        "product_show_count_for_roi2": 5,
        "material_create_time_v2": "-",
        "roi2_material_upload_time": "2026-06-30 08:00:00",
    }
    found = read(json.dumps([row]).encode(), name="rows.json")
    assert found.attributes.query("name == 'created_at'")["value"].tolist() == ["2026-06-30T08:00:00"]
    assert problems(found, "note") == []


@pytest.mark.parametrize(
    ("topic", "more"),
    [
        ("OVERALL_ROI_MATERIAL_DATA", {}),
        ("SITE_PROMOTION_POST_DATA_VIDEO", {"stat_cost_for_overall_roi2": 20.0}),
    ],
    ids=["by topic", "by field"],
)
def test_answers_of_the_comprehensive_topics_are_kept_apart(read, problems, topic, more):
    row = {"material_id": ONE, "stat_time_day": "2026-07-01", "live_show_count_for_roi2_v2": 5, "stat_cost_for_roi2": 1}
    content = json.dumps({"topic": topic, "data": {"rows": [row | more]}}).encode()
    [message] = problems(read(content, name="a.json"), "file")
    assert "qianchuan_api_comprehensive" in message
    wide = read(content, name="b.json", settings=Settings(basis="comprehensive"))
    assert wide.source in ("qianchuan_api_comprehensive", "")
    assert wide.metrics.get("spend_cny", pd.Series(dtype=float)).tolist() == ([20.0] if more else [])

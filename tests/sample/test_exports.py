"""The files have the platform's formats, read back with plain tools."""

import json
import re
import zipfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sample.api_report import PAGE_SIZE, SHARED, TOPICS
from sample.simulation import Simulation
from sample.vocabulary import TAG_VALUES

pytestmark = pytest.mark.slow

NAME = re.compile(r"\d{1,2}月\d{1,2}日-TW\d{5}-(信息流|直播)-([^-]+)-([^-]+)-([^-]+)-([^-]+)-([^-]+)-([^-]+)\.mp4")


def number(text: pd.Series) -> pd.Series:
    return pd.to_numeric(text.str.replace(",", "").str.rstrip("%").where(text != "--"))


@pytest.fixture(scope="module")
def api(small_out: Path) -> pd.DataFrame:
    rows = []
    for path in sorted((small_out / "exports").glob("*/*.json")):
        answer = json.loads(path.read_text("utf-8"))
        assert (answer["code"], answer["message"]) == (0, "OK")
        assert answer["topic"] in TOPICS.values()
        assert len(answer["data"]["rows"]) <= PAGE_SIZE
        assert answer["advertiser_id"] == path.parent.name
        for row in answer["data"]["rows"]:
            flat = {name: cell["ValueStr"] for name, cell in row["dimensions"].items()}
            flat |= {name: cell["Value"] for name, cell in row["metrics"].items()}
            rows.append(flat | {"账户": answer["advertiser_id"], "topic": answer["topic"]})
    return pd.DataFrame(rows)


def test_daily_csv_is_gbk_and_not_utf8(small_out: Path) -> None:
    for path in (small_out / "exports").glob("*/*.csv"):
        content = path.read_bytes()
        content.decode("gbk")
        with pytest.raises(UnicodeDecodeError):
            content.decode("utf-8")


def test_headers_depend_on_the_promotion_type(small_out: Path) -> None:
    for path in (small_out / "exports").glob("*/*.csv"):
        headers = path.read_bytes().decode("gbk").split("\r\n")[0].split(",")
        live = "推直播" in path.name
        assert ("整体展现次数" in headers) == live
        assert ("整体展示次数" in headers) != live
        assert ("基础消耗" in headers) == live


def test_summary_and_aggregate_rows_stand_among_the_creatives(small_out: Path) -> None:
    for path in (small_out / "exports").glob("*/*.csv"):
        rows = pd.read_csv(path, encoding="gbk", dtype=str)
        assert rows["素材ID"].iloc[0] == rows["日期"].iloc[0] == "全部"
        aggregate = rows[rows["素材视频名称"] == "AIGC动态创意视频素材集合"]
        assert (aggregate["素材ID"] == "-").all()
        each = number(rows["整体消耗"].iloc[1:]).sum()
        assert number(rows["整体消耗"].iloc[:1]).item() == pytest.approx(each, abs=0.01)


def test_numbers_are_printed_as_the_platform_prints_them(small_csv: pd.DataFrame) -> None:
    assert small_csv["整体消耗"].str.contains(",").any()
    assert (small_csv["整体转化率"] == "--").any()
    assert small_csv["3秒播放率"].str.fullmatch(r"\d+\.\d\d%|--").all()
    assert (small_csv["平均观看时长"] == "0.00").any()
    assert small_csv["素材时长"].str.fullmatch(r"\d\d:\d\d").all()
    assert (number(small_csv["视频播放数"]) > number(small_csv["整体展现次数"])).any()


def test_ids_are_text_of_16_to_19_digits(small_csv: pd.DataFrame) -> None:
    assert small_csv["账户"].str.fullmatch(r"\d{16}").all()
    assert not small_csv["素材ID"].str.endswith("000").any()


def test_no_row_without_an_impression(small_csv: pd.DataFrame) -> None:
    shown = number(small_csv["整体展现次数"]).fillna(number(small_csv["整体展示次数"]))
    assert (shown > 0).all()


def test_hours_add_up_to_the_day(small_csv: pd.DataFrame, api: pd.DataFrame) -> None:
    """Counts exactly, money to the cent; every day that has hours at all has all of them."""
    pairs = {
        "total_pay_order_count_for_roi2": "整体成交订单数",
        "total_pay_order_gmv_include_coupon_for_roi2": "整体成交金额",
        "total_order_settle_amount_for_roi2_1h": "净成交金额",
        "total_order_settle_amount_for_roi2_7d": "7日结算金额",
        "stat_cost_for_roi2": "整体消耗",
        "additional_delivery_stat_cost_for_roi2_assist": "追投调控消耗",
        "video_play_count_for_roi2_v2": "视频播放数",
        "video_like_count_for_roi2": "视频点赞数",
    }
    api = api.assign(日期=api["range_stat_time_hour"].str[:10], 素材ID=api["material_id"])
    shown = ["live_show_count_for_roi2_v2", "product_show_count_for_roi2"]
    api["shown"] = api[shown].sum(axis=1)
    hourly = api.groupby(["账户", "素材ID", "日期"])[[*pairs, "shown"]].sum()
    daily = small_csv.set_index(["账户", "素材ID", "日期"]).loc[hourly.index]
    for field, header in pairs.items():
        np.testing.assert_allclose(hourly[field], number(daily[header]), atol=0.005)
    day_shown = number(daily["整体展现次数"]).fillna(number(daily["整体展示次数"]))
    np.testing.assert_array_equal(hourly["shown"], day_shown)
    assert len(hourly) > 100


def test_hours_cover_the_first_four_days_of_some_accounts(small_csv: pd.DataFrame, api: pd.DataFrame) -> None:
    assert 2 <= api["账户"].nunique() < small_csv["账户"].nunique()
    days = api.assign(day=pd.to_datetime(api["range_stat_time_hour"]).dt.normalize()).groupby("material_id")["day"]
    assert (days.max() - days.min()).max() <= pd.Timedelta(days=3)
    assert set(SHARED.values()) <= set(api.columns)


def test_api_rates_are_already_times_hundred(api: pd.DataFrame) -> None:
    rate = api["video_play_duration_3s_rate_for_roi2"]
    assert 5 < rate[api["video_play_count_for_roi2_v2"] > 20].mean() < 60


def test_the_xlsx_has_inline_strings_and_the_fifteen_default_columns(small_out: Path) -> None:
    (path,) = (small_out / "exports").glob("*/*.xlsx")
    assert re.fullmatch(r"全域数据_素材分析_视频_[\d-]{10}-[\d-]{10}-[0-9a-f]{8}\.xlsx", path.name)
    with zipfile.ZipFile(path) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        assert "xl/sharedStrings.xml" not in book.namelist()
    cells = re.findall(r"<c [^>]*>", sheet)
    assert len(cells) > 100
    assert all('t="inlineStr"' in cell for cell in cells)
    headers = re.findall(r"<t[^>]*>([^<]*)</t>", sheet)[:15]
    assert headers[0] == "素材ID"
    assert not {"整体展现次数", "整体点击率", "3秒播放率"} & set(headers)


def test_the_xlsx_repeats_the_values_of_the_csv(small_out: Path, small_csv: pd.DataFrame) -> None:
    (path,) = (small_out / "exports").glob("*/*.xlsx")
    book = pd.read_excel(path, dtype=str, engine="calamine", keep_default_na=False).iloc[1:]
    csv = small_csv[(small_csv["账户"] == path.parent.name) & (small_csv["类型"] == "推直播")]
    both = book.merge(csv, on=["素材ID", "日期"], suffixes=("", "_csv"), validate="one_to_one")
    assert len(both) == len(book) > 5
    for header in ("整体消耗", "基础消耗", "净成交金额", "净成交ROI", "整体成交订单数"):
        assert (both[header] == both[f"{header}_csv"]).all()


def test_the_tag_sheet_lacks_a_tenth_and_announces_what_has_not_run(small_out: Path, small_csv: pd.DataFrame) -> None:
    path = small_out / "exports" / "素材标签表.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    sheet = pd.read_csv(path, dtype=str, encoding="utf-8-sig", keep_default_na=False)
    ran = set(small_csv["素材ID"])
    assert 0.04 < len(ran - set(sheet["素材ID"])) / len(ran) < 0.2
    assert set(sheet["素材ID"]) - ran
    assert set(sheet["开头类型"]) <= set(TAG_VALUES["hook"])
    assert sheet["卖点"].str.contains("、").any()
    assert (sheet["投放时间"] == "").any()
    assert (sheet["投放时间"] != "").any()


def test_names_carry_the_tags_in_the_documented_order(small_simulation: Simulation) -> None:
    creatives = small_simulation.world.creatives
    for row in creatives.itertuples():
        match = NAME.fullmatch(row.name)
        if match:
            assert match.groups()[1:] == (row.style, row.hook, row.scene, row.face, row.script, row.editor)
        else:
            assert row.in_sheet
    assert creatives["name"].str.fullmatch(NAME).mean() > 0.9


def test_some_creatives_run_in_two_accounts(small_csv: pd.DataFrame) -> None:
    assert (small_csv.groupby("素材ID")["账户"].nunique() == 2).any()


def test_settlement_only_falls_with_time(full_simulation: Simulation) -> None:
    days = full_simulation.days
    amounts = ["gmv", "net_gmv", "settled_7d_gmv", "settled_14d_gmv", "settled_30d_gmv", "settled_90d_gmv"]
    for more, less in pairwise(amounts):
        assert (days[less] <= days[more] + 0.005).all()
    old = days[days["day"] < 45]
    assert 0.6 < old["settled_30d_gmv"].sum() / old["gmv"].sum() < 0.8


def test_api_rows_have_the_fields_of_the_real_api(api: pd.DataFrame) -> None:
    """Day and hour; a boost is that of the material; topics of products state the upload, not the creation."""
    assert (api["range_stat_time_hour"].str[:10] == api["stat_time_day"]).all()
    product = api["product_show_count_for_roi2"].notna()
    assert (api.loc[product, "material_create_time_v2"] == "-").all()
    assert (api.loc[~product, "material_create_time_v2"] == api.loc[~product, "roi2_material_upload_time"]).all()
    price = 1000 * api["stat_cost_for_roi2"] / api["product_show_count_for_roi2"]
    assert ((api["product_ecpm_for_roi2"] - price)[product].abs() <= 0.0051).all()

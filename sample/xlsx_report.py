"""What does the default XLSX of the material analysis hold? Fifteen columns, no impressions, inline cells."""

import datetime
import hashlib
import io

import numpy as np
import pandas as pd
import xlsxwriter

from sample import formats
from sample.world import END

DAYS = 30
"""The file covers the last thirty days only."""


def xlsx_report(seed: int, rows: pd.DataFrame) -> tuple[str, bytes]:
    """Name and content: the days of one account's 推直播, with the same values as its CSV."""
    first = max(rows["date"].min(), END - pd.Timedelta(days=DAYS - 1))
    rows = rows[rows["date"] >= first].sort_values(["date", "creative_id"])
    table = _table(rows)
    mark = hashlib.md5(f"{seed} {rows['account_id'].iloc[0]}".encode(), usedforsecurity=False).hexdigest()[:8]
    name = f"全域数据_素材分析_视频_{first:%Y-%m-%d}-{END:%Y-%m-%d}-{mark}.xlsx"
    return name, _workbook(table)


def _table(rows: pd.DataFrame) -> dict[str, list[str]]:
    spend, boost = rows["spend"].to_numpy(np.float64), rows["boost_spend"].to_numpy(np.float64)
    gmv, net = rows["gmv"].to_numpy(np.float64), rows["net_gmv"].to_numpy(np.float64)
    return {
        "素材ID": ["全部", *rows["creative_id"]],
        "素材名称": ["-", *rows["name"]],
        "素材创建时间": ["-", *rows["created_at"].dt.strftime("%Y-%m-%d %H:%M:%S")],
        "素材时长": ["-", *formats.durations(rows["duration_s"])],
        "素材来源": ["-", *rows["source"]],
        "素材评估": ["-", *rows["label"]],
        "日期": ["全部", *rows["date"].dt.strftime("%Y-%m-%d")],
        "整体消耗": formats.money([spend.sum(), *spend]),
        "基础消耗": formats.money([(spend - boost).sum(), *np.round(spend - boost, 2)]),
        "追投调控消耗": formats.money([boost.sum(), *boost]),
        "整体成交订单数": formats.counts([rows["orders"].sum(), *rows["orders"]]),
        "整体成交金额": formats.money([gmv.sum(), *gmv]),
        "净成交金额": formats.money([net.sum(), *net]),
        "净成交订单数": formats.counts([rows["net_orders"].sum(), *rows["net_orders"]]),
        "净成交ROI": formats.ratios([net.sum() / spend.sum(), *formats.share(net, spend)]),
    }


def _workbook(table: dict[str, list[str]]) -> bytes:
    """Cells as `inlineStr`, which is what XlsxWriter writes when it keeps no string table."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"constant_memory": True, "strings_to_numbers": False}) as book:
        book.set_properties({"created": datetime.datetime(2026, 7, 1, 9, 0, 0)})
        sheet = book.add_worksheet("视频")
        sheet.write_row(0, 0, list(table))
        for number, row in enumerate(zip(*table.values()), start=1):
            for column, cell in enumerate(row):
                sheet.write_string(number, column, cell)
    return content.getvalue()

"""Write the files that a team downloads: daily CSVs, pages of the report API, one XLSX, and the team's tag sheet."""

import csv
import datetime
import hashlib
import io
from pathlib import Path

import numpy as np
import pandas as pd
import xlsxwriter

from sample import files
from sample.api_report import api_pages
from sample.randomness import stream
from sample.simulation import COUNT_COLUMNS, MONEY
from sample.world import XLSX_ACCOUNT, World, chinese

AIGC = "AIGC动态创意视频素材集合"
XLSX_DAYS = 30
"""Days that the XLSX covers."""
TAG_HEADERS = {
    "素材ID": "creative_id",
    "账户ID": "account_id",
    "推广方式": "promotion",
    "商品ID": "product_id",
    "商品名称": "product_name",
    "达人ID": "creator_id",
    "达人名称": "creator_name",
    "达人粉丝数": "followers",
    "类目": "category",
    "价格": "price",
    "目标ROI": "target_roi",
    "文案": "copy_text",
    "开头类型": "hook",
    "场景": "scene",
    "人物": "face",
    "脚本结构": "script",
    "风格": "style",
    "视角": "viewpoint",
    "卖点": "selling_point",
    "人群": "audience",
    "音乐": "bgm",
    "投放时间": "launched",
    "剪辑师": "editor",
}


def write_exports(seed: int, world: World, days: pd.DataFrame, hours: pd.DataFrame, out: Path) -> dict[str, int]:
    """Write all export files below `out`; return file name → size in bytes."""
    contents: dict[str, bytes] = {}
    span = f"{world.start:%Y-%m-%d}-{world.end:%Y-%m-%d}"
    for (account, promotion), rows in days.groupby(["account_id", "promotion_type"]):
        name = f"{account}/全域推广数据-视频-{chinese(str(promotion))}-{span}.csv"
        contents[name] = _daily_csv(seed, str(promotion), rows)
    account = world.account_ids[XLSX_ACCOUNT]
    rows = days[(days["account_id"] == account) & (days["promotion_type"] == "live")]
    if len(rows):
        name, content = xlsx_report(seed, rows, world.end)
        contents[f"{account}/{name}"] = content
    contents |= api_pages(world, hours)
    contents["素材标签表.csv"] = tag_sheet(seed, world)
    files.clear(out)
    files.remember(out, contents)
    for name, content in contents.items():
        files.write(out / name, content)
    return {name: len(content) for name, content in contents.items()}


def _daily_csv(seed: int, promotion: str, rows: pd.DataFrame) -> bytes:
    """GBK text: the total row, a row of all AIGC videos every tenth day, then the creatives."""
    rows = pd.concat([_aigc(seed, rows), rows.sort_values(["date", "creative_id"])], ignore_index=True)
    total = rows[COUNT_COLUMNS + MONEY].sum().to_frame().T
    columns = _columns(promotion, pd.concat([total, rows[COUNT_COLUMNS + MONEY]], ignore_index=True))
    watch = files.share(rows["watch_s"].to_numpy(np.float64), rows["plays"].to_numpy(np.float64))
    known = np.where(rows["watch_missing"] | ~np.isfinite(watch), 0.0, watch)
    columns["平均观看时长"] = [files.MISSING, *files.money(known)]
    head = {
        "素材ID": ["全部", *rows["creative_id"]],
        "素材视频名称": ["-", *rows["name"]],
        "素材创建时间": ["-", *(_time(value) for value in rows["created_at"])],
        "素材时长": ["-", *files.durations(rows["duration_s"].fillna(0))],
        "素材来源": ["-", *rows["source"]],
        "素材评估": ["-", *rows["label"]],
        "日期": ["全部", *rows["date"].dt.strftime("%Y-%m-%d")],
    }
    table = head | columns
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(table)
    writer.writerows(zip(*table.values()))
    return text.getvalue().encode("gbk")


def _time(value: pd.Timestamp) -> str:
    return "-" if pd.isna(value) else f"{value:%Y-%m-%d %H:%M:%S}"


def _aigc(seed: int, rows: pd.DataFrame) -> pd.DataFrame:
    """Videos that the platform generates itself: one row for all of them, without an id."""
    account = str(rows["account_id"].iloc[0])
    generator = stream(seed, f"aigc {account} {rows['promotion_type'].iloc[0]}")
    some = rows[rows["date"].dt.day % 10 == 3].drop_duplicates("date").sort_values("date").copy()
    for name in COUNT_COLUMNS + MONEY:
        some[name] = 0.0
    some["impressions"] = generator.integers(20, 900, len(some))
    some["clicks"] = generator.binomial(some["impressions"].to_numpy(np.int64), 0.02)
    some["plays"] = some["impressions"]
    some["plays_3s"] = generator.binomial(some["impressions"].to_numpy(np.int64), 0.25)
    some["spend"] = np.round(generator.gamma(2.0, 9.0, len(some)), 2)
    some["watch_missing"] = True
    some["created_at"] = pd.NaT
    return some.assign(creative_id="-", name=AIGC, duration_s=0.0, source="AIGC", label=files.MISSING)


def _columns(promotion: str, sums: pd.DataFrame) -> dict[str, list[str]]:
    """Header of the platform → cells, with its ratio columns; the caller fills in the mean watch time."""
    value = {name: sums[name].to_numpy(np.float64) for name in sums.columns}
    live = promotion == "live"
    shown = "整体展现次数" if live else "整体展示次数"
    base = {"基础消耗": files.money(np.round(value["spend"] - value["boost_spend"], 2))} if live else {}
    return {
        "整体消耗": files.money(value["spend"]),
        **base,
        "追投调控消耗": files.money(value["boost_spend"]),
        shown: files.counts(value["impressions"]),
        "整体点击次数": files.counts(value["clicks"]),
        "整体点击率": files.percents(files.share(value["clicks"], value["impressions"])),
        "整体转化率": files.percents(files.share(value["orders"], value["clicks"])),
        "整体成交订单数": files.counts(value["orders"]),
        "整体成交金额": files.money(value["gmv"]),
        "净成交金额": files.money(value["net_gmv"]),
        "净成交订单数": files.counts(value["net_orders"]),
        "净成交ROI": files.ratios(files.share(value["net_gmv"], value["spend"])),
        "1小时内退款率": files.percents(files.share(value["gmv"] - value["net_gmv"], value["gmv"])),
        **{f"{day}日结算金额": files.money(value[f"settled_{day}d_gmv"]) for day in (7, 14, 30, 90)},
        "视频播放数": files.counts(value["plays"]),
        "3秒播放率": files.percents(files.share(value["plays_3s"], value["plays"])),
        "5秒播放率": files.percents(files.share(value["plays_5s"], value["plays"])),
        "10秒播放率": files.percents(files.share(value["plays_10s"], value["plays"])),
        "视频完播率": files.percents(files.share(value["finishes"], value["plays"])),
        "平均观看时长": [],
        "视频点赞数": files.counts(value["likes"]),
        "视频评论数": files.counts(value["comments"]),
        "视频分享数": files.counts(value["shares"]),
        "新增粉丝数": files.counts(value["follows"]),
    }


def xlsx_report(seed: int, rows: pd.DataFrame, end: pd.Timestamp) -> tuple[str, bytes]:
    """Name and content of the default XLSX of the material analysis: fifteen columns, no impressions.

    It holds the days of one account's 推直播, with the same values as its CSV.
    """
    first = max(rows["date"].min(), end - pd.Timedelta(days=XLSX_DAYS - 1))
    rows = rows[rows["date"] >= first].sort_values(["date", "creative_id"])
    table = _xlsx_table(rows)
    mark = hashlib.md5(f"{seed} {rows['account_id'].iloc[0]}".encode(), usedforsecurity=False).hexdigest()[:8]
    name = f"全域数据_素材分析_视频_{first:%Y-%m-%d}-{end:%Y-%m-%d}-{mark}.xlsx"
    return name, _workbook(table)


def _xlsx_table(rows: pd.DataFrame) -> dict[str, list[str]]:
    spend, boost = rows["spend"].to_numpy(np.float64), rows["boost_spend"].to_numpy(np.float64)
    gmv, net = rows["gmv"].to_numpy(np.float64), rows["net_gmv"].to_numpy(np.float64)
    return {
        "素材ID": ["全部", *rows["creative_id"]],
        "素材名称": ["-", *rows["name"]],
        "素材创建时间": ["-", *rows["created_at"].dt.strftime("%Y-%m-%d %H:%M:%S")],
        "素材时长": ["-", *files.durations(rows["duration_s"])],
        "素材来源": ["-", *rows["source"]],
        "素材评估": ["-", *rows["label"]],
        "日期": ["全部", *rows["date"].dt.strftime("%Y-%m-%d")],
        "整体消耗": files.money([spend.sum(), *spend]),
        "基础消耗": files.money([(spend - boost).sum(), *np.round(spend - boost, 2)]),
        "追投调控消耗": files.money([boost.sum(), *boost]),
        "整体成交订单数": files.counts([rows["orders"].sum(), *rows["orders"]]),
        "整体成交金额": files.money([gmv.sum(), *gmv]),
        "净成交金额": files.money([net.sum(), *net]),
        "净成交订单数": files.counts([rows["net_orders"].sum(), *rows["net_orders"]]),
        "净成交ROI": files.ratios([net.sum() / spend.sum(), *files.share(net, spend)]),
    }


def _workbook(table: dict[str, list[str]]) -> bytes:
    """Cells as `inlineStr`, as XlsxWriter writes them in constant-memory mode."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"constant_memory": True, "strings_to_numbers": False}) as book:
        book.set_properties({"created": datetime.datetime(2026, 7, 1, 9, 0, 0)})
        sheet = book.add_worksheet("视频")
        sheet.write_row(0, 0, list(table))
        for number, row in enumerate(zip(*table.values()), start=1):
            for column, cell in enumerate(row):
                sheet.write_string(number, column, cell)
    return content.getvalue()


def tag_sheet(seed: int, world: World) -> bytes:
    """The team's tag sheet: CSV in UTF-8 with a byte order mark, one row per creative.

    About 10 % of the creatives are missing (their tags are in the name only), some cells are empty, 投放时间 is
    given for some, and the last rows are creatives that have not run yet.
    """
    generator = stream(seed, "tag sheet")
    running = world.creatives[world.creatives["in_sheet"]]
    rows = pd.concat([running, world.announced], ignore_index=True)
    launched = rows["launched_at"].dt.strftime("%Y-%m-%d %H:%M:%S")
    noted = (generator.random(len(rows)) < 0.3) & (np.arange(len(rows)) < len(running))
    table = rows.assign(
        promotion=[chinese(promotion) for promotion in rows["promotion_type"]],
        launched=launched.where(noted, ""),
        selling_point=rows["selling_point"].str.replace("|", "、"),
        followers=rows["followers"].astype(int),
        price=rows["price"].astype(int),
    )[list(TAG_HEADERS.values())].astype(str)
    for name, share in (("bgm", 0.08), ("viewpoint", 0.05), ("copy_text", 0.04), ("target_roi", 0.03)):
        table[name] = table[name].mask(generator.random(len(table)) < share, "")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(TAG_HEADERS)
    writer.writerows(table.itertuples(index=False))
    return text.getvalue().encode("utf-8-sig")

"""Which files does a team download? Daily CSVs per account and promotion type, and everything beside them."""

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd

from sample import files, formats
from sample.api_report import api_pages
from sample.days import COUNTS, MONEY
from sample.randomness import stream
from sample.tag_sheet import tag_sheet
from sample.world import END, XLSX_ACCOUNT, World, chinese
from sample.xlsx_report import xlsx_report

AIGC = "AIGC动态创意视频素材集合"


def write_exports(seed: int, world: World, days: pd.DataFrame, hours: pd.DataFrame, out: Path) -> dict[str, int]:
    """Writes all export files below `out`; gives each file's size in bytes."""
    contents: dict[str, bytes] = {}
    span = f"{world.start:%Y-%m-%d}-{END:%Y-%m-%d}"
    for (account, promotion), rows in days.groupby(["account_id", "promotion_type"]):
        name = f"{account}/全域推广数据-视频-{chinese(str(promotion))}-{span}.csv"
        contents[name] = _daily_csv(seed, str(promotion), rows)
    account = world.account_ids[XLSX_ACCOUNT]
    rows = days[(days["account_id"] == account) & (days["promotion_type"] == "live")]
    if len(rows):
        name, content = xlsx_report(seed, rows)
        contents[f"{account}/{name}"] = content
    contents |= api_pages(seed, world, hours)
    contents["素材标签表.csv"] = tag_sheet(seed, world)
    files.clear(out)
    files.remember(out, contents)
    for name, content in contents.items():
        files.write(out / name, content)
    return {name: len(content) for name, content in contents.items()}


def _daily_csv(seed: int, promotion: str, rows: pd.DataFrame) -> bytes:
    """GBK text: the total first, a row for all AIGC pieces every tenth day, then creative by creative."""
    rows = pd.concat([_aigc(seed, rows), rows.sort_values(["date", "creative_id"])], ignore_index=True)
    total = rows[COUNTS + MONEY].sum().to_frame().T
    columns = _columns(promotion, pd.concat([total, rows[COUNTS + MONEY]], ignore_index=True))
    watch = formats.share(rows["watch_s"].to_numpy(np.float64), rows["plays"].to_numpy(np.float64))
    known = np.where(rows["watch_missing"] | ~np.isfinite(watch), 0.0, watch)
    columns["平均观看时长"] = [formats.MISSING, *formats.money(known)]
    head = {
        "素材ID": ["全部", *rows["creative_id"]],
        "素材视频名称": ["-", *rows["name"]],
        "素材创建时间": ["-", *(_time(value) for value in rows["created_at"])],
        "素材时长": ["-", *formats.durations(rows["duration_s"].fillna(0))],
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
    """Pieces the platform generates itself: one row for all of them, without an id."""
    account = str(rows["account_id"].iloc[0])
    generator = stream(seed, f"aigc {account} {rows['promotion_type'].iloc[0]}")
    some = rows[rows["date"].dt.day % 10 == 3].drop_duplicates("date").sort_values("date").copy()
    for name in COUNTS + MONEY:
        some[name] = 0.0
    some["impressions"] = generator.integers(20, 900, len(some))
    some["clicks"] = generator.binomial(some["impressions"].to_numpy(np.int64), 0.02)
    some["plays"] = some["impressions"]
    some["plays_3s"] = generator.binomial(some["impressions"].to_numpy(np.int64), 0.25)
    some["spend"] = np.round(generator.gamma(2.0, 9.0, len(some)), 2)
    some["watch_missing"] = True
    some["created_at"] = pd.NaT
    return some.assign(creative_id="-", name=AIGC, duration_s=0.0, source="AIGC", label=formats.MISSING)


def _columns(promotion: str, sums: pd.DataFrame) -> dict[str, list[str]]:
    """Headers as the platform has them, with its ratio columns; the caller fills in the mean watch time."""
    value = {name: sums[name].to_numpy(np.float64) for name in sums.columns}
    live = promotion == "live"
    shown = "整体展现次数" if live else "整体展示次数"
    base = {"基础消耗": formats.money(np.round(value["spend"] - value["boost_spend"], 2))} if live else {}
    return {
        "整体消耗": formats.money(value["spend"]),
        **base,
        "追投调控消耗": formats.money(value["boost_spend"]),
        shown: formats.counts(value["impressions"]),
        "整体点击次数": formats.counts(value["clicks"]),
        "整体点击率": formats.percents(formats.share(value["clicks"], value["impressions"])),
        "整体转化率": formats.percents(formats.share(value["orders"], value["clicks"])),
        "整体成交订单数": formats.counts(value["orders"]),
        "整体成交金额": formats.money(value["gmv"]),
        "净成交金额": formats.money(value["net_gmv"]),
        "净成交订单数": formats.counts(value["net_orders"]),
        "净成交ROI": formats.ratios(formats.share(value["net_gmv"], value["spend"])),
        "1小时内退款率": formats.percents(formats.share(value["gmv"] - value["net_gmv"], value["gmv"])),
        **{f"{day}日结算金额": formats.money(value[f"settled_{day}d_gmv"]) for day in (7, 14, 30, 90)},
        "视频播放数": formats.counts(value["plays"]),
        "3秒播放率": formats.percents(formats.share(value["plays_3s"], value["plays"])),
        "5秒播放率": formats.percents(formats.share(value["plays_5s"], value["plays"])),
        "10秒播放率": formats.percents(formats.share(value["plays_10s"], value["plays"])),
        "视频完播率": formats.percents(formats.share(value["finishes"], value["plays"])),
        "平均观看时长": [],
        "视频点赞数": formats.counts(value["likes"]),
        "视频评论数": formats.counts(value["comments"]),
        "视频分享数": formats.counts(value["shares"]),
        "新增粉丝数": formats.counts(value["follows"]),
    }

"""Write a synthetic world as platform exports: a CSV per account, month and grain, and a tag sheet per account.

Headers and formats are the platform's (GBK, thousand separators, rates with a % sign). Accounts with hourly rows also
get daily files of the same days, as teams download both: loading must resolve the overlap.
"""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from features.schema import KEY

_ATTRIBUTES = {
    "素材ID": "creative_id",
    "素材视频名称": "'TW' || right(creative_id, 6) || '-' || coalesce(tag_hook, '') || '.mp4'",
    "素材创建时间": "strftime(created_at, '%Y-%m-%d %H:%M:%S')",
    "素材时长": "printf('%02d:%02d', CAST(duration_s AS BIGINT) // 60, CAST(duration_s AS BIGINT) % 60)",
    "日期": "strftime(period_start, '%Y-%m-%d')",
}
_HOUR = "strftime(period_start, '%Y-%m-%d %H:00') || ' - ' || strftime(period_end, '%H:00')"
_SHOWN = {"live": "整体展现次数", "product": "整体展示次数"}
_CHINESE = {"live": "推直播", "product": "推商品"}
_SHEET = {
    "素材ID": "creative_id",
    "账户ID": "account_id",
    "推广方式": "promotion_type",
    "商品ID": "product_id",
    "达人ID": "creator_id",
    "达人粉丝数": "creator_followers",
    "类目": "category",
    "价格": "price_cny",
    "文案": "copy_text",
    "开头类型": "tag_hook",
    "场景": "tag_scene",
    "人物": "tag_face",
    "脚本结构": "tag_script",
    "风格": "tag_style",
    "视角": "tag_viewpoint",
    "卖点": "tag_selling_point",
    "人群": "tag_audience",
    "音乐": "tag_bgm",
    "剪辑师": "tag_editor",
}


@dataclass(frozen=True)
class Written:
    """Number of files written, their rows of metrics, and their bytes."""

    files: int
    rows: int
    bytes: int


def write_exports(metrics: pd.DataFrame, creatives: pd.DataFrame, folder: Path) -> Written:
    """Write one folder per account.

    Args:
        metrics: From `scale_world.unchecked_world`, sorted by KEY.
        creatives: From the same call.
        folder: Created if absent.
    """
    files = rows = size = 0
    account_key = KEY[:2]
    by_account = dict(tuple(creatives.groupby(account_key)))
    with duckdb.connect() as connection:
        for account, own in metrics.groupby(account_key, sort=False):
            there = folder / str(account[1])
            there.mkdir(parents=True, exist_ok=True)
            connection.register("own", own)
            connection.register("creatives", by_account[account])
            for path, count in _account(connection, str(account[0]), there):
                files, rows, size = files + 1, rows + count, size + path.stat().st_size
            sheet = by_account[account][list(_SHEET.values())].set_axis(list(_SHEET), axis=1)
            sheet["卖点"] = sheet["卖点"].str.replace("|", "、")
            sheet.to_csv(there / "素材标签表.csv", index=False, encoding="utf-8-sig")
            files, size = files + 1, size + (there / "素材标签表.csv").stat().st_size
    return Written(files, rows, size)


def _account(connection: duckdb.DuckDBPyConnection, promotion: str, folder: Path) -> list[tuple[Path, int]]:
    """Write the files of one account; return each with its number of rows."""
    values = [row[0] for row in connection.execute("DESCRIBE own").fetchall()][len(KEY) + 3 :]
    sums = ", ".join(f"sum({name})" for name in values)
    names = ", ".join(["creative_id", "grain", "period_start", "period_end", *values])
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE rows AS SELECT {names} FROM own UNION ALL "
        "SELECT creative_id, 'day', date_trunc('day', period_start), date_trunc('day', period_start) + INTERVAL 1 DAY, "
        f"{sums} FROM own WHERE grain = 'hour' GROUP BY creative_id, date_trunc('day', period_start)"
    )
    parts = connection.execute(
        "SELECT grain, date_trunc('month', period_start) AS month, count(*) FROM rows GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    found = []
    for grain, month, count in parts:
        first, last = pd.Timestamp(month), pd.Timestamp(month) + pd.offsets.MonthEnd(0)
        report = "分时" if grain == "hour" else "视频"
        path = folder / f"全域推广数据-{report}-{_CHINESE[promotion]}-{first:%Y-%m-%d}-{last:%Y-%m-%d}.csv"
        attributes = {**_ATTRIBUTES, "时间-小时": _HOUR} if grain == "hour" else _ATTRIBUTES
        expressions = {**attributes, **_figures(promotion)}
        columns = ", ".join(f'{expression} AS "{header}"' for header, expression in expressions.items())
        connection.execute(
            f"COPY (SELECT {columns} FROM rows JOIN creatives USING (creative_id) "
            f"WHERE rows.grain = '{grain}' AND date_trunc('month', period_start) = TIMESTAMP '{first}' "
            f"ORDER BY period_start, creative_id) TO '{path}' (HEADER, DELIMITER ',')"
        )
        path.write_bytes(path.read_bytes().decode("utf-8").encode("gbk"))
        found.append((path, int(count)))
    return found


def _figures(promotion: str) -> dict[str, str]:
    """Header of the platform's report → SQL expression that formats its cells."""
    base = {"基础消耗": _money("base_spend_cny")} if promotion == "live" else {}
    return {
        "整体消耗": _money("spend_cny"),
        **base,
        "追投调控消耗": _money("boost_spend_cny"),
        _SHOWN[promotion]: _count("impressions"),
        "整体点击次数": _count("clicks"),
        "整体点击率": _percent("clicks", "impressions"),
        "整体转化率": _percent("orders", "clicks"),
        "整体成交订单数": _count("orders"),
        "整体成交金额": _money("gmv_cny"),
        "净成交金额": _money("net_gmv_cny"),
        "净成交订单数": _count("net_orders"),
        "净成交ROI": _ratio("net_gmv_cny", "spend_cny"),
        "视频播放数": _count("plays"),
        "3秒播放率": _percent("plays_3s", "plays"),
        "5秒播放率": _percent("plays_5s", "plays"),
        "10秒播放率": _percent("plays_10s", "plays"),
        "视频完播率": _percent("finishes", "plays"),
        "平均观看时长": _ratio("watch_s", "plays"),
        "视频点赞数": _count("likes"),
        "视频评论数": _count("comments"),
        "视频分享数": _count("shares"),
        "新增粉丝数": _count("follows"),
    }


def _count(name: str) -> str:
    return f"format('{{:,}}', CAST({name} AS BIGINT))"


def _money(name: str) -> str:
    return f"format('{{:,.2f}}', {name})"


def _ratio(name: str, of: str) -> str:
    return f"CASE WHEN {of} > 0 THEN format('{{:,.2f}}', {name} / {of}) ELSE '--' END"


def _percent(name: str, of: str) -> str:
    return f"CASE WHEN {of} > 0 THEN format('{{:.2f}}', 100 * {name} / {of}) || '%' ELSE '--' END"

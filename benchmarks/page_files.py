"""Files that a person would drop on the page: a tag sheet, and the daily report of those of its creatives that run."""

from pathlib import Path

from features.schema import KEY, Loaded

HEADERS = {
    "creative_id": "素材ID",
    "account_id": "账户ID",
    "promotion_type": "推广方式",
    "date": "日期",
    "impressions": "整体展现次数",
    "clicks": "整体点击次数",
    "spend_cny": "整体消耗",
    "orders": "整体成交订单数",
    "gmv_cny": "整体成交金额",
}
"""Of the daily report; the sheet has canonical names, which its layout knows as well."""


def write_page_files(loaded: Loaded, folder: Path, count: int = 24) -> list[Path]:
    """Write the sheet of creatives that wait and of those that were delivered last, and the report of the latter.

    Args:
        loaded: Data that the model knows.
        folder: Where `sheet.csv` and `report.csv` are written.
        count: Creatives in the sheet; half of them wait, as far as the data have so many.
    """
    last = loaded.metrics.groupby(KEY)["period_end"].max().sort_values(ascending=False, kind="stable")
    creatives = loaded.creatives.set_index(KEY)
    waiting = creatives.index.difference(last.index)[: count // 2]
    running = last.index[: count - len(waiting)]
    sheet = creatives.loc[[*waiting, *running]].dropna(axis="columns", how="all").reset_index()
    sheet = sheet.rename(columns=lambda name: name.removeprefix("tag_"))
    rows = loaded.metrics.set_index(KEY)
    rows = rows[rows.index.isin(running)].reset_index()
    sums = [name for name in HEADERS if name in rows and name not in KEY]
    daily = rows.assign(date=rows["period_start"].dt.date).groupby([*KEY, "date"])[sums].sum().reset_index()
    files = [folder / "sheet.csv", folder / "report.csv"]
    for frame, file in zip((sheet, daily.rename(columns=HEADERS)), files):
        frame.astype(object).to_csv(file, index=False, encoding="utf-8-sig")
    return files

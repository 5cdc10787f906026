"""What can be wrong with a folder of exports: each function spoils one, which has a copy of a sample's daily files.

Arguments: the folder of the plain sample, and the folder to spoil.
"""

import json
import shutil
from pathlib import Path

import pandas as pd

from benchmarks.odd_tables import (
    ID,
    SHEET,
    Rows,
    change_daily,
    copy_daily,
    daily_files,
    each_cell,
    largest_file,
    plain_sample,
    read_rows,
    renamed,
    without,
    write_rows,
    write_workbook,
)

BIG_BYTES = 2_200_000_000
SHORT = {
    "整体展示次数": "展示次数", "整体展现次数": "展示次数", "整体点击次数": "点击次数",
    "整体成交金额": "成交金额", "整体成交订单数": "订单数", "整体消耗": "花费",
}  # fmt: skip
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x01\x00\x00\x00\x01\x00\x08\x06\x00\x00\x00" + bytes(range(256)) * 9
DAY, NAME = "日期", "素材视频名称"


def short_headers(_: Path, folder: Path) -> None:
    """Short headers: 展示次数, 点击次数, 成交金额, 花费."""
    change_daily(folder, renamed(SHORT))


def short_headers_without_type(_: Path, folder: Path) -> None:
    """Short headers, and no promotion type in the file's name."""
    change_daily(folder, lambda rows: without("基础消耗")(renamed(SHORT)(rows)))
    for path in daily_files(folder):
        path.rename(path.with_name(path.name.replace("推直播", "甲").replace("推商品", "乙")))


def misread(_: Path, folder: Path) -> None:
    """Saved in the wrong encoding, nothing lost (ËØ²ÄID)."""
    for path in daily_files(folder):
        path.write_text(path.read_bytes().decode("latin-1"), "utf-8")  # GBK that a program took for Latin-1


def misread_and_lost(_: Path, folder: Path) -> None:
    """Saved in the wrong encoding, characters are lost (绱犳潗ID)."""
    for path in daily_files(folder):
        path.write_text(path.read_text("gbk").encode("utf-8").decode("gbk", "replace").replace("\ufffd", "?"), "utf-8")


def _flatten(folder: Path) -> None:
    for path in daily_files(folder):
        path.rename(folder / f"{path.parent.name[-3:]}-{path.name}")
        if not any(path.parent.iterdir()):
            path.parent.rmdir()


def _sheet_rows(folder: Path) -> Rows:
    return read_rows(folder / SHEET, "utf-8-sig")


def no_account(_: Path, folder: Path) -> None:
    """Exports without account, a sheet with accounts."""
    rows = _sheet_rows(folder)
    seen = pd.Series([row[0] for row in rows]).duplicated(keep=False)
    write_rows(folder / SHEET, [row for row, twice in zip(rows, seen) if not twice], "utf-8-sig")
    _flatten(folder)


def no_account_twice(_: Path, folder: Path) -> None:
    """Exports without account, and one id that stands in two accounts of the sheet."""
    rows = _sheet_rows(folder)
    other = [*rows[1]]
    other[1] = next(row[1] for row in rows[1:] if row[1] != other[1])
    write_rows(folder / SHEET, [*rows, other], "utf-8-sig")
    _flatten(folder)


def no_sheet(_: Path, folder: Path) -> None:
    """Accounts, and no tag sheet."""
    (folder / SHEET).unlink()


def two_encodings(_: Path, folder: Path) -> None:
    """GBK, UTF-8 and UTF-16 in one folder, two of them in one file."""
    for place, path in enumerate(daily_files(folder)):
        text = path.read_text("gbk")
        if place % 3:
            path.write_bytes(text.encode("utf-8-sig" if place % 3 == 1 else "utf-16"))
    path = daily_files(folder)[0]
    lines = path.read_bytes().splitlines(keepends=True)  # pasted together from two programs
    half = len(lines) // 2
    path.write_bytes(b"".join([*lines[:half], *(line.decode("gbk").encode() for line in lines[half:])]))


def excel_ids(_: Path, folder: Path) -> None:
    """Ids that Excel made 7.4E+18."""
    change_daily(folder, each_cell(ID, lambda text: f"{float(text):.2E}"))


def rounded_ids(_: Path, folder: Path) -> None:
    """One file whose ids end in 0000."""
    path = largest_file(folder)
    write_rows(path, each_cell(ID, lambda text: f"{text[:15]}0000")(read_rows(path)))


def header_rows(_: Path, folder: Path) -> None:
    """Two rows above the header, and the header once more."""

    def framed(rows: Rows) -> Rows:
        width = [""] * (len(rows[0]) - 1)
        return [["全域推广素材日报", *width], ["导出时间:2026-07-01 10:00", *width], *rows[:40], rows[0], *rows[40:]]

    change_daily(folder, framed)


def split(_: Path, folder: Path) -> None:
    """An account split over three files that overlap."""
    path = largest_file(folder)
    head, *rows = read_rows(path)
    for place, part in enumerate((rows[:60], rows[40:110], rows[100:])):  # some rows stand in two files
        write_rows(path.with_name(f"推直播-推商品-{place}.csv".replace("推直播-推商品", _type_of(path))), [head, *part])
    path.unlink()


def _type_of(path: Path) -> str:
    return "推直播" if "推直播" in path.name else "推商品"


def with_hours(plain: Path, folder: Path) -> None:
    """Daily and hourly rows of the same days."""
    for path in plain.glob("*/*.json"):
        shutil.copyfile(path, folder / path.relative_to(plain))


def twenty(_: Path, folder: Path) -> None:
    """20 creatives."""
    ids = sorted({row[0] for row in _sheet_rows(folder)[1:]})[:20]
    change_daily(folder, lambda rows: [row for row in rows if row[0] in ids or row[0] == ID])
    write_rows(folder / SHEET, [row for row in _sheet_rows(folder) if row[0] in ids or row[0] == ID], "utf-8-sig")


def short_world(plain: Path, folder: Path) -> None:
    """300 creatives, 45 days."""
    small = plain_sample(plain.parent, 300, 45)
    shutil.rmtree(folder)
    copy_daily(small, folder)


def no_orders(_: Path, folder: Path) -> None:
    """No orders."""
    change_daily(folder, without("整体成交订单数", "整体转化率", "净成交订单数"))


def no_impressions(_: Path, folder: Path) -> None:
    """No impressions."""
    change_daily(folder, without("整体展现次数", "整体展示次数", "整体点击率", "整体千次展现费用"))


def other_sheet(_: Path, folder: Path) -> None:
    """A sheet of another account."""
    rows = _sheet_rows(folder)
    moved = [[f"6{row[0][1:]}", *row[1:]] for row in rows[31:]]  # thirty creatives are the same
    write_rows(folder / SHEET, [*rows[:31], *moved], "utf-8-sig")


def serials(_: Path, folder: Path) -> None:
    """Dates as a spreadsheet's serials."""
    start = pd.Timestamp("1899-12-30")
    change_daily(folder, each_cell(DAY, lambda text: str((pd.Timestamp(text) - start).days)))


def locked(_: Path, folder: Path) -> None:
    """A file that may not be read."""
    largest_file(folder).chmod(0)


def being_written(plain: Path, folder: Path) -> None:
    """Files still being written: a cut XLSX, a CSV cut in a row."""
    path = largest_file(folder)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    book = next(iter(plain.glob("*/*.xlsx")))
    place = folder / book.relative_to(plain)
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(book.read_bytes()[:5_000])


def big(_: Path, folder: Path) -> None:
    """A CSV of 2.2 GB."""
    path = largest_file(folder)
    with path.open("r+b") as file:
        file.truncate(BIG_BYTES)  # sparse: it takes no room on the disk


def empty(_: Path, folder: Path) -> None:
    """An empty folder."""
    shutil.rmtree(folder)
    folder.mkdir()


def absent(_: Path, folder: Path) -> None:
    """A path that does not exist."""
    shutil.rmtree(folder)


def picture(_: Path, folder: Path) -> None:
    """A picture renamed to .csv."""
    (folder / "封面.csv").write_bytes(PNG)


def comprehensive(_: Path, folder: Path) -> None:
    """An export of 乘方 among others."""
    names = {"整体消耗": "综合成本", "净成交ROI": "综合营销ROI"}
    path = largest_file(folder)
    write_rows(path.with_name(f"乘方-{path.name}"), renamed(names)(read_rows(path)))


def saved_answers(plain: Path, folder: Path) -> None:
    """API answers saved as {"materials": …}."""
    for path in plain.glob("*/*.json"):
        page = json.loads(path.read_text("utf-8"))
        rows = [
            {key.title(): {name: {"ValueStr": cell["ValueStr"]} for name, cell in row[key].items()} for key in row}
            for row in page["data"]["rows"]
        ]
        for daily in (folder / path.parent.name).glob("*.csv"):
            daily.unlink()
        (folder / path.parent.name / f"saved-{path.name}").write_text(
            json.dumps({"materials": rows}, ensure_ascii=False), "utf-8"
        )


def summaries(_: Path, folder: Path) -> None:
    """Rows of totals only."""
    change_daily(folder, lambda rows: [row for row in rows if not row[0].isdigit()])


def formulas(_: Path, folder: Path) -> None:
    """Formulas and control characters in names."""
    for path in daily_files(folder):
        rows = each_cell(NAME, lambda text: f'=HYPERLINK("http://x")\x1b[31m\u202e{text}')(read_rows(path))
        write_rows(path, rows, "utf-8-sig")


def duplicates(_: Path, folder: Path) -> None:
    """Every file downloaded twice."""
    for path in daily_files(folder):
        shutil.copyfile(path, path.with_name(f"{path.stem} (1).csv"))


def youtube(_: Path, folder: Path) -> None:
    """A CSV like YouTube's."""
    lines = ["video_id,published,view_count,like_count,channel", "a1,2026-06-01,100,3,x", "b2,2026-06-02,90,2,y"]
    (folder / "videos.csv").write_text("\n".join([*lines, ""]), "utf-8")


def results_in_sheet(_: Path, folder: Path) -> None:
    """A sheet with results pasted in."""
    head, *rows = _sheet_rows(folder)
    pasted = [
        [*row, f"{place % 7}.5", str(place * 3), "爆款" if place % 9 == 0 else "否"] for place, row in enumerate(rows)
    ]
    write_rows(folder / SHEET, [[*head, "ROI", "总消耗(元)", "是否爆款"], *pasted], "utf-8-sig")


def dates_in_sheet(_: Path, folder: Path) -> None:
    """A sheet with a column of days."""
    head, *rows = _sheet_rows(folder)
    write_rows(folder / SHEET, [[*head, DAY], *([*row, "2026-06-01"] for row in rows)], "utf-8-sig")


def report_as_workbook(_: Path, folder: Path) -> None:
    """Daily exports saved as XLSX."""
    for path in daily_files(folder):
        write_workbook(path.with_suffix(".xlsx"), read_rows(path))
        path.unlink()


def rows_of_both_types(_: Path, folder: Path) -> None:
    """Impressions of both promotion types in one file."""
    live = next(path for path in daily_files(folder) if "推直播" in path.name)
    write_rows(live, renamed({"整体点击次数": "整体展示次数"})(read_rows(live)))

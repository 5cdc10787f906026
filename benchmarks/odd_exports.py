"""Folders of export files as people hold them on a bad day: each is made from a small sample, with one thing wrong."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import xlsxwriter

from features.bilingual import Words
from sample.__main__ import main as write_sample

UNTIL = "2026-06-30"
SHEET = "素材标签表.csv"
ID, DAY, NAME = "素材ID", "日期", "素材视频名称"
BIG_BYTES = 2_200_000_000
SHORT = {
    "整体展示次数": "展示次数", "整体展现次数": "展示次数", "整体点击次数": "点击次数",
    "整体成交金额": "成交金额", "整体成交订单数": "订单数", "整体消耗": "花费",
}  # fmt: skip
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x01\x00\x00\x00\x01\x00\x08\x06\x00\x00\x00" + bytes(range(256)) * 9

Make = Callable[[Path, Path], object]
"""Makes one folder: the folder of the plain sample, and the folder to fill, which has a copy of its daily files."""


@dataclass(frozen=True)
class OddInput:
    """One input, and what must be said of it.

    Attributes:
        name: Of the input and its folder.
        about: What it is.
        make: Makes it.
        doctor: Words that must occur in what the doctor says, in both languages.
        exits: Exit codes of doctor and train.
        train: Words that must occur in what train says; default: those of the doctor where it refuses, else the end of
            a run.
        big: Whether it is made only where that is asked for.
        locked: Whether it is read without the right of root to read everything.
    """

    name: str
    about: Words
    make: Make
    doctor: Words
    exits: tuple[int, int]
    train: Words | None = None
    big: bool = False
    locked: bool = False


def plain_sample(folder: Path, creatives: int = 240, days: int = 60, seed: int = 7) -> Path:
    """Write a small sample world; return the folder of its exports."""
    out = folder / f"plain-{creatives}-{days}-{seed}"
    if not out.exists():
        size = ["--creatives", str(creatives), "--days", str(days), "--seed", str(seed), "--until", UNTIL]
        write_sample(["--out", str(out), "--truth", str(folder / "truth.parquet"), *size])
    return out


def make_input(odd: OddInput, plain: Path, folder: Path) -> Path:
    """Make one input in a folder of its name; return the path to give as data."""
    target = folder / odd.name
    if target.exists():
        shutil.rmtree(target)
    _copy_daily(plain, target)
    odd.make(plain, target)
    return target


# Tables


def _copy_daily(plain: Path, target: Path) -> None:
    """Copy the daily files and the tag sheet, without hourly pages and workbook."""
    for path in _daily(plain):
        place = target / path.relative_to(plain)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    shutil.copyfile(plain / SHEET, target / SHEET)


def _daily(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/全域推广数据*.csv"))


def _read(path: Path, encoding: str = "gbk") -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text(encoding))))


def _write(path: Path, rows: Sequence[Sequence[str]], encoding: str = "gbk") -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))


def _change(folder: Path, change: Callable[[list[list[str]]], list[list[str]]]) -> None:
    """Change the rows (the first is the header) of every daily file."""
    for path in _daily(folder):
        _write(path, change(_read(path)))


def _rename(names: Mapping[str, str]) -> Callable[[list[list[str]]], list[list[str]]]:
    return lambda rows: [[names.get(cell, cell) for cell in rows[0]], *rows[1:]]


def _without(*headers: str) -> Callable[[list[list[str]]], list[list[str]]]:
    def drop(rows: list[list[str]]) -> list[list[str]]:
        kept = [place for place, cell in enumerate(rows[0]) if cell not in headers]
        return [[row[place] for place in kept] for row in rows]

    return drop


def _each(header: str, change: Callable[[str], str]) -> Callable[[list[list[str]]], list[list[str]]]:
    """Change the cells of one column in the rows of creatives."""

    def changed(rows: list[list[str]]) -> list[list[str]]:
        place, key = rows[0].index(header), rows[0].index(ID)
        for row in rows[1:]:
            if row[key].isdigit():
                row[place] = change(row[place])
        return rows

    return changed


def _workbook(path: Path, rows: Sequence[Sequence[object]]) -> None:
    with xlsxwriter.Workbook(path, {"strings_to_numbers": False, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)


def _first(folder: Path) -> Path:
    return max(_daily(folder), key=lambda path: path.stat().st_size)


# What is wrong


def _short_headers(_: Path, folder: Path) -> None:
    _change(folder, _rename(SHORT))


def _short_headers_without_type(_: Path, folder: Path) -> None:
    _change(folder, lambda rows: _without("基础消耗")(_rename(SHORT)(rows)))
    for path in _daily(folder):
        path.rename(path.with_name(path.name.replace("推直播", "甲").replace("推商品", "乙")))


def _misread(_: Path, folder: Path) -> None:
    for path in _daily(folder):
        path.write_text(path.read_bytes().decode("latin-1"), "utf-8")  # GBK that a program took for Latin-1


def _misread_and_lost(_: Path, folder: Path) -> None:
    for path in _daily(folder):
        path.write_text(path.read_text("gbk").encode("utf-8").decode("gbk", "replace").replace("\ufffd", "?"), "utf-8")


def _flatten(folder: Path) -> None:
    for path in _daily(folder):
        path.rename(folder / f"{path.parent.name[-3:]}-{path.name}")
        if not any(path.parent.iterdir()):
            path.parent.rmdir()


def _sheet_rows(folder: Path) -> list[list[str]]:
    return _read(folder / SHEET, "utf-8-sig")


def _no_account(_: Path, folder: Path) -> None:
    rows = _sheet_rows(folder)
    seen = pd.Series([row[0] for row in rows]).duplicated(keep=False)
    _write(folder / SHEET, [row for row, twice in zip(rows, seen) if not twice], "utf-8-sig")
    _flatten(folder)


def _no_account_twice(_: Path, folder: Path) -> None:
    rows = _sheet_rows(folder)
    other = [*rows[1]]
    other[1] = next(row[1] for row in rows[1:] if row[1] != other[1])
    _write(folder / SHEET, [*rows, other], "utf-8-sig")
    _flatten(folder)


def _no_sheet(_: Path, folder: Path) -> None:
    (folder / SHEET).unlink()


def _two_encodings(_: Path, folder: Path) -> None:
    for place, path in enumerate(_daily(folder)):
        text = path.read_text("gbk")
        if place % 3:
            path.write_bytes(text.encode("utf-8-sig" if place % 3 == 1 else "utf-16"))
    path = _daily(folder)[0]
    lines = path.read_bytes().splitlines(keepends=True)  # pasted together from two programs
    half = len(lines) // 2
    path.write_bytes(b"".join([*lines[:half], *(line.decode("gbk").encode() for line in lines[half:])]))


def _excel_ids(_: Path, folder: Path) -> None:
    _change(folder, _each(ID, lambda text: f"{float(text):.2E}"))


def _rounded_ids(_: Path, folder: Path) -> None:
    path = _first(folder)
    _write(path, _each(ID, lambda text: f"{text[:15]}0000")(_read(path)))


def _header_rows(_: Path, folder: Path) -> None:
    def framed(rows: list[list[str]]) -> list[list[str]]:
        width = [""] * (len(rows[0]) - 1)
        return [["全域推广素材日报", *width], ["导出时间:2026-07-01 10:00", *width], *rows[:40], rows[0], *rows[40:]]

    _change(folder, framed)


def _split(_: Path, folder: Path) -> None:
    path = _first(folder)
    head, *rows = _read(path)
    for place, part in enumerate((rows[:60], rows[40:110], rows[100:])):  # some rows stand in two files
        _write(path.with_name(f"推直播-推商品-{place}.csv".replace("推直播-推商品", _type_of(path))), [head, *part])
    path.unlink()


def _type_of(path: Path) -> str:
    return "推直播" if "推直播" in path.name else "推商品"


def _with_hours(plain: Path, folder: Path) -> None:
    for path in plain.glob("*/*.json"):
        shutil.copyfile(path, folder / path.relative_to(plain))


def _twenty(_: Path, folder: Path) -> None:
    ids = sorted({row[0] for row in _sheet_rows(folder)[1:]})[:20]
    _change(folder, lambda rows: [row for row in rows if row[0] in ids or row[0] == ID])
    _write(folder / SHEET, [row for row in _sheet_rows(folder) if row[0] in ids or row[0] == ID], "utf-8-sig")


def _short_world(plain: Path, folder: Path) -> None:
    small = plain_sample(plain.parent, 300, 45)
    shutil.rmtree(folder)
    _copy_daily(small, folder)


def _no_orders(_: Path, folder: Path) -> None:
    _change(folder, _without("整体成交订单数", "整体转化率", "净成交订单数"))


def _no_impressions(_: Path, folder: Path) -> None:
    _change(folder, _without("整体展现次数", "整体展示次数", "整体点击率", "整体千次展现费用"))


def _other_sheet(_: Path, folder: Path) -> None:
    rows = _sheet_rows(folder)
    moved = [[f"6{row[0][1:]}", *row[1:]] for row in rows[31:]]  # thirty creatives are the same
    _write(folder / SHEET, [*rows[:31], *moved], "utf-8-sig")


def _serials(_: Path, folder: Path) -> None:
    start = pd.Timestamp("1899-12-30")
    _change(folder, _each(DAY, lambda text: str((pd.Timestamp(text) - start).days)))


def _locked(_: Path, folder: Path) -> None:
    _first(folder).chmod(0)


def _being_written(plain: Path, folder: Path) -> None:
    path = _first(folder)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    book = next(iter(plain.glob("*/*.xlsx")))
    place = folder / book.relative_to(plain)
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(book.read_bytes()[:5_000])


def _big(_: Path, folder: Path) -> None:
    path = _first(folder)
    with path.open("r+b") as file:
        file.truncate(BIG_BYTES)  # sparse: it takes no room on the disk


def _empty(_: Path, folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def _absent(_: Path, folder: Path) -> None:
    shutil.rmtree(folder)


def _picture(_: Path, folder: Path) -> None:
    (folder / "封面.csv").write_bytes(PNG)


def _comprehensive(_: Path, folder: Path) -> None:
    names = {"整体消耗": "综合成本", "净成交ROI": "综合营销ROI"}
    path = _first(folder)
    _write(path.with_name(f"乘方-{path.name}"), _rename(names)(_read(path)))


def _saved_answers(plain: Path, folder: Path) -> None:
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


def _summaries(_: Path, folder: Path) -> None:
    _change(folder, lambda rows: [row for row in rows if not row[0].isdigit()])


def _formulas(_: Path, folder: Path) -> None:
    for path in _daily(folder):
        rows = _each(NAME, lambda text: f'=HYPERLINK("http://x")\x1b[31m\u202e{text}')(_read(path))
        _write(path, rows, "utf-8-sig")


def _duplicates(_: Path, folder: Path) -> None:
    for path in _daily(folder):
        shutil.copyfile(path, path.with_name(f"{path.stem} (1).csv"))


def _youtube(_: Path, folder: Path) -> None:
    lines = ["video_id,published,view_count,like_count,channel", "a1,2026-06-01,100,3,x", "b2,2026-06-02,90,2,y"]
    (folder / "videos.csv").write_text("\n".join([*lines, ""]), "utf-8")


def _results_in_sheet(_: Path, folder: Path) -> None:
    head, *rows = _sheet_rows(folder)
    pasted = [
        [*row, f"{place % 7}.5", str(place * 3), "爆款" if place % 9 == 0 else "否"] for place, row in enumerate(rows)
    ]
    _write(folder / SHEET, [[*head, "ROI", "总消耗(元)", "是否爆款"], *pasted], "utf-8-sig")


def _dates_in_sheet(_: Path, folder: Path) -> None:
    head, *rows = _sheet_rows(folder)
    _write(folder / SHEET, [[*head, DAY], *([*row, "2026-06-01"] for row in rows)], "utf-8-sig")


def _report_as_workbook(_: Path, folder: Path) -> None:
    for path in _daily(folder):
        _workbook(path.with_suffix(".xlsx"), _read(path))
        path.unlink()


def _rows_of_both_types(_: Path, folder: Path) -> None:
    live = next(path for path in _daily(folder) if "推直播" in path.name)
    _write(live, _rename({"整体点击次数": "整体展示次数"})(_read(live)))


NO_GPM = Words("推直播    GPM    ✗", "live     GPM      ✗")
TOO_LITTLE = Words("训练数据太少", "Too little training data")
END = Words("能用来做什么", "What it can be used for")
ENOUGH = Words("可以训练小模型", "A small model can be trained")


def odd_inputs() -> Iterator[OddInput]:
    """Give every input."""
    yield OddInput(
        "short-headers",
        Words("短表头:展示次数、点击次数、成交金额、花费", "short headers: 展示次数, 点击次数, 成交金额, 花费"),
        _short_headers,
        Words("当作“整体展现次数”", "taken for 整体展现次数"),
        (0, 0),
    )
    yield OddInput(
        "short-headers-no-type",
        Words("短表头,文件名里也没有推广方式", "short headers, and no promotion type in the file's name"),
        _short_headers_without_type,
        Words("看不出推广方式", "no sign of the promotion type"),
        (2, 2),
    )
    yield OddInput(
        "misread",
        Words("存错编码,没有丢字符(ËØ²ÄID)", "saved in the wrong encoding, nothing lost (ËØ²ÄID)"),
        _misread,
        Words("文字编码有误,已修复", "It was repaired and read"),
        (0, 0),
    )
    yield OddInput(
        "misread-lost",
        Words("存错编码,字符已丢失(绱犳潗ID)", "saved in the wrong encoding, characters are lost (绱犳潗ID)"),
        _misread_and_lost,
        Words("文字存错了编码,字符已丢失", "characters were lost"),
        (2, 2),
    )
    yield OddInput(
        "no-account",
        Words("导出没有账户,标签表有", "exports without account, a sheet with accounts"),
        _no_account,
        Words("个素材按标签表归户", "creatives got theirs from the tag sheet"),
        (0, 0),
    )
    yield OddInput(
        "no-account-twice",
        Words("同上,一个素材ID属于两个账户", "the same, one id stands in two accounts"),
        _no_account_twice,
        Words("个素材的账户不明", "creatives whose account is not known"),
        (2, 2),
    )
    yield OddInput(
        "no-sheet",
        Words("有账户,没有标签表", "accounts, and no tag sheet"),
        _no_sheet,
        Words("没有标签表(标签只来自素材名称)", "There is no tag sheet"),
        (0, 0),
    )
    yield OddInput(
        "two-encodings",
        Words(
            "一个文件夹里有 GBK、UTF-8、UTF-16,一个文件里有两种",
            "GBK, UTF-8 and UTF-16 in one folder, two of them in one file",
        ),
        _two_encodings,
        Words("文字编码有误,已修复", "It was repaired and read"),
        (0, 0),
    )
    yield OddInput(
        "excel-ids",
        Words("Excel 把素材ID变成 7.4E+18", "ids that Excel made 7.4E+18"),
        _excel_ids,
        Words("ID 丢了数字", "ids that lost digits"),
        (2, 2),
    )
    yield OddInput(
        "rounded-ids",
        Words("一个文件的素材ID以 0000 结尾", "one file whose ids end in 0000"),
        _rounded_ids,
        Words("ID 丢了数字", "ids that lost digits"),
        (0, 0),
    )
    yield OddInput(
        "header-rows",
        Words("表头上面有两行标题,中间又有一次表头", "two rows above the header, and the header once more"),
        _header_rows,
        ENOUGH,
        (0, 0),
    )
    yield OddInput(
        "split-account",
        Words("一个账户分成三个文件,有重叠", "an account split over three files that overlap"),
        _split,
        ENOUGH,
        (0, 0),
    )
    yield OddInput(
        "daily-and-hourly",
        Words("日报和小时报时间重叠", "daily and hourly rows of the same days"),
        _with_hours,
        Words("与小时行重叠", "cover the same time as hourly rows"),
        (0, 0),
    )
    yield OddInput(
        "twenty",
        Words("只有 20 个素材", "20 creatives"),
        _twenty,
        Words("数据还不够", "There is too little yet"),
        (1, 2),
        TOO_LITTLE,
    )
    yield OddInput("short-world", Words("300 个素材、45 天", "300 creatives, 45 days"), _short_world, ENOUGH, (0, 0))
    yield OddInput(
        "no-orders",
        Words("没有订单数", "no orders"),
        _no_orders,
        Words("“转化”这一步不能预测", "the step “orders per click” cannot be predicted"),
        (0, 0),
    )
    yield OddInput("no-impressions", Words("没有展现次数", "no impressions"), _no_impressions, NO_GPM, (0, 0))
    yield OddInput(
        "other-sheet",
        Words("别的账户的标签表", "a sheet of another account"),
        _other_sheet,
        Words("标签表对不上", "The tag sheet does not join"),
        (2, 2),
    )
    yield OddInput(
        "serial-dates", Words("日期是 Excel 序列号", "dates as a spreadsheet's serials"), _serials, ENOUGH, (0, 0)
    )
    yield OddInput(
        "locked",
        Words("没有读取权限的文件", "a file that may not be read"),
        _locked,
        Words("打不开", "cannot be opened"),
        (0, 0),
        locked=True,
    )
    yield OddInput(
        "being-written",
        Words("还在写的文件:XLSX 被截断,CSV 断在行中", "files still being written: a cut XLSX, a CSV cut in a row"),
        _being_written,
        Words("断掉或损坏", "cut off or damaged"),
        (0, 0),
    )
    yield OddInput(
        "big", Words("2.2 GB 的 CSV", "a CSV of 2.2 GB"), _big, Words("文件太大", "at most 2 GB"), (0, 0), big=True
    )
    yield OddInput("empty", Words("空文件夹", "an empty folder"), _empty, Words("里面是空的", "found nothing"), (2, 2))
    yield OddInput(
        "absent",
        Words("路径不存在", "a path that does not exist"),
        _absent,
        Words("没有这个文件或文件夹", "no such file or folder"),
        (2, 2),
    )
    yield OddInput(
        "picture",
        Words("图片改名为 .csv", "a picture renamed to .csv"),
        _picture,
        Words("图片、视频或 PDF", "a picture, a video or a PDF"),
        (0, 0),
    )
    yield OddInput(
        "comprehensive",
        Words("乘方导出混在里面", "an export of 乘方 among others"),
        _comprehensive,
        Words("两种口径把同一笔消耗记在不同的行上", "attributed to other rows"),
        (0, 0),
    )
    yield OddInput(
        "saved-answers",
        Words('网页工具存下的 {"materials": …}', 'API answers saved as {"materials": …}'),
        _saved_answers,
        ENOUGH,
        (0, 0),
    )
    yield OddInput(
        "summaries",
        Words("只有汇总行", "rows of totals only"),
        _summaries,
        Words("没有读到任何效果数据", "No metrics were read"),
        (2, 2),
    )
    yield OddInput(
        "formulas",
        Words("素材名称里有公式和控制字符", "formulas and control characters in names"),
        _formulas,
        ENOUGH,
        (0, 0),
    )
    yield OddInput(
        "duplicates",
        Words("每个文件下载了两次", "every file downloaded twice"),
        _duplicates,
        Words("与别的文件内容相同", "copies of others"),
        (0, 0),
    )
    yield OddInput(
        "youtube",
        Words("像 YouTube 的 CSV", "a CSV like YouTube's"),
        _youtube,
        Words("不认识的表格", "no known layout"),
        (0, 0),
    )
    yield OddInput(
        "results-in-sheet",
        Words("标签表里贴了结果", "a sheet with results pasted in"),
        _results_in_sheet,
        Words("有表示结果的列", "columns that state an outcome"),
        (0, 0),
    )
    yield OddInput(
        "dates-in-sheet",
        Words("标签表里有日期列", "a sheet with a column of days"),
        _dates_in_sheet,
        Words("不应有 日期", "no column 日期"),
        (2, 2),
    )
    yield OddInput(
        "workbooks", Words("日报存成 XLSX", "daily exports saved as XLSX"), _report_as_workbook, ENOUGH, (0, 0)
    )
    yield OddInput(
        "both-types",
        Words("一个文件里有推直播和推商品的展现", "impressions of both promotion types in one file"),
        _rows_of_both_types,
        Words("一个文件里有几种推广方式", "impressions of several promotion types"),
        (0, 0),
    )

"""Folders of export files as people hold them on a bad day: each is made from a small sample, with one thing wrong."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import odd_folders as spoilt
from benchmarks.odd_tables import copy_daily
from features.bilingual import Words

Make = Callable[[Path, Path], None]
"""Spoils one folder (`benchmarks.odd_folders`)."""


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


def make_input(odd: OddInput, plain: Path, folder: Path) -> Path:
    """Make one input in a folder of its name; return the path to give as data."""
    target = folder / odd.name
    if target.exists():
        shutil.rmtree(target)
    copy_daily(plain, target)
    odd.make(plain, target)
    return target


NO_GPM = Words("推直播    GPM    ✗", "live     GPM      ✗")
TOO_LITTLE = Words("训练数据太少", "Too little training data")
END = Words("能用来做什么", "What it can be used for")
ENOUGH = Words("可以训练小模型", "A small model can be trained")


def odd_inputs() -> Iterator[OddInput]:
    """Give every input."""
    yield OddInput(
        "short-headers",
        Words("短表头：展示次数、点击次数、成交金额、花费", "short headers: 展示次数, 点击次数, 成交金额, 花费"),
        spoilt.short_headers,
        Words("当作“整体展现次数”", "taken for 整体展现次数"),
        (0, 0),
    )
    yield OddInput(
        "short-headers-no-type",
        Words("短表头，文件名里也没有推广方式", "short headers, and no promotion type in the file's name"),
        spoilt.short_headers_without_type,
        Words("看不出推广方式", "no sign of the promotion type"),
        (2, 2),
    )
    yield OddInput(
        "misread",
        Words("存错编码，没有丢字符（ËØ²ÄID）", "saved in the wrong encoding, nothing lost (ËØ²ÄID)"),
        spoilt.misread,
        Words("文字编码有误，已修复", "It was repaired and read"),
        (0, 0),
    )
    yield OddInput(
        "misread-lost",
        Words("存错编码，字符已丢失（绱犳潗ID）", "saved in the wrong encoding, characters are lost (绱犳潗ID)"),
        spoilt.misread_and_lost,
        Words("文字存错了编码，字符已丢失", "characters were lost"),
        (2, 2),
    )
    yield OddInput(
        "no-account",
        Words("导出没有账户，标签表有", "exports without account, a sheet with accounts"),
        spoilt.no_account,
        Words("个素材按标签表归户", "creatives got theirs from the tag sheet"),
        (0, 0),
    )
    yield OddInput(
        "no-account-twice",
        Words("同上，一个素材ID属于两个账户", "the same, one id stands in two accounts"),
        spoilt.no_account_twice,
        Words("个素材的账户不明", "creatives whose account is not known"),
        (2, 2),
    )
    yield OddInput(
        "no-sheet",
        Words("有账户，没有标签表", "accounts, and no tag sheet"),
        spoilt.no_sheet,
        Words("没有标签表（标签只来自素材名称）", "There is no tag sheet"),
        (0, 0),
    )
    yield OddInput(
        "two-encodings",
        Words(
            "一个文件夹里有 GBK、UTF-8、UTF-16，一个文件里有两种",
            "GBK, UTF-8 and UTF-16 in one folder, two of them in one file",
        ),
        spoilt.two_encodings,
        Words("文字编码有误，已修复", "It was repaired and read"),
        (0, 0),
    )
    yield OddInput(
        "excel-ids",
        Words("Excel 把素材ID变成 7.4E+18", "ids that Excel made 7.4E+18"),
        spoilt.excel_ids,
        Words("ID 丢了数字", "ids that lost digits"),
        (2, 2),
    )
    yield OddInput(
        "rounded-ids",
        Words("一个文件的素材ID以 0000 结尾", "one file whose ids end in 0000"),
        spoilt.rounded_ids,
        Words("ID 丢了数字", "ids that lost digits"),
        (0, 0),
    )
    yield OddInput(
        "header-rows",
        Words("表头上面有两行标题，中间又有一次表头", "two rows above the header, and the header once more"),
        spoilt.header_rows,
        ENOUGH,
        (0, 0),
    )
    yield OddInput(
        "split-account",
        Words("一个账户分成三个文件，有重叠", "an account split over three files that overlap"),
        spoilt.split,
        ENOUGH,
        (0, 0),
    )
    yield OddInput(
        "daily-and-hourly",
        Words("日报和小时报时间重叠", "daily and hourly rows of the same days"),
        spoilt.with_hours,
        Words("与小时行重叠", "cover the same time as hourly rows"),
        (0, 0),
    )
    yield OddInput(
        "twenty",
        Words("只有 20 个素材", "20 creatives"),
        spoilt.twenty,
        Words("数据还不够", "There is too little yet"),
        (1, 2),
        TOO_LITTLE,
    )
    yield OddInput(
        "short-world", Words("300 个素材、45 天", "300 creatives, 45 days"), spoilt.short_world, ENOUGH, (0, 0)
    )
    yield OddInput(
        "no-orders",
        Words("没有订单数", "no orders"),
        spoilt.no_orders,
        Words("“转化”这一步不能预测", "the step “orders per click” cannot be predicted"),
        (0, 0),
    )
    yield OddInput("no-impressions", Words("没有展现次数", "no impressions"), spoilt.no_impressions, NO_GPM, (0, 0))
    yield OddInput(
        "other-sheet",
        Words("别的账户的标签表", "a sheet of another account"),
        spoilt.other_sheet,
        Words("标签表对不上", "The tag sheet does not join"),
        (2, 2),
    )
    yield OddInput(
        "serial-dates", Words("日期是 Excel 序列号", "dates as a spreadsheet's serials"), spoilt.serials, ENOUGH, (0, 0)
    )
    yield OddInput(
        "locked",
        Words("没有读取权限的文件", "a file that may not be read"),
        spoilt.locked,
        Words("打不开", "cannot be opened"),
        (0, 0),
        locked=True,
    )
    yield OddInput(
        "being-written",
        Words("还在写的文件：XLSX 被截断，CSV 断在行中", "files still being written: a cut XLSX, a CSV cut in a row"),
        spoilt.being_written,
        Words("断掉或损坏", "cut off or damaged"),
        (0, 0),
    )
    yield OddInput(
        "big",
        Words("2.2 GB 的 CSV", "a CSV of 2.2 GB"),
        spoilt.big,
        Words("文件太大", "at most 2 GB"),
        (0, 0),
        big=True,
    )
    yield OddInput(
        "empty", Words("空文件夹", "an empty folder"), spoilt.empty, Words("里面是空的", "found nothing"), (2, 2)
    )
    yield OddInput(
        "absent",
        Words("路径不存在", "a path that does not exist"),
        spoilt.absent,
        Words("没有这个文件或文件夹", "no such file or folder"),
        (2, 2),
    )
    yield OddInput(
        "picture",
        Words("图片改名为 .csv", "a picture renamed to .csv"),
        spoilt.picture,
        Words("图片、视频或 PDF", "a picture, a video or a PDF"),
        (0, 0),
    )
    yield OddInput(
        "comprehensive",
        Words("乘方导出混在里面", "an export of 乘方 among others"),
        spoilt.comprehensive,
        Words("两种口径把同一笔消耗记在不同的行上", "attributed to other rows"),
        (0, 0),
    )
    yield OddInput(
        "saved-answers",
        Words('网页工具存下的 {"materials": …}', 'API answers saved as {"materials": …}'),
        spoilt.saved_answers,
        ENOUGH,
        (0, 0),
    )
    yield OddInput(
        "summaries",
        Words("只有汇总行", "rows of totals only"),
        spoilt.summaries,
        Words("没有读到任何效果数据", "No metrics were read"),
        (2, 2),
    )
    yield OddInput(
        "formulas",
        Words("素材名称里有公式和控制字符", "formulas and control characters in names"),
        spoilt.formulas,
        ENOUGH,
        (0, 0),
    )
    yield OddInput(
        "duplicates",
        Words("每个文件下载了两次", "every file downloaded twice"),
        spoilt.duplicates,
        Words("与别的文件内容相同", "copies of others"),
        (0, 0),
    )
    yield OddInput(
        "youtube",
        Words("像 YouTube 的 CSV", "a CSV like YouTube's"),
        spoilt.youtube,
        Words("不认识的表格", "no known layout"),
        (0, 0),
    )
    yield OddInput(
        "results-in-sheet",
        Words("标签表里贴了结果", "a sheet with results pasted in"),
        spoilt.results_in_sheet,
        Words("有表示结果的列", "columns that state an outcome"),
        (0, 0),
    )
    yield OddInput(
        "dates-in-sheet",
        Words("标签表里有日期列", "a sheet with a column of days"),
        spoilt.dates_in_sheet,
        Words("不应有 日期", "no column 日期"),
        (2, 2),
    )
    yield OddInput(
        "workbooks", Words("日报存成 XLSX", "daily exports saved as XLSX"), spoilt.report_as_workbook, ENOUGH, (0, 0)
    )
    yield OddInput(
        "both-types",
        Words("一个文件里有推直播和推商品的展现", "impressions of both promotion types in one file"),
        spoilt.rows_of_both_types,
        Words("一个文件里有几种推广方式", "impressions of several promotion types"),
        (0, 0),
    )

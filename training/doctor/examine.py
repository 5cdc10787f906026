"""Examine data before anything is fitted: all problems at once, and whether the data suffice to train."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pandas as pd

from configs.settings import BASES, Settings
from features.attributes import promotion_type_label
from features.bilingual import Words, series
from features.funnel import build_funnel
from features.garbage_collector import no_collection
from features.readers.encodings import misread
from features.readers.find_files import find_files
from features.readers.keys import UNNAMED
from features.readers.layouts import load_layouts
from features.readers.survey import FileSurvey, survey_file
from features.schema import KEY, ExportRead, Loaded
from features.stages import CLICK, COST, HOLD, ORDER, Stage
from features.store.connection import ATTRIBUTE_KEY, NATURAL_KEY
from features.store.duckdb_store import open_store
from features.store.joins import Joins, joins_of
from features.store.load import load
from features.store.status import AccountSummary, account_summaries
from features.targets import GPM, NET_GPM, NET_ROI, ROI, Target
from training.data.tag_coverage import TagCoverage, tag_coverage
from training.decision.unknown_ids import KnownIds, UnknownIds, unknown_ids
from training.doctor.amounts import Amounts, amounts

MOST_BYTES = 200_000_000
"""Of larger data only the first rows of large text files are read, so that the answer takes seconds."""
LEAST_BYTES = 16_000_000
"""Of each file at least this much is read."""
TARGETS_SHOWN = (GPM, NET_GPM, ROI, NET_ROI)
STAGES_SHOWN = (HOLD, CLICK, ORDER, COST)
"""Stages of which it is said that columns are missing; what the others need is said with the targets."""

OnFile = Callable[[int, int, Path], None]
"""Called before each file with the number of files done, of all files, and the file."""


@dataclass(frozen=True)
class TargetNeeds:
    """What one target needs in one promotion type.

    Attributes:
        promotion_type: The type.
        target: The target.
        available: Whether its columns are there.
        needed: Value columns that it needs.
        missing: Those that are missing.
    """

    promotion_type: str
    target: Target
    available: bool
    needed: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class StageNeeds:
    """A step of the funnel that the columns of one promotion type do not allow: stage, and the columns it needs."""

    promotion_type: str
    stage: Stage
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Diagnosis:
    """What the data hold, and what is wrong with them.

    Attributes:
        files: Every file.
        joins: How accounts, metrics and tag sheet fit; None without any metrics.
        accounts: Rows, creatives and days of each account and promotion type.
        needs: What the targets need and have.
        tagged: How many creatives carry tags; None without metrics.
        amounts: How much there is against how much is needed; None without metrics.
        faults: What stops a training run until it is corrected.
        stages: Steps of the funnel that are not possible.
        copies: Files whose content another file has too.
        days_replaced: Days of a creative whose hours stand in their place.
        without_account: Creatives of the sheet without metrics whose account or promotion type is not known.
        unknown: Accounts, products and KOCs that the model of these data does not know.
    """

    files: tuple[FileSurvey, ...]
    joins: Joins | None
    accounts: tuple[AccountSummary, ...]
    needs: tuple[TargetNeeds, ...]
    tagged: TagCoverage | None
    amounts: Amounts | None
    faults: tuple[Words, ...]
    stages: tuple[StageNeeds, ...] = ()
    copies: int = 0
    days_replaced: int = 0
    without_account: int = 0
    unknown: tuple[UnknownIds, ...] = ()

    @property
    def exit_code(self) -> int:
        """0: training is possible; 1: there is too little data yet; 2: something must be corrected first."""
        if self.faults:
            return 2
        return 1 if self.amounts is None or self.amounts.stage == "none" else 0


@no_collection()
def examine(
    data: Sequence[str],
    settings: Settings,
    on_file: OnFile = lambda done, total, path: None,
    *,
    without_tags: bool = False,
    known_ids: KnownIds | None = None,
) -> Diagnosis:
    """Examine export files; nothing is written but a store in a temporary folder.

    Args:
        data: Files, folders and patterns.
        settings: Of the run.
        on_file: Progress callback.
        without_tags: A tag sheet that does not join, or may be unread, is no fault.
        known_ids: Accounts, products and KOCs of the data of a model, where there is one.

    Raises:
        InputError: There are no such files.
    """
    paths, layouts = find_files(list(data)), load_layouts(settings)
    now = datetime.now(ZoneInfo(settings.time_zone)).replace(tzinfo=None)
    most = max(LEAST_BYTES, MOST_BYTES // len(paths)) if sum(map(_size, paths)) > MOST_BYTES else None
    files = []
    for done, path in enumerate(paths):
        on_file(done, len(paths), path)
        files.append(survey_file(path, settings, layouts, now=now, most=most))
    with TemporaryDirectory(prefix="gpmcast-doctor-") as folder, open_store(Path(folder) / "store.duckdb") as store:
        with store.transaction():
            for read in _few_reads([file.read for file in files if file.read is not None and not file.unusable]):
                store.add(read)
        if not store.count("metrics"):
            return Diagnosis(
                tuple(files), None, (), (), None, None, _faults(files, None, (), without_tags=without_tags)
            )
        joins, accounts = joins_of(store, settings), account_summaries(store)
        loaded = load(store, settings, check=False)
    needs, stages = _needs(files, settings)
    hashes = [file.read.sha256 for file in files if file.read is not None]
    return Diagnosis(
        files=tuple(replace(file, read=None) for file in files),
        joins=joins,
        accounts=accounts,
        needs=needs,
        tagged=tag_coverage(loaded.creatives, loaded.metrics[KEY]),
        amounts=_amounts(loaded, settings),
        faults=_faults(files, joins, needs, without_tags=without_tags),
        stages=stages,
        copies=len(hashes) - len(set(hashes)),
        days_replaced=loaded.notes.get("days_replaced_by_hours", 0),
        without_account=loaded.notes.get("announced_without_account", 0),
        unknown=tuple(unknown_ids(loaded.creatives, known_ids or {})),
    )


def _size(path: Path) -> int:
    """Return the size of a file in bytes; 0 if it is not there, which its survey reports."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _few_reads(reads: Sequence[ExportRead]) -> list[ExportRead]:
    """Join the reads of one layout into one, since every import has its price; the newest value wins.

    A sheet, and metrics without an account, stay apart: what is wrong with them is said of their file.
    """
    joined: dict[str, list[ExportRead]] = {}
    for read in reads:
        joined.setdefault(read.path if _apart(read) else read.source, []).append(read)
    return [_joined(alike) for alike in joined.values()]


def _apart(read: ExportRead) -> bool:
    return bool(read.metrics.empty or (read.metrics["account_id"] == UNNAMED).any())


def _joined(reads: Sequence[ExportRead]) -> ExportRead:
    if len(reads) == 1:
        return reads[0]
    metrics = pd.concat([read.metrics for read in reads], ignore_index=True)
    if metrics.duplicated(NATURAL_KEY).any():
        metrics = metrics.groupby(NATURAL_KEY, sort=False, as_index=False).last()
    attributes = pd.concat([read.attributes for read in reads], ignore_index=True)
    attributes = attributes.drop_duplicates(ATTRIBUTE_KEY, keep="last", ignore_index=True)
    return replace(reads[0], metrics=metrics, attributes=attributes, problems=[], rows=None)


def _amounts(loaded: Loaded, settings: Settings) -> Amounts | None:
    exposed = [name for name in ("impressions", "spend_cny") if name in loaded.metrics]
    return amounts(loaded, settings) if exposed else None


def _faults(
    files: Sequence[FileSurvey], joins: Joins | None, needs: Sequence[TargetNeeds], *, without_tags: bool
) -> tuple[Words, ...]:
    """Return what stops a training run until it is corrected."""
    # Of files that were read in part the ids are not all known.
    without_tags = without_tags or any(file.cut for file in files)
    faults = [] if joins is None else joins.faults(without_tags=without_tags)
    if joins is None:
        faults.append(NO_METRICS)
    if joins is not None and not without_tags and (lost := _unread_sheets(files)):
        faults.append(_unread(lost))
    by_type: dict[str, list[str]] = {need.promotion_type: [] for need in needs}
    for need in needs:
        by_type[need.promotion_type] += [need.target.label.en] if need.available else []
    if needs and not any(by_type.values()):
        faults.append(NO_TARGET)
    elif len(set(map(tuple, by_type.values()))) > 1:
        listed = [(promotion_type_label(name), series(targets or ["–"])) for name, targets in by_type.items()]
        each = "; ".join(f"{name.en}: {targets.en}" for name, targets in listed)
        each_zh = "；".join(f"{name.zh}：{targets.zh}" for name, targets in listed)
        faults.append(MIXED.format(each=each, each_zh=each_zh))
    return tuple(faults)


def _unread_sheets(files: Sequence[FileSurvey]) -> list[FileSurvey]:
    """Return files that could not be read and may be the tag sheet, where no sheet was read."""
    if any(file.is_sheet and file.recognised and not file.unusable for file in files):
        return []
    return [file for file in files if not file.recognised and _may_be_sheet(file)]


def _may_be_sheet(file: FileSurvey) -> bool:
    """Whether a file is a closed workbook, has text in a wrong encoding, or headers that resemble those of a sheet."""
    if file.layout is None:
        return file.path.suffix.casefold() in (".xls", ".xlsx")
    if misread(" ".join(file.header)):
        return True
    return file.like_a_sheet


def _needs(files: Sequence[FileSurvey], settings: Settings) -> tuple[tuple[TargetNeeds, ...], tuple[StageNeeds, ...]]:
    """Return what each target needs and has, and which stages lack columns, by promotion type."""
    net = BASES[settings.basis][0]
    have: dict[str, set[str]] = {}
    for file in files:
        if file.read is not None and not file.unusable and file.columns:
            for promotion_type in file.read.metrics["promotion_type"].unique():
                have.setdefault(str(promotion_type), set()).update(file.columns)
    found, stages = [], []
    for promotion_type, columns in sorted(have.items()):
        funnel = build_funnel(columns, net)
        available = funnel.targets
        for stage in STAGES_SHOWN:
            if stage.name in funnel.missing and net is not None:
                lacks = tuple(name for name in (stage.exposure, stage.numerator) if name not in columns)
                stages.append(StageNeeds(promotion_type, stage, lacks))
        for target in TARGETS_SHOWN:
            if target.net and net is None:
                continue
            needed = [target.exposure, "gmv_cny", *([net] if target.net and net else [])]
            missing = [name for name in needed if name not in columns]
            here = target.name in available
            found.append(TargetNeeds(promotion_type, target, here, tuple(needed), () if here else tuple(missing)))
    return tuple(found), tuple(stages)


def _unread(files: Sequence[FileSurvey]) -> Words:
    named = series(file.path for file in files[:3])
    return Words(
        f"没有读到标签表，而 {named.zh} 读不了，可能就是标签表。处理：按“问题”里说的改"
        "（改表头、去掉日期列、另存为 .xlsx ……）；"
        "不需要标签就加 WITHOUT_TAGS=1（命令行 --without-tags）继续。",
        f"No tag sheet was read, and {named.en} could not be: it may be the tag sheet. Do what stands under “Findings” "
        "(rename a header, remove the days, save it as .xlsx …); to go on without tags: WITHOUT_TAGS=1 "
        "(--without-tags).",
    )


NO_METRICS = Words(
    "没有读到任何效果数据：应有一行一个素材、按天的报表，一行都没有读到。处理：按上面“问题”里说的改。",
    "No metrics were read: expected reports with a row per creative and day, and found no such row. Do what stands "
    "above, under “Findings”.",
)
NO_TARGET = Words(
    "这些列既算不出GPM，也算不出ROI：需要成交金额，以及展现次数或消耗。处理：导出时加上这些列。",
    "These columns allow neither GPM nor ROI: found no amount of orders with impressions or spend. Add them to the "
    "export.",
)
MIXED = Words(
    "两种推广方式能预测的指标不同（{each_zh}），不能用一个模型。处理：补齐缺的列，或把两者分成两个文件夹分别训练。",
    "The promotion types allow different predictions ({each}), so no one model can serve them. Add the missing "
    "columns, or train them apart, in folders of their own.",
)

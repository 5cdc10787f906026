"""`python -m serving report`: from exports to one HTML file."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import pandas as pd

from configs.errors import GpmcastError
from configs.settings import Settings
from features.atomic_write import write_text
from features.bilingual import Language, Words
from features.errors import InputError
from features.schema import KEY
from features.store.ingest import IngestReport
from features.store.inputs import check_data_exists, load_data
from serving.inference.loaded_model import LoadedModel, load_model
from serving.inference.model_watcher import find_bundle
from serving.report.context import CreativeFilter, ReportContext, build_context
from serving.report.data import ReportData, sections
from serving.report.plan import PlanAsked
from serving.report.render import render
from serving.report.wording import shell
from serving.score.run import ScoreRequest, record_of
from serving.settings import ServiceSettings
from training.decision.plan.refusals import REPORT, checked_budget
from training.errors import BundleError
from training.evaluation.files import Evaluation, read_evaluation
from training.progress import NO_PROGRESS, ProgressCallbacks
from training.track_record.record import TrackRecord
from training.workspace import BACKTEST, DATABASE, MODEL_CACHE, Workspace, workspace

LOG = "report.log"
"""Log of the newest report, in the folder of the workspace."""
ISO_TIME = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?)?", re.ASCII)


@dataclass(frozen=True)
class ReportRequest:
    """Options of the command.

    Attributes:
        data: Folders, files or patterns of exports.
        out: HTML file to write.
        creative_filter: Which creatives the report is about.
        lang: Language that the page opens in.
        bundle: Bundle folder; None: the champion.
        name: Registered model; empty: that of these data, else the newest.
        without_tags: Go on where the tag sheet does not join.
        ledger: Of the service: URL, SQLite file or export; empty: the service's default, where it exists.
        budget: To plan, CNY for the days of one outcome window; None: as much as was spent lately.
        launch: How many creatives to launch; None: as many as add expected gain.

    Raises:
        InputError: `out` is no HTML file by its ending.
    """

    data: Sequence[str]
    out: Path
    creative_filter: CreativeFilter = field(default_factory=CreativeFilter)
    lang: Language = "zh"
    bundle: Path | None = None
    name: str = ""
    without_tags: bool = False
    ledger: str = ""
    budget: float | None = None
    launch: int | None = None

    def __post_init__(self) -> None:
        if self.out.suffix.lower() not in (".html", ".htm"):
            raise InputError(
                f"--out {self.out}: the report is one HTML file; name it report.html.",
                zh=f"--out {self.out}：报告是一个 HTML 文件。处理：文件名以 .html 结尾，例如 report.html。",
            )


def iso_time(text: str, option: str) -> pd.Timestamp:
    """An ISO 8601 date, or date and time without time zone.

    Args:
        text: What was typed.
        option: Its option, for the message.

    Raises:
        InputError: It is nothing of the kind, or no day of the calendar.
    """
    try:
        # The pattern refuses what fromisoformat accepts besides: week dates, basic format, time zones.
        if ISO_TIME.fullmatch(text):
            return pd.Timestamp(datetime.fromisoformat(text))
        reason = Words("不是日期", "is no ISO date")
    except ValueError:
        reason = Words("日历上没有这一天或这个时刻", "is no day or time of the calendar")
    raise InputError(
        f"{option}: found “{text}”, which {reason.en}; expected YYYY-MM-DD, with a local time if needed. "
        "Write it as 2026-06-01 or 2026-06-01T08:00.",
        zh=f"{option}：“{text}”{reason.zh}。处理：写成 2026-06-01 或 2026-06-01T08:00（当地时间）。",
    )


def write_report(
    request: ReportRequest,
    settings: Settings,
    progress: ProgressCallbacks = NO_PROGRESS,
    on_files: Callable[[IngestReport | None], None] = lambda _: None,
    on_note: Callable[[Words], None] = lambda _: None,
) -> ReportData:
    """Read the data, compute the report with the champion, write the file; return the report's numbers.

    Args:
        request: Options of the command.
        settings: Settings of the run.
        progress: Told when a phase after reading begins, and before each file is read.
        on_files: Callback with what was read from files; None for a partitioned dataset.
        on_note: Callback with what a reader should know of the model that was taken.

    Raises:
        InputError: The data cannot be read, no creative is chosen, or the budget is no amount.
        BundleError: There is no model.
    """
    check_data_exists(request.data)  # before anything is written
    if request.budget is not None:
        checked_budget(request.budget, settings.outcome_days, REPORT)
    space = workspace(list(request.data), settings)
    loaded_model = model_of(request, settings, space, on_note)
    loaded, files = load_data(
        request.data, space.store, settings, without_tags=request.without_tags, progress=progress.file
    )
    on_files(files)
    context = build_context(loaded_model, loaded, request.creative_filter, progress)
    asked = PlanAsked(request.budget, request.launch, settings.plan)
    record = past_answers(context, request, settings, on_note)
    data = sections(context, evaluation_of(space), progress, record, asked)
    progress.phase("page")
    write_text(render(data, request.lang), request.out)
    return data


def past_answers(
    context: ReportContext,
    request: ReportRequest,
    settings: Settings,
    on_note: Callable[[Words], None] = lambda _: None,
) -> TrackRecord:
    """The track record of the report's creatives: from the ledger, else from a backtest, else an empty one.

    Raises:
        GpmcastError: The ledger that was named cannot be read; of the default one only a note is given.
    """
    asked = ScoreRequest(
        request.data,
        ledger=request.ledger,
        default_ledger=ServiceSettings().ledger,
        backtest=settings.var / BACKTEST,
    )
    chosen = context.observed[KEY]
    try:
        return record_of(asked, context.loaded, context.settings, only=chosen)
    except GpmcastError as refusal:
        if request.ledger:
            raise
        on_note(shell.ledger_unread(str(refusal)))
        return record_of(replace(asked, default_ledger=""), context.loaded, context.settings, only=chosen)


def model_of(
    request: ReportRequest, settings: Settings, space: Workspace, on_note: Callable[[Words], None] = lambda _: None
) -> LoadedModel:
    """Load the bundle or model that was named, else the champion of these data, else the newest champion."""
    database = settings.var / DATABASE
    wanted = ServiceSettings(
        bundle=request.bundle, registered_model=request.name, model_cache=settings.var / MODEL_CACHE
    )
    origin = find_bundle(wanted, preferred=space.registered_model, database=database)
    if request.bundle is None and not request.name and origin.name != space.registered_model:
        on_note(shell.other_champion(space.registered_model, f"{origin}"))
    return load_model(origin.folder, origin.name, origin.version)


def evaluation_of(space: Workspace) -> Evaluation | None:
    """The newest evaluation of these data; None where there is none."""
    try:
        return read_evaluation(space.folder / "evaluation")
    except BundleError:
        return None

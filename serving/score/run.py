"""`python -m serving score`: past answers against what came, as a summary, a JSON file and a run in MLflow."""

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from configs.settings import Settings
from features.errors import InputError
from features.point_in_time.counts import data_funnel
from features.schema import KEY, Loaded
from features.store.ingest import IngestReport
from features.store.inputs import check_data_exists, load_data
from serving.ledger.export import utc_time
from serving.ledger.tables import connect, sqlite_file
from serving.score.past_answers import RANK, answers_of, ledger_rows, rankings_of
from training.track_record.answers import backtest_answers
from training.track_record.record import TrackRecord, track_record, write_live_answers, write_record
from training.workspace import Workspace, workspace

log = logging.getLogger("gpmcast.serving")

SCORE = "score.json"
LOG_SECONDS = 120


@dataclass(frozen=True)
class ScoreRequest:
    """Options of the command.

    Attributes:
        data: Folders, files or patterns of exports.
        ledger: URL, SQLite file or export; empty: that of the service's settings, where there is one.
        default_ledger: URL of the service's settings.
        since: ISO time, UTC: only answers from then on; empty: all.
        backtest: File of `make backtest`, used where no answer of the service has its outcome; None: none.
    """

    data: Sequence[str]
    ledger: str = ""
    default_ledger: str = ""
    since: str = ""
    backtest: Path | None = None


def score(
    request: ScoreRequest, settings: Settings, on_ingest: Callable[[IngestReport], None] = lambda _: None
) -> tuple[TrackRecord, Workspace]:
    """Read data and answers, and compute the track record.

    Raises:
        InputError: Data, ledger or backtest cannot be read.
    """
    check_data_exists(request.data)  # before anything is written
    space = workspace(list(request.data), settings)
    loaded, files = load_data(request.data, space.store, settings, without_tags=True)  # tags decide nothing here
    if files is not None:
        on_ingest(files)
    if loaded.metrics.empty:
        raise InputError(
            "The data hold no metrics, so no answer can be compared with anything. Import reports too.",
            zh="数据里没有效果数据，没有可以核对的结果。处理：把日报导出也放进来。",
        )
    return record_of(request, loaded, settings), space


def record_of(
    request: ScoreRequest, loaded: Loaded, settings: Settings, only: pd.DataFrame | None = None
) -> TrackRecord:
    """The track record of the ledger's answers about these creatives, else of the backtest; empty without either.

    As long as no answer of the service has its outcome, the backtest stands in for them, unless the ledger was named.

    Args:
        request: Where to look.
        loaded: Metrics and creatives.
        settings: Of the run.
        only: KEY of the creatives whose answers are taken; None: of all, also those that the data do not have.

    Raises:
        GpmcastError: A ledger or backtest that was named cannot be read.
    """
    begin = utc_time("--since", request.since)  # also where there is no ledger: what is no time is not passed over
    named = request.ledger or _existing(request.default_ledger)
    told: TrackRecord | None = None
    if named:
        answers = answers_of(ledger_rows(named, request.since))
        about_these = _about(answers, loaded.creatives if only is None else only)
        if about_these.any() or request.ledger:
            taken = answers if only is None else answers[about_these]
            ranked = rankings_of(ledger_rows(named, request.since, RANK))
            ranked = ranked if only is None else ranked[_about(ranked, only)]
            told = track_record(taken, loaded, settings, printable(named), ranked=ranked)
            if request.ledger or len(told.matured.table) or len(told.rankings):
                return told
    if request.backtest is not None and request.backtest.is_file():
        table = pd.read_parquet(request.backtest)
        table = table[_about(table, loaded.creatives if only is None else only)]
        if len(table):
            funnel = data_funnel(loaded, settings)
            answers = backtest_answers(table, funnel.main_roi, settings.outcome_days, settings.basis)
            if begin:
                local = pd.Timestamp(begin).tz_convert(settings.time_zone).tz_localize(None)
                answers = answers[answers["at"] >= local]
            return track_record(answers, loaded, settings, str(request.backtest), of_backtest=True)
    return told or track_record(answers_of([]), loaded, settings, "")


def write_score(record: TrackRecord, space: Workspace, out: Path) -> str:
    """Write the JSON file and the answers for the champion gate, and log the run; its id, empty if MLflow fails."""
    write_record(record, out)
    write_live_answers(record, space.folder)
    request = {
        "name": space.name,
        "folder": str(space.folder),
        "tracking": space.mlflow.tracking,
        "registry": space.mlflow.registry,
        "run_name": f"score until {record.until:%Y-%m-%d}",
        "tags": {"kind": "score", "source": record.source, "data_until": record.until.isoformat()},
        "metrics": {_metric_name(name): value for name, value in record.metrics().items()},
        "files": [str(out)],
    }
    command = [sys.executable, "-m", "training.registry.score_process"]
    try:
        done = subprocess.run(command, input=json.dumps(request).encode(), capture_output=True, timeout=LOG_SECONDS)
    except subprocess.TimeoutExpired:
        log.warning("MLflow did not answer in %d seconds: the result is in %s alone", LOG_SECONDS, out)
        return ""
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        log.warning("not logged to MLflow: %s", space.mlflow.without_secrets(last))
        return ""
    return done.stdout.decode().strip()


def printable(ledger: str) -> str:
    """A ledger for output, without a password."""
    return connect(ledger).url.render_as_string(hide_password=True) if "://" in ledger else ledger


def _existing(url: str) -> str:
    """The URL, where it is a database that exists or cannot be looked for as a file; else empty."""
    if not url:
        return ""
    file = sqlite_file(connect(url))
    return url if file is None or file.is_file() else ""


def _about(table: pd.DataFrame, creatives: pd.DataFrame) -> pd.Series:
    known = pd.MultiIndex.from_frame(creatives[KEY])
    return pd.Series(pd.MultiIndex.from_frame(table[KEY]).isin(known), index=table.index)


def _metric_name(name: str) -> str:
    """MLflow takes letters, digits, and `_-. /`."""
    return "".join(letter if (letter.isalnum() and letter.isascii()) or letter in "_-. /" else "_" for letter in name)

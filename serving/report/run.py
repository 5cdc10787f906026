"""`python -m serving report`: exports in, one HTML file out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from configs.settings import Settings
from features.errors import InputError
from features.store.ingest import IngestReport
from features.store.inputs import check_data_exists, load_data
from serving.inference.loaded_model import LoadedModel, load_model
from serving.inference.model_watcher import find_bundle
from serving.report.context import Chosen
from serving.report.data import ReportData, report_data
from serving.report.render import render
from serving.settings import ServiceSettings
from training.atomic_write import write_text
from training.errors import BundleError
from training.evaluation.files import Evaluation, read_evaluation
from training.workspace import Workspace, workspace

LANGUAGES = ("zh", "en")


@dataclass(frozen=True)
class Asked:
    """What a report is asked of.

    Attributes:
        data: Folders, files or patterns of exports.
        out: The file to write.
        chosen: Which creatives.
        lang: The language it opens with.
        bundle: A bundle folder; None: the champion.
        name: Registered model; empty: that of these data, else the only one.
    """

    data: Sequence[str]
    out: Path
    chosen: Chosen
    lang: str = "zh"
    bundle: Path | None = None
    name: str = ""


def asked(
    data: Sequence[str], out: Path, *, account: str = "", product: str = "", since: str = "", lang: str = "zh",
    bundle: Path | None = None, name: str = "",
) -> Asked:  # fmt: skip
    """What was typed, checked.

    Raises:
        InputError: Something cannot be; the message says what can.
    """
    if out.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"--out {out}: the report is one HTML file; name it report.html.")
    if lang not in LANGUAGES:
        raise InputError(f"--lang {lang}: the report opens in {' or '.join(LANGUAGES)}.")
    try:
        moment = pd.Timestamp(since) if since else None
    except ValueError:
        moment = pd.NaT
    if moment is pd.NaT or (moment is not None and moment.tzinfo is not None):
        raise InputError(f"--since {since}: is no date. Write it as 2026-06-01.")
    return Asked(data, out, Chosen(account, product, moment), lang, bundle, name)


def write_report(
    question: Asked, settings: Settings, tell: Callable[[IngestReport], None] = lambda _: None
) -> ReportData:
    """Read the data, look at them with the champion, write the file; the numbers that it tells.

    Raises:
        InputError: The data cannot be read, or none of it is chosen.
        BundleError: There is no model.
    """
    check_data_exists(question.data)  # before anything is written
    space = workspace(list(question.data), settings)
    served = model_of(question, settings, space)
    loaded, files = load_data(question.data, space.store, settings)
    if files is not None:
        tell(files)
    data = report_data(served, loaded, question.chosen, evaluation_of(space))
    write_text(render(data, question.lang), question.out)
    return data


def model_of(question: Asked, settings: Settings, space: Workspace) -> LoadedModel:
    """The bundle that was named, else the champion of these data, else the only champion there is."""
    wanted = ServiceSettings(
        bundle=question.bundle, registry=settings.var / "mlflow.db", registered_model=question.name
    )
    if question.bundle is None and not question.name:
        try:
            origin = find_bundle(wanted.model_copy(update={"registered_model": space.registered_model}))
        except BundleError:
            origin = find_bundle(wanted)
    else:
        origin = find_bundle(wanted)
    return load_model(origin.folder, origin.name, origin.version)


def evaluation_of(space: Workspace) -> Evaluation | None:
    """The newest evaluation of these data."""
    try:
        return read_evaluation(space.folder / "evaluation")
    except BundleError:
        return None

"""Read an uploaded tag sheet or export as creatives of a request, and list all that could not be read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
from pydantic import ValidationError

from configs.export_layout import ExportLayout
from configs.settings import CONFIG_DIR, Settings
from features.attributes import TAG_LABELS
from features.point_in_time.entity_history import TAG
from features.readers.export_file import read_raw_tables
from features.readers.findings import Findings, UnusableFile
from features.readers.keys import NO_ACCOUNT, UNNAMED
from features.readers.layouts import load_layouts
from features.schema import ANY, ATTRIBUTES, KEY, MULTI, ExportRead
from features.store.creative_table import creative_table
from features.store.overlaps import resolve_overlaps
from serving.api.contradictions import contradictions
from serving.api.errors import RequestProblem
from serving.api.requests import MOST_METRICS_ROWS, Creative
from serving.api.validation import LONGEST_FIELD, shape_problems
from serving.inference.loaded_model import LoadedModel
from serving.upload.file_context import FileContext
from serving.upload.file_problems import PAGE, as_reason, as_request_problem, file_problem, left_out, of_file, unusable
from serving.upload.safe_tables import tables_of

MOST_FILE_CREATIVES = 5000
"""Creatives of one file."""
MOST_FILE_PROBLEMS = 200
"""Problems listed of one file; the rest are counted."""
NOT_KNOWN = "?"
"""Placeholder of an account or promotion type that the file does not give; the answer lists it as missing."""
NAMES = {"name": "creative_name", "product_name": "product_name", "creator_name": "creator_name"}
"""Field of the answer → attribute: names that people know creative, product and KOC by."""
FIELDS = [name for name in ATTRIBUTES if name in Creative.model_fields]


def read_file(
    loaded: LoadedModel,
    content: bytes,
    context: FileContext,
    now: datetime,
    check_deadline: Callable[[], None] = lambda: None,
) -> dict[str, object]:
    """Creatives in the form of a request, each with its row, and problems by row and field: a `ReadAnswer`.

    Args:
        loaded: The model.
        content: Of the file.
        context: What the caller gives about it.
        now: In the model's time zone.
        check_deadline: Called for each creative; raises Refused once it is too late.

    Raises:
        Refused: 422 where nothing of the file can be used, and what `check_deadline` raises.
    """
    read = _read(loaded, content, context, now)
    if any(problem.severity == "file" for problem in read.problems):
        raise unusable([as_request_problem(problem) for problem in read.problems])
    # Rows without an account are not a problem here: the answer lists the account as missing.
    problems = [of_file(problem) for problem in read.problems if problem.found != NO_ACCOUNT]
    creatives: list[dict[str, object]] = []
    for row, names, about in _records(loaded, read, context, problems):
        check_deadline()
        if len(creatives) == MOST_FILE_CREATIVES:
            zh = f"素材太多；最多 {MOST_FILE_CREATIVES} 条。处理：分成几个文件。"
            most = f"at most {MOST_FILE_CREATIVES}"
            problems.append(left_out(None, None, "creatives", "too many creatives", most, zh))
            break
        if (fitting := _fitting(loaded, row, about, problems)) is not None:
            missing = [part for part in KEY if fitting[part] == NOT_KNOWN]
            kept = {field: value for field, value in fitting.items() if value != NOT_KNOWN}
            creatives.append({"row": row, **names, "creative": kept, "missing": missing})
    if not creatives:
        reasons = [as_reason(problem) for problem in problems]
        none = RequestProblem("no creative in it", "give a row per creative", "里面没有素材。处理：每条素材一行。")
        raise unusable(reasons or [none])
    more = len(problems) - MOST_FILE_PROBLEMS
    return {
        "source": read.source,
        "creatives": creatives,
        "problems": problems[:MOST_FILE_PROBLEMS],
        "more": max(more, 0),
    }


def _read(loaded: LoadedModel, content: bytes, context: FileContext, now: datetime) -> ExportRead:
    settings = _settings(loaded)
    findings = Findings(context.name, PAGE)
    path = Path("/", context.name)
    try:
        grids = tables_of(content, findings)
    except UnusableFile as stop:
        raise unusable([as_request_problem(stop.problem)]) from None
    return read_raw_tables(grids, path, settings, _layouts(settings.source_dirs), findings, now=now)


def _settings(loaded: LoadedModel) -> Settings:
    """The settings of the training run; layouts and names of this installation where the run's are not here."""
    settings = loaded.manifest.settings
    dirs = tuple(folder for folder in settings.source_dirs if folder.is_dir())
    own = CONFIG_DIR / "sources"
    names = settings.names if settings.names.is_file() else CONFIG_DIR / "names.yaml"
    update = {"source_dirs": dirs if own in dirs else (own, *dirs), "names": names, "sources": ()}
    return settings.model_copy(update=update)


@cache
def _layouts(dirs: tuple[Path, ...]) -> list[ExportLayout]:
    return load_layouts(Settings(source_dirs=dirs))


def _records(
    loaded: LoadedModel, read: ExportRead, context: FileContext, problems: list[dict[str, object]]
) -> Iterator[tuple[int | None, dict[str, str | None], dict[str, object]]]:
    """Row, names (as of `NAMES`) and fields of every creative, in the order of the file."""
    metrics, attributes = _keyed(read.metrics, context), _keyed(read.attributes, context)
    if (metrics["grain"] == "reading").any():
        found = "running totals, which are not taken here"
        zh = "这里不收累计值。处理：按小时或按天导出。"
        problems.append(left_out(None, None, "metrics", found, "give rows by the hour or day", zh))
        metrics = metrics[metrics["grain"] != "reading"]
    metrics, _ = resolve_overlaps(metrics)
    rows = _keyed(read.rows, context) if read.rows is not None else pd.DataFrame(columns=[*KEY, "row"])
    about, _ = creative_table(attributes, metrics[KEY] if len(read.metrics) else rows[KEY])
    place = {tuple(key): row for *key, row in rows[[*KEY, "row"]].itertuples(index=False, name=None)}
    columns = [str(name) for name in about]
    known = [name for name in columns if name.startswith(TAG) and name.removeprefix(TAG) in loaded.vocabulary.tags]
    unknown = [n.removeprefix(TAG) for n in columns if n.startswith(TAG) and n not in known]
    if unknown:
        found = f"columns that the model has no tag for: {', '.join(unknown)}"
        cure = "They were not taken; train with them to have them count."
        labels = "、".join(TAG_LABELS[name].zh if name in TAG_LABELS else name for name in loaded.tag_names)
        zh = f"模型没有用到的列：{'、'.join(unknown)}；模型的标签：{labels}。带着它们重新训练后才会计入。"
        expected = f"tags: {', '.join(loaded.tag_names)}"
        problems.append(file_problem("note", found=found, expected=expected, cure=cure, zh=zh))
    figures = [name for name in loaded.metric_columns if name in metrics]
    periods = dict(iter(metrics.sort_values("period_start").groupby(KEY, sort=False)))
    records = about.to_dict("records")
    records.sort(key=lambda record: place.get(tuple(record[part] for part in KEY), 0))
    for record in records:
        key = tuple(record[part] for part in KEY)
        fields: dict[str, object] = {
            name: _plain(record[name]) for name in [*KEY, *FIELDS] if name in record and not pd.isna(record[name])
        }
        tags = {name.removeprefix(TAG): record[name] for name in known if not pd.isna(record[name])}
        fields["tags"] = {n: v.split(MULTI) if n in loaded.vocabulary.multi else v for n, v in tags.items()}
        if key in periods:
            fields["metrics"] = _rows(periods[key], figures)
        names = {field: record.get(name) for field, name in NAMES.items()}
        yield place.get(key), {f: None if n is None or pd.isna(n) else str(n) for f, n in names.items()}, fields


def _keyed(frame: pd.DataFrame, context: FileContext) -> pd.DataFrame:
    """The frame with the caller's account and promotion type where the file has none."""
    account = frame["account_id"].replace(
        {ANY: context.account_id or NOT_KNOWN, UNNAMED: context.account_id or NOT_KNOWN}
    )
    promotion = frame["promotion_type"].replace({ANY: context.promotion_type or NOT_KNOWN})
    return frame.assign(account_id=account.astype("str"), promotion_type=promotion.astype("str"))


def _rows(periods: pd.DataFrame, figures: Sequence[str]) -> list[dict[str, object]]:
    last = periods.tail(MOST_METRICS_ROWS)
    starts = [start.isoformat() for start in last["period_start"]]
    ends = [end.isoformat() for end in last["period_end"]]
    columns = [last[name].to_numpy(np.float64).tolist() for name in figures]
    return [
        {"period_start": start, "period_end": end}
        | {name: value for name, value in zip(figures, values) if value == value}
        for start, end, *values in zip(starts, ends, *columns)
    ]


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _fitting(
    loaded: LoadedModel, row: int | None, about: dict[str, object], problems: list[dict[str, object]]
) -> dict[str, object] | None:
    """The creative without its invalid fields, each listed as a problem; None where no valid creative remains."""
    fields = about
    for _ in range(len(about) + 20):
        wrong = _field_problems(loaded, fields)
        if not wrong:
            return fields
        for one in wrong:
            creative_id = str(about["creative_id"])[:128]
            problems.append(left_out(row, creative_id, one.field, one.problem, one.hint, one.zh))
        fields = _without(fields, [one.field or "" for one in wrong])
        if any(part not in fields for part in KEY):
            return None
    return None


def _field_problems(loaded: LoadedModel, about: Mapping[str, object]) -> list[RequestProblem]:
    try:
        creative = Creative.model_validate_json(orjson.dumps(about))
    except ValidationError as error:
        return shape_problems(error, Creative)
    return [
        replace(one, field=(one.field or "").removeprefix("creatives[0]."), creative_id=None)
        for one in contradictions([creative], loaded.vocabulary)
    ]


def _without(about: dict[str, object], fields: Sequence[str]) -> dict[str, object]:
    """The creative without these fields; of `tags` only the tags named."""
    kept = dict(about)
    for field in fields:
        first, _, rest = field.partition(".")
        first = first.partition("[")[0]
        tags = kept.get("tags")
        others = {name: tags[name] for name in tags if not _is_of(rest, name)} if isinstance(tags, dict) else tags
        if first == "tags" and others != tags:
            kept["tags"] = others
        else:
            kept.pop(first, None)
    return kept


def _is_of(path: str, tag: str) -> bool:
    """Whether a path inside `tags` leads to this tag or to one of its values; long names are cut in paths."""
    name = tag[:LONGEST_FIELD]
    return path in (name, tag) or (path.startswith(f"{name}[") and path.removeprefix(name)[1:-1].isdigit())

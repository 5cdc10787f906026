"""An uploaded tag sheet or export as creatives that can be asked about, with all that could not be read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
from pydantic import ValidationError

from configs.settings import CONFIG_DIR, Settings
from features.errors import Problem
from features.point_in_time.entity_history import TAG
from features.readers.export_file import ExportLayout, load_layouts, read_raw_tables
from features.readers.findings import Findings, UnusableFile
from features.readers.keys import UNNAMED
from features.schema import ANY, ATTRIBUTES, KEY, MULTI, ExportRead
from features.store.load import creative_table
from features.store.periods import resolve_overlaps
from serving.api.errors import Fault, Refused
from serving.api.requests import MOST_ROWS, Creative, Figures
from serving.api.validation import contradictions
from serving.inference.loaded_model import LoadedModel
from serving.upload.safe_tables import tables_of

MOST_CREATIVES = 5000
"""Of one file."""
MOST_PROBLEMS = 200
"""Told of one file; the rest are counted."""
NOT_KNOWN = "?"
"""Stands for an account or promotion type that the file does not tell, until the answer leaves it out."""
LONGEST = 500
"""Letters of a sentence about a file."""
FIELDS = [name for name in ATTRIBUTES if name in Creative.model_fields]


@dataclass(frozen=True)
class Given:
    """What the caller says of a file.

    Attributes:
        name: Of the file; a label, nothing is opened by it.
        account_id: Of rows that name none; empty: not known.
        promotion_type: The same.
    """

    name: str
    account_id: str = ""
    promotion_type: str = ""


def read_file(served: LoadedModel, content: bytes, given: Given, now: datetime) -> dict[str, object]:
    """Creatives in the form of a request, each with its row, and problems by row and field.

    Raises:
        Refused: 422 where nothing of the file can be used.
    """
    read = _read(served, content, given, now)
    if any(problem.severity == "file" for problem in read.problems):
        raise Refused(422, "The file cannot be used.", [_fault(problem) for problem in read.problems])
    # That rows have no account is told by what they miss.
    problems = [_of_file(problem) for problem in read.problems if UNNAMED not in problem.found]
    creatives: list[dict[str, object]] = []
    for row, name, about in _abouts(served, read, given, problems):
        if len(creatives) == MOST_CREATIVES:
            problems.append(_left_out(None, None, "creatives", "too many creatives", f"at most {MOST_CREATIVES}"))
            break
        if (fitting := _fitting(served, row, about, problems)) is not None:
            missing = [part for part in KEY if fitting[part] == NOT_KNOWN]
            kept = {field: value for field, value in fitting.items() if value != NOT_KNOWN}
            creatives.append({"row": row, "name": name, "creative": kept, "missing": missing})
    left = len(problems) - MOST_PROBLEMS
    return {"source": read.source, "creatives": creatives, "problems": problems[:MOST_PROBLEMS], "more": max(left, 0)}


def _read(served: LoadedModel, content: bytes, given: Given, now: datetime) -> ExportRead:
    settings = _settings(served)
    findings = Findings(given.name)
    path = Path("/", given.name)
    try:
        grids = tables_of(content, findings)
    except UnusableFile as stop:
        raise Refused(422, "The file cannot be used.", [_fault(stop.problem)]) from None
    return read_raw_tables(grids, path, settings, _layouts(settings.source_dirs), findings, now=now)


def _settings(served: LoadedModel) -> Settings:
    """Those of the training, with the layouts of this installation where the training's are not at hand."""
    settings = served.manifest.settings
    dirs = tuple(folder for folder in settings.source_dirs if folder.is_dir())
    own = CONFIG_DIR / "sources"
    names = settings.names if settings.names.is_file() else CONFIG_DIR / "names.yaml"
    told = {"source_dirs": dirs if own in dirs else (own, *dirs), "names": names, "sources": ()}
    return settings.model_copy(update=told)


@cache
def _layouts(dirs: tuple[Path, ...]) -> list[ExportLayout]:
    return load_layouts(Settings(source_dirs=dirs))


def _abouts(
    served: LoadedModel, read: ExportRead, given: Given, problems: list[dict[str, object]]
) -> Iterator[tuple[int | None, str | None, dict[str, object]]]:
    """Row, name and fields of every creative, in the order of the file."""
    metrics, attributes = _keyed(read.metrics, given), _keyed(read.attributes, given)
    if (metrics["grain"] == "reading").any():
        found = "running totals, which are not taken here"
        problems.append(_left_out(None, None, "metrics", found, "give rows by the hour or day"))
        metrics = metrics[metrics["grain"] != "reading"]
    metrics, _ = resolve_overlaps(metrics)
    about, _ = creative_table(attributes, metrics[KEY])
    rows = _keyed(read.rows, given) if read.rows is not None else pd.DataFrame(columns=[*KEY, "row"])
    place = {tuple(key): row for *key, row in rows[[*KEY, "row"]].itertuples(index=False, name=None)}
    known = [name for name in about if name.startswith(TAG) and name.removeprefix(TAG) in served.known.tags]
    unknown = [n.removeprefix(TAG) for n in about if n.startswith(TAG) and n not in known]
    if unknown:
        found = f"columns that the model has no tag for: {', '.join(unknown)}"
        cure = "They were not taken; train with them to have them count."
        problems.append(_problem("note", found=found, expected=f"tags: {', '.join(served.tag_names)}", cure=cure))
    figures = [name for name in served.figures if name in metrics and name in Figures.model_fields]
    periods = dict(iter(metrics.sort_values("period_start").groupby(KEY, sort=False)))
    records = about.to_dict("records")
    records.sort(key=lambda record: place.get(tuple(record[part] for part in KEY), 0))
    for record in records:
        key = tuple(record[part] for part in KEY)
        told: dict[str, object] = {
            name: _plain(record[name]) for name in [*KEY, *FIELDS] if name in record and not pd.isna(record[name])
        }
        tags = {name.removeprefix(TAG): record[name] for name in known if not pd.isna(record[name])}
        told["tags"] = {n: v.split(MULTI) if n in served.known.multi else v for n, v in tags.items()}
        if key in periods:
            told["metrics"] = _rows(periods[key], figures)
        name = record.get("creative_name")
        yield place.get(key), None if name is None or pd.isna(name) else str(name), told


def _keyed(frame: pd.DataFrame, given: Given) -> pd.DataFrame:
    """With the caller's account and promotion type where the file tells none."""
    account = frame["account_id"].replace({ANY: given.account_id or NOT_KNOWN, UNNAMED: given.account_id or NOT_KNOWN})
    kind = frame["promotion_type"].replace({ANY: given.promotion_type or NOT_KNOWN})
    return frame.assign(account_id=account.astype("str"), promotion_type=kind.astype("str"))


def _rows(periods: pd.DataFrame, figures: Sequence[str]) -> list[dict[str, object]]:
    last = periods.tail(MOST_ROWS)
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
    served: LoadedModel, row: int | None, about: dict[str, object], problems: list[dict[str, object]]
) -> dict[str, object] | None:
    """The creative without the fields that cannot be; each is told. None where it cannot be asked about at all."""
    told = about
    for _ in range(len(about) + 20):
        faults = _faults(served, told)
        if not faults:
            return told
        for fault in faults:
            problems.append(_left_out(row, str(about["creative_id"])[:128], fault.field, fault.problem, fault.hint))
        told = _without(told, [fault.field or "" for fault in faults])
        if any(part not in told for part in KEY):
            return None
    return None


def _faults(served: LoadedModel, about: Mapping[str, object]) -> list[Fault]:
    try:
        creative = Creative.model_validate_json(orjson.dumps(about))
    except ValidationError as error:
        return [
            Fault(str(found["msg"]), "see GET /v1/schema/predict", ".".join(map(str, found["loc"])))
            for found in error.errors(include_url=False, include_context=False, include_input=False)
        ]
    return [
        Fault(fault.problem, fault.hint, (fault.field or "").removeprefix("creatives[0]."))
        for fault in contradictions([creative], served.known)
    ]


def _without(about: dict[str, object], fields: Sequence[str]) -> dict[str, object]:
    """Without these fields; of tags only those named."""
    kept = dict(about)
    for field in fields:
        first, _, rest = field.partition(".")
        first = first.partition("[")[0]
        tags = kept.get("tags")
        tag = rest.partition(".")[0]
        if first == "tags" and isinstance(tags, dict) and tag in tags:
            kept["tags"] = {name: value for name, value in tags.items() if name != tag}
        else:
            kept.pop(first, None)
    return kept


def _left_out(row: int | None, creative_id: str | None, field: str | None, found: str, cure: str) -> dict[str, object]:
    rows = [] if row is None else [row]
    return _problem("row", found=found, cure=cure, field=field, rows=rows, creative_id=creative_id)


def _of_file(problem: Problem) -> dict[str, object]:
    return _problem(
        problem.severity,
        found=problem.found,
        expected=problem.expected,
        cure=problem.cure,
        column=problem.column,
        rows=problem.rows,
        count=problem.count,
    )


def _problem(
    severity: str,
    *,
    found: str,
    cure: str,
    expected: str = "",
    field: str | None = None,
    column: str | None = None,
    rows: Sequence[int] = (),
    count: int = 0,
    creative_id: str | None = None,
) -> dict[str, object]:
    return {
        "severity": severity,
        "creative_id": creative_id,
        "field": None if field is None else field[:LONGEST],
        "column": None if column is None else column[:LONGEST],
        "rows": list(rows),
        "count": max(count, len(rows)),
        "found": found[:LONGEST],
        "expected": expected[:LONGEST],
        "cure": cure[:LONGEST],
    }


def _fault(problem: Problem) -> Fault:
    where = None if problem.column is None else problem.column[:LONGEST]
    return Fault(problem.found[:LONGEST], f"{problem.expected[:LONGEST]}; {problem.cure[:LONGEST]}", where)

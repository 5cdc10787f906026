"""Past answers of the service as one table: from the ledger, from an export of it, or from a backtest."""

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pandas as pd

from features.bilingual import Words
from features.errors import InputError
from features.schema import KEY
from serving.ledger.export import utc_time
from serving.ledger.reading import opened, read
from training.track_record.answers import ANSWER, decisions_of
from training.track_record.rankings import RANKING

EXPORTS = (".csv", ".jsonl")
UNSEEN = "unseen_value"
"""Code of the warning of a value that was not in the training data."""
PARQUET = b"PAR1"
"""First bytes of every Parquet file."""
PREDICT, RANK = "predict", "rank"
"""Endpoints whose answers are scored."""
NEEDED = ("endpoint", "version", "at", "cutoff", "age_hours", "answer", "about")
"""Columns of an export that scoring reads."""


def ledger_rows(ledger: str, since: str = "", endpoint: str = PREDICT) -> Iterator[Mapping[str, object]]:
    """Recorded answers of a ledger or of an export of it.

    Args:
        ledger: SQLAlchemy URL, path of a SQLite file, or a `.csv` or `.jsonl` of `python -m serving ledger --out`.
        since: ISO time, UTC: only answers from then on; empty: all.
        endpoint: Only answers of this one.

    Raises:
        GpmcastError: There is none, it cannot be read, or the time is none.
    """
    begin, path = utc_time("--since", since), Path(ledger)
    if path.suffix in EXPORTS:
        return (row for row in _exported(path) if str(row["at"]) >= begin and row["endpoint"] == endpoint)
    if _is_parquet(path):
        raise InputError(
            f"{path}: a Parquet file, such as a backtest, is no ledger. Leave LEDGER out: where no answer of the "
            "service has its outcome yet, the backtest of these data is found by itself.",
            zh=f"{path}：这是 Parquet 文件（例如回测结果），不是预测台账。处理：去掉 LEDGER；服务的预测还没有结果时，"
            "会自动用这份数据的回测。",
        )
    url = ledger if "://" in ledger else f"sqlite:///{ledger}"
    return read(opened(url), since=begin, endpoint=endpoint, features=False)


def answers_of(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """A table of `training.track_record.answers` from recorded answers; those without a number are left out."""
    records = [found for row in rows if (found := _record(row))]
    if not records:
        return pd.DataFrame({name: pd.Series(dtype="object") for name in [*ANSWER, "unseen", "decision"]}).astype(
            {"at": "datetime64[us]", "cutoff": "datetime64[us]", "age_hours": "float64"}
        )
    table = _with_times(pd.DataFrame.from_records(records))
    table["decision"] = decisions_of(table["decision"], table["age_hours"])
    floats = [
        name
        for name in map(str, table)
        if name.startswith(("predicted_", "stage_")) or name.endswith(("_low", "_high"))
    ]
    numbers = [*floats, "age_hours", "asked_roi", "chance", "hit_chance", "hit_at"]
    return table.astype(dict.fromkeys(numbers, "float64") | dict.fromkeys((*KEY, "model", "version"), "str"))


def rankings_of(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """A table of `training.track_record.rankings` from recorded rankings.

    Rankings of versions that did not record their target are left out, and so are creatives without a number.
    """
    records = [found for row in rows if (found := _ranked(row))]
    if not records:
        return pd.DataFrame(columns=RANKING)
    table = _with_times(pd.DataFrame.from_records(records))
    numbers = dict.fromkeys(("age_hours", "top", "place", "value"), "float64")
    return table.astype(numbers | dict.fromkeys((*KEY, "model", "version", "list", "by"), "str"))


def _ranked(row: Mapping[str, object]) -> dict[str, object] | None:
    answer, about = row["answer"], row["about"]
    assert isinstance(answer, dict)
    assert isinstance(about, dict)
    if row["cutoff"] is None or not about or answer.get("by") is None or answer["value"] is None:
        return None
    return _told(row, answer, about) | {
        "list": row["request_id"],
        **{name: answer[name] for name in ("by", "top", "place", "value")},
    }


def _told(row: Mapping[str, object], answer: dict[str, Any], about: dict[str, Any]) -> dict[str, object]:
    """What answers of all endpoints have."""
    found = {name: row[name] for name in ("model", "version", *KEY, "at", "age_hours", "cutoff")}
    found |= {"zone": about["time_zone"], "trained_until": about["trained_until"]}
    found |= {"outcome_days": about["outcome_days"], "basis": sys.intern(about["basis"])}
    return found | {"unseen": any(one["code"] == UNSEEN for one in answer["warnings"])}


def _with_times(table: pd.DataFrame) -> pd.DataFrame:
    """With times in the time zone of each row's model, naive."""
    zone = table.pop("zone")
    at = pd.to_datetime(table["at"], format="ISO8601", utc=True)
    local = [moments.dt.tz_convert(ZoneInfo(str(name))).dt.tz_localize(None) for name, moments in at.groupby(zone)]
    table["at"] = pd.concat(local).reindex(table.index).astype("datetime64[us]")
    for name in ("cutoff", "trained_until"):
        table[name] = pd.to_datetime(table[name], format="ISO8601").astype("datetime64[us]")
    return table


def _record(row: Mapping[str, object]) -> dict[str, object] | None:
    answer, about = row["answer"], row["about"]
    assert isinstance(answer, dict)
    assert isinstance(about, dict)
    targets = answer["targets"]
    if row["cutoff"] is None or not about or all(one["value"] is None for one in targets.values()):
        return None
    found = _told(row, answer, about) | {
        "asked_roi": answer["asked_roi"],
        "chance": answer["chance_of_target"],
        "hit_chance": answer["hit_chance"],
    }
    hit = about.get("hit") or {"measure": "", "threshold": {}}
    found |= {"hit_of": sys.intern(hit["measure"]), "hit_at": hit["threshold"].get(row["promotion_type"])}
    found["decision"] = answer["verdict"]["name"]
    for name, one in targets.items():
        found[f"predicted_{name}"] = one["value"]
        found[f"{name}_low"], found[f"{name}_high"] = one["low"], one["high"]
    for name, one in answer["stages"].items():
        found[f"stage_{name}"] = one["value"]
    return found


def _exported(path: Path) -> Iterator[Mapping[str, object]]:
    if not path.is_file():
        raise InputError(
            f"{path}: there is no such file. Export answers by `python -m serving ledger --out {path.name}`.",
            zh=f"{path}：没有这个文件。处理：检查路径，或用 `python -m serving ledger --out {path.name}` 导出。",
        )
    number = 0
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = map(orjson.loads, file) if path.suffix == ".jsonl" else map(_parsed, csv.DictReader(file))
            for number, row in enumerate(lines, start=1):
                if missing := [name for name in NEEDED if not isinstance(row, dict) or name not in row]:
                    raise _no_export(path, number, Words(f"缺 {'、'.join(missing)}", f"found no {', '.join(missing)}"))
                yield row
    except (ValueError, csv.Error) as error:  # text that is no UTF-8, a line that is no JSON or is cut off
        found = Words("读不了", f"found what cannot be read ({error})")
        raise _no_export(path, number + 1, found) from None


def _is_parquet(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(PARQUET)) == PARQUET


def _no_export(path: Path, number: int, found: Words) -> InputError:
    return InputError(
        f"{path}, row {number}: {found.en}; expected an export of the ledger. "
        "Write it by `python -m serving ledger --out …`.",
        zh=f"{path}：不是预测台账的导出，第 {number} 行{found.zh}。处理：用 `python -m serving ledger --out …` 导出。",
    )


def _parsed(row: dict[str, str]) -> dict[str, object]:
    documents = {name: orjson.loads(row[name].removeprefix("'")) for name in ("answer", "about") if row.get(name)}
    cells = {name: value.removeprefix("'") if isinstance(value, str) else value for name, value in row.items()}
    numbers = {"age_hours": float(row["age_hours"])} if row.get("age_hours") else {}
    return {**cells, **numbers, **documents}

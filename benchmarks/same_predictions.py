"""Compare the predictions of two checkouts, number by number: refactoring must not change any.

    python -m benchmarks.same_predictions --other ../before [--public ../data] [--trials 1]

Each checkout trains on the same files in a process of its own and predicts every creative; its model then answers a
request of three creatives with explanations, as the service does. All cells of the two prediction tables and all
numbers of the two answers must be equal to the last bit; otherwise the exit code is 1.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
import yaml

from configs.settings import load_settings

HERE = Path(__file__).parents[1]
PROSE = "warnings"
"""Column of sentences: they may be reworded, so their differences are only reported."""


@dataclass(frozen=True)
class DataSet:
    """Files that both checkouts train on.

    Attributes:
        name: Name of the data set.
        config: Settings of the run, relative to a checkout.
        files: Absolute paths.
    """

    name: str
    config: str
    files: tuple[Path, ...]


def data_sets(sample: Path, public: Path | None) -> list[DataSet]:
    """The sample and, where their folder is given, the public data sets."""
    sets = [DataSet("sample", "configs/default.yaml", (sample,))]
    if public is not None:
        sets += [
            DataSet("display", "configs/display_ads.yaml", (public / "display_ads_daily.csv.gz",)),
            DataSet(
                "youtube",
                "configs/youtube.yaml",
                (public / "youtube_snapshots.parquet", public / "youtube_videos.parquet"),
            ),
        ]
    return sets


def request(settings: dict[str, Any]) -> dict[str, Any]:
    """A request of three creatives: not launched, with rows of metrics, with sums since launch."""
    first = {"promotion_type": "live", "account_id": "1", "category": "食品", "price_cny": 99.0, "duration_s": 31.0}
    tags = {"tags": {"hook": "痛点直击", "scene": "居家"}} if not settings.get("sources") else {}
    row = {"period_start": "2026-06-20T08:00:00", "period_end": "2026-06-20T09:00:00"}
    counts = {"impressions": 1200, "clicks": 71, "orders": 4, "spend_cny": 240.5, "gmv_cny": 396.0}
    launched = {"launched_at": "2026-06-20T08:30:00"}
    return {
        "creatives": [
            {"creative_id": "a", **first, **tags},
            {"creative_id": "b", **first, **launched, "metrics": [{**row, **counts}]},
            {"creative_id": "c", **first, **launched, "sums": {"age_hours": 30, **counts}},
        ],
        "explain": True,
        "top": 1000,
    }


def run(checkout: Path, python: Path, data: DataSet, out: Path, trials: int) -> float:
    """Train in this checkout and answer the request with its model, all under `out`; return the training seconds."""
    out.mkdir(parents=True, exist_ok=True)
    settings = yaml.safe_load((HERE / data.config).read_text(encoding="utf-8"))
    settings |= {"var": str(out / "var"), "name": data.name}
    # With two jobs the order in which trials end decides the next one, and differs from run to run.
    settings["tune"] = {**settings.get("tune", {}), "jobs": 1, "trials": trials}
    config = out / f"{data.name}.yaml"
    config.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    request_file = out / f"{data.name}-request.json"
    request_file.write_text(json.dumps(request(settings), ensure_ascii=False), encoding="utf-8")
    began = time.perf_counter()
    train = [str(python), "-m", "training", "train", "--config", str(config)]
    for file in data.files:
        train += ["--data", str(file)]
    with (out / f"{data.name}.log").open("w", encoding="utf-8") as log:
        subprocess.run(train, cwd=checkout, check=True, stdout=log, stderr=log)
        seconds = time.perf_counter() - began
        bundle = out / "var" / "work" / data.name / "bundle"
        answer = [str(python), "-m", "serving", "predict", str(request_file), "--bundle", str(bundle)]
        with (out / f"{data.name}-answer.json").open("w", encoding="utf-8") as answered:
            subprocess.run(answer, cwd=checkout, check=False, stdout=answered, stderr=log)
    return seconds


def differing_cells(left: pd.DataFrame, right: pd.DataFrame) -> tuple[int, int]:
    """Number of cells that differ, and of cells compared; a column that only one side has counts with all its cells."""
    common = [name for name in left.columns if name in right.columns]
    alone = len(set(left.columns) ^ set(right.columns))
    if len(left) != len(right):
        return left.size + right.size, left.size + right.size
    differ = 0
    for name in common:
        same = (left[name] == right[name]) | (left[name].isna() & right[name].isna())
        differ += int((~same.to_numpy(bool)).sum())
    return differ + alone * len(left), len(common) * len(left) + alone * len(left)


def numbers(document: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Every number of a JSON document with its path; list items with a `name` are keyed by it."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield from numbers(value, f"{path}/{key}")
    elif isinstance(document, list):
        for place, value in enumerate(document):
            key = value["name"] if isinstance(value, dict) and "name" in value else place
            yield from numbers(value, f"{path}/{key}")
    elif isinstance(document, int | float):
        yield path, float(document)


def differing_numbers(left: Path, right: Path) -> tuple[int, int]:
    """Number of numbers that differ between two answers, and of numbers compared."""
    texts = [path.read_text(encoding="utf-8") for path in (left, right)]
    if not all(texts):
        return (0, 0) if texts[0] == texts[1] else (1, 1)
    one, other = (dict(numbers(json.loads(text)["predictions"])) for text in texts)
    paths = set(one) | set(other)
    return sum(one.get(path) != other.get(path) for path in paths), len(paths)


def state(checkout: Path) -> str:
    """Commit of a checkout; empty if it has uncommitted changes."""
    dirty = subprocess.run(["git", "status", "--porcelain"], cwd=checkout, capture_output=True, text=True, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=checkout, capture_output=True, text=True, check=True)
    return "" if dirty.stdout.strip() else head.stdout.strip()[:12]


def main(
    other: Annotated[Path, typer.Option("--other", help="The checkout to compare with; it needs its own `.venv`.")],
    sample: Annotated[Path, typer.Option("--sample", help="The sample's exports.")] = Path("var/sample-exports"),
    public: Annotated[Path | None, typer.Option("--public", help="Folder of the public data sets.")] = None,
    only: Annotated[list[str] | None, typer.Option("--only", help="sample, display or youtube.")] = None,
    trials: Annotated[int, typer.Option("--trials", min=1)] = 1,
    out: Annotated[Path, typer.Option("--out", help="Folder for both sides' files.")] = Path("var/same-predictions"),
) -> None:
    """Run both checkouts on every data set and compare; results of the other one at this commit are reused."""
    load_settings(HERE / "configs" / "default.yaml")  # fails early if this checkout cannot be imported
    python = other.resolve() / ".venv" / "bin" / "python"
    before = out.resolve() / (state(other) or "other")
    failed = False
    for data in data_sets(sample.resolve(), public.resolve() if public else None):
        if only and data.name not in only:
            continue
        kept = before / f"{data.name}-seconds.json"
        if before.name == "other" or not kept.exists():
            kept_seconds = run(other.resolve(), python, data, before, trials)
            kept.write_text(json.dumps({"seconds": kept_seconds, "trials": trials}), encoding="utf-8")
        theirs = json.loads(kept.read_text(encoding="utf-8"))["seconds"]
        own = out.resolve() / "this"
        ours = run(HERE, Path(sys.executable), data, own, trials)
        tables = [
            pd.read_csv(folder / "var" / "work" / data.name / "predictions.csv", dtype=str, keep_default_na=False)
            for folder in (before, own)
        ]
        texts = int((tables[0][PROSE] != tables[1][PROSE]).sum()) if len(tables[0]) == len(tables[1]) else 0
        cells, of_cells = differing_cells(*(table.drop(columns=PROSE) for table in tables))
        values, of_values = differing_numbers(*(folder / f"{data.name}-answer.json" for folder in (before, own)))
        failed |= cells > 0 or values > 0
        print(
            f"{data.name:8} predictions: {cells:,} of {of_cells:,} cells differ ({texts:,} texts of {PROSE}); "
            f"answer: {values:,} of {of_values:,} numbers differ; "
            f"train {ours:.0f} s here, {theirs:.0f} s there",
            flush=True,
        )
    raise typer.Exit(1 if failed else 0)


if __name__ == "__main__":
    typer.run(main)

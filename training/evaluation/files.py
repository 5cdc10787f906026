"""The evaluation of a run as files, so that its page can be written again when there is more to say beside it."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from training.atomic_write import write_table, write_text
from training.errors import BundleError
from training.evaluation.calibration_table import COLUMNS as DECILE_COLUMNS
from training.evaluation.calibration_table import calibration_table
from training.evaluation.coverage import Coverage
from training.evaluation.earliness import judged_earliness
from training.evaluation.lift import COLUMNS as LIFT_COLUMNS
from training.evaluation.lift import lift
from training.evaluation.run_facts import About, read_about

ABOUT = "run.json"
FRAMES = {
    "figures": "figures.csv",
    "beside": "holdout.parquet",
    "deciles": "deciles.csv",
    "lifts": "lift.csv",
    "curve": "earliness.csv",
    "cells": "coverage.csv",
    "bins": "reliability.csv",
}
CELLS = ["target", "age_hours", "quarter", "promotion_type", "judged", "rows", "covered", "below", "above", "width"]
BINS = ["chance", "bin", "rows", "stated", "true"]


@dataclass(frozen=True)
class Evaluation:
    """Everything a page tells of a run.

    Attributes:
        about: The run.
        figures: Of `training.evaluation.metrics`.
        beside: Of `training.evaluation.holdout`: the held-out rows, predicted and come.
        deciles: Of `training.evaluation.calibration_table`.
        lifts: Of `training.evaluation.lift`.
        curve: Of `training.evaluation.earliness`; empty where no ROI is known.
        cells: Of `training.evaluation.coverage`; empty where nothing is told of uncertainty.
        bins: Of `training.evaluation.coverage`.
    """

    about: About
    figures: pd.DataFrame
    beside: pd.DataFrame
    deciles: pd.DataFrame
    lifts: pd.DataFrame
    curve: pd.DataFrame
    cells: pd.DataFrame
    bins: pd.DataFrame


def evaluation_of(about: About, figures: pd.DataFrame, beside: pd.DataFrame, coverage: Coverage | None) -> Evaluation:
    """With all tables that follow from the held-out rows."""
    return Evaluation(
        about=about,
        figures=figures,
        beside=beside,
        deciles=calibration_table(beside, about.min_impressions),
        lifts=lift(beside, about.min_impressions),
        curve=judged_earliness(beside, about.min_impressions),
        cells=pd.DataFrame(columns=CELLS) if coverage is None else coverage.cells,
        bins=pd.DataFrame(columns=BINS) if coverage is None else coverage.bins,
    )


def write_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Every table and `run.json`; a table without rows has no file."""
    for field, name in FRAMES.items():
        table = getattr(evaluation, field)
        if len(table):
            write_table(table, folder / name)
        else:
            (folder / name).unlink(missing_ok=True)  # an earlier run's
    write_text(evaluation.about.model_dump_json(indent=1), folder / ABOUT)


def read_evaluation(folder: Path) -> Evaluation:
    """What `write_evaluation` wrote.

    Raises:
        BundleError: There is none.
    """
    if not (folder / ABOUT).is_file():
        raise BundleError(f"{folder}: holds no evaluation of this version. Train first: make train")
    words = dict.fromkeys(("quarter", "promotion_type"), "str")
    absent = {"deciles": DECILE_COLUMNS, "lifts": LIFT_COLUMNS, "cells": CELLS, "bins": BINS}
    found = {}
    for field, name in FRAMES.items():
        path = folder / name
        if not path.exists():
            found[field] = pd.DataFrame(columns=absent.get(field, []))
        elif path.suffix == ".parquet":
            found[field] = pd.read_parquet(path)
        else:
            ages = {"age_hours": "str"} if field == "cells" else {}
            found[field] = pd.read_csv(path, encoding="utf-8-sig", dtype=words | ages)
    return Evaluation(about=read_about(folder / ABOUT), **found)

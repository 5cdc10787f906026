"""Another checkout predicts the same holdout rows in a process of its own."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from benchmarks.load_files import read
from benchmarks.other_checkout import HERE, OtherCheckout, align, predict_elsewhere
from benchmarks.peers import OURS, run_methods
from benchmarks.tasks import make_task
from configs.settings import load_settings
from sample.__main__ import main as write_sample

KEYS = pd.DataFrame(
    {"promotion_type": "live", "account_id": "a", "creative_id": ["x", "y", "z"], "age_hours": [0, 0, 24]}
)


def test_predictions_are_joined_by_key_and_age() -> None:
    theirs = KEYS.assign(roi=[1.0, 2.0, 3.0]).iloc[[2, 0, 1]]
    assert align(theirs, KEYS)["roi"].tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("rows", [[0, 1], [0, 1, 2]])
def test_other_holdout_rows_are_refused(rows: list[int]) -> None:
    theirs = KEYS.iloc[rows].assign(age_hours=[0, 0, 48][: len(rows)], roi=1.0)
    with pytest.raises(ValueError, match="holdout rows are in one of the checkouts alone"):
        align(theirs, KEYS)


def test_a_checkout_without_packages_is_refused_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="Run `make setup` in"):
        OtherCheckout(tmp_path, [], tmp_path / "config.yaml")


@pytest.mark.slow
def test_this_checkout_as_the_other_one_predicts_the_same(tmp_path: Path) -> None:
    exports, config = tmp_path / "exports", tmp_path / "config.yaml"
    size = ["--creatives", "150", "--days", "50"]
    assert write_sample(["--out", str(exports), "--truth", str(tmp_path / "truth.parquet"), *size]) == 0
    quick = {"trees": {"rounds": 5}, "split": {"holdout_days": 10, "folds": 2}, "refits": {"every_days": 30}}
    config.write_text(yaml.safe_dump({"open_days": 1, **quick}), encoding="utf-8")
    (tmp_path / "other" / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / "other" / ".venv" / "bin" / "python").write_text(
        f'#!/bin/sh\ncd "{HERE}" && exec "{sys.executable}" "$@"\n', encoding="utf-8"
    )
    (tmp_path / "other" / ".venv" / "bin" / "python").chmod(0o755)
    settings = load_settings(config)
    task = make_task(read([exports], settings), settings, 0.3)
    other = OtherCheckout(tmp_path / "other", [exports], config, cold_share=0.3)
    predicted, seconds = predict_elsewhere(other, task)
    ours = run_methods(task, [], 0.0, lambda line: None)[OURS].predicted
    np.testing.assert_array_equal(predicted[task.funnel.targets], ours[task.funnel.targets])
    assert seconds > 0.0

"""The comparison with the truth finds a perfect forecast perfect and names missing files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.truth import TRUE, deciles, join, main, table

KEYS = pd.DataFrame({"promotion_type": "live", "account_id": "a", "creative_id": [f"c{n}" for n in range(12)]})


def write(folder: Path, holdout: pd.DataFrame, known: pd.DataFrame) -> tuple[Path, Path]:
    (folder / "work" / "evaluation").mkdir(parents=True)
    holdout.to_parquet(folder / "work" / "evaluation" / "holdout.parquet")
    known.to_parquet(folder / "truth.parquet")
    return folder / "work", folder / "truth.parquet"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Predictions in the right order and twice too high; the oracle's order is the reverse; one row has no truth."""
    rates = pd.Series(np.arange(1.0, 13.0))
    moment = pd.Timestamp("2026-06-01")
    holdout = KEYS.assign(age_hours=24, cutoff=moment, **{f"predicted_{name}": 2 * rates for name in TRUE})
    known = KEYS.assign(age_hours=24, cutoff=moment, **dict.fromkeys(TRUE.values(), rates))
    known = known.assign(**{f"{name}_known_effects": 1 / rates for name in list(TRUE)[:4]})
    return write(tmp_path, pd.concat([holdout, holdout.tail(1).assign(age_hours=48)]), known)


def test_rank_oracle_and_level_are_in_one_cell(files: tuple[Path, Path]) -> None:
    joined, unmatched = join(*files)
    assert unmatched == 1
    lines = table(joined).set_index(["type", "age"])
    assert lines.loc[("live", "24 h"), "net_roi"] == "1.00/-1.00 ×2.00"
    assert lines.loc[("all", "all"), "rows"] == "12"
    assert lines.loc[("all", "all"), "later_impressions"].startswith("1.00 ×1.8")


def test_fewer_than_ten_rows_give_no_figure(files: tuple[Path, Path]) -> None:
    joined, _ = join(*files)
    assert set(table(joined.head(9))["gpm"]) == {"·"}


@pytest.mark.parametrize(("absent", "cure"), [("work", "make train"), ("truth", "make sample")])
def test_an_absent_file_is_named_with_what_to_type(files, absent, cure, monkeypatch, capsys) -> None:
    work, truth = files
    paths = {"work": work, "truth": truth} | {absent: work / "nowhere"}
    monkeypatch.setattr("sys.argv", ["truth", "--work", str(paths["work"]), "--truth", str(paths["truth"])])
    with pytest.raises(SystemExit) as stopped:
        main()
    message = capsys.readouterr().err
    assert stopped.value.code == 2
    assert cure in message
    assert "nowhere" in message


def test_two_worlds_are_refused(tmp_path: Path, files: tuple[Path, Path]) -> None:
    work, truth = files
    other = tmp_path / "other.parquet"
    pd.read_parquet(truth).assign(account_id="b").to_parquet(other)
    with pytest.raises(ValueError, match="different worlds"):
        join(work, other)


def test_deciles_are_compared_with_the_outcome_and_with_the_truth() -> None:
    """Predictions are the truth, outcomes are half of it, and volume is enough in all rows but one."""
    rates = pd.Series(np.arange(1.0, 13.0))
    rows = KEYS.assign(age_hours=24, actual_later_impressions=[100.0, *[500.0] * 11])
    for target, true in TRUE.items():
        rows[f"predicted_{target}"] = rows[true] = rates
        rows[f"exposure_{target}"] = 1.0
        rows[f"actual_{target}"] = rows.get(f"actual_{target}", rates / 2)
    lines = deciles(rows).set_index(["target", "age", "over"])
    assert lines.loc[("gpm", "24 h", "truth"), ["total", "mean", "1", "10"]].tolist() == ["1.00"] * 4
    assert lines.loc[("gpm", "all", "came"), ["rows", "total", "10"]].tolist() == ["11", "2.00", "2.00"]
    assert lines.loc[("later_impressions", "all", "truth"), "rows"] == "12"
    assert list(dict.fromkeys(deciles(rows)["target"])) == list(TRUE)

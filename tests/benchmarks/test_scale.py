"""The scale benchmark: it runs every step, keeps its results, and formats slopes and goals."""

import json
import subprocess
from contextlib import ExitStack

import numpy as np
import pandas as pd
import pytest

from benchmarks import scale, scale_steps
from benchmarks.scale import measure_growth
from benchmarks.scale_exports import write_exports
from benchmarks.scale_steps import peak_mb, reset_peak
from benchmarks.scale_table import GOAL_SIZE, growth_table, slope
from benchmarks.scale_world import accounts_of, unchecked_world, world
from configs.settings import Settings
from features.store.duckdb_store import open_store
from features.store.ingest import ingest
from features.store.load import load
from training.data.metrics_source import InMemorySource
from training.sharded.source import ShardedSource

pytestmark = pytest.mark.slow

STEPS = ["ingest", "load", "snapshots", "features: counts", "features", "predict"]


def measured(seconds: float, peak_mb: float = 500.0, steps: list[str] = STEPS) -> dict:
    costs = {name: {"seconds": seconds, "cpu_seconds": seconds / 2, "peak_mb": peak_mb} for name in steps}
    return {"steps": costs, "counts": {"metrics": 7}, "exports": EXPORTS}


EXPORTS = {"files": 3, "rows": 8, "bytes": 9}


def cells(text: str, step: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {step} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.parametrize("power", [0.5, 1.0, 1.3])
def test_the_slope_is_the_power_with_which_time_grows(power: float) -> None:
    rows = [1_000, 5_000, 10_000]
    assert slope(rows, [2.0 * (count / 1000) ** power for count in rows]) == pytest.approx(power)


def test_one_size_has_no_slope() -> None:
    assert np.isnan(slope([1000], [1.0]))
    assert cells(growth_table({1000: measured(1.0)}), "load")[-5:] == ["–", "–", "–", "–", "not measured"]


def test_the_table_shows_slopes_and_whether_they_are_small_enough() -> None:
    text = growth_table({1_000_000: measured(1.0), 10_000_000: measured(10.0)})
    assert cells(text, "load") == ["load", "1.0", "10.0", "1.00", "1.00", "1.00", "1.00", "yes"]
    text = growth_table({1_000_000: measured(1.0), 10_000_000: measured(20.0)})
    assert cells(text, "load") == ["load", "1.0", "20.0", "1.30", "1.30", "1.30", "1.30", "no"]


def test_steps_that_are_only_comparable_together_are_added_up() -> None:
    one, many = measured(1.0), measured(1.0)
    many["steps"]["load"] = {"seconds": 8.0, "cpu_seconds": 10.0, "peak_mb": 700.0}
    text = growth_table({1_000_000: one, 10_000_000: many})
    assert cells(text, "load to features")[1:4] == ["3.0", "10.0", f"{np.log10(10 / 3):.2f}"]
    assert cells(text[text.index("Peak") :], "load to features")[1:] == ["500", "700"]


def test_a_step_that_was_not_measured_at_a_size_is_marked() -> None:
    text = growth_table({1_000_000: measured(1.0, steps=[*STEPS, "fit"]), 10_000_000: measured(10.0)})
    assert cells(text, "fit") == ["fit", "1.0", "not measured", "–", "–", "–", "–", "not measured"]


def test_goals_are_compared_at_the_size_they_are_set_for() -> None:
    text = growth_table({GOAL_SIZE // 10: measured(500.0), GOAL_SIZE: measured(100.0, peak_mb=9000.0)})
    assert "- 1 M, load to features: 1,500 s, 500 MB at most\n" in text
    assert "- 10 M, load to features: 300 s, 9,000 MB at most; goals 360 s: yes, 8,192 MB: no" in text


def test_a_step_that_did_not_fit_in_memory_is_named_beside_the_steps_before_it() -> None:
    stopped = measured(1.0, steps=["ingest", "load"]) | {"stopped": "features: counts", "most_mb": 9000}
    text = growth_table({GOAL_SIZE: stopped})
    assert "- 10 M: “features: counts” does not fit in 9,000 MB" in text
    assert "goals" not in text
    assert cells(text, "load")[1] == "1.0"


def test_a_run_whose_memory_gives_out_ends_with_what_was_measured(tmp_path, monkeypatch) -> None:
    def run(command, **_):
        monkeypatch.setattr("sys.argv", command[2:])  # without `python -m`
        scale_steps.main()
        return subprocess.CompletedProcess(command, 0)

    def too_much() -> None:
        raise MemoryError

    def measure(record, *_, **__) -> None:
        record.timed("load", lambda: None)
        record.timed("features: counts", lambda: None)
        record.timed("features: build_features", too_much)

    monkeypatch.setattr(scale_steps.resource, "setrlimit", lambda *_: None)
    monkeypatch.setattr(scale_steps, "measure", measure)
    monkeypatch.setattr(subprocess, "run", run)
    result = scale._run_steps(tmp_path, fit=False)
    assert result["stopped"] == "features: build_features"
    assert list(result["steps"]) == ["load", "features: counts"]  # the complete part, not the incomplete step


def test_sizes_measured_before_are_not_measured_again_unless_forgotten(tmp_path, monkeypatch) -> None:
    calls = []

    def pretend(rows, out, **_):
        calls.append(rows)
        return measured(rows / 1000)

    monkeypatch.setattr(scale, "_measure_size", pretend)
    measure_growth([1000, 2000], tmp_path, 0)
    measure_growth([1000, 2000, 4000], tmp_path, 0)
    assert calls == [1000, 2000, 4000]
    measure_growth([1000], tmp_path, 0, anew=True)
    assert calls == [1000, 2000, 4000, 1000]
    assert list(json.loads((tmp_path / "scale.json").read_text())) == ["1000"]


def test_every_step_is_measured_and_nothing_large_is_left(tmp_path) -> None:
    text = measure_growth([12_000], tmp_path, 12_000)
    names = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("|")]
    for step in [
        "ingest",
        "load",
        "snapshots",
        "features",
        "– counts",
        "– build_features",
        "fit",
        "– funnel models",
        "predict",
    ]:
        assert step in names
    result = json.loads((tmp_path / "12000.json").read_text())
    assert result["counts"]["metrics"] == 12_000
    assert all(step["seconds"] > 0 and step["peak_mb"] > 50 for step in result["steps"].values())
    assert {path.name for path in tmp_path.iterdir()} == {"12000.json", "scale.json", "scale.md"}


def test_too_little_disk_is_reported_before_anything_is_written(tmp_path) -> None:
    with pytest.raises(SystemExit, match=r"need about [\d.]+ GB of disk"):
        measure_growth([10**15], tmp_path, 0)


def test_wrong_arguments_are_refused_with_what_was_expected(tmp_path, monkeypatch, capsys) -> None:
    for wrong, message in (
        (["--rows", "10"], "at least 1000, found 10"),
        (["--most-mb", "300"], "at least 2000, found 300"),
    ):
        monkeypatch.setattr("sys.argv", ["scale", "--out", str(tmp_path), *wrong])
        with pytest.raises(SystemExit):
            scale.main()
        assert message in capsys.readouterr().err


def test_the_peak_is_reset_between_steps() -> None:
    block = np.ones(40_000_000)
    assert peak_mb() > block.nbytes / 2**20
    before = peak_mb()
    del block
    reset_peak()
    assert peak_mb() < before - 250


def test_the_world_mixes_hours_and_days_and_few_creatives_have_most_of_the_volume() -> None:
    loaded = world(20_000)
    assert len(loaded.metrics) == 20_000
    assert set(loaded.metrics["grain"]) == {"hour", "day"}
    each = loaded.metrics.groupby("creative_id")["impressions"].sum().sort_values(ascending=False)
    assert each.head(len(each) // 10).sum() > 0.6 * each.sum()
    assert loaded.metrics["account_id"].nunique() == accounts_of(20_000) == 4
    assert accounts_of(1_000_000) == 12


def test_exports_of_the_world_load_to_the_world(tmp_path) -> None:
    metrics, creatives = unchecked_world(3_000)
    written = write_exports(metrics, creatives, tmp_path / "exports")
    assert written.rows > len(metrics)  # accounts read by the hour are downloaded by the day as well
    with open_store(tmp_path / "store.duckdb") as store:
        report = ingest(store, [tmp_path / "exports"], Settings())
        loaded = load(store, Settings())
    assert len(report.files) == written.files
    assert not report.problems
    exact = ["promotion_type", "creative_id", "grain", "period_start", "impressions", "orders", "spend_cny", "gmv_cny"]
    pd.testing.assert_frame_equal(loaded.metrics[exact], metrics[exact])
    assert len(loaded.creatives) == len(creatives)
    assert loaded.creatives["product_id"].tolist() == creatives["product_id"].tolist()


def test_large_sizes_are_read_account_by_account_and_come_to_the_same(tmp_path) -> None:
    settings = Settings()
    write_exports(*unchecked_world(4_000), tmp_path / "exports")
    with open_store(tmp_path / "store.duckdb") as store:
        ingest(store, [str(tmp_path / "exports")], settings)
    few = settings.model_copy(update={"in_memory_rows": 10})
    with ExitStack() as resources:
        whole = scale_steps.open_for_size(tmp_path / "store.duckdb", settings, resources)
        parts = scale_steps.open_for_size(tmp_path / "store.duckdb", few, resources)
        assert isinstance(whole, InMemorySource)
        assert isinstance(parts, ShardedSource)
        assert scale_steps.row_count(parts) == scale_steps.row_count(whole)
        before = scale_steps.cpu_seconds()
        pd.testing.assert_frame_equal(parts.snapshots(settings), whole.snapshots(settings), check_exact=True)
        assert {kind: set(names) for kind, names in parts.value_columns().items()} == {
            kind: set(names) for kind, names in whole.value_columns().items()
        }
        assert len(scale_steps.process_folders()) == 1 + settings.processes
        assert scale_steps.cpu_seconds() > before

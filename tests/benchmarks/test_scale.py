"""Does the benchmark of growth run, keep what it measured, and tell it rightly?"""

import json
import subprocess
from contextlib import ExitStack

import numpy as np
import pandas as pd
import pytest

from benchmarks import scale, scale_steps
from benchmarks.scale import compare, grow, least
from benchmarks.scale_exports import write_exports
from benchmarks.scale_steps import forget_peak, frame_digest, peak_mb
from benchmarks.scale_table import GOAL_SIZE, beside_table, growth_table, slope
from benchmarks.scale_world import accounts_of, unchecked, world
from configs.settings import Settings
from features.store.duckdb_store import open_store
from features.store.ingest import ingest
from features.store.load import load

STEPS = ["ingest", "load", "snapshots", "features: counts", "features", "predict"]


def measured(seconds: float, peak_mb: float = 500.0, steps: list[str] = STEPS) -> dict:
    told = {name: {"seconds": seconds, "cpu_seconds": seconds / 2, "peak_mb": peak_mb} for name in steps}
    return {"steps": told, "counts": {"metrics": 7}, "digests": {"features": "a"}, "exports": EXPORTS}


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


def test_the_table_tells_slopes_and_whether_they_are_small_enough() -> None:
    text = growth_table({1_000_000: measured(1.0), 10_000_000: measured(10.0)})
    assert cells(text, "load") == ["load", "1.0", "10.0", "1.00", "1.00", "1.00", "1.00", "yes"]
    text = growth_table({1_000_000: measured(1.0), 10_000_000: measured(20.0)})
    assert cells(text, "load") == ["load", "1.0", "20.0", "1.30", "1.30", "1.30", "1.30", "no"]


def test_what_is_read_in_another_step_where_there_are_parts_is_told_as_one() -> None:
    one, many = measured(1.0), measured(1.0)
    many["steps"]["load"] = {"seconds": 8.0, "cpu_seconds": 10.0, "peak_mb": 700.0}
    text = growth_table({1_000_000: one, 10_000_000: many})
    assert cells(text, "load to features")[1:4] == ["3.0", "10.0", f"{np.log10(10 / 3):.2f}"]
    assert cells(text[text.index("Peak") :], "load to features")[1:] == ["500", "700"]


def test_a_step_that_was_not_measured_at_a_size_is_told_so() -> None:
    text = growth_table({1_000_000: measured(1.0, steps=[*STEPS, "fit"]), 10_000_000: measured(10.0)})
    assert cells(text, "fit") == ["fit", "1.0", "not measured", "–", "–", "–", "–", "not measured"]


def test_goals_are_told_of_the_size_they_are_set_for() -> None:
    text = growth_table({GOAL_SIZE // 10: measured(500.0), GOAL_SIZE: measured(100.0, peak_mb=9000.0)})
    assert "- 1 M, load to features: 1,500 s, 500 MB at most\n" in text
    assert "- 10 M, load to features: 300 s, 9,000 MB at most; goals 360 s: yes, 8,192 MB: no" in text


def test_a_step_that_did_not_fit_in_memory_is_told_and_so_is_what_was_measured_before_it() -> None:
    stopped = measured(1.0, steps=["ingest", "load"]) | {"stopped": "features: counts", "most_mb": 9000}
    text = growth_table({GOAL_SIZE: stopped})
    assert "- 10 M: “features: counts” does not fit in 9,000 MB" in text
    assert "goals" not in text
    assert cells(text, "load")[1] == "1.0"


def test_a_run_whose_memory_gives_out_ends_with_what_was_measured(tmp_path, monkeypatch) -> None:
    def run(command, **_):
        monkeypatch.setattr("sys.argv", command[2:])
        scale_steps.main()
        return subprocess.CompletedProcess(command, 0)

    def too_much() -> None:
        raise MemoryError

    def measure(record, *_, **__) -> None:
        record.timed("load", lambda: None)
        record.timed("features: counts", lambda: None)
        record.timed("features: describe", too_much)

    monkeypatch.setattr(scale_steps.resource, "setrlimit", lambda *_: None)
    monkeypatch.setattr(scale_steps, "measure", measure)
    monkeypatch.setattr(subprocess, "run", run)
    told = scale._steps(tmp_path, scale.HERE, fit=False)
    assert told["stopped"] == "features: describe"
    assert list(told["steps"]) == ["load", "features: counts"]  # a part of what is not whole, and not the whole


def test_ratios_are_the_other_checkout_over_this_one_and_say_whether_both_made_the_same() -> None:
    text = beside_table({1_000_000: {"beside": measured(3.0, 200.0), "here": measured(2.0, 400.0)}})
    assert cells(text, "load") == ["load", "3.0 → 2.0 s: 1.50 ×, CPU 1.50 ×, memory 0.50 ×"]
    assert "features: the same to the last bit" in text
    other = measured(3.0) | {"digests": {"features": "b"}}
    assert "NOT the same: features" in beside_table({1_000_000: {"beside": other, "here": measured(2.0)}})


def test_of_several_runs_the_least_counts_step_by_step() -> None:
    fast, lean = measured(1.0, 900.0), measured(2.0, 300.0)
    assert least([fast, lean])["steps"]["load"] == {"seconds": 1.0, "cpu_seconds": 0.5, "peak_mb": 300.0}


def test_sizes_measured_before_are_not_measured_again_unless_forgotten(tmp_path, monkeypatch) -> None:
    asked = []

    def pretend(rows, out, measure):
        asked.append(rows)
        return measured(rows / 1000)

    monkeypatch.setattr(scale, "_exported", pretend)
    grow([1000, 2000], tmp_path, 0)
    grow([1000, 2000, 4000], tmp_path, 0)
    assert asked == [1000, 2000, 4000]
    grow([1000], tmp_path, 0, anew=True)
    assert asked == [1000, 2000, 4000, 1000]
    assert list(json.loads((tmp_path / "scale.json").read_text())) == ["1000"]


def test_every_step_is_measured_and_nothing_large_is_left(tmp_path) -> None:
    text = grow([12_000], tmp_path, 12_000)
    names = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("|")]
    for step in [
        "ingest",
        "load",
        "snapshots",
        "features",
        "– counts",
        "– build_features",
        "fit",
        "– mixed models",
        "predict",
    ]:
        assert step in names
    told = json.loads((tmp_path / "12000.json").read_text())
    assert told["counts"]["metrics"] == 12_000
    assert all(step["seconds"] > 0 and step["peak_mb"] > 50 for step in told["steps"].values())
    assert {path.name for path in tmp_path.iterdir()} == {"12000.json", "scale.json", "scale.md"}


def test_a_checkout_beside_itself_makes_the_same(tmp_path) -> None:
    text = compare([6_000], scale.HERE, tmp_path, 0, 1)
    assert "predictions: the same to the last bit" in text
    assert cells(text, "load")[1].count("×") == 3


def test_too_little_disk_is_said_before_anything_is_written(tmp_path) -> None:
    with pytest.raises(SystemExit, match=r"need about [\d.]+ GB of disk"):
        grow([10**15], tmp_path, 0)


def test_wrong_arguments_are_told_with_what_was_expected(tmp_path, monkeypatch, capsys) -> None:
    for wrong, told in (
        (["--rows", "10"], "at least 1000, found 10"),
        (["--beside", str(tmp_path)], "root of a checkout"),
        (["--most-mb", "300"], "at least 2000, found 300"),
    ):
        monkeypatch.setattr("sys.argv", ["scale", "--out", str(tmp_path), *wrong])
        with pytest.raises(SystemExit):
            scale.main()
        assert told in capsys.readouterr().err


def test_the_peak_is_forgotten_between_steps() -> None:
    block = np.ones(40_000_000)
    assert peak_mb() > block.nbytes / 2**20
    before = peak_mb()
    del block
    forget_peak()
    assert peak_mb() < before - 250


def test_digests_tell_frames_apart_to_the_last_bit() -> None:
    frame = pd.DataFrame({"a": [0.1, 0.2], "b": ["x", None]})
    assert frame_digest(frame) == frame_digest(frame.copy())
    assert frame_digest(frame) != frame_digest(frame.assign(a=[0.1, np.nextafter(0.2, 1)]))
    assert frame_digest(frame) != frame_digest(frame.assign(b=["x", "y"]))


def test_the_world_mixes_hours_and_days_and_few_creatives_have_most_of_the_volume() -> None:
    loaded = world(20_000)
    assert len(loaded.metrics) == 20_000
    assert set(loaded.metrics["grain"]) == {"hour", "day"}
    each = loaded.metrics.groupby("creative_id")["impressions"].sum().sort_values(ascending=False)
    assert each.head(len(each) // 10).sum() > 0.6 * each.sum()
    assert loaded.metrics["account_id"].nunique() == accounts_of(20_000) == 4
    assert accounts_of(1_000_000) == 12


def test_exports_of_the_world_load_to_the_world(tmp_path) -> None:
    metrics, creatives = unchecked(3_000)
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
    write_exports(*unchecked(4_000), tmp_path / "exports")
    with open_store(tmp_path / "store.duckdb") as store:
        ingest(store, [str(tmp_path / "exports")], settings)
    few = settings.model_copy(update={"in_memory_rows": 10})
    with ExitStack() as held:
        whole = scale_steps.source_of(tmp_path / "store.duckdb", settings, held)
        parts = scale_steps.source_of(tmp_path / "store.duckdb", few, held)
        assert isinstance(whole, scale_steps.Whole)
        assert isinstance(parts, scale_steps.Parts)
        assert parts.rows == whole.rows
        worked = scale_steps.worked_seconds()
        assert frame_digest(parts.snapshots(settings)) == frame_digest(whole.snapshots(settings))
        assert parts.funnel(settings) == whole.funnel(settings)
        assert len(scale_steps.family()) == 1 + settings.processes
        assert scale_steps.worked_seconds() > worked

"""`python -m features`: its output, errors and exit codes."""

import signal
import subprocess
import sys

import pandas as pd
import pytest

from features.__main__ import main
from features.console import PROBLEMS_SHOWN, problem_lines
from features.errors import Problem
from features.partitions.address import is_partitioned
from features.partitions.reader import open_partitioned, read_whole
from features.schema import KEY, ExportRead
from features.store.duckdb_store import open_store

ACCOUNT = "1703721944119861"
HEADER = "素材ID,素材视频名称,日期,整体消耗,整体展现次数,整体点击次数,整体成交订单数,整体成交金额"
NAME = "<script>alert(1)</script>'; DROP TABLE metrics; --.mp4"


@pytest.fixture
def exports(tmp_path):
    folder = tmp_path / ACCOUNT
    folder.mkdir()
    days = ["2025-07-01", "2025-07-02", "2025-07-04"]
    rows = [f"7401234567890123456,{NAME},{day},12.50,1000,60,2,99.00" for day in days]
    (folder / "全域推广数据-视频.csv").write_text("\n".join([HEADER, *rows, ""]), encoding="gbk")
    return folder


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Types a command; gives its exit code, stdout and stderr."""

    def typed(*arguments):
        command = [str(argument) for argument in arguments]
        monkeypatch.setattr(sys, "argv", ["features", command[0], "--store", str(tmp_path / "s.duckdb"), *command[1:]])
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return ended.value.code, printed.out, printed.err

    return typed


def test_exports_go_in_and_parquet_comes_out(run, exports, tmp_path):
    code, out, _ = run("ingest", exports)
    assert code == 0
    assert "added" in out
    code, out, _ = run("export", tmp_path / "out")
    assert code == 0
    metrics = pd.read_parquet(tmp_path / "out" / "metrics.parquet")
    creatives = pd.read_parquet(tmp_path / "out" / "creatives.parquet")
    assert metrics["gmv_cny"].sum() == 297
    assert creatives["creative_name"].tolist() == [NAME]
    assert pd.read_parquet(tmp_path / "out" / "revisions.parquet").empty
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "creatives.parquet",
        "metrics.parquet",
        "revisions.parquet",
    ]


@pytest.mark.parametrize("where", ["out", "memory://cli/out"])
def test_exports_come_out_by_account_and_month(run, exports, tmp_path, where):
    run("ingest", exports)
    root = where if "://" in where else str(tmp_path / where)
    code, out, err = run("export", root, "--partitioned")
    assert (code, err) == (0, "")
    dataset = open_partitioned(root)
    assert [part.account_id for part in dataset.parts] == [ACCOUNT]
    assert out == f"{root}\nparts: 1\nrows: 3\nbytes: {dataset.parts[0].bytes:,}\n"
    whole = read_whole(dataset)
    assert whole.metrics["gmv_cny"].sum() == 297
    assert whole.creatives["creative_name"].tolist() == [NAME]


@pytest.mark.parametrize(
    ("root", "options", "message"),
    [
        ("memory://bucket/out", [], "Add --partitioned"),
        ("nowhere://user:s3cret@bucket/out", [], "Add --partitioned"),
        ("nowhere://user:s3cret@bucket/out", ["--partitioned"], "starts with nowhere://"),
        ("s3://user:s3cret@bucket/out", ["--partitioned"], "AWS_SECRET_ACCESS_KEY"),
    ],
)
def test_a_place_that_cannot_be_is_refused_without_its_password(run, exports, root, options, message):
    run("ingest", exports)
    code, out, err = run("export", root, *options)
    assert (code, out) == (2, "")
    assert message in err
    assert "s3cret" not in err
    assert len(err.splitlines()) == 1


def test_status_shows_what_is_there_and_what_is_missing(run, exports):
    run("ingest", exports)
    code, out, err = run("status")
    assert (code, err) == (0, "")
    assert "1: 2025-07-03" in out
    assert "Days from 2025-07-03 on are still open" in out
    assert "clicks / impressions" in out
    assert "missing: plays, plays_3s" in out


def test_status_counts_rows_left_out_by_reason(run, exports):
    lost = "7.4E+18,n,2025-07-01,12.50,1000,60,2,99.00"
    (exports / "b.csv").write_text("\n".join([HEADER, lost, lost.replace("07-01", "07-02"), ""]), encoding="gbk")
    run("ingest", exports)
    out = run("status")[1]
    assert "left out: expected" in out
    assert "7.4E+18" in out


def test_a_bad_file_is_reported_on_stderr_and_the_rest_comes_in(run, exports):
    (exports / "b.csv").write_text("what,is,this\n1,2,3\n")
    code, out, err = run("ingest", exports)
    assert code == 0
    assert "unusable" in out
    assert "b.csv" in err
    assert len(run("status")[1]) > 0


def test_strict_refuses_with_exit_code_2_and_no_traceback(run, exports, tmp_path):
    (exports / "b.csv").write_text("what,is,this\n1,2,3\n")
    code, out, err = run("ingest", "--strict", exports)
    assert (code, out) == (2, "")
    assert err.startswith("Nothing was imported")
    assert "Traceback" not in err
    with open_store(tmp_path / "s.duckdb", read_only=True) as store:
        assert store.table("metrics").empty


def test_status_without_a_store_asks_to_ingest_first(run):
    code, _, err = run("status")
    assert code == 2
    assert "python -m features ingest" in err
    assert len(err.splitlines()) == 1


def test_a_wrong_settings_file_is_named(run, tmp_path):
    (tmp_path / "run.yaml").write_text("open_dayz: 3\n")
    code, _, err = run("status", "--config", tmp_path / "run.yaml")
    assert code == 2
    assert "did you mean open_days" in err


def test_an_output_folder_that_is_a_file_is_refused(run, exports, tmp_path):
    run("ingest", exports)
    (tmp_path / "taken").write_text("x")
    code, _, err = run("export", tmp_path / "taken")
    assert code == 2
    assert "Name another folder" in err


def test_of_many_problems_of_a_file_the_first_are_printed_and_the_rest_counted():
    notes = [Problem("note", "a.csv", str(i), "b", "c") for i in range(PROBLEMS_SHOWN)]
    lines = problem_lines([*notes, Problem("row", "a.csv", "found", "expected", "Cure.")])
    assert len(lines) == PROBLEMS_SHOWN + 1
    assert lines[0].startswith("row: a.csv")
    assert lines[-1] == "… and 1 more about this file"


HELD = """
import time
from features.__main__ import main
from features.partitions import writer as partition_write
from features.store import duckdb_store as store

def hold_after(holder, name, when):
    go_on = getattr(holder, name)
    def held(*given):
        done = go_on(*given)
        if when(*given):
            print("here", flush=True)
            time.sleep(600)
        return done
    setattr(holder, name, held)
"""
EXPORT = 'hold_after(partition_write, "_write_partition", lambda *given: given[2] == "a25")'
INGEST = 'hold_after(store, "merge_metrics", lambda connection, rows, file_id, at: file_id == 2)'


def stopped(held, *arguments):
    """Types a command in a process of its own, and holds it at the place that `held` names, to type Ctrl-C there."""
    # Where the tests run in a shell's background SIGINT is ignored, and what they start would inherit that.
    options = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    command = [sys.executable, "-c", f"{HELD}\n{held}\nmain()", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    assert process.stdout.readline() == "here\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=180)
    assert "Traceback" not in err
    assert process.returncode == 130


@pytest.mark.slow
def test_ctrl_c_in_an_export_ends_with_130_and_the_next_one_ends_it(run, tmp_path):
    start = pd.Series([pd.Timestamp("2025-07-01")] * 40).astype("datetime64[us]")
    metrics = pd.DataFrame({"account_id": [f"a{number}" for number in range(40)], "period_start": start})
    metrics = metrics.assign(promotion_type="live", creative_id="c", grain="day", orders=1.0, row=2)
    metrics = metrics.assign(period_end=start + pd.Timedelta(days=1))
    facts = pd.DataFrame(columns=[*KEY, "name", "value", "origin"], dtype="str")
    with open_store(tmp_path / "s.duckdb") as store:
        store.add(ExportRead("a.csv", "s1", "daily", metrics, facts))
    out = tmp_path / "set"
    stopped(EXPORT, "export", "--store", str(tmp_path / "s.duckdb"), str(out), "--partitioned")
    assert list(out.rglob("*.parquet"))
    assert not is_partitioned(str(out))
    assert run("export", out, "--partitioned")[0] == 0
    assert len(open_partitioned(str(out)).parts) == 40
    assert not list(out.rglob(".*"))


@pytest.mark.slow
def test_ctrl_c_ends_with_130_and_a_whole_store(exports, tmp_path):
    first = exports / "全域推广数据-视频.csv"
    (exports / "退款.csv").write_text(first.read_text(encoding="gbk").replace("12.50", "13.50"), encoding="gbk")
    store = tmp_path / "s.duckdb"
    stopped(INGEST, "ingest", "--store", str(store), str(exports))
    with open_store(store) as opened:
        assert opened.table("files")["path"].tolist() == [str(first)]
        assert set(opened.table("metrics")["spend_cny"]) == {12.5}

"""The screen of a command: phases, folded findings, and a log with everything."""

import re
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from features.errors import Problem
from features.store.ingest import FileReport, IngestReport
from training.run_screen import PHASES, RunScreen, folded_problems, show_files


def total_rows(file: str, count: int, severity: str = "note") -> Problem:
    return Problem(
        severity,
        file,
        f"{count} rows of totals",
        "one creative per row",
        "Nothing to do.",
        count=count,
        zh=f"{count} 行是合计；不用处理。",
    )


def report(*problems: Problem) -> IngestReport:
    files = sorted({problem.file for problem in problems})
    return IngestReport(tuple(
        FileReport(Path(file), "added", "", None, tuple(p for p in problems if p.file == file)) for file in files
    ))  # fmt: skip


def screen_of(tmp_path: Path, console: Console, language="en", **more) -> RunScreen:
    return RunScreen(console, tmp_path / "log" / "train.log", language, **more)


def test_without_a_terminal_each_phase_is_one_line_with_its_seconds(tmp_path: Path) -> None:
    out = Console(file=StringIO(), width=120)
    with screen_of(tmp_path, out, "zh") as screen:
        screen.callbacks.phase("tune")
        screen.callbacks.trial("gmv", 3, 10, 0.983)
        screen.callbacks.line("a detail")
    lines = out.file.getvalue().splitlines()
    assert re.fullmatch(r"读取数据：\d+ 秒", lines[0])
    assert re.fullmatch(r"模型头调参：\d+ 秒，成交额：比手工设置好 1.7 %", lines[1])
    log = screen.log.read_text("utf-8")
    assert "a detail" in log
    assert "trial 3 of 10, gmv: 1.7 % better than the hand setting" in log


def test_a_terminal_sees_bar_count_and_what_the_best_trial_gained(tmp_path: Path) -> None:
    out = Console(file=StringIO(), force_terminal=True, width=140)
    with screen_of(tmp_path, out) as screen:
        screen.callbacks.phase("tune")
        screen.callbacks.trial("cost", 1, 100, 1.0)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out.file.getvalue())
    assert "100/100" in text  # as the phase has ended
    assert "cost: not yet better than the hand setting" in text


def test_details_are_shown_where_they_are_asked_for(tmp_path: Path) -> None:
    out = Console(file=StringIO(), force_terminal=True, width=120)
    with screen_of(tmp_path, out, verbose=True) as screen:
        screen.callbacks.line("19 snapshots")
    assert "19 snapshots" in out.file.getvalue()


def test_the_name_of_a_file_cannot_steer_the_terminal(tmp_path: Path) -> None:
    out = Console(file=StringIO(), force_terminal=True, width=100)
    with screen_of(tmp_path, out) as screen:
        screen.callbacks.file(0, 1, Path("七月\x1b]0;forged\x07.csv"))
    assert "七月" in out.file.getvalue()
    assert "\x1b]0;" not in out.file.getvalue()
    assert "\x1b]0;" not in screen.log.read_text("utf-8")


def test_what_stopped_a_command_is_in_its_log(tmp_path: Path) -> None:
    screen = screen_of(tmp_path, Console(file=StringIO()))
    with pytest.raises(ValueError, match="no such thing"), screen:
        raise ValueError("no such thing")
    assert "stopped: ValueError: no such thing" in screen.log.read_text("utf-8")


def test_findings_of_one_kind_are_one_line_and_the_gravest_come_first() -> None:
    lost = Problem("file", "x.csv", "no known columns", "a known layout", "Export again.")
    found = folded_problems([total_rows("a.csv", 10), total_rows("b.csv", 9), lost])
    assert [words.en.split(" For example")[0] for words in found] == [
        "1 file left out.",
        "2 files, 19 rows have a note.",
    ]
    assert found[1].zh.startswith("2 个文件、19 行有提示。例如 a.csv：10 行是合计；不用处理。")


def test_columns_with_the_same_finding_are_all_named() -> None:
    price, target = (
        Problem("note", "sheet.csv", "cells", "a number", "Correct them.", column=name, count=count, zh="读不出来。")
        for name, count in (("客单价", 9), ("目标ROI", 26))
    )
    (found,) = folded_problems([price, target])
    assert found.zh == "1 个文件、35 行有提示。例如 sheet.csv，“客单价”列：读不出来。同样的还有：“目标ROI”列 26 行。"
    assert found.en.endswith("Correct them. The same in “目标ROI” (26 rows).")


def test_all_findings_are_in_the_log_and_the_screen_names_it(tmp_path: Path) -> None:
    out = Console(file=StringIO(), width=300)
    with screen_of(tmp_path, out) as screen:
        show_files(report(*(total_rows(f"{number}.csv", 10) for number in range(30))), screen)
    shown = out.file.getvalue()
    assert "30 files read, 0 already in the store" in shown
    assert "30 files, 300 rows have a note" in shown
    assert f"details in {screen.log}" in shown
    assert len(shown.splitlines()) < 6
    assert screen.log.read_text("utf-8").count("rows of totals; expected one creative per row") == 31


def test_every_phase_has_a_name_in_both_languages() -> None:
    assert all(words.zh and words.en for words in PHASES.values())

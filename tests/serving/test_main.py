"""The command line of the service."""

import sys

import pytest

from configs.errors import GpmcastError
from serving.__main__ import ledger_command, main, score_command


def test_a_time_that_is_none_is_refused_before_the_ledger_is_read(tmp_path) -> None:
    with pytest.raises(GpmcastError, match="--since June: is no time"):
        ledger_command(url=f"sqlite:///{tmp_path}/ledger.db", since="June")
    assert not list(tmp_path.iterdir())


def test_a_ledger_that_does_not_exist_is_not_made_by_reading_it(tmp_path) -> None:
    with pytest.raises(GpmcastError, match="there is no ledger"):
        ledger_command(url=f"sqlite:///{tmp_path}/var/ledger.db")
    assert not list(tmp_path.iterdir())


def test_a_language_that_the_report_has_not_is_refused_with_those_that_it_has(capsys, monkeypatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    monkeypatch.setattr(sys, "argv", ["serving", "report", "--data", "x", "--lang", "fr"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "--lang 的值“fr”不对；应为 zh、en 之一" in capsys.readouterr().err


def test_a_backtest_that_was_named_and_is_not_there_is_refused(tmp_path) -> None:
    with pytest.raises(GpmcastError, match=r"--backtest .*none.parquet: there is no such file. Make one"):
        score_command(["x"], backtest=tmp_path / "none.parquet")

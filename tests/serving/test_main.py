"""The command line of the service."""

import pytest

from configs.errors import GpmcastError
from serving.__main__ import ledger_command


def test_a_time_that_is_none_is_refused_before_the_ledger_is_read(tmp_path) -> None:
    with pytest.raises(GpmcastError, match="--since June: is no time"):
        ledger_command(url=f"sqlite:///{tmp_path}/ledger.db", since="June")
    assert not list(tmp_path.iterdir())


def test_a_ledger_that_does_not_exist_is_not_made_by_reading_it(tmp_path) -> None:
    with pytest.raises(GpmcastError, match="there is no ledger"):
        ledger_command(url=f"sqlite:///{tmp_path}/var/ledger.db")
    assert not list(tmp_path.iterdir())

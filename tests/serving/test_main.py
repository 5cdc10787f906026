"""The command line of the service."""

import pytest

from configs.errors import GpmcastError
from serving.__main__ import ledger_command


def test_a_time_that_is_none_is_refused_before_the_ledger_is_read(tmp_path) -> None:
    with pytest.raises(GpmcastError, match="--since June: is no time"):
        ledger_command(url=f"sqlite:///{tmp_path}/ledger.db", since="June")
    assert not list(tmp_path.iterdir())

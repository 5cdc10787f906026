"""Engine options of the command line are checked."""

import pytest

from features.errors import InputError
from training.__main__ import _with_engine


def test_a_scheduler_for_this_machine_alone_is_refused(settings):
    with pytest.raises(InputError, match="found --engine local, which has none"):
        _with_engine(settings, "local", "tcp://10.0.0.5:8786")
    assert _with_engine(settings, None, "tcp://10.0.0.5:8786").engine == "dask"

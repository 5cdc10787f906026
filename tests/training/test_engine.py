"""Engine options of the command line are checked."""

import pytest

from features.errors import InputError
from training.engine import with_engine


def test_a_scheduler_for_this_machine_alone_is_refused(settings):
    with pytest.raises(InputError, match="found --engine local, which has none"):
        with_engine(settings, "local", "tcp://10.0.0.5:8786")
    assert with_engine(settings, None, "tcp://10.0.0.5:8786").engine == "dask"

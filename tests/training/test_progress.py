"""What the commands tell while they work cannot steer a terminal."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from features.errors import InputError
from training.__main__ import _progress, _working


def test_the_name_of_a_file_is_shown_without_its_control_characters():
    screen = StringIO()
    with _progress(Console(file=screen, force_terminal=True, width=100)) as told:
        told.file(0, 1, Path("七月\x1b]0;forged\x07.csv"))
    assert "七月" in screen.getvalue()
    assert "\x1b]0;" not in screen.getvalue()


def test_a_scheduler_for_this_machine_alone_is_refused(settings):
    with pytest.raises(InputError, match="found --engine local, which has none"):
        _working(settings, "local", "tcp://10.0.0.5:8786")
    assert _working(settings, None, "tcp://10.0.0.5:8786").engine == "dask"

"""Progress on the console: file names cannot steer the terminal, and engine options are checked."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from features.errors import InputError
from training.__main__ import _progress, _with_engine


def test_the_name_of_a_file_is_shown_without_its_control_characters():
    console = StringIO()
    with _progress(Console(file=console, force_terminal=True, width=100)) as progress:
        progress.file(0, 1, Path("七月\x1b]0;forged\x07.csv"))
    assert "七月" in console.getvalue()
    assert "\x1b]0;" not in console.getvalue()


def test_a_scheduler_for_this_machine_alone_is_refused(settings):
    with pytest.raises(InputError, match="found --engine local, which has none"):
        _with_engine(settings, "local", "tcp://10.0.0.5:8786")
    assert _with_engine(settings, None, "tcp://10.0.0.5:8786").engine == "dask"

"""What the commands tell while they work cannot steer a terminal."""

from io import StringIO
from pathlib import Path

from rich.console import Console

from training.__main__ import _progress


def test_the_name_of_a_file_is_shown_without_its_control_characters():
    screen = StringIO()
    with _progress(Console(file=screen, force_terminal=True, width=100)) as told:
        told.file(0, 1, Path("七月\x1b]0;forged\x07.csv"))
    assert "七月" in screen.getvalue()
    assert "\x1b]0;" not in screen.getvalue()

"""A misspelt option of make is refused: it would be ignored, and the sample trained in place of the user's data."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def dry_run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", "-n", "help", *options], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("option", ["DAT=exports", "TRIAL=1", "data=exports"])
def test_an_unknown_option_is_refused(option: str) -> None:
    run = dry_run(option)
    assert run.returncode != 0
    assert option.split("=")[0] in run.stderr


def test_known_options_are_taken() -> None:
    assert dry_run("DATA=exports", "LANG_=zh", "BASELINE=1", "BUDGET=5000").returncode == 0


def test_a_language_that_there_is_not_is_refused_in_both() -> None:
    refused = dry_run("LANG_=cn")
    assert refused.returncode == 2
    assert "LANG_ is zh or en" in refused.stderr
    assert "LANG_ 只能是 zh 或 en" in refused.stderr

"""The tutorial's commands, in both languages the same ones, run on exports as they are."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from sample.__main__ import main as write_sample

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
CHINESE, _, ENGLISH = PAGE.partition("\n## English\n")
CONFIG = "var: {var}\ntune: {{trials: 2}}\ntrees: {{rounds: 30}}\n"


def commands(text: str) -> list[str]:
    return [line for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S) for line in block.splitlines()]


def test_both_languages_have_the_same_steps() -> None:
    assert commands(CHINESE) == commands(ENGLISH)
    assert len(commands(CHINESE)) == 5
    assert CHINESE.count("\n**") == ENGLISH.count("\n**")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tutorial")
    size = ["--creatives", "400", "--days", "50", "--until", "2026-06-30"]
    assert write_sample(["--out", str(folder / "exports"), "--truth", str(folder / "truth.parquet"), *size]) == 0
    (folder / "config.yaml").write_text(CONFIG.format(var=folder / "var"), encoding="utf-8")
    return folder


def test_the_commands_lead_from_exports_to_a_report_and_a_table(place: Path) -> None:
    for command in commands(CHINESE)[:-1]:
        words = [word.replace("exports", str(place / "exports")) for word in command.split()[1:]]
        words = [word.replace("OUT=", f"OUT={place}/") for word in words]
        # -o: this environment is set up already.
        arguments = ["make", "-o", ".venv/.product", *words, f"CONFIG={place / 'config.yaml'}", "LANG_=zh"]
        done = subprocess.run(
            arguments, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "120"}
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        assert "Traceback" not in done.stderr
        if "make train" in command:
            assert "能用来做什么" in done.stdout
    assert (place / "report.html").stat().st_size > 100_000
    assert "净ROI 多半" in (place / "predictions.csv").read_text("utf-8-sig").splitlines()[0]
    assert (place / "predictions_columns.csv").exists()


def test_the_last_step_serves(place: Path) -> None:
    assert commands(CHINESE)[-1] == "make serve"
    done = subprocess.run(
        ["make", "-n", "-o", ".venv/.product", "serve"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "python -m serving serve" in done.stdout

"""The worst of the odd inputs: doctor and train say what is wrong, in the language of the reader."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.odd_exports import OddInput, make_input, odd_inputs
from benchmarks.odd_inputs import CONFIG, ENGLISH
from benchmarks.odd_tables import plain_sample
from configs.errors import GpmcastError
from features.console import error_lines
from features.errors import InputError
from training.__main__ import app

pytestmark = pytest.mark.slow

WORST = (
    "short-headers-no-type", "misread-lost", "no-account-twice", "excel-ids", "other-sheet", "being-written", "empty",
    "picture", "summaries", "dates-in-sheet",
)  # fmt: skip
ODD = {odd.name: odd for odd in odd_inputs()}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plain_sample(tmp_path_factory.mktemp("odd"), creatives=120, days=45)


def said(command: str, data: Path, config: Path, language: str) -> tuple[int, str]:
    """Exit code and everything that a command prints, as `run_command` prints its errors."""
    done = CliRunner().invoke(app, [command, "--data", str(data), "--config", str(config), "--lang", language])
    error = done.exception
    if isinstance(error, InputError):
        return 2, done.output + "\n".join(error_lines(error, "zh" if language == "zh" else "en"))
    if isinstance(error, GpmcastError):
        return 2, done.output + error.in_language(language)
    assert error is None or isinstance(error, SystemExit), error
    return done.exit_code, done.output


@pytest.mark.parametrize("name", WORST)
def test_what_is_wrong_is_said_in_both_languages(name: str, plain: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    odd: OddInput = ODD[name]
    data = make_input(odd, plain, tmp_path)
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.format(var=tmp_path / "var"), "utf-8")
    for language in ("zh", "en"):
        code, text = said("doctor", data, config, language)
        assert odd.doctor.in_language(language) in text
        assert code == odd.exits[0] or code == 1  # a world this small may have too little
        assert language == "en" or not ENGLISH.search(text), ENGLISH.search(text)
    if odd.exits[1] == 2:
        code, text = said("train", data, config, "zh")
        assert code == 2
        assert odd.doctor.zh in text
        assert not (tmp_path / "var" / "work" / name / "store.duckdb").exists()

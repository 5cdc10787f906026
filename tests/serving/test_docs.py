"""docs/api.md is true: its commands and programs run against a live service, its answers have the declared shapes."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from serving.api.errors import CODES
from serving.api.responses import ErrorAnswer, ReadAnswer

DOCS = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:3000"
SHEET = "素材ID,账户ID,推广方式,价格\nnew-1,acc0,推直播,99\n".encode()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", DOCS, re.M | re.S)


@pytest.fixture(scope="module")
def server(start_server, bundle):
    return start_server(bundle)


@pytest.mark.service
@pytest.mark.parametrize("command", [block for block in blocks("sh") if "curl" in block])
def test_its_curl_lines_are_answered(server, tmp_path, command) -> None:
    (tmp_path / "tags.csv").write_bytes(SHEET)
    script = command.replace(ADDRESS, server.url).replace("curl ", "curl --fail-with-body ")
    done = subprocess.run(["bash", "-ec", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    answer = json.loads(done.stdout)
    assert any(answer.get(name) for name in ("predictions", "ranking", "candidates", "creatives"))


@pytest.mark.service
@pytest.mark.parametrize("program", blocks("python"))
def test_its_programs_run(server, tmp_path, monkeypatch, program) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tags.csv").write_bytes(SHEET)
    program = program.replace(ADDRESS, server.url).replace("gpm_…", "gpm_key")
    exec(compile(program, "docs/api.md", "exec"), {})


def test_its_answers_have_the_declared_shapes() -> None:
    read, error = (json.loads(block) for block in blocks("json"))
    ReadAnswer.model_validate(read)
    told = ErrorAnswer.model_validate(error)
    assert CODES[told.code] == (400, told.zh.rstrip("。"), told.en)


def test_its_table_has_every_code_with_its_status() -> None:
    table = DOCS[DOCS.index("| status | code |") :]
    named: dict[str, set[int]] = {}
    for numbers, codes in re.findall(r"^\| ([\d, ]+) \| (`[^|]*`) \|", table, re.M):
        for code in re.findall(r"`(\w+)`", codes):
            named[code] = {int(number) for number in numbers.split(",")}
    assert named.keys() == CODES.keys()
    assert all(status in named[code] for code, (status, _, _) in CODES.items())

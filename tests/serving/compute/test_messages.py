"""What goes between a worker and its process of large requests comes out as it went in, and nothing is unpickled."""

import ast
import time
from pathlib import Path

import numpy as np
import pytest

from serving.api.errors import Refused, RequestProblem
from serving.compute.batch_process import BatchProcess
from serving.compute.messages import Failed, Task, pack_outcome, pack_task, unpack_outcome, unpack_task
from serving.compute.work import Computed, RawFile, RawRequest
from serving.inference.loaded_model import BundleLocation
from serving.ledger.record import LedgerRecord, RecordedModel, recorded_creatives
from serving.upload.file_context import FileContext

BUNDLE = BundleLocation(Path("/模型/bundle"), "gpmcast-a", "3", "a" * 64)
ANSWERS = [{"promotion_type": "live", "account_id": "账户", "creative_id": f"素材{n}", "x": None} for n in range(3)]
RECORD = LedgerRecord(
    request_id="r",
    at="2026-05-01T00:00:00.000000+00:00",
    caller="anyone",
    endpoint="predict",
    model=RecordedModel("m", "1", ["a", "b"], {"outcome_days": 7, "time_zone": "Asia/Shanghai"}),
    input_sha256="0" * 64,
    creatives=recorded_creatives(
        ANSWERS,
        np.array([[0.1, np.nan]] * 3),
        np.array([0.0, 1 / 3, 1e9]),
        np.full(3, np.datetime64("2026-05-01T07:00:00", "us")),
    ),
)


@pytest.mark.parametrize(
    "work",
    [RawRequest("rank", b"\xff{}", "r", "caller", 12345.678901234567), RawFile(b"", FileContext("表.csv"), "f", 1 / 3)],
)
def test_a_task_comes_as_it_was_sent(work) -> None:
    task = Task(work, BUNDLE, 500)
    assert unpack_task(pack_task(task)) == task


@pytest.mark.parametrize("record", [None, RECORD])
def test_an_answer_comes_with_its_record(record) -> None:
    computed = Computed(b'{"a": "\xe7"}', record)
    assert unpack_outcome(pack_outcome(computed)) == computed


def test_a_refusal_comes_with_every_problem_and_a_failure_with_its_message() -> None:
    problems = [
        RequestProblem("wrong", "right", "错了。", "creatives[0].x", "c"),
        RequestProblem("也错", "对", "也错了。"),
    ]
    refused = Refused(429, "Slowly.", problems, {"retry-after": "3"}, zh="慢。", unlisted=4)
    assert vars(unpack_outcome(pack_outcome(refused))) == vars(refused)
    failed = unpack_outcome(pack_outcome(Failed("IndexError: 内")))
    assert (type(failed), str(failed)) == (Failed, "IndexError: 内")


def test_what_is_no_outcome_is_an_error() -> None:
    for parts in (
        [b"x", b"", b""],
        [b'{"refused": {"other": 1, "problems": []}}', b"", b""],
        [b"{}", b"", b"\x02\0\0\0\0\0\0\0{}"],
        [b"{}", b"", b"\x80\x04."],
        [b"[]", b"", b"1"],
    ):
        with pytest.raises((ValueError, KeyError, TypeError)):
            unpack_outcome(parts)


def test_the_process_gets_no_passwords_and_nothing_of_the_service_unpickles(monkeypatch) -> None:
    for name in ("GPMCAST_SERVING", "MLFLOW_TRACKING_PASSWORD", "PGPASSWORD", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "secret")
    process = BatchProcess(1000)
    process.start()
    try:
        environment, until = b"", time.monotonic() + 60
        while not environment and time.monotonic() < until:  # empty until the kernel has set the program up
            environment = Path(f"/proc/{process.pid}/environ").read_bytes()
        assert b"PYTHONPATH=" in environment
        assert b"secret" not in environment
    finally:
        process.end()
    for file in (Path(__file__).parents[3] / "serving").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            assert "pickle" not in [*names, getattr(node, "module", "")], file

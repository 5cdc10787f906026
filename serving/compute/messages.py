"""What a worker and its process of large requests send each other: JSON and bytes, so that nothing is unpickled.

That process reads files of others. Whatever it sends, the worker takes an answer, a record or a refusal from it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from serving.api.errors import Refused, RequestProblem
from serving.compute.work import Computed, RawFile, RawRequest
from serving.inference.loaded_model import BundleLocation
from serving.ledger.record import pack_record, unpack_record
from serving.upload.file_context import FileContext

PARTS_OF_A_TASK, PARTS_OF_AN_OUTCOME = 2, 3


@dataclass(frozen=True)
class Task:
    """One task of the process.

    Attributes:
        work: A request or a file.
        bundle: The bundle that the worker has loaded.
        most_creatives: The setting `limits.creatives`.
    """

    work: RawRequest | RawFile
    bundle: BundleLocation
    most_creatives: int


class Failed(Exception):
    """A computation failed in the process, whose log has the stack trace."""


def pack_task(task: Task) -> list[bytes]:
    """The parts of a task: what is known of it as JSON, and its body."""
    work, bundle = task.work, task.bundle
    about: dict[str, object] = {"request_id": work.request_id, "deadline": work.deadline}
    if isinstance(work, RawFile):
        body = work.content
        about["context"] = asdict(work.context)
    else:
        body = work.body
        about |= {"endpoint": work.endpoint, "caller": work.caller}
    place = [str(bundle.folder), bundle.name, bundle.version, bundle.manifest_sha256]
    return [orjson.dumps({"work": about, "bundle": place, "most_creatives": task.most_creatives}), body]


def unpack_task(parts: Sequence[bytes]) -> Task:
    """The inverse of `pack_task`."""
    head, body = orjson.loads(parts[0]), parts[1]
    about, (folder, *names) = head["work"], head["bundle"]
    work: RawRequest | RawFile
    if "context" in about:
        about["context"] = FileContext(**about["context"])
        work = RawFile(content=body, **about)
    else:
        work = RawRequest(body=body, **about)
    return Task(work, BundleLocation(Path(folder), *names), head["most_creatives"])


def pack_outcome(outcome: Computed | Refused | Failed) -> list[bytes]:
    """The parts of an outcome: the refusal, if it is one, as JSON; the answer; its record, empty for none."""
    if isinstance(outcome, Computed):
        record = b"" if outcome.record is None else pack_record(outcome.record)
        return [b"{}", outcome.content, record]
    kind = "refused" if isinstance(outcome, Refused) else "failed"
    about = asdict(outcome) if isinstance(outcome, Refused) else str(outcome)
    return [orjson.dumps({kind: about}), b"", b""]


def unpack_outcome(parts: Sequence[bytes]) -> Computed | Refused | Failed:
    """The inverse of `pack_outcome`.

    Raises:
        ValueError, KeyError, TypeError: They are no outcome.
    """
    head, content, record = orjson.loads(parts[0]), parts[1], parts[2]
    if "failed" in head:
        return Failed(head["failed"])
    if "refused" in head:
        about = head["refused"]
        return Refused(**{**about, "problems": [RequestProblem(**problem) for problem in about["problems"]]})
    return Computed(content, unpack_record(record) if record else None)

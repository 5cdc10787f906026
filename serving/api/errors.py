"""Refusals of a request, in the one shape that all errors have on the wire (`serving.api.responses.ErrorAnswer`).

configs.errors.GpmcastError
└── Refused          a request that is not answered: status, one sentence, every problem found
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from configs.errors import GpmcastError


@dataclass(frozen=True)
class RequestProblem:
    """One problem of a request.

    Attributes:
        problem: What is wrong.
        hint: What would be right.
        field: Path of the field: `creatives[2].metrics[0].clicks`; None: the whole request.
        creative_id: Of which creative; None: of none, or not known.
    """

    problem: str
    hint: str
    field: str | None = None
    creative_id: str | None = None


MOST_PROBLEMS = 200
"""Problems in one error answer; the rest are counted."""
_ORDER = ("creative_id", "field", "problem", "hint")


@dataclass
class Refused(GpmcastError):
    """A request that is not answered.

    Attributes:
        status: HTTP status.
        error: One sentence.
        problems: Every problem found.
        headers: More headers of the answer.
    """

    status: int
    error: str
    problems: Sequence[RequestProblem] = ()
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return "; ".join([self.error, *(f"{problem.field}: {problem.problem}" for problem in self.problems)])

    def body(self, request_id: str) -> dict[str, object]:
        """The error answer as plain values."""
        error = self.error
        if len(self.problems) > MOST_PROBLEMS:
            error += f" (the first {MOST_PROBLEMS} of {len(self.problems)} problems)"
        shown = [asdict(problem) for problem in self.problems[:MOST_PROBLEMS]]
        errors = [{name: values[name] for name in _ORDER} for values in shown]
        return {"error": error, "errors": errors, "request_id": request_id}

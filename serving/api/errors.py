"""What can be wrong with a request, in the one shape that callers get.

configs.errors.GpmcastError
└── Refused          a request that is not answered
    └── with a status, one sentence, and every problem found
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from configs.errors import GpmcastError


@dataclass(frozen=True)
class Fault:
    """One problem of a request.

    Attributes:
        problem: What is wrong.
        hint: What would be right.
        field: Where, as a path: `creatives[2].metrics[0].clicks`.
        creative_id: Of which creative.
    """

    problem: str
    hint: str
    field: str | None = None
    creative_id: str | None = None

    def told(self) -> dict[str, str | None]:
        """As callers get it."""
        return {"creative_id": self.creative_id, "field": self.field, "problem": self.problem, "hint": self.hint}


MOST_FAULTS = 200
"""Told in one answer; the rest are counted."""


@dataclass
class Refused(GpmcastError):
    """A request that is not answered.

    Attributes:
        status: Of HTTP.
        error: One sentence.
        faults: Every problem found.
        headers: More headers of the answer.
    """

    status: int
    error: str
    faults: Sequence[Fault] = ()
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return "; ".join([self.error, *(f"{fault.field}: {fault.problem}" for fault in self.faults)])

    def body(self, request_id: str) -> dict[str, object]:
        """The one shape of every error."""
        error = self.error
        if len(self.faults) > MOST_FAULTS:
            error += f" (the first {MOST_FAULTS} of {len(self.faults)} problems)"
        told = [fault.told() for fault in self.faults[:MOST_FAULTS]]
        return {"error": error, "errors": told, "request_id": request_id}

"""What the middleware knows of one request; API methods find it in the scope."""

import os
from dataclasses import dataclass, field

from starlette.types import Scope

from serving.api.errors import Refused

CALL = "gpmcast.call"
"""Key of the scope."""
ANYONE = "anyone"
"""Name of the caller where the service has no keys."""


@dataclass
class Call:
    """One HTTP request.

    Attributes:
        deadline: Moment of `time.monotonic` at which the request is given up.
        request_id: In the answer, the log and the ledger.
        caller: Name of the API key.
        body: The whole body, once it has come.
        query: The query string of an uploaded file.
        headers: Further headers of the answer.
        refusal: Why the request is not answered: `door.py` sends it in the place of any error response.
    """

    deadline: float
    request_id: str = field(default_factory=lambda: os.urandom(16).hex())
    caller: str = ANYONE
    body: bytes = b""
    query: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    refusal: Refused | None = None


def call_of(scope: Scope) -> Call:
    """The call of this scope."""
    call = scope[CALL]
    assert isinstance(call, Call)
    return call

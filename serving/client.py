"""A client of the service: typed answers, retries, HTTP by the standard library.

client = Client("http://127.0.0.1:3000", key="gpm_…")
answer = client.predict([{"creative_id": "c1", "promotion_type": "live", "account_id": "a1"}], explain=True, top=5)
answer.predictions[0].targets["net_roi"].value
"""

import json
import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel

from configs.errors import GpmcastError
from serving.api.requests import Creative
from serving.api.responses import PredictAnswer, RankAnswer

AnswerT = TypeVar("AnswerT", bound=BaseModel)
CreativeInput = Creative | Mapping[str, object]

RETRIED = (429, 503)
"""Statuses after which the same request may succeed."""
FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 10.0


class ServiceError(GpmcastError):
    """The service did not answer.

    Attributes:
        status: HTTP status; 0 where there was no response.
        problems: What was wrong with the request: `creative_id`, `field`, `problem`, `hint`.
        request_id: Stands in the service's log.
    """

    def __init__(
        self, status: int, error: str, problems: Sequence[Mapping[str, str | None]] = (), request_id: str = ""
    ) -> None:
        self.status = status
        self.problems = tuple(problems)
        self.request_id = request_id
        lines = [f"{problem['field']}: {problem['problem']}. {problem['hint']}" for problem in self.problems]
        super().__init__("\n  - ".join([f"{status} {error}", *lines]))


class Client:
    """A client of one service."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        retries: int = 3,
        timeout_seconds: float = 15.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Nothing is sent yet.

        Args:
            url: Of the service: `http://127.0.0.1:3000`.
            key: API key, where the service wants one.
            retries: How often a request is sent again after a lost connection, 429 or 503.
            timeout_seconds: For one sending.
            sleep: How waiting is done.
        """
        if urlsplit(url).scheme not in ("http", "https"):
            raise ValueError(f"{url!r} is no http address")
        self._url = url.rstrip("/")
        self._headers = {"content-type": "application/json", "accept": "application/json"}
        if key is not None:
            self._headers["authorization"] = f"Bearer {key}"
        self._retries = retries
        self._timeout = timeout_seconds
        self._sleep = sleep

    def predict(
        self,
        creatives: Sequence[CreativeInput],
        *,
        explain: bool = False,
        top: int | None = None,
        model_version: str | None = None,
    ) -> PredictAnswer:
        """Forecasts of these creatives, in their order; raises ServiceError."""
        body = {"creatives": _plain(creatives), "explain": explain, "top": top, "model_version": model_version}
        return self._post("/v1/predict", body, PredictAnswer)

    def rank(
        self,
        creatives: Sequence[CreativeInput],
        *,
        by: str = "net_roi",
        top: int | None = None,
        budget_cny: float | None = None,
        spend_cny: float | None = None,
    ) -> RankAnswer:
        """These candidates, best first; raises ServiceError."""
        body = {
            "creatives": _plain(creatives),
            "by": by,
            "top": top,
            "budget_cny": budget_cny,
            "spend_cny": spend_cny,
        }
        return self._post("/v1/rank", body, RankAnswer)

    def model(self) -> dict[str, Any]:
        """Which model serves, what it takes, its evaluation; raises ServiceError."""
        return json.loads(self._send("/v1/model", None))

    def _post(self, path: str, body: Mapping[str, object], answer: type[AnswerT]) -> AnswerT:
        content = json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        return answer.model_validate_json(self._send(path, content))

    def _send(self, path: str, content: bytes | None) -> bytes:
        for turn in range(self._retries + 1):
            wait = min(FIRST_WAIT_SECONDS * 2**turn, LONGEST_WAIT_SECONDS) * (0.5 + random.random() / 2)
            try:
                request = urllib.request.Request(self._url + path, content, self._headers)
                with urllib.request.urlopen(request, timeout=self._timeout) as reply:
                    return reply.read()
            except urllib.error.HTTPError as error:
                failure = _failure(error)
                if error.code not in RETRIED:
                    raise failure from None
                retry_after = error.headers.get("retry-after", "")
                wait = max(wait, min(float(retry_after), LONGEST_WAIT_SECONDS)) if retry_after.isdecimal() else wait
            except OSError as error:  # refused, reset, timed out
                failure = ServiceError(0, f"{self._url}{path}: {error}")
            if turn < self._retries:
                self._sleep(wait)
        raise failure


def _failure(error: urllib.error.HTTPError) -> ServiceError:
    with error:
        content = error.read()
    try:
        refusal = json.loads(content)
        return ServiceError(error.code, refusal["error"], refusal["errors"], refusal["request_id"])
    except (ValueError, KeyError, TypeError):
        return ServiceError(error.code, content[:200].decode("utf-8", "replace"))


def _plain(creatives: Sequence[CreativeInput]) -> list[dict[str, object]]:
    return [
        one.model_dump(mode="json", exclude_none=True) if isinstance(one, Creative) else dict(one) for one in creatives
    ]

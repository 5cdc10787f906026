"""Typed clients of the service: `Client` waits for its answers, `AsyncClient` is awaited.

configs.errors.GpmcastError
└── ServiceError     the service did not answer: status, code, every problem
"""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

import httpx
from pydantic import BaseModel

from configs.errors import GpmcastError
from serving.api.plan_answer import PlanAnswer
from serving.api.requests import Creative
from serving.api.responses import ModelAnswer, PredictAnswer, RankAnswer, ReadAnswer

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
        code: Stable name of the error; empty where there was no response in the service's shape.
        zh: The sentence in Chinese; empty likewise.
        problems: What was wrong with the request: `creative_id`, `field`, `problem`, `hint`, `zh`.
        request_id: Stands in the service's log.
    """

    def __init__(
        self,
        status: int,
        error: str,
        problems: Sequence[Mapping[str, str | None]] = (),
        request_id: str = "",
        *,
        code: str = "",
        zh: str = "",
    ) -> None:
        self.status = status
        self.code = code
        self.problems = tuple(problems)
        self.request_id = request_id
        lines = [f"{problem['field']}: {problem['problem']}. {problem['hint']}" for problem in self.problems]
        super().__init__("\n  - ".join([f"{status} {error}", *lines]), zh=zh)


@dataclass(frozen=True)
class _Request(Generic[AnswerT]):
    """One request: what is sent, and the model that reads the answer."""

    answer: type[AnswerT]
    method: str
    path: str
    content: bytes | None = None
    media_type: str = "application/json"
    params: Mapping[str, str] | None = None

    def over(self, client: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        headers = {"content-type": self.media_type} if self.content is not None else {}
        return client.build_request(self.method, self.path, content=self.content, params=self.params, headers=headers)


def _options(url: str, key: str | None, timeout_seconds: float) -> dict[str, Any]:
    """Options of httpx's clients."""
    if httpx.URL(url).scheme not in ("http", "https"):
        raise ValueError(f"{url!r} is no http address")
    headers = {"accept": "application/json"} | ({"authorization": f"Bearer {key}"} if key is not None else {})
    return {"base_url": url, "headers": headers, "timeout": timeout_seconds}


class Client:
    """A client of one service, which waits for its answers. Use it in `with`, or `close` it."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        retries: int = 3,
        timeout_seconds: float = 15.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Nothing is sent yet.

        Args:
            url: Of the service: `http://127.0.0.1:3000`.
            key: API key, where the service wants one.
            retries: How often a request is sent again after a lost connection, 429 or 503.
            timeout_seconds: For one sending.
            transport: httpx's, where it is not the usual one.
            sleep: How waiting is done.
        """
        self._client = httpx.Client(transport=transport, **_options(url, key, timeout_seconds))
        self._retries = retries
        self._sleep = sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def predict(
        self,
        creatives: Sequence[CreativeInput],
        *,
        explain: bool = False,
        top: int | None = None,
        model_version: str | None = None,
    ) -> PredictAnswer:
        """Forecasts of these creatives, in their order; raises ServiceError."""
        return self._send(_predict(creatives, explain, top, model_version))

    def rank(
        self,
        creatives: Sequence[CreativeInput],
        *,
        by: str = "net_roi",
        top: int | None = None,
        budget_cny: float | None = None,
        spend_cny: float | None = None,
        model_version: str | None = None,
    ) -> RankAnswer:
        """These candidates, best first; raises ServiceError."""
        return self._send(_rank(creatives, by, top, budget_cny, spend_cny, model_version))

    def plan(
        self,
        creatives: Sequence[CreativeInput],
        budget_cny: float,
        *,
        launch: int | None = None,
        model_version: str | None = None,
    ) -> PlanAnswer:
        """A plan of this budget for these creatives; raises ServiceError."""
        return self._send(_plan(creatives, budget_cny, launch, model_version))

    def read(
        self, file: bytes, *, name: str | None = None, account_id: str | None = None, promotion_type: str | None = None
    ) -> ReadAnswer:
        """The creatives of a tag sheet or an export (the bytes of a CSV or XLSX file); raises ServiceError."""
        return self._send(_read(file, name, account_id, promotion_type))

    def model(self) -> ModelAnswer:
        """Which model serves, what it takes, its evaluation; raises ServiceError."""
        return self._send(_Request(ModelAnswer, "GET", "/v1/model"))

    def _send(self, request: _Request[AnswerT], turn: int = 0) -> AnswerT:
        try:
            outcome: httpx.Response | httpx.TransportError = self._client.send(request.over(self._client))
        except httpx.TransportError as error:
            outcome = error
        if (wait := _wait(outcome, turn, self._retries)) is None:
            return _answer(request, outcome)
        self._sleep(wait)
        return self._send(request, turn + 1)


class AsyncClient:
    """A client of one service, which is awaited. Use it in `async with`, or `aclose` it."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        retries: int = 3,
        timeout_seconds: float = 15.0,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Nothing is sent yet; arguments as of `Client`."""
        self._client = httpx.AsyncClient(transport=transport, **_options(url, key, timeout_seconds))
        self._retries = retries
        self._sleep = sleep

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def predict(
        self,
        creatives: Sequence[CreativeInput],
        *,
        explain: bool = False,
        top: int | None = None,
        model_version: str | None = None,
    ) -> PredictAnswer:
        """As `Client.predict`."""
        return await self._send(_predict(creatives, explain, top, model_version))

    async def rank(
        self,
        creatives: Sequence[CreativeInput],
        *,
        by: str = "net_roi",
        top: int | None = None,
        budget_cny: float | None = None,
        spend_cny: float | None = None,
        model_version: str | None = None,
    ) -> RankAnswer:
        """As `Client.rank`."""
        return await self._send(_rank(creatives, by, top, budget_cny, spend_cny, model_version))

    async def plan(
        self,
        creatives: Sequence[CreativeInput],
        budget_cny: float,
        *,
        launch: int | None = None,
        model_version: str | None = None,
    ) -> PlanAnswer:
        """As `Client.plan`."""
        return await self._send(_plan(creatives, budget_cny, launch, model_version))

    async def read(
        self, file: bytes, *, name: str | None = None, account_id: str | None = None, promotion_type: str | None = None
    ) -> ReadAnswer:
        """As `Client.read`."""
        return await self._send(_read(file, name, account_id, promotion_type))

    async def model(self) -> ModelAnswer:
        """As `Client.model`."""
        return await self._send(_Request(ModelAnswer, "GET", "/v1/model"))

    async def _send(self, request: _Request[AnswerT], turn: int = 0) -> AnswerT:
        try:
            outcome: httpx.Response | httpx.TransportError = await self._client.send(request.over(self._client))
        except httpx.TransportError as error:
            outcome = error
        if (wait := _wait(outcome, turn, self._retries)) is None:
            return _answer(request, outcome)
        await self._sleep(wait)
        return await self._send(request, turn + 1)


def _predict(
    creatives: Sequence[CreativeInput], explain: bool, top: int | None, model_version: str | None
) -> _Request[PredictAnswer]:
    body = {"creatives": _plain(creatives), "explain": explain, "top": top, "model_version": model_version}
    return _Request(PredictAnswer, "POST", "/v1/predict", _json(body))


def _rank(
    creatives: Sequence[CreativeInput],
    by: str,
    top: int | None,
    budget_cny: float | None,
    spend_cny: float | None,
    model_version: str | None,
) -> _Request[RankAnswer]:
    money = {"budget_cny": budget_cny, "spend_cny": spend_cny}
    body = {"creatives": _plain(creatives), "by": by, "top": top, **money, "model_version": model_version}
    return _Request(RankAnswer, "POST", "/v1/rank", _json(body))


def _plan(
    creatives: Sequence[CreativeInput], budget_cny: float, launch: int | None, model_version: str | None
) -> _Request[PlanAnswer]:
    body = {"creatives": _plain(creatives), "budget_cny": budget_cny, "launch": launch, "model_version": model_version}
    return _Request(PlanAnswer, "POST", "/v1/plan", _json(body))


def _read(file: bytes, name: str | None, account_id: str | None, promotion_type: str | None) -> _Request[ReadAnswer]:
    given = {"name": name, "account_id": account_id, "promotion_type": promotion_type}
    params = {key: value for key, value in given.items() if value is not None}
    return _Request(ReadAnswer, "POST", "/v1/read", file, "application/octet-stream", params)


def _wait(outcome: httpx.Response | httpx.TransportError, turn: int, retries: int) -> float | None:
    """Seconds until the request is sent again; None: it is not."""
    if turn == retries or (isinstance(outcome, httpx.Response) and outcome.status_code not in RETRIED):
        return None
    wait = min(FIRST_WAIT_SECONDS * 2**turn, LONGEST_WAIT_SECONDS) * (0.5 + random.random() / 2)
    asked = outcome.headers.get("retry-after", "") if isinstance(outcome, httpx.Response) else ""
    return max(wait, min(float(asked), LONGEST_WAIT_SECONDS)) if asked.isdecimal() else wait


def _answer(request: _Request[AnswerT], outcome: httpx.Response | httpx.TransportError) -> AnswerT:
    """The answer in a response; raises ServiceError."""
    if isinstance(outcome, httpx.TransportError):
        raise ServiceError(0, f"{request.path}: {type(outcome).__name__}: {outcome}") from outcome
    if outcome.status_code == 200:
        return request.answer.model_validate_json(outcome.content, extra="ignore")  # a newer service may say more
    try:
        said = outcome.json()
        failure = ServiceError(
            outcome.status_code, said["en"], said["errors"], said["request_id"], code=said["code"], zh=said["zh"]
        )
    except (ValueError, KeyError, TypeError):
        failure = ServiceError(outcome.status_code, outcome.text[:200])
    raise failure


def _json(body: Mapping[str, object]) -> bytes:
    return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()


def _plain(creatives: Sequence[CreativeInput]) -> list[dict[str, object]]:
    return [
        one.model_dump(mode="json", exclude_none=True) if isinstance(one, Creative) else dict(one) for one in creatives
    ]

"""API keys: authentication by hash, scopes, a token bucket per key, and the middleware that asks for them."""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from math import ceil

from starlette.types import ASGIApp, Receive, Scope as AsgiScope, Send

from serving.api.errors import Refused
from serving.middleware.call import ANYONE, call_of
from serving.settings import ApiKey, Scope, ServiceSettings

HEALTH = ("/livez", "/healthz", "/readyz")
DOCS = (
    "/v1/openapi.json",
    "/docs",
    "/docs/docs.js",
    "/docs.json",
    "/schema.json",
    "/static_content/swagger-ui.css",
    "/static_content/swagger-ui-bundle.js",
)
"""The API's description, beside `/v1/schema/…`; BentoML serves the last three."""
KEY_BYTES = 32


def new_key() -> tuple[str, str]:
    """A random key, and its sha256 for the settings."""
    key = "gpm_" + secrets.token_urlsafe(KEY_BYTES)
    return key, hashed(key)


def hashed(key: str) -> str:
    """sha256 of a key, in hex. Keys are long and random, so a hash without salt cannot be reversed."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


@dataclass
class _Bucket:
    tokens: float
    at: float


class ApiKeys:
    """The API keys of a service, each with its token bucket."""

    def __init__(self, keys: tuple[ApiKey, ...]) -> None:
        self._keys = keys
        now = time.monotonic()
        self._buckets = {key.name: _Bucket(_burst(key), now) for key in keys}

    def authorise(self, authorization: str | None, scope: Scope) -> str:
        """Name of the caller, after the key, its scope and its rate were checked.

        Args:
            authorization: The header: `Bearer <key>`.
            scope: What the request needs.

        Raises:
            Refused: 401 without a known key, 403 where the key lacks the scope, 429 beyond its rate.
        """
        if not self._keys:
            return ANYONE
        scheme, _, key_text = (authorization or "").partition(" ")
        digest = hashed(key_text.strip())
        found: ApiKey | None = None
        for key in self._keys:  # no early exit: the time must not depend on which key matches
            if hmac.compare_digest(digest, key.sha256):
                found = key
        if found is None or scheme.lower() != "bearer":
            raise Refused(401, "No known API key.", headers={"www-authenticate": 'Bearer realm="gpmcast"'})
        if scope not in found.scopes:
            raise Refused(403, f"This API key lacks the scope {scope}.", zh=f"该 API 密钥没有 {scope} 权限。")
        self._take_token(found)
        return found.name

    def _take_token(self, key: ApiKey) -> None:
        bucket, now = self._buckets[key.name], time.monotonic()
        bucket.tokens = min(bucket.tokens + (now - bucket.at) * key.per_minute / 60.0, _burst(key))
        bucket.at = now
        if bucket.tokens < 1.0:
            wait = (1.0 - bucket.tokens) * 60.0 / key.per_minute
            raise Refused(429, "Too many requests with this API key.", headers={"retry-after": str(max(ceil(wait), 1))})
        bucket.tokens -= 1.0


class Keys:
    """Middleware that asks for a key where the path needs one, and leaves the caller's name."""

    def __init__(self, app: ASGIApp, *, settings: ServiceSettings) -> None:
        self._app = app
        self._settings = settings
        self._keys = ApiKeys(settings.keys)

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Check the key of a request and pass it on; raises Refused."""
        if scope["type"] == "http" and (needed := scope_of(scope["path"], self._settings)) is not None:
            header = next((value for name, value in scope["headers"] if name == b"authorization"), None)
            given = None if header is None else header.decode("latin-1")
            call_of(scope).caller = self._keys.authorise(given, needed)
        await self._app(scope, receive, send)


def scope_of(path: str, settings: ServiceSettings) -> Scope | None:
    """What a key must allow at this path; None: no key is asked for.

    The page's files are the same for everyone and hold no data; health says nothing but whether the service works.
    """
    if path in ("/v1/predict", "/v1/rank", "/v1/plan", "/v1/read"):
        return "predict"
    if path == "/" or path.startswith("/page/") or path in HEALTH:
        return None
    if path == "/metrics":
        return None if settings.open_metrics else "metrics"
    if settings.open_docs and (path in DOCS or path.startswith("/v1/schema/")):
        return None
    return "read"


def _burst(key: ApiKey) -> float:
    return max(key.per_minute / 6.0, 1.0)

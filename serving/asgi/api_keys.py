"""Who asks, and may they: API keys by their hash, and a rate for each."""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from math import ceil

from serving.api.errors import Refused
from serving.settings import Key, Scope

ANYONE = "anyone"
"""Caller of a service without keys."""
KEY_BYTES = 32


def new_key() -> tuple[str, str]:
    """A fresh key, and its sha256 for the settings."""
    key = "gpm_" + secrets.token_urlsafe(KEY_BYTES)
    return key, hashed(key)


def hashed(key: str) -> str:
    """How a key stands in the settings. Keys are long and random, so a plain hash cannot be turned back."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


@dataclass
class _Bucket:
    tokens: float
    at: float


class Access:
    """The keys of a service, and how much each has used of late."""

    def __init__(self, keys: tuple[Key, ...]) -> None:
        self._keys = keys
        now = time.monotonic()
        self._buckets = {key.name: _Bucket(_burst(key), now) for key in keys}

    def caller(self, authorization: str | None, scope: Scope) -> str:
        """Name of the caller.

        Args:
            authorization: The header: `Bearer <key>`.
            scope: What the caller is about to do.

        Raises:
            Refused: 401 without a known key, 403 where the key may not do this, 429 where it asks too often.
        """
        if not self._keys:
            return ANYONE
        word, _, given = (authorization or "").partition(" ")
        digest = hashed(given.strip())
        found: Key | None = None
        for key in self._keys:  # all are compared, however soon one fits: the time tells nothing
            if hmac.compare_digest(digest, key.sha256):
                found = key
        if found is None or word.lower() != "bearer":
            raise Refused(401, "No known API key.", headers={"www-authenticate": 'Bearer realm="gpmcast"'})
        if scope not in found.scopes:
            raise Refused(403, f"This API key may not {scope}.")
        self._spend(found)
        return found.name

    def _spend(self, key: Key) -> None:
        bucket, now = self._buckets[key.name], time.monotonic()
        bucket.tokens = min(bucket.tokens + (now - bucket.at) * key.per_minute / 60.0, _burst(key))
        bucket.at = now
        if bucket.tokens < 1.0:
            wait = (1.0 - bucket.tokens) * 60.0 / key.per_minute
            raise Refused(429, "Too many requests with this API key.", headers={"retry-after": str(max(ceil(wait), 1))})
        bucket.tokens -= 1.0


def _burst(key: Key) -> float:
    return max(key.per_minute / 6.0, 1.0)

"""Who asks, what they may do, and how often."""

import pytest

from configs.errors import ConfigError
from configs.yaml_file import parse
from serving.api.errors import Refused
from serving.middleware.call import ANYONE
from serving.middleware.keys import ApiKeys, new_key, scope_of
from serving.settings import ApiKey, ServiceSettings


def access(**more: object) -> tuple[str, ApiKeys]:
    key, digest = new_key()
    other = ApiKey(name="other", sha256=new_key()[1])
    return key, ApiKeys((other, ApiKey(name="upload", sha256=digest, **more)))


def test_without_keys_anyone_may_ask() -> None:
    assert ApiKeys(()).authorise(None, "predict") == ANYONE


def test_a_known_key_has_a_name_and_an_unknown_one_is_refused() -> None:
    key, known = access()
    assert known.authorise(f"Bearer {key}", "predict") == "upload"
    assert known.authorise(f"bearer  {key} ", "read") == "upload"
    for header in (None, "", key, f"Basic {key}", f"Bearer {key}x", "Bearer", "Bearer \udcff"):
        with pytest.raises(Refused) as caught:
            known.authorise(header, "predict")
        assert caught.value.status == 401
        assert "www-authenticate" in caught.value.headers


def test_a_key_does_only_what_it_may() -> None:
    key, known = access(scopes=("metrics",))
    assert known.authorise(f"Bearer {key}", "metrics") == "upload"
    with pytest.raises(Refused) as caught:
        known.authorise(f"Bearer {key}", "predict")
    assert caught.value.status == 403


def test_a_key_beyond_its_rate_gets_429_with_retry_after(monkeypatch) -> None:
    moment = 100.0
    monkeypatch.setattr("serving.middleware.keys.time.monotonic", lambda: moment)
    key, known = access(per_minute=60)
    for _ in range(10):
        known.authorise(f"Bearer {key}", "predict")
    for passed in (0.0, 0.5):
        moment += passed
        with pytest.raises(Refused) as caught:
            known.authorise(f"Bearer {key}", "predict")
        assert caught.value.status == 429
        assert caught.value.headers["retry-after"] == "1"
    moment += 0.5
    known.authorise(f"Bearer {key}", "predict")
    with pytest.raises(Refused):
        known.authorise(f"Bearer {key}", "predict")


def test_only_the_hash_of_a_key_is_kept() -> None:
    key, digest = new_key()
    assert key not in digest
    assert len(digest) == 64
    assert new_key()[0] != key


def test_a_service_that_others_can_reach_needs_keys(tmp_path) -> None:
    with pytest.raises(ConfigError, match="no keys are set"):
        parse(ServiceSettings, {"host": "0.0.0.0"}, tmp_path)
    key = {"name": "a", "sha256": "0" * 64}
    assert parse(ServiceSettings, {"host": "0.0.0.0", "keys": [key]}, tmp_path).host == "0.0.0.0"
    with pytest.raises(ConfigError, match="two keys have one name"):
        parse(ServiceSettings, {"keys": [key, key]}, tmp_path)


@pytest.mark.parametrize(
    ("path", "needed"),
    [
        ("/v1/predict", "predict"),
        ("/v1/rank", "predict"),
        ("/v1/read", "predict"),
        ("/v1/model", "read"),
        ("/report", "read"),
        ("/metrics", "metrics"),
        ("/", None),
        ("/page/page.js", None),
        ("/readyz", None),
        ("/docs", None),
        ("/schema.json", None),
        ("/v1/schema/rank", None),
        ("/v1/anything/new", "read"),
        ("/docs/other", "read"),
    ],
)
def test_each_path_asks_for_what_it_gives(path, needed) -> None:
    assert scope_of(path, ServiceSettings()) == needed


def test_docs_and_metrics_are_open_or_closed_by_the_settings() -> None:
    closed = ServiceSettings(open_docs=False, open_metrics=True)
    for path in ("/docs", "/docs.json", "/schema.json", "/v1/openapi.json", "/v1/schema/rank", "/anything/new"):
        assert scope_of(path, closed) == "read"
    assert scope_of("/metrics", closed) is None
    assert scope_of("/", closed) is None

"""A page whose name resolves to this machine reads nothing: Host headers of other names are refused."""

import pytest

from serving.api.errors import Refused
from serving.middleware.hosts import check_caller
from serving.settings import ApiKey, ServiceSettings

KEYS = (ApiKey(name="a", sha256="0" * 64),)


def asks(*hosts: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"accept", b"*/*"), *((b"host", host) for host in hosts)]


def known_host(headers: list[tuple[bytes, bytes]], settings: ServiceSettings) -> bool:
    try:
        check_caller({"headers": headers, "client": ("127.0.0.1", 5000)}, settings)
    except Refused as refusal:
        return refusal.code != "unknown_host"
    return True


@pytest.mark.parametrize(
    "host",
    [b"localhost", b"localhost:3000", b"LOCALHOST:3000", b"127.0.0.1:3000", b"127.0.0.1", b"[::1]:3000", b"[::1]"],
)
def test_names_of_this_machine_are_answered(host) -> None:
    assert known_host(asks(host), ServiceSettings())


@pytest.mark.parametrize(
    "host",
    [
        b"evil.example",
        b"evil.example:3000",
        b"localhost.evil.example",
        b"127.0.0.1.evil.example",
        b"10.0.0.5:3000",
        b"",
        b"evil.example@localhost",
        b"\xff",
    ],
)
def test_other_names_are_not(host) -> None:
    assert not known_host(asks(host), ServiceSettings())


def test_no_host_and_two_hosts_are_refused() -> None:
    assert not known_host(asks(), ServiceSettings())
    assert not known_host(asks(b"localhost", b"evil.example"), ServiceSettings())


def test_names_of_the_settings_are_answered_and_with_keys_every_name_unless_some_are_given() -> None:
    named = ServiceSettings(hosts=("forecasts.example.com",))
    assert known_host(asks(b"forecasts.example.com:443"), named)
    assert known_host(asks(b"localhost"), named)
    assert not known_host(asks(b"other.example.com"), named)
    assert known_host(asks(b"any.example.com"), ServiceSettings(keys=KEYS))
    assert not known_host(asks(b"any.example.com"), ServiceSettings(keys=KEYS, hosts=("forecasts.example.com",)))


def test_without_keys_callers_of_other_machines_are_refused_whatever_host_they_name() -> None:
    for client in (None, ("127.0.0.1", 1), ("::1", 1), ("::ffff:127.0.0.1", 1)):
        check_caller({"headers": asks(b"localhost"), "client": client}, ServiceSettings())
    for client in (("192.168.1.7", 1), ("2001:db8::1", 1), ("::ffff:10.0.0.1", 1)):
        scope = {"headers": asks(b"localhost"), "client": client}
        with pytest.raises(Refused) as caught:
            check_caller(scope, ServiceSettings())
        assert (caught.value.status, caught.value.code) == (403, "keys_needed")
        check_caller(scope, ServiceSettings(keys=KEYS))


@pytest.mark.parametrize("header", [(b"x-forwarded-for", b"203.0.113.9"), (b"forwarded", b"for=203.0.113.9")])
def test_without_keys_what_a_proxy_passes_on_is_refused(header) -> None:
    scope = {"headers": [*asks(b"localhost"), header], "client": ("127.0.0.1", 1)}
    with pytest.raises(Refused) as caught:
        check_caller(scope, ServiceSettings())
    assert (caught.value.status, caught.value.code) == (403, "keys_needed")
    check_caller(scope, ServiceSettings(keys=KEYS))

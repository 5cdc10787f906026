"""Which callers and which Host headers are answered.

A service without keys answers callers of this machine alone: BentoML binds all addresses unless it is told otherwise.
A proxy on this machine passes on requests of others, so what says that it came through one is refused too.
And the service answers only to names of this machine: a web page anywhere can let its own name resolve to 127.0.0.1 and
then read a service on loopback (DNS rebinding), but its requests carry the page's name as Host.
"""

from functools import lru_cache

from starlette.types import Scope

from serving.api.errors import refused
from serving.settings import ServiceSettings, is_loopback

MAPPED = "::ffff:"
"""In front of an IPv4 address on a socket of both families."""
PASSED_ON = (b"forwarded", b"x-forwarded-for")
"""Headers by which a proxy says for whom it asks."""
_is_of_this_machine = lru_cache(256)(is_loopback)


def check_caller(scope: Scope, settings: ServiceSettings) -> None:
    """Check where a request comes from and which host it names.

    Raises:
        Refused: 403 for a caller elsewhere or behind a proxy where there are no keys; 421 for a host that is not known.
    """
    if not settings.keys:
        client = scope.get("client")
        if client is not None and not _is_of_this_machine(client[0].removeprefix(MAPPED)):
            raise refused("keys_needed")
        if any(name in PASSED_ON for name, _ in scope["headers"]):
            raise refused("keys_needed")
    if settings.keys and not settings.hosts:
        return
    values = [value for name, value in scope["headers"] if name == b"host"]
    name = _without_port(values[0]) if len(values) == 1 else ""
    if not _is_of_this_machine(name) and name not in settings.hosts:
        raise refused("unknown_host")


def _without_port(host: bytes) -> str:
    name = host.decode("latin-1").strip().lower()
    return name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]

"""Which Host headers are answered.

A web page anywhere can let its own name resolve to 127.0.0.1 and then read a service on loopback that asks for no key
(DNS rebinding). Its requests carry the page's name as Host, so a service without keys answers only to names of this
machine.
"""

from collections.abc import Iterable

from serving.settings import ServiceSettings, is_loopback


def known_host(headers: Iterable[tuple[bytes, bytes]], settings: ServiceSettings) -> bool:
    """Whether the Host header names this service; with keys and without the setting `hosts` every name does."""
    if settings.keys and not settings.hosts:
        return True
    values = [value for name, value in headers if name == b"host"]
    if len(values) != 1:
        return False
    name = _without_port(values[0].decode("latin-1").strip().lower())
    return is_loopback(name) or name in settings.hosts


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]

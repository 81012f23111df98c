"""What the user named: files, `-` for standard input, or an address to listen at or to read from."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from logverse.errors import WrongSettings

FILES, STDIN = "files", "stdin"
# Scheme → (kind of source, its transports, port when none is named).
SCHEMES: dict[str, tuple[str, tuple[str, ...], int]] = {
    "syslog": ("syslog", ("udp", "tcp"), 514),
    "syslog+udp": ("syslog", ("udp",), 514),
    "syslog+tcp": ("syslog", ("tcp",), 601),
    "syslog+tls": ("syslog", ("tls",), 6514),
    "otlp": ("otlp", ("http",), 4318),
    "otlp+http": ("otlp", ("http",), 4318),
    "otlp+grpc": ("otlp", ("grpc",), 4317),
    "kafka": ("kafka", (), 0),
}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://", re.ASCII)
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen, or the topic to read. `text` is what the user wrote, with the port."""

    kind: str
    text: str
    transports: tuple[str, ...] = ()
    host: str = ""
    port: int = 0
    topic: str = ""


def understood(given: Sequence[str]) -> Address:
    """What these are; WrongSettings when they are no address, or do not go together.

    >>> understood(["syslog+tls://0.0.0.0:6514"]).transports, understood(["a.log", "b.log"]).kind, understood(["-"]).kind
    (('tls',), 'files', 'stdin')
    """
    special = [text for text in given if text == "-" or _SCHEME.match(text)]
    if not special:
        return Address(FILES, ", ".join(given))
    if len(given) > 1:
        remedy = "several inputs go into a producers.yaml: logverse produce --config producers.yaml"
        raise WrongSettings("stands beside other inputs", where=special[0], remedy=remedy)
    return Address(STDIN, "standard input") if special[0] == "-" else _listened(special[0])


def _listened(text: str) -> Address:
    scheme = (_SCHEME.match(text) or ["", ""])[1].lower()
    if scheme not in SCHEMES:
        raise WrongSettings(f"no such kind of address: {scheme}://", where=text, remedy=f"one of {', '.join(SCHEMES)}; a file has no ://")
    kind, transports, usual = SCHEMES[scheme]
    if kind == "kafka":
        topic = text.partition("://")[2].strip("/")
        if not _TOPIC.fullmatch(topic):
            raise WrongSettings("is no name of a topic", where=text, remedy="kafka://TOPIC; its brokers are those of the settings")
        return Address(kind, text, topic=topic)
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "127.0.0.1", usual if parts.port is None else parts.port
        ipaddress.ip_address(host if host != "localhost" else "127.0.0.1")
    except ValueError as error:
        raise WrongSettings(
            f"cannot listen there: {error}", where=text, remedy=f"{scheme}://ADDRESS:PORT, like {scheme}://127.0.0.1:{usual}"
        ) from None
    if parts.path.strip("/") or parts.query or parts.username:
        raise WrongSettings("is more than an address and a port", where=text, remedy=f"{scheme}://{host}:{port}")
    shown = f"[{host}]" if ":" in host else host
    return Address(kind, f"{scheme}://{shown}:{port}", transports, host, port)


def everybody(address: Address) -> bool:
    """Whether others than this machine can reach it."""
    return bool(address.host) and address.host != "localhost" and not ipaddress.ip_address(address.host).is_loopback

"""What every channel is to the stages before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from alerting.message import Notification
from logverse.errors import TryAgain, WrongSettings

_NOT_ASCII = "holds characters outside ASCII, which this protocol cannot carry"


class Channel(Protocol):
    """One address that notifications go to.

    `name` tells it from the others of its receiver and outlives a restart: it goes into the idempotency key, so it is made from
    the address and not from the place in the file. It is shown to people and holds no secret.
    """

    @property
    def name(self) -> str: ...
    @property
    def send_resolved(self) -> bool: ...

    def send(self, notification: Notification) -> None:
        """Hand it over within a bounded time; returning means the far side has it.

        TryAgain: absent, busy, or we could not read our own secret: the same again later may work. Refused: it said no.
        """


@dataclass(frozen=True, slots=True)
class Kind:
    """An entry of CHANNELS: the dataclass that describes one `…_configs` item, and the channels it stands for.

    The fields of `config` are the fields of the YAML mapping; its `__post_init__` raises WrongSettings (`where` = the field)
    for values that cannot be.
    """

    config: type[Any]
    channels: Callable[[Any], Sequence[Channel]]


def secret(path: str) -> str:
    """The secret in this file, read at each use so that it can be rotated; TryAgain while it cannot be read."""
    try:
        found = Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise TryAgain(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'not text'}") from error
    if not found or not found.isprintable():
        raise TryAgain(f"{path} does not hold one line with a secret")
    return found


def ascii_secret(path: str) -> str:
    """A secret for a protocol that carries ASCII only; TryAgain while the file holds another."""
    found = secret(path)
    if not found.isascii():
        raise TryAgain(f"{path} {_NOT_ASCII}")
    return found


def demand_ascii(path: str, where: str) -> None:
    """For a configuration: WrongSettings when this file holds a secret that can never be sent. An absent one may still come."""
    with suppress(TryAgain):
        if not secret(path).isascii():
            raise WrongSettings(f"{path} {_NOT_ASCII}", where=where, remedy="take a secret of ASCII characters")

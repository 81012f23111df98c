"""The one place that turns the Cassandra driver's exceptions into ours, named after what to do about them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager

from cassandra import (
    AuthenticationFailed,
    CoordinationFailure,
    DriverException,
    OperationTimedOut,
    Timeout,
    Unauthorized,
    Unavailable,
    UnresolvableContactPoints,
)
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionException, ProtocolError
from cassandra.protocol import ErrorMessage, IsBootstrappingErrorMessage, OverloadedErrorMessage, ServerError, TruncateError

from logverse.errors import Refused, TryAgain

PASSING = (
    NoHostAvailable, ConnectionException, UnresolvableContactPoints, OperationTimedOut, Timeout, Unavailable, CoordinationFailure,
    OverloadedErrorMessage, IsBootstrappingErrorMessage, TruncateError, ServerError,
)  # fmt: skip
UNWRITABLE = (struct.error, UnicodeEncodeError)  # values that the protocol has no bytes for: a key of over 64 KiB, half a surrogate pair
LOCKED_OUT = "Cassandra does not let us in: {}\n  → check cassandra_username and the file of cassandra_password_file"

# How Cassandra says that it could not look a password up, which is no word on the password: the nodes that know it are away.
_UNABLE = ("Unable to perform authentication", "Cannot achieve consistency level")


@contextmanager
def translating(what: str = "", remedy: str = "") -> Iterator[None]:
    """Do something with the driver: what it raises comes out as TryAgain or Refused, `what` said first. Others' errors pass through.

    `remedy` is what to do where nothing better is known.
    """
    try:
        yield
    except (DriverException, NoHostAvailable, ConnectionException, ErrorMessage, *UNWRITABLE) as error:
        raise translated(error, what, remedy) from error
    except TypeError as error:
        if not str(error).startswith("Received an argument of invalid type"):
            raise
        raise translated(error, what) from error


def translated(error: BaseException, what: str = "", remedy: str = "") -> TryAgain | Refused:
    """What an exception of the driver asks for: waiting, or giving up on this statement."""
    said = f"{what}: {reason(error)}" if what else reason(error)
    causes = _causes(error)
    locked = next((cause for cause in causes if isinstance(cause, AuthenticationFailed | Unauthorized)), None)
    if locked and not any(text in _own_words(locked) for text in _UNABLE):
        return Refused(LOCKED_OUT.format(_own_words(locked)))
    if locked:
        return TryAgain(said)
    if any("[SSL" in str(cause) for cause in causes):  # the driver keeps the text of TLS trouble, not its type
        return Refused(f"{said}\n  → check cassandra_ca_file, and that each node's certificate names its address")
    if any(isinstance(cause, ProtocolError) for cause in causes):
        return Refused(f"{said}\n  → Cassandra 5.0 or later is wanted")
    told = f"{said}\n  → {remedy}" if remedy else said
    return TryAgain(told) if isinstance(error, PASSING) else Refused(told)


def reason(error: BaseException) -> str:
    """Why, in one line: of several nodes the first one's trouble.

    >>> reason(DriverException('Error from server: code=2200 [Invalid query] message="table x does not exist"'))
    'table x does not exist'
    """
    causes = _causes(error)
    return _own_words(causes[-1]) or type(error).__name__


def _causes(error: BaseException) -> list[BaseException]:
    """The error, and below one that speaks for several nodes what each of them had."""
    found = getattr(error, "errors", None)
    return [error, *(one for one in found.values() if isinstance(one, BaseException))] if isinstance(found, dict) else [error]


def _own_words(error: BaseException) -> str:
    if isinstance(error, UnresolvableContactPoints):
        return "no such host"
    text = " ".join((getattr(error, "message", None) or str(error)).split())
    _, marked, said = text.partition(' message="')
    if marked:
        return said.rstrip('>"]').strip()[:300]
    return text.rpartition("Last error: ")[2].rstrip(')"')[:300]

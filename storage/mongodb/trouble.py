"""The one place that turns pymongo's exceptions into ours, named after what to do about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bson.errors import BSONError
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    CursorNotFound,
    DuplicateKeyError,
    ExecutionTimeout,
    InvalidOperation,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)

from logverse.errors import Refused, TryAgain

# Error codes of the server (src/mongo/base/error_codes.yml). A write that meets another one that upserts the same row is told of a
# duplicate key (11000): the next try finds the row.
PASSING = frozenset(
    {6, 7, 8, 24, 43, 50, 64, 79, 89, 91, 100, 112, 133, 175, 189, 202, 234, 246, 262, 263, 317, 358, 365, 9001, 10058, 10107, 11000}
    | {11600, 11602, 13388, 13435, 13436, 14031}
)
# What the server says when a row cannot be, whoever writes it: bad value, cannot be parsed, too large, too deep, against a validator.
OF_THE_ROW = frozenset({2, 9, 14, 15, 22, 52, 53, 54, 55, 56, 57, 121, 10334, 17419, 17420, 17280})
UNWRITABLE = (BSONError, OverflowError, UnicodeEncodeError)  # values that the protocol has no bytes for
LOCKED_OUT = {13, 18, 8000}
_LET_IN = "MongoDB does not let us in: {}\n  → check mongodb_username and the file of mongodb_password_file, and that user's roles"
_LONGEST = 300


@contextmanager
def translating(what: str = "", remedy: str = "") -> Iterator[None]:
    """Do something with the driver: what it raises comes out as TryAgain or Refused, `what` said first. Others' errors pass through."""
    try:
        yield
    except (PyMongoError, *UNWRITABLE) as error:
        raise translated(error, what, remedy) from error


def translated(error: BaseException, what: str = "", remedy: str = "") -> TryAgain | Refused:
    """What an exception of the driver asks for: waiting, or giving up on this request."""
    said = f"{what}: {reason(error)}" if what else reason(error)
    told = f"{said}\n  → {remedy}" if remedy else said
    if isinstance(error, BulkWriteError):
        codes = [one.get("code", 0) for one in error.details.get("writeErrors", ())]
        return worst(codes, said)
    if isinstance(error, OperationFailure) and error.code in LOCKED_OUT:
        return Refused(_LET_IN.format(reason(error)))
    if any(text in str(error) for text in ("[SSL", "SSL handshake failed", "certificate verify failed")):
        return Refused(f"{said}\n  → check mongodb_ca_file, and that each node's certificate names its address")
    if isinstance(error, ConfigurationError):
        return Refused(f"{said}\n  → MongoDB 5.0 or later is wanted")
    return TryAgain(told) if _passes(error) else Refused(told)


def worst(codes: list[int], said: str) -> TryAgain | Refused:
    """For several rows' errors at once: out for all, or to be tried again."""
    if any(code in LOCKED_OUT for code in codes):
        return Refused(_LET_IN.format(said))
    return TryAgain(said) if all(code in PASSING for code in codes) else Refused(said)


def reason(error: BaseException) -> str:
    """Why, in one line, without the driver's copy of the server's whole answer."""
    if isinstance(error, BulkWriteError):
        return _of_bulk(error.details)
    text = " ".join(str(error).split())
    for end in (", full error: {", ", Timeout: ", ", Topology Description: ", " (configured timeouts: "):
        text = text.partition(end)[0]
    return text[:_LONGEST] or type(error).__name__


def _passes(error: BaseException) -> bool:
    if isinstance(error, OperationFailure):
        retryable = error.has_error_label("RetryableWriteError") or error.has_error_label("TransientTransactionError")
        passing = isinstance(error, ExecutionTimeout | CursorNotFound | WriteConcernError) and not isinstance(error, DuplicateKeyError)
        return retryable or passing or error.code in PASSING
    closed = isinstance(error, InvalidOperation) and "after close" in str(error)
    return closed or isinstance(error, ConnectionFailure)


def _of_bulk(details: Mapping[str, Any]) -> str:
    errors = [*details.get("writeErrors", ()), *details.get("writeConcernErrors", ())]
    return " ".join(str(errors[0].get("errmsg", "")).split())[:_LONGEST] if errors else "some writes failed"

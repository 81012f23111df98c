"""A service's day as arrays: an event is a place in each of them, and no text is made."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(slots=True)
class Requests:
    """Requests, an array a field. `second` of the epoch, `spot` in spots(service), `client` a number, `path` one of its spot's."""

    second: Ints
    spot: Ints
    status: Ints
    duration: Floats
    client: Ints
    path: Ints
    host: Ints

    def take(self, places: Ints | Flags) -> Requests:
        return Requests(*(getattr(self, field.name)[places] for field in fields(self)))


@dataclass(slots=True)
class Messages:
    """Lines of the application's log. `message` in MESSAGES, behind them NEW, once for each of WORDS."""

    second: Ints
    message: Ints
    host: Ints


@dataclass(slots=True)
class Logins:
    """Logins. `user` below USERS, behind them TARGETS; `client` as in Requests."""

    second: Ints
    user: Ints
    client: Ints
    failed: Flags
    host: Ints


@dataclass(slots=True)
class Day:
    """All that one service did."""

    requests: Requests
    messages: Messages
    logins: Logins

"""What the translator must know of the text that lines come from: a file, standard input, what one sender says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from logverse.instant import Millis
from producers.checkpoint import Position


class Text(Protocol):
    """A sequence of lines with an identity; a line's uid is the identity, `-`, and its byte offset in the text.

    `label` is what people call it. `fields` (names of `logverse.event.FIELDS`) and `attributes` stand in each of its events, where
    the line itself does not say otherwise; `service` is that of its lines, None for the producer's.
    `live`: its lines come as they are written, so that one without a time takes that of its arrival.
    `high`, `last_time`, `begins_at` are event times, kept by the translator, as are the counts `events` and `untimed`.
    """

    identity: str
    position: Position
    head: bytes
    high: Millis | None
    last_time: Millis | None
    begins_at: Millis | None
    events: int
    untimed: int

    @property
    def live(self) -> bool: ...

    @property
    def label(self) -> str: ...

    @property
    def fields(self) -> Mapping[str, Any]: ...

    @property
    def attributes(self) -> Mapping[str, Any]: ...

    @property
    def service(self) -> str | None: ...

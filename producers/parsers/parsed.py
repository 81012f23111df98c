"""What a parser makes of a line, and what a parser is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from logverse.instant import Millis


@dataclass(slots=True)
class Parsed:
    """A line's meaning. Not frozen: one is made for each line, and a frozen one costs twice as much.

    `timestamp` is event time, None when the line has none that can be used. `fields` has names and types of
    `logverse.event.FIELDS`; what has no place there is in `attributes`. `service` is what the line itself says.
    """

    log_type: str
    timestamp: Millis | None
    severity_number: int
    body: str
    fields: dict[str, Any]
    attributes: Mapping[str, Any] | None = None
    service: str | None = None


class Parser(Protocol):
    """Understands one form of log line. Knows no file, no clock and no Kafka."""

    def parse(self, line: str) -> Parsed:
        """The meaning of a line without its line break; Malformed, with a reason out of a small set, when it has none."""

"""What a parser makes of a line, and what a parser is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from logverse.errors import Malformed
from logverse.instant import Millis
from producers.parsers.local_time import Local


@dataclass(slots=True)
class Parsed:
    """A line's meaning. Not frozen: one is made for each line, and a frozen one costs twice as much.

    `timestamp` is event time, None when the line has none that can be used; `local` is what it says instead when it leaves out
    the zone or the year, which its file knows. `fields` has names and types of `logverse.event.FIELDS`; what has no place
    there is in `attributes`. `service` is what the line itself says.
    """

    log_type: str
    timestamp: Millis | None
    severity_number: int
    body: str
    fields: dict[str, Any]
    attributes: Mapping[str, Any] | None = None
    service: str | None = None
    local: Local | None = None


class Header(Malformed):
    """The line names what the lines after it hold, as the first one of a CSV file does: it is no event, and nothing is wrong."""


class Parser(Protocol):
    """Understands one form of log line. Knows no file, no clock, no zone and no Kafka.

    It may also have a method `begins(line: str) -> bool`: then a line that does not begin a record goes on the one before, and
    `parse` gets the whole record, its lines with line breaks between them (`goes_on` says which lines surely do, where stack traces
    are not all that may). One `headed(first_line: str) -> Parser` gives the parser
    for a text that begins with this line. `expressions` are the regular expressions that its lines fit, to show where one does not.
    """

    def parse(self, line: str) -> Parsed:
        """The meaning of a line without its line break; Malformed, with a reason out of a small set, when it has none."""

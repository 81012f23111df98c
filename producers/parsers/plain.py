"""Lines of no known form: kept as they are, and searchable."""

from __future__ import annotations

from logverse import severity
from producers.parsers.parsed import Parsed
from producers.routes import Routes


class Plain:
    """The body is the line. It has no time: it takes that of the line before, or of when its file was found."""

    def __init__(self, routes: Routes) -> None:
        """Its lines name no requests."""

    def parse(self, line: str) -> Parsed:
        """Always an event."""
        return Parsed("error", None, severity.INFO, line, {})

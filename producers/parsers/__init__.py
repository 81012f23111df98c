"""The forms of log line that producers read. To add one: one file beside this, one line in PARSERS."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from logverse.errors import Malformed
from producers.parsers.access import AccessLog
from producers.parsers.json_log import JsonLog
from producers.parsers.parsed import Parsed, Parser
from producers.parsers.syslog import Syslog
from producers.routes import Routes

__all__ = ["PARSERS", "Parsed", "Parser", "choose", "understood"]

PARSERS: dict[str, Callable[[Routes], Parser]] = {
    "access": AccessLog,  # nginx and Apache: combined and common, with or without the request's duration
    "json": JsonLog,  # one object a line, OpenTelemetry's or ECS's names
    "syslog": Syslog,  # RFC 3164 and 5424, with or without priority; sshd, sudo, systemd, cron understood
}


def choose(lines: Sequence[str]) -> str | None:
    """The parser that understands most of these lines; None when none understands a single one.

    >>> choose(['{"message": "started"}'])
    'json'
    """
    share = {name: understood(make(Routes()), lines) for name, make in PARSERS.items()}
    best = max(share, key=lambda name: share[name])
    return best if share[best] else None


def understood(parser: Parser, lines: Sequence[str]) -> int:
    """How many of these lines the parser understands."""
    return sum(1 for line in lines if _understands(parser, line))


def _understands(parser: Parser, line: str) -> bool:
    try:
        parser.parse(line)
    except Malformed:
        return False
    return True

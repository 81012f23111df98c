"""PostgreSQL's stderr log: statements and details go on the error that they belong to."""

from __future__ import annotations

import re

from logverse import severity
from logverse.errors import Malformed
from producers.parsers import stamps
from producers.parsers.local_time import Local
from producers.parsers.parsed import Parsed
from producers.routes import Routes

# log_line_prefix as it is shipped (`%m [%p] `), as Debian has it (`%m [%p] %q%u@%d `), and the usual additions.
_PREFIX = (
    r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{3})? (?:[A-Z]{2,5}|[+-]\d\d))"
    r" \[(?P<pid>\d{1,9})(?:-\d{1,9})?\]:? ?(?:\[\d{1,9}-\d{1,9}\] )?(?:(?P<user>[^\s@]{0,64})@(?P<database>[^\s@]{0,64}) )?"
)
_MORE = r"(?:DETAIL|HINT|CONTEXT|STATEMENT|QUERY|LOCATION):  "
_HEAD = re.compile(
    _PREFIX + r"(?P<level>DEBUG[1-5]?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC):  (?:(?P<state>[0-9A-Z]{5}): )?(?P<message>.*)", re.ASCII
)
_FURTHER = re.compile(_PREFIX + rf"(?P<text>{_MORE}.*)", re.ASCII)
_STATEMENT = re.compile(r"duration: (\d{1,15}(?:\.\d{1,9})?) ms", re.ASCII)
_LEVELS = {"LOG": severity.INFO, "FATAL": severity.ERROR + 1, "PANIC": severity.FATAL}  # FATAL ends one session, PANIC all


class PostgreSQL:
    """Lines such as `2026-11-21 10:00:00.123 CET [42] ann@shop ERROR:  relation "x" does not exist`, and what follows them."""

    expressions = (_HEAD.pattern,)

    def __init__(self, routes: Routes) -> None:
        """Its lines name no requests."""

    def begins(self, line: str) -> bool:
        return _HEAD.fullmatch(line) is not None

    def goes_on(self, line: str) -> bool:
        """Whether it is known to belong to the record before."""
        return line.startswith("\t") or _FURTHER.fullmatch(line) is not None

    def parse(self, line: str) -> Parsed:
        """The record in these lines; Malformed when they do not begin as PostgreSQL's do."""
        first, *more = line.replace("\r\n", "\n").split("\n")
        match = _HEAD.fullmatch(first)
        if match is None:
            raise Malformed("not a PostgreSQL log line")
        at, level = stamps.read(match["time"]), match["level"].rstrip("12345")
        texts = [found["text"] if (found := _FURTHER.fullmatch(text)) else text for text in more]
        attributes = {"process.pid": int(match["pid"]), **({"db.namespace": match["database"]} if match["database"] else {})}
        if match["state"]:
            attributes["db.response.status_code"] = match["state"]
        if spent := _STATEMENT.match(match["message"]):
            attributes["db.client.operation.duration"] = float(spent[1]) / 1000  # seconds
        local = at if isinstance(at, Local) else None
        return Parsed(
            "error", None if isinstance(at, Local) else at, _LEVELS.get(level) or severity.number_of(level) or severity.INFO,
            "\n".join([match["message"], *texts]).rstrip(), {"user.name": match["user"]} if match["user"] else {}, attributes, None, local,
        )  # fmt: skip

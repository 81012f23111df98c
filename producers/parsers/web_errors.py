"""Error logs of web servers: nginx, and Apache 2.0 to 2.4."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from logverse import severity
from logverse.errors import Malformed
from producers.parsers import stamps
from producers.parsers.local_time import Local
from producers.parsers.parsed import Parsed
from producers.parsers.requests import METHOD, METHOD_ORIGINAL, method
from producers.routes import Routes

_NGINX = re.compile(
    r"(?P<time>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[(?P<level>[a-z]{4,6})\] (?P<pid>\d{1,9})#(?P<tid>\d{1,19}): "
    r"(?:\*(?P<connection>\d{1,19}) )?(?P<message>.*)",
    re.ASCII | re.DOTALL,
)
_APACHE = re.compile(
    r"\[(?P<time>[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})? \d{4})\] "
    r"\[(?:(?P<module>[\w-]{0,64}):)?(?P<level>[a-z]{4,6}\d?)\] "
    r"(?:\[pid (?P<pid>\d{1,9})(?::tid (?P<tid>\d{1,19}))?\] )?(?:\((?P<code>\d{1,9})\)[^:]{0,255}: )?"
    r"(?:\[client (?P<client>[^\]\s]{1,255}?)(?::(?P<port>\d{1,5}))?\] )?(?:(?P<id>AH\d{5}): )?(?P<message>.*)",
    re.ASCII | re.DOTALL,
)
_CONTEXT = re.compile(r', (client|server|request|upstream|host|referrer|subrequest): ("(?:[^"\\]|\\.){0,8192}"|[^,"]{1,1024})', re.ASCII)
_ATTRIBUTES = {"pid": "process.pid", "tid": "thread.id", "connection": "nginx.connection", "module": "apache.module",
               "id": "apache.error_id", "code": "error.code"}  # fmt: skip
_LEVELS = {"crit": severity.ERROR + 1, "alert": severity.ERROR + 2}  # one request's trouble, not the server's end


class NginxError:
    """Lines such as `2026/11/21 10:00:00 [error] 7#7: *3 open() "/a" failed (2: No such file or directory), client: 10.0.0.7, …`.

    What follows them (PHP's stack traces through FastCGI) goes on them.
    """

    expressions = (_NGINX.pattern,)

    def __init__(self, routes: Routes) -> None:
        self._routes = routes

    def begins(self, line: str) -> bool:
        return _NGINX.match(line) is not None

    def parse(self, line: str) -> Parsed:
        """The error in this line; Malformed when it is no line of an nginx error log."""
        match = _NGINX.fullmatch(line)
        if match is None:
            raise Malformed("not an nginx error log line")
        parsed = _error(match, match["message"])
        context = _context(match["message"])
        parsed.fields |= self._request(context.pop("request", ""))
        if client := context.pop("client", ""):
            parsed.fields["client.address"] = client
        more = {f"nginx.{name}": value for name, value in context.items()}
        original = {METHOD_ORIGINAL: parsed.fields.pop(METHOD_ORIGINAL)} if METHOD_ORIGINAL in parsed.fields else {}
        parsed.attributes = {**(parsed.attributes or {}), **more, **original}
        return parsed

    def _request(self, text: str) -> dict[str, Any]:
        written, _, rest = text.partition(" ")
        path, _, query = rest.rpartition(" ")[0].partition("?")
        if not path.startswith("/"):
            return {}
        known, original = method(written)
        named = {METHOD: known} if original is None else {METHOD: known, METHOD_ORIGINAL: original}
        return {**named, "url.path": path, "http.route": self._routes.of(path), **({"url.query": query} if query else {})}


class ApacheError:
    """Lines such as `[Sat Nov 21 10:00:00.123456 2026] [proxy:error] [pid 7:tid 9] [client 10.0.0.7:4711] AH00957: …`."""

    expressions = (_APACHE.pattern,)

    def __init__(self, routes: Routes) -> None:
        """Its lines name no requests."""

    def parse(self, line: str) -> Parsed:
        """The error in this line; Malformed when it is no line of an Apache error log."""
        match = _APACHE.fullmatch(line)
        if match is None:
            raise Malformed("not an Apache error log line")
        parsed = _error(match, match["message"])
        if match["client"]:
            parsed.fields["client.address"] = match["client"]
        if match["port"]:
            parsed.attributes = {**(parsed.attributes or {}), "client.port": int(match["port"])}
        return parsed


def _context(message: str) -> dict[str, str]:
    """What nginx appends. A client can write the like into a path or header: what is there twice is not believed."""
    found = _CONTEXT.findall(message)
    times = Counter(name for name, _ in found)
    return {name: value.strip('"') for name, value in found if times[name] == 1}


def _error(match: re.Match[str], message: str) -> Parsed:
    at, level = stamps.read(match["time"]), match["level"]
    number = severity.TRACE if level.startswith("trace") else _LEVELS.get(level) or severity.number_of(level) or severity.INFO
    parts = match.groupdict()
    attributes = {
        _ATTRIBUTES[name]: int(value) if value.isdigit() else value for name, value in parts.items() if value and name in _ATTRIBUTES
    }
    local = at if isinstance(at, Local) else None
    return Parsed("error", None if isinstance(at, Local) else at, number, message, {}, attributes, None, local)

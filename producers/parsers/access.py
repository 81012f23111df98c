"""Access logs of nginx and Apache: combined and common, with or without the request's duration at the end."""

from __future__ import annotations

import re
from typing import Any

from logverse import severity
from logverse.errors import Malformed
from logverse.instant import Millis
from producers.parsers.parsed import Parsed
from producers.parsers.requests import DURATION, LONGEST_S, METHOD, METHOD_ORIGINAL, method
from producers.parsers.times import common_log
from producers.routes import Routes

# Possessive quantifiers (`*+`) and bounds: on a hostile line the match fails at once instead of trying every division of it.
_QUOTED = r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'
_LINE = re.compile(
    rf'(\S++) \S++ (.{{0,256}}?) \[([^\[\]"]{{0,64}}+)\] {_QUOTED} (\d{{3}}|-) (\d++|-)'
    rf"(?: {_QUOTED} {_QUOTED}(?: {_QUOTED})?)?"  # referer, user agent, X-Forwarded-For (nginx's own `main` format)
    r"(?: (\d++(?:\.\d++)?|-)(?=\s|$))?(?: (.*))?",  # duration, and whatever a format adds
    re.DOTALL | re.ASCII,
)
# Debian's vhost_combined: the server and its port before the client's address.
_VIRTUAL_HOST = re.compile(r"([^\s:]{1,255}|\[[0-9A-Fa-f:.]{2,45}\]):(\d{1,5}) (?=[0-9A-Fa-f]{0,4}[.:][0-9A-Fa-f.:]{1,45} )", re.ASCII)
_METHOD = re.compile(r"[A-Z][A-Z_-]{0,31}", re.ASCII)
_CACHED = 8192

Request = dict[str, str]


class AccessLog:
    """Lines such as `10.0.0.7 - - [21/Nov/2026:10:00:00 +0000] "GET /a?b=1 HTTP/1.1" 200 512 "-" "curl/8" 0.012`.

    A number after the user agent is the duration: with a decimal point seconds (nginx `$request_time`), without one
    microseconds (Apache `%D`; Apache's whole seconds `%T` look the same and are not supported). A request that is
    none (`-`, bytes of a TLS handshake) is an event without method and path, as the server did answer it.
    """

    expressions = (_LINE.pattern.replace(".{0,256}?", r"[^\[]{0,256}"),)  # told apart from a request whose quotes are missing

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._times: dict[str, Millis | None] = {}
        self._requests: dict[str, Request] = {}

    def parse(self, line: str) -> Parsed:
        """The request in this line; Malformed when it is no access log line."""
        match = _LINE.fullmatch(line)
        if match is None:
            raise Malformed("not an access log line")
        client, user, time, request, status, size, referer, agent, forwarded, duration, extra = match.groups()
        if " " in user and (server := _VIRTUAL_HOST.match(line)):
            return self._behind(server, line)
        fields: dict[str, Any] = {"client.address": client}
        fields.update(self._requests.get(request) or self._request(request))
        attributes = _attributes(referer, forwarded, extra)
        number = severity.INFO
        if status != "-":
            code = fields["http.response.status_code"] = int(status)
            number = severity.INFO if code < 400 else severity.WARN if code < 500 else severity.ERROR
        if size != "-" and len(size) < 19:  # what a 64-bit reader downstream can hold
            fields["http.response.body.size"] = int(size)
        if agent is not None and agent != "-":
            fields["user_agent.original"] = _unescaped(agent)
        if duration is not None and duration != "-":
            seconds = float(duration) if "." in duration else int(duration[:20]) / 1e6
            if seconds <= LONGEST_S:
                fields[DURATION] = seconds
            else:
                attributes["duration"] = duration
        if user not in ("-", "", '""'):
            fields["user.name"] = _unescaped(user)
        at = self._times[time] if time in self._times else self._time(time)
        if METHOD_ORIGINAL in fields:
            attributes[METHOD_ORIGINAL] = fields.pop(METHOD_ORIGINAL)
        return Parsed("http", at, number, line, fields, attributes or None)

    def _behind(self, server: re.Match[str], line: str) -> Parsed:
        parsed = self.parse(line[server.end() :])
        parsed.body = line
        parsed.attributes = {**(parsed.attributes or {}), "server.address": server[1], "server.port": int(server[2])}
        return parsed

    def _time(self, text: str) -> Millis | None:
        if len(self._times) >= _CACHED:
            self._times.clear()
        at = common_log(text)
        self._times[text[:64]] = at
        return at

    def _request(self, text: str) -> Request:
        request = self._read_request(text)
        if len(self._requests) >= _CACHED:
            self._requests.clear()
        if len(text) <= 256:
            self._requests[text] = request
        return request

    def _read_request(self, text: str) -> Request:
        written, _, rest = text.partition(" ")
        if not rest or not _METHOD.fullmatch(written):
            return {}
        known, original = method(written)
        named = {METHOD: known} if original is None else {METHOD: known, METHOD_ORIGINAL: original}
        target, _, protocol = rest.rpartition(" ")
        if not protocol.startswith("HTTP/"):
            target = rest  # HTTP/0.9, or cut off by the server
        path, _, query = target.partition("?")
        if not path.startswith("/") and "://" in path:  # a proxy's absolute form
            path = "/" + path.partition("://")[2].partition("/")[2]
        if known == "CONNECT":
            return named
        request = {**named, "url.path": path, "http.route": self._routes.of(path)}
        return {**request, "url.query": query} if query else request


def _unescaped(text: str) -> str:
    return text.replace('\\"', '"').replace("\\\\", "\\") if "\\" in text else text


def _attributes(referer: str | None, forwarded: str | None, extra: str | None) -> dict[str, Any]:
    found = dict[str, Any]()
    if referer is not None and referer != "-":
        found["http.request.header.referer"] = _unescaped(referer)
    if forwarded is not None and forwarded != "-":
        found["http.request.header.x-forwarded-for"] = _unescaped(forwarded)
    if extra:
        found["extra"] = extra
    return found

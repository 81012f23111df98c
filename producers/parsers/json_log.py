"""Logs of one JSON object a line, in OpenTelemetry's or ECS's names, nested or dotted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from logverse import severity
from logverse.errors import Malformed
from logverse.event import FIELDS, LOG_TYPES
from logverse.instant import Millis
from producers.parsers import names, stamps, times
from producers.parsers.local_time import Local
from producers.parsers.parsed import Parsed
from producers.parsers.requests import DURATION, METHOD, METHOD_ORIGINAL, method, possible
from producers.routes import Routes

_DEPTH = 8  # objects nested deeper stay one value
_LONGEST_PREFIX = 128  # as do objects below longer names, which each of their members would repeat
_HTTP = ("http.request.method", "http.response.status_code", "url.path", "http.route")
_PINO = {10: severity.TRACE, 20: severity.DEBUG, 30: severity.INFO, 40: severity.WARN, 50: severity.ERROR, 60: severity.FATAL}


class JsonLog:
    """One JSON object a line. Names it does not know survive as attributes, dotted.

    `log.type` is what the line says, else `error` with an exception, else `http` with a method, status, path or route, else
    `error` from severity ERROR, else `activity` with an event name or a user, else `error` (an application's log).
    """

    def __init__(self, routes: Routes) -> None:
        self._routes = routes

    def parse(self, line: str) -> Parsed:
        """The event in this line; Malformed when it is no JSON object."""
        try:
            content = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise Malformed("not JSON") from error
        if not isinstance(content, dict):
            raise Malformed("not a JSON object")
        return self.of(flattened(content), line)

    def of(self, flat: dict[str, Any], whole: str) -> Parsed:
        """The event in these members, which are used up; `whole` is its body when it has none of its own."""
        at, number = _time(flat), _severity(flat)
        body = _first(flat, names.BODIES, str)
        service, log_type = _first(flat, names.SERVICES, str), _first(flat, names.TYPES, str)
        fields = self._fields(flat)
        number = number or _severity_of(fields)
        flat.pop("schema_version", None)
        local = at if isinstance(at, Local) else None
        return Parsed(
            log_type if log_type in LOG_TYPES else _type(fields, number),
            None if isinstance(at, Local) else at, number, whole if body is None else body, fields, flat, service or None, local,
        )  # fmt: skip

    def _fields(self, flat: dict[str, Any]) -> dict[str, Any]:
        """Takes out of `flat` what has a place of its own, in the type it has there."""
        fields: dict[str, Any] = {}
        for name in [name for name in flat if name in names.ALIASES]:
            target = names.ALIASES[name]
            value = _converted(flat[name], FIELDS[target], names.PER_SECOND.get(name, 1.0))
            if target == "http.response.status_code" and not 100 <= (value or 0) <= 599:
                continue  # "status" of something else than HTTP
            if target == DURATION and not possible(-1 if value is None else value):
                continue
            if value is not None and target not in fields:
                fields[target] = value
                del flat[name]
        if METHOD in fields:
            fields[METHOD], original = method(fields[METHOD])
            if original is not None:
                flat.setdefault(METHOD_ORIGINAL, original)
        if "url.path" not in fields:
            fields |= _target(_first(flat, names.TARGETS, str) or "")
        if "url.path" in fields and "http.route" not in fields:
            fields["http.route"] = self._routes.of(fields["url.path"])
        return fields


def flattened(content: dict[str, Any]) -> dict[str, Any]:
    """Dotted names, those in containers without the container's name unless that is taken."""
    whole = dict(_flattened(content))
    inner = {name: _unwrapped(name) for name in whole}
    flat = {name: value for name, value in whole.items() if inner[name] == name}
    for name, value in whole.items():
        if inner[name] != name:
            flat[name if inner[name] in flat else inner[name]] = value
    return flat


def _flattened(content: dict[str, Any], prefix: str = "", depth: int = 1) -> Iterator[tuple[str, Any]]:
    for name, value in content.items():
        if value is None:
            continue
        whole = prefix + name
        if isinstance(value, dict) and depth < _DEPTH and value and len(whole) <= _LONGEST_PREFIX:
            yield from _flattened(value, whole + ".", depth + 1)
        else:
            yield whole, value


def _unwrapped(name: str) -> str:
    for container in names.CONTAINERS:
        if name.startswith(container):
            return name[len(container) :]
    return name


def _first(flat: dict[str, Any], choices: Iterable[str], kind: type) -> Any:
    for name in choices:
        if isinstance(flat.get(name), kind):
            return flat.pop(name)
    return None


def _time(flat: dict[str, Any]) -> Millis | Local | None:
    for name in names.TIMES:
        at = _instant(flat.get(name))
        if at is not None:
            del flat[name]
            return at
    return None


def _instant(value: Any) -> Millis | Local | None:
    if isinstance(value, str):
        number = None if value[4:5] == "-" else _number(value)  # a year stands before it
        return stamps.of_member(value) if number is None else times.of_number(number)
    return times.of_number(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _severity(flat: dict[str, Any]) -> int | None:
    for name in (*names.SEVERITY_NUMBERS, *names.SEVERITIES):
        value = flat.get(name)
        number = _severity_number(value, name in names.SEVERITY_NUMBERS)
        if number is not None:
            del flat[name]
            return number
    return None


def _severity_number(value: Any, is_number: bool) -> int | None:
    if isinstance(value, str):
        return severity.number_of(value)
    if not isinstance(value, int):
        return None
    return (value if 1 <= value <= 24 else None) if is_number else _PINO.get(value)


def _severity_of(fields: dict[str, Any]) -> int:
    status = fields.get("http.response.status_code", 0)
    if status >= 500 or "exception.type" in fields:
        return severity.ERROR
    return severity.WARN if status >= 400 else severity.INFO


def _type(fields: dict[str, Any], number: int) -> str:
    if "exception.type" in fields or "exception.stacktrace" in fields:
        return "error"
    if any(name in fields for name in _HTTP):
        return "http"
    if number < severity.ERROR and any(name in fields for name in ("event_name", "user.id", "user.name")):
        return "activity"
    return "error"


def _target(text: str) -> dict[str, str]:
    target, _, query = text.partition("?")
    path = target if target.startswith("/") or "://" not in target else "/" + target.partition("://")[2].partition("/")[2]
    return {"url.path": path, **({"url.query": query} if query else {})} if path.startswith("/") else {}


def _converted(value: Any, kind: type, per_unit: float) -> Any:
    """The value in its field's type; None when it is not of it, so that it stays an attribute."""
    if isinstance(value, bool | dict | list):
        return None
    if kind is str:
        return str(value)
    number = _number(value)
    if number is None:
        return None
    if kind is int:
        return int(number) if number == int(number) and abs(number) < 2**53 else None
    return number / per_unit


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None

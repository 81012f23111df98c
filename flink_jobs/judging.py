"""What a record of a log topic is: an event to be kept, a heartbeat, or malformed. The detect job counts exactly the events.

Runs once a record, forty thousand times a second: hence plain tuples, no call that is not needed, and a strict fast reader first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from flink_jobs import flink_json
from logverse import instant
from logverse.errors import Malformed
from logverse.event import HEARTBEAT, LOG_TYPES
from logverse.identity import digest
from logverse.instant import Millis

# In the order of storage/rows.py, StoredEvent: what a store keeps of an event.
Row = tuple[Any, ...]

# The columns that the detect job decodes (flink_jobs/tables.py, DECODED; a test holds them together), by whether their type is STRING.
TEXTS = frozenset(
    {
        "log.type", "service.name", "host.name", "body", "log.record.uid", "http.route", "http.request.method", "url.path",
        "client.address", "user_agent.original", "event_name", "event.outcome", "user.id", "user.name", "exception.type",
    }
)  # fmt: skip
FIGURES = frozenset(
    {"timestamp", "severity_number", "http.response.status_code", "http.server.request.duration", "http.response.body.size"}
)
_KEPT_TOO = ("session.id", "trace_id")

_TYPES = frozenset(LOG_TYPES)
_FIGURE = frozenset({int, type(None), float, str, bool})
_SMALL, _LARGE = 2**15 - 1, 2**31 - 1
_REMEMBERED = 50_000


class Judge:
    """Judges records. `topic_ids`: the id that Kafka gave each topic (by full name), part of the identity of records without one."""

    def __init__(self, topic_ids: Mapping[str, str]) -> None:
        self._topic_ids = topic_ids
        self._seconds: dict[str, Millis] = {}  # "2026-11-21T10:00:07" → milliseconds
        self._fractions: dict[str, Millis] = {}  # ".123Z" → milliseconds

    def event(self, topic: str, partition: int, offset: int, appended: Millis, value: bytes | None) -> Row | None:
        """The row of the event in this record, None for a heartbeat. Malformed says why it is neither; the same reasons for all.

        Event time is what the record says when that is a time, else `appended`, Kafka's. A record without a uid gets one of its place.
        """
        try:
            flat = orjson.loads(value)  # type: ignore[arg-type]
            log_type = flat["log.type"]
            if log_type not in _TYPES:
                return None if log_type == HEARTBEAT else self._odd(topic, partition, offset, appended, value)
            service, severity, status = flat["service.name"], flat.get("severity_number"), flat.get("http.response.status_code")
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return self._odd(topic, partition, offset, appended, value)
        get = flat.get
        at = get("timestamp")
        if (
            type(severity) not in _FIGURE
            or type(status) not in _FIGURE
            or type(at) not in _FIGURE
            or type(get("http.server.request.duration")) not in _FIGURE
            or type(get("http.response.body.size")) not in _FIGURE
            or type(service) is not str
        ):
            return self._odd(topic, partition, offset, appended, value)
        when = appended
        if type(at) is str:
            second, fraction = self._seconds.get(at[:19]), self._fractions.get(at[19:])
            when = self._instant(at, appended) if second is None or fraction is None else second + fraction
        uid = get("log.record.uid")
        if type(uid) is not str or not uid:
            uid = self.place_id(topic, partition, offset)
        route, client, user = get("http.route"), get("client.address"), get("user.id") or get("user.name")
        session, trace = get("session.id"), get("trace_id")
        return (
            log_type,
            service,
            when,
            uid,
            severity if type(severity) is int and 0 <= severity <= _SMALL else None,
            status if type(status) is int and 0 <= status <= _LARGE else None,
            route if route.__class__ is str else _text(route),
            client if client.__class__ is str else _text(client),
            user if user.__class__ is str else _text(user),
            session if session.__class__ is str else _text(session),
            trace if trace.__class__ is str else _text(trace),
            value,
        )

    def place_id(self, topic: str, partition: int, offset: int) -> str:
        """What identifies a record by its place. The topic's id and not its name: a topic made anew starts at offset 0 again."""
        return digest(self._topic_ids.get(topic, topic), partition, offset)

    def _instant(self, text: str, otherwise: Millis) -> Millis:
        try:
            at = instant.read(text)
        except Malformed:
            return otherwise
        if len(self._seconds) >= _REMEMBERED or len(self._fractions) >= _REMEMBERED:
            self._seconds.clear()
            self._fractions.clear()
        self._fractions[text[19:]] = at % 1000
        self._seconds[text[:19]] = at - at % 1000
        return at

    def _odd(self, topic: str, partition: int, offset: int, appended: Millis, value: bytes | None) -> Row | None:
        """The same for a record that a strict reader does not take as it is."""
        if value is None:
            raise Malformed("empty record")
        found = flink_json.columns(value, TEXTS, FIGURES)
        log_type = found.get("log.type")
        if log_type == HEARTBEAT:
            return None
        if log_type not in _TYPES:
            raise Malformed("log.type is missing" if log_type is None else f"log.type is not one of {', '.join(LOG_TYPES)}")
        service = found.get("service.name")
        if service is None:
            raise Malformed("service.name is missing")
        at, uid = found.get("timestamp"), found.get("log.record.uid")
        more = _strictly(value)
        return (
            log_type,
            _writable(service),
            self._instant(at, appended) if at else appended,
            _writable(uid) if uid else self.place_id(topic, partition, offset),
            _figure(found.get("severity_number"), _SMALL),
            _figure(found.get("http.response.status_code"), _LARGE),
            *(text and _writable(text) for text in (found.get("http.route"), found.get("client.address"))),
            *(text and _writable(text) for text in (found.get("user.id") or found.get("user.name"), more["session.id"], more["trace_id"])),
            value,
        )


def _strictly(value: bytes) -> dict[str, str | None]:
    """Columns that only the history wants, where the record can be read at all."""
    try:
        flat = orjson.loads(value)
    except orjson.JSONDecodeError:
        return dict.fromkeys(_KEPT_TOO)
    return {name: _text(flat.get(name)) for name in _KEPT_TOO}


def _text(value: Any) -> str | None:
    return value if type(value) is str else str(value) if type(value) in (int, float) else None


def _figure(text: str | None, most: int) -> int | None:
    found = int(text) if text and len(text) < 12 and text.isascii() and text.isdecimal() else None
    return found if found is not None and found <= most else None


def _writable(text: str) -> str:
    """Half a surrogate pair has no bytes in UTF-8; Java writes a question mark."""
    return text.encode("utf-8", "replace").decode()

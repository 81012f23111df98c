"""What events, alerts and anomalies of the history look like when they are shown."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import orjson

from logverse import instant, severity
from logverse.cli.output import echo_json
from logverse.cli.query_output import Subject, time_text
from logverse.printable import printable

if TYPE_CHECKING:
    from storage.rows import StoredAlert, StoredAnomaly, StoredEvent

_EVENT = {
    "id": "text", "timestamp": "instant", "type": "text", "service": "text", "severity_number": "int", "severity": "text",
    "status": "int", "route": "text", "client": "text", "user": "text", "session": "text", "trace": "text", "body": "text",
}  # fmt: skip
_ALERT = {
    "timestamp": "instant", "alert": "text", "status": "text", "severity": "text", "rule": "text", "service": "text", "sentence": "text",
}  # fmt: skip
_ANOMALY = {"timestamp": "instant", "id": "text", "rule": "text", "service": "text", "record": "text"}
_LINE = 500  # characters of a body in a table: what is beyond is cut anyway
_NAME = 30  # how wide the names of fields are at most


def events_subject(spreadsheet: bool = False) -> Subject:
    """Events. In a spreadsheet times are text."""
    from storage.history import EventId, fields_of

    def short(event: StoredEvent) -> dict[str, Any]:
        return {
            "time (utc)": time_text(event.timestamp),
            "severity": _severity(event),
            "id": EventId.of(event).short,
            "what": _what(event, fields_of(event))[:_LINE],
        }

    def flat(event: StoredEvent) -> dict[str, Any]:
        values = (
            str(EventId.of(event)), _time(event.timestamp, spreadsheet), event.log_type, event.service_name, event.severity_number,
            _severity(event), event.status_code, event.route, event.client_address, event.user_id, event.session_id, event.trace_id,
            _text(fields_of(event).get("body")),
        )  # fmt: skip
        return dict(zip(_EVENT, values, strict=True))

    def whole(event: StoredEvent) -> dict[str, Any]:
        own = {"timestamp": instant.written(event.timestamp), "log.type": event.log_type, "service.name": event.service_name}
        return {"id": str(EventId.of(event)), **fields_of(event), **own, "log.record.uid": event.uid}

    return Subject(short, _EVENT, flat, whole)


def alerts_subject(spreadsheet: bool = False) -> Subject:
    """Transitions of alerts."""

    def short(alert: StoredAlert) -> dict[str, Any]:
        return {
            "time (utc)": time_text(alert.at), "status": alert.status, "severity": alert.severity, "alert": alert.alert_id[:12],
            "rule": alert.rule, "service": alert.service_name, "what": _sentence(alert)[:_LINE],
        }  # fmt: skip

    def flat(alert: StoredAlert) -> dict[str, Any]:
        values = (
            _time(alert.at, spreadsheet), alert.alert_id, alert.status, alert.severity, alert.rule, alert.service_name, _sentence(alert),
        )  # fmt: skip
        return dict(zip(_ALERT, values, strict=True))

    return Subject(short, _ALERT, flat, lambda alert: _record(alert.record))


def anomalies_subject(spreadsheet: bool = False) -> Subject:
    """Anomalies."""

    def short(one: StoredAnomaly) -> dict[str, Any]:
        said = _record(one.record)
        reasons = "; ".join(map(str, said["reasons"])) if isinstance(said.get("reasons"), list) else ""
        return {
            "time (utc)": time_text(one.at), "rule": one.rule, "service": one.service_name, "score": said.get("score"),
            "actual": said.get("actual"), "usual": _band(said.get("expected")), "why": reasons[:_LINE],
        }  # fmt: skip

    def flat(one: StoredAnomaly) -> dict[str, Any]:
        values = (_time(one.at, spreadsheet), one.id, one.rule, one.service_name, one.record.decode("utf-8", "replace"))
        return dict(zip(_ANOMALY, values, strict=True))

    return Subject(short, _ANOMALY, flat, lambda one: _record(one.record))


def event_lines(event: StoredEvent) -> Iterator[str]:
    """One event, all of it, for people."""
    from storage.history import EventId, fields_of

    fields = sorted(fields_of(event).items(), key=lambda item: (item[0] == "body", "\n" in str(item[1])))
    width = min(max((len(name) for name, _ in fields), default=0), _NAME)
    yield from _field("id", str(EventId.of(event)), width)
    yield from _field("time", f"{time_text(event.timestamp)} UTC", width)
    for name, value in fields:
        yield from _field(name, value, width)
    yield from _field("record", f"{len(event.record)} bytes, sha256 {hashlib.sha256(event.record).hexdigest()}", width)
    for flag, asked in (
        ("trace", event.trace_id),
        ("session", event.session_id),
        ("user", event.user_id),
        ("client", event.client_address),
    ):
        if asked:
            yield f"same {flag}:  " + command("events", service=event.service_name, since=event.timestamp - 600_000, **{flag: asked})


def event_whole(event: StoredEvent) -> None:
    """One event, all of it, for scripts: the row's columns, and the record as it was."""
    from storage.history import EventId, fields_of

    row = {name: value for name, value in event._asdict().items() if name != "record"}
    echo_json({"id": str(EventId.of(event)), **row, "sha256": hashlib.sha256(event.record).hexdigest(), "record": fields_of(event)})


def command(verb: str, **flags: Any) -> str:
    """A command that people may copy: quoted for a shell. Times are milliseconds; one beyond the calendar becomes its end."""
    texts = {name: _moment(value) if isinstance(value, int) else value for name, value in flags.items()}
    parts = [f"--{name} {shlex.quote(text)}" for name, text in texts.items()]
    return printable(" ".join(["logverse query", verb, *parts]))


def _moment(at: int) -> str:
    return instant.written(min(max(at, instant.BEGINNING), instant.END))


def _field(name: str, value: Any, width: int) -> Iterator[str]:
    """A field; text of several lines stands below its name."""
    lines = value.split("\n") if isinstance(value, str) else [orjson.dumps(value).decode()]
    if len(lines) == 1:
        yield f"{printable(name).ljust(width)}  {printable(lines[0])}"
    else:
        yield printable(name)
        yield from (f"    {printable(line)}" for line in lines)


def _what(event: StoredEvent, fields: dict[str, Any]) -> str:
    """One line: the request, where there is one, else the body."""
    method, path = fields.get("http.request.method"), fields.get("url.path")
    if not method or not path:
        return _text(fields.get("body")) or ""
    took = fields.get("http.server.request.duration")
    parts = (event.status_code, method, path, f"{took:g} s" if isinstance(took, int | float) else None, event.client_address)
    return " ".join(str(part) for part in parts if part is not None)


def _severity(event: StoredEvent) -> str:
    return "" if event.severity_number is None else severity.text_of(event.severity_number)


def _sentence(alert: StoredAlert) -> str:
    why = _record(alert.record).get("explanation")
    return str(why.get("sentence", "")) if isinstance(why, dict) else ""


def _record(value: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError:
        found = None
    return found if isinstance(found, dict) else {"record": value.decode("utf-8", "replace")}


def _band(expected: Any) -> str:
    return " to ".join(f"{edge:g}" for edge in expected if isinstance(edge, int | float)) if isinstance(expected, list) else ""


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


def _time(at: int, spreadsheet: bool) -> int | str:
    return instant.written(at) if spreadsheet else at

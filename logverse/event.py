"""One log line, understood: the event that producers write to Kafka and everything after reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import orjson

from logverse import instant, severity
from logverse.errors import Malformed
from logverse.instant import Millis

SCHEMA_VERSION = 1

LogType = Literal["http", "error", "activity"]
LOG_TYPES: tuple[str, ...] = get_args(LogType)

# Flat OpenTelemetry names that have a place of their own on the topic, and the type they carry there.
# Everything else a source says survives under `attributes`.
FIELDS: dict[str, type] = {
    "host.name": str, "log.file.path": str, "log.record.original": str, "log.record.original.sha256": str,
    "trace_id": str, "span_id": str, "service.version": str, "deployment.environment.name": str,
    "http.request.method": str, "url.path": str, "url.query": str, "http.route": str,
    "http.response.status_code": int, "http.response.body.size": int, "http.server.request.duration": float,
    "client.address": str, "user_agent.original": str,
    "exception.type": str, "exception.message": str, "exception.stacktrace": str,
    "code.function.name": str, "code.file.path": str, "code.line.number": int,
    "event_name": str, "user.id": str, "user.name": str, "session.id": str, "event.outcome": str,
}  # fmt: skip

# The `log.type` of a record that only carries time: it moves Flink's watermark and is no event.
HEARTBEAT = "heartbeat"


@dataclass(frozen=True, slots=True)
class LogEvent:
    """A log line with its meaning.

    `timestamp` is event time, `observed_timestamp` the time the producer read it; both milliseconds UTC.
    `uid` is a function of the source position: the same line is the same event however often it is sent.
    `fields` holds what FIELDS names (when known), `attributes` whatever else the source said.
    """

    timestamp: Millis
    observed_timestamp: Millis
    log_type: str
    service_name: str
    severity_number: int
    body: str
    uid: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """The record's value on `logs.http`, `logs.error` or `logs.activity`: one flat JSON object."""
        flat: dict[str, Any] = {
            "timestamp": instant.written(self.timestamp),
            "observed_timestamp": instant.written(self.observed_timestamp),
            "log.type": self.log_type,
            "service.name": self.service_name,
            "severity_text": severity.text_of(self.severity_number),
            "severity_number": self.severity_number,
            "body": self.body,
            "log.record.uid": self.uid,
            "schema_version": SCHEMA_VERSION,
            **self.fields,
        }
        if self.attributes:
            flat["attributes"] = self.attributes
        return orjson.dumps(flat)

    @classmethod
    def from_json(cls, data: bytes) -> LogEvent:
        """The event in these bytes; Malformed says what is wrong with them."""
        try:
            flat = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise Malformed(f"not JSON: {error}") from error
        if not isinstance(flat, dict):
            raise Malformed("not a JSON object")
        log_type = _text(flat, "log.type")
        if log_type not in LOG_TYPES:
            raise Malformed(f"log.type is {log_type!r}, not one of {', '.join(LOG_TYPES)}")
        return cls(
            timestamp=instant.read(_text(flat, "timestamp")),
            observed_timestamp=instant.read(_text(flat, "observed_timestamp")),
            log_type=log_type,
            service_name=_text(flat, "service.name"),
            severity_number=_typed(flat, "severity_number", int),
            body=_text(flat, "body"),
            uid=_text(flat, "log.record.uid"),
            fields={name: _typed(flat, name, kind) for name, kind in FIELDS.items() if flat.get(name) is not None},
            attributes=_typed(flat, "attributes", dict) if "attributes" in flat else {},
        )


def heartbeat(at: Millis, source: str) -> bytes:
    """A record that says only "this source has sent everything up to `at`" (event time, milliseconds)."""
    time = instant.written(at)
    return orjson.dumps({"timestamp": time, "observed_timestamp": time, "log.type": HEARTBEAT, "service.name": source})


def _text(flat: dict[str, Any], name: str) -> str:
    value: str = _typed(flat, name, str)
    return value


def _typed(flat: dict[str, Any], name: str, kind: type) -> Any:
    value = flat.get(name)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise Malformed(f"{name} is missing" if value is None else f"{name} is {type(value).__name__}, not {kind.__name__}")
    return value

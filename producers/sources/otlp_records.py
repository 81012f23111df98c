"""OTLP's messages, protobuf or JSON, as flat members that the JSON parser understands. The protocol: opentelemetry.io/docs/specs/otlp."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from logverse.errors import Malformed
from producers.parsers.json_log import flattened

_DEPTH = 16  # of values within values
Members = dict[str, Any]


def of_protobuf(data: bytes) -> Iterator[Members]:
    """The log records of an ExportLogsServiceRequest, one after the other. Malformed when it is none."""
    try:
        request = ExportLogsServiceRequest.FromString(data)
    except DecodeError as error:
        raise Malformed("no ExportLogsServiceRequest in protobuf") from error
    for resource in request.resource_logs:
        of_all = _pairs(resource.resource.attributes)
        for scope in resource.scope_logs:
            of_scope = {**of_all, "otel.scope.name": scope.scope.name} if scope.scope.name else of_all
            for record in scope.log_records:
                yield _members(
                    {**of_scope, **_pairs(record.attributes)}, record.time_unix_nano or record.observed_time_unix_nano,
                    record.severity_number, record.severity_text, _value(record.body), record.trace_id.hex(), record.span_id.hex(),
                    _event_name(record),
                )  # fmt: skip


def of_json(data: bytes) -> Iterator[Members]:
    """The same of JSON: names in camel case, ids in hexadecimal, 64-bit numbers as text."""
    try:
        yield from of_content(orjson.loads(data))
    except (orjson.JSONDecodeError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise Malformed("no ExportLogsServiceRequest in JSON") from error


def of_content(request: Mapping[str, Any]) -> Iterator[Members]:
    """The same of JSON that was read already; anything may be raised by what is none."""
    for resource in request["resourceLogs"] if "resourceLogs" in request else _nothing(request):
        of_all = _json_pairs(resource.get("resource", {}).get("attributes", []))
        for scope in resource.get("scopeLogs", []):
            name = scope.get("scope", {}).get("name")
            of_scope = {**of_all, "otel.scope.name": name} if name else of_all
            for record in scope.get("logRecords", []):
                yield _members(
                    {**of_scope, **_json_pairs(record.get("attributes", []))},
                    int(record.get("timeUnixNano", 0)) or int(record.get("observedTimeUnixNano", 0)),
                    int(record.get("severityNumber", 0)), str(record.get("severityText", "")), _json_value(record.get("body", {})),
                    str(record.get("traceId", "")), str(record.get("spanId", "")), str(record.get("eventName", "")),
                )  # fmt: skip


def _nothing(request: Mapping[str, Any]) -> list[Any]:
    if request or not isinstance(request, dict):
        raise ValueError("something else")
    return []


def _members(attributes: Members, nanoseconds: int, number: int, text: str, body: Any, trace: str, span: str, event: str) -> Members:
    found = flattened(attributes)
    if nanoseconds:
        found["timestamp"] = nanoseconds // 1_000_000
    if 1 <= number <= 24:
        found["severity_number"] = number
    elif text:
        found["severity_text"] = text
    if body is not None:
        found["body"] = body if isinstance(body, str) else orjson.dumps(body).decode()
    own = (("trace_id", trace.lower()), ("span_id", span.lower()), ("event_name", event))
    found.update((name, value) for name, value in own if value.strip("0"))
    if str(found.get("service.name", "")).startswith("unknown_service"):
        del found["service.name"]  # what the SDK says when nobody told it
    return found


def _event_name(record: LogRecord) -> str:
    return str(getattr(record, "event_name", ""))  # since OpenTelemetry 1.5 of the protocol


def _pairs(pairs: Iterator[KeyValue] | Any) -> Members:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue, depth: int = 0) -> Any:
    kind = value.WhichOneof("value")
    if kind is None or depth > _DEPTH:
        return None
    if kind == "array_value":
        return [_value(item, depth + 1) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: _value(pair.value, depth + 1) for pair in value.kvlist_value.values}
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    return getattr(value, kind)


def _json_pairs(pairs: list[Any]) -> Members:
    return {str(pair["key"]): _json_value(pair.get("value", {})) for pair in pairs}


def _json_value(value: Mapping[str, Any], depth: int = 0) -> Any:
    if depth > _DEPTH:
        return None
    for kind, content in value.items():
        if kind == "arrayValue":
            return [_json_value(item, depth + 1) for item in content.get("values", [])]
        if kind == "kvlistValue":
            return {str(pair["key"]): _json_value(pair.get("value", {}), depth + 1) for pair in content.get("values", [])}
        return int(content) if kind == "intValue" else content
    return None

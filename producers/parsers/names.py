"""What other schemas call the fields of `logverse.event`: ECS, older OpenTelemetry, nginx's and common loggers' own JSON."""

from __future__ import annotations

from logverse.event import FIELDS

# Where the event's own members come from; of several in a line the first one named here is taken.
TIMES = ("timestamp", "@timestamp", "time", "ts", "Timestamp", "timeUnixNano", "time_unix_nano", "datetime", "asctime",
         "time_iso8601", "time_local", "msec", "date", "observed_timestamp")  # fmt: skip
BODIES = ("body", "message", "msg", "Body", "body.stringValue", "log")
SEVERITIES = ("severity_text", "severity", "log.level", "level", "severityText", "SeverityText", "levelname", "lvl")
SEVERITY_NUMBERS = ("severity_number", "severityNumber", "SeverityNumber")
SERVICES = ("service.name", "service")
TYPES = ("log.type",)

# Containers whose members are read as if they stood at the top: OpenTelemetry's JSON nests its attributes.
CONTAINERS = ("attributes.", "resource.attributes.", "resource.", "Attributes.", "Resource.")

# Seconds are the unit of a duration; these names carry another one.
PER_SECOND = {"event.duration": 1e9, "duration_ms": 1e3, "http.server.duration": 1e3}

# A whole URL or target, to be split into path and query.
TARGETS = ("http.target", "url.original", "url.full", "http.url", "request_uri")

ALIASES: dict[str, str] = {
    **{name: name for name in FIELDS},
    # Elastic Common Schema
    "trace.id": "trace_id", "span.id": "span_id", "host.hostname": "host.name", "service.environment": "deployment.environment.name",
    "http.response.bytes": "http.response.body.size", "http.response.body.bytes": "http.response.body.size",
    "event.duration": "http.server.request.duration", "source.ip": "client.address", "client.ip": "client.address",
    "source.address": "client.address", "event.action": "event_name", "event.name": "event_name",
    "error.type": "exception.type", "error.message": "exception.message", "error.stack_trace": "exception.stacktrace",
    "log.origin.function": "code.function.name", "log.origin.file.name": "code.file.path", "log.origin.file.line": "code.line.number",
    # OpenTelemetry before its names were stable, and in camel case
    "traceId": "trace_id", "spanId": "span_id", "TraceId": "trace_id", "SpanId": "span_id", "eventName": "event_name",
    "http.method": "http.request.method", "http.status_code": "http.response.status_code",
    "http.response_content_length": "http.response.body.size", "http.server.duration": "http.server.request.duration",
    "http.client_ip": "client.address", "http.user_agent": "user_agent.original", "deployment.environment": "deployment.environment.name",
    "code.function": "code.function.name", "code.filepath": "code.file.path", "code.lineno": "code.line.number",
    "enduser.id": "user.id",
    # nginx `log_format … escape=json`, structured loggers
    "remote_addr": "client.address", "request_method": "http.request.method", "status": "http.response.status_code",
    "body_bytes_sent": "http.response.body.size", "bytes_sent": "http.response.body.size", "http_user_agent": "user_agent.original",
    "request_time": "http.server.request.duration", "duration_ms": "http.server.request.duration",
    "remote_user": "user.name", "hostname": "host.name", "user_id": "user.id", "session_id": "session.id",
    "exc_info": "exception.stacktrace",
}  # fmt: skip

"""The columns that the detect job decodes from a record, its event time, and small pieces of SQL that all its views use."""

from __future__ import annotations

from collections.abc import Mapping

from flink_jobs.rules.forms import literal
from flink_jobs.settings import JobSettings

# With their SQL types. `timestamp` becomes the rowtime, see `time_columns`.
DECODED: dict[str, str] = {
    "timestamp": "TIMESTAMP_LTZ(3)", "log.type": "STRING", "service.name": "STRING", "host.name": "STRING",
    "severity_number": "INT", "body": "STRING", "log.record.uid": "STRING",
    "http.route": "STRING", "http.request.method": "STRING", "http.response.status_code": "INT",
    "http.server.request.duration": "DOUBLE", "http.response.body.size": "BIGINT",
    "url.path": "STRING", "client.address": "STRING", "user_agent.original": "STRING",
    "event_name": "STRING", "event.outcome": "STRING", "user.id": "STRING", "user.name": "STRING", "exception.type": "STRING",
}  # fmt: skip

SAMPLE_CHARACTERS = 500
SECOND = "INTERVAL '1' SECOND"

# What nobody's log can mean is no figure: NaN, the negative, the absurd. One such value must not spoil the sums of its second.
_BOUNDED = {
    name: f"CASE WHEN `{name}` BETWEEN 0 AND {most} THEN `{name}` END"
    for name, most in {"http.server.request.duration": "1e6", "http.response.body.size": "1000000000000"}.items()
}


def time_columns(settings: JobSettings) -> str:
    """Event time and watermark of the source, which must have `timestamp` and `appended` (the broker's time).

    A record without a time, or from the future, counts at its arrival, and its watermark is null, which moves nothing.
    """
    wrong = odd(settings)
    return f"""
      `ts` AS CAST(CASE WHEN {wrong} THEN `appended` ELSE `timestamp` END AS TIMESTAMP_LTZ(3)),
      `arrival` AS PROCTIME(),
      WATERMARK FOR `ts` AS CASE WHEN {wrong} THEN CAST(NULL AS TIMESTAMP_LTZ(3)) ELSE `ts` - {interval(settings.watermark_delay_ms)} END"""


def odd(settings: JobSettings) -> str:
    """Whether the record's own time is none."""
    return f"(`timestamp` IS NULL OR `timestamp` > `appended` + {interval(settings.future_bound_ms)})"


def bounded(name: str) -> str:
    """The column, without values that cannot be."""
    return f"{_BOUNDED[name]} AS `{name}`" if name in _BOUNDED else f"`{name}`"


def sample() -> str:
    return f"SUBSTRING(`body` FROM 1 FOR {SAMPLE_CHARACTERS})"


def object_of(fields: Mapping[str, str]) -> str:
    return f"JSON_OBJECT({', '.join(f'KEY {literal(name)} VALUE {sql}' for name, sql in fields.items())} ABSENT ON NULL)"


def millis(column: str) -> str:
    """Of a time, its whole second in milliseconds."""
    return f"CAST(EXTRACT(EPOCH FROM {column}) AS BIGINT) * 1000"


def interval(ms: int) -> str:
    minutes, rest = divmod(ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"INTERVAL '{days} {hours:02d}:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}' DAY TO SECOND(3)"

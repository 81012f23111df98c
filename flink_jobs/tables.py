"""The SQL of the detect job: from events to one row per service and second. All of it runs in the JVM.

Views, in the order a row passes them: `timed` judges lateness; `on_time`, `late` and `too_late` split by it; `traffic` summarises
a second of a series; `gathered` puts all summaries of a service's second into one row. What leaves for Python is four plain columns,
`kind, service, at, items`, with the items as JSON text: one cheap string instead of nested rows, and the same text is what topic
`summaries` holds. All kinds leave as one table, so the plan has one source and each event is decoded once.
"""

from __future__ import annotations

from collections.abc import Mapping

from flink_jobs.rules.forms import literal
from flink_jobs.settings import JobSettings
from logverse.event import LOG_TYPES
from logverse.summary import DIMENSIONS, DURATION_BOUNDS
from logverse.topics import named

# Columns the job decodes from a record, with their SQL types. `timestamp` becomes the rowtime, see `time_columns`.
DECODED: dict[str, str] = {
    "timestamp": "TIMESTAMP_LTZ(3)", "log.type": "STRING", "service.name": "STRING", "host.name": "STRING",
    "severity_number": "INT", "body": "STRING", "log.record.uid": "STRING",
    "http.route": "STRING", "http.request.method": "STRING", "http.response.status_code": "INT",
    "http.server.request.duration": "DOUBLE", "http.response.body.size": "BIGINT",
    "url.path": "STRING", "client.address": "STRING", "user_agent.original": "STRING",
    "event_name": "STRING", "event.outcome": "STRING", "user.id": "STRING", "exception.type": "STRING",
}  # fmt: skip

# What nobody's log can mean is no figure: NaN, the negative, the absurd. One such value must not spoil the sums of its second.
_BOUNDED = {
    name: f"CASE WHEN `{name}` BETWEEN 0 AND {most} THEN `{name}` END"
    for name, most in {"http.server.request.duration": "1e6", "http.response.body.size": "1000000000000"}.items()
}
# A second of a service with more text than this reaches the rules but not topic `summaries`, whose record says so (`cut`): it would
# not fit, and a record that can never be written would stop the job for good.
ITEMS_CHARACTERS = 5_000_000

# The kinds of row that leave for Python (SUMMARIES, LATE, EVENTS, LATE_EVENTS) or for topic `logs.late` only (TOO_LATE, FUTURE).
SUMMARIES, LATE, EVENTS, LATE_EVENTS, TOO_LATE, FUTURE = "summaries", "late", "events", "late-events", "too-late", "future"
SAMPLE_CHARACTERS = 500

_SECOND = "INTERVAL '1' SECOND"


def time_columns(settings: JobSettings) -> str:
    """Event time and watermark of the source, which must have `timestamp` and `appended` (the broker's time).

    A record without a time, or from the future, counts at its arrival, and its watermark is null, which moves nothing.
    """
    odd = _odd(settings)
    return f"""
      `ts` AS CAST(CASE WHEN {odd} THEN `appended` ELSE `timestamp` END AS TIMESTAMP_LTZ(3)),
      `arrival` AS PROCTIME(),
      WATERMARK FOR `ts` AS CASE WHEN {odd} THEN CAST(NULL AS TIMESTAMP_LTZ(3)) ELSE `ts` - {_interval(settings.watermark_delay_ms)} END"""


def _odd(settings: JobSettings) -> str:
    return f"(`timestamp` IS NULL OR `timestamp` > `appended` + {_interval(settings.future_bound_ms)})"


def views(settings: JobSettings, clauses: Mapping[str, str]) -> dict[str, str]:
    """The views over table `events` by name, in the order to create them; the last one is `leaving`.

    `clauses` are the predicates (SQL, by name) whose events the rules on single events must see.
    """
    late_by = f"`ts` < CURRENT_WATERMARK(`ts`) - {_interval(settings.late_bound_ms)}"
    closed = "CURRENT_WATERMARK(`ts`) >= TO_TIMESTAMP_LTZ((CAST(EXTRACT(EPOCH FROM `ts`) AS BIGINT) + 1) * 1000 - 1, 3)"
    types = ", ".join(literal(name) for name in LOG_TYPES)
    columns = ", ".join(f"{_BOUNDED[name]} AS `{name}`" if name in _BOUNDED else f"`{name}`" for name in DECODED)
    return {
        # A row is late when its own second is closed, not when it is merely behind the watermark.
        "timed": f"""SELECT {columns}, `ts`, `arrival`, CAST(EXTRACT(EPOCH FROM `ts`) AS BIGINT) * 1000 AS `second`,
              COALESCE({closed}, FALSE) AS `is_late`, COALESCE({late_by}, FALSE) AS `is_too_late`,
              {_odd(settings)} AS `is_odd`
            FROM `events` WHERE `log.type` IN ({types}) AND `service.name` IS NOT NULL""",
        "on_time": "SELECT * FROM `timed` WHERE NOT `is_late`",
        "late": "SELECT * FROM `timed` WHERE `is_late` AND NOT `is_too_late`",
        "traffic": _summarised("on_time", "ts", second=_millis("`window_start`")),
        "traffic_late": _summarised("late", "arrival", second="`second`"),
        "gathered": _gathered("traffic", SUMMARIES),
        "gathered_late": _gathered("traffic_late", LATE),
        "matched": _matched("on_time", clauses),
        "matched_late": _matched("late", clauses),
        "first": _first("matched", settings.events_per_second),
        "some_late": _some_late("matched_late", settings.events_per_second * 10),
        "leaving": "\n UNION ALL ".join(
            [
                "SELECT * FROM `gathered`",
                "SELECT * FROM `gathered_late`",
                _leave("first", EVENTS, "`item`"),
                _leave("some_late", LATE_EVENTS, "`item`"),
                _leave("timed", TOO_LATE, _record(TOO_LATE)) + " WHERE `is_too_late`",
                # Counted already, at its arrival; here so that whose clock is wrong can be seen.
                _leave("timed", FUTURE, _record(FUTURE)) + " WHERE `is_odd`",
            ]
        ),
    }


def summary_columns() -> list[str]:
    """What one item of a SUMMARIES or LATE row holds, in order: the dimensions, then the figures."""
    return [*DIMENSIONS, *_figures()]


def records(settings: JobSettings) -> str:
    """Selects from view `left` what goes to a topic without Python's help, as (key, value, topic)."""
    late = f"CASE WHEN `kind` = {literal(LATE)} THEN 'true' ELSE 'false' END"
    fits = f"CHAR_LENGTH(`items`) <= {ITEMS_CHARACTERS}"
    cut = f"CASE WHEN {fits} THEN '' ELSE ',\"cut\":true' END"
    summary = f"""CONCAT('{{"service.name":', JSON_STRING(`service`), ',"second":', CAST(`at` AS STRING),
        ',"late":', {late}, {cut}, ',"items":', CASE WHEN {fits} THEN `items` ELSE '[]' END, '}}')"""
    to_summaries, to_late = (literal(named(topic, settings.topic_prefix)) for topic in ("summaries", "logs.late"))
    return f"""SELECT `service` AS `key`, {summary} AS `value`, {to_summaries} AS `topic` FROM `left`
        WHERE `kind` IN ({literal(SUMMARIES)}, {literal(LATE)})
      UNION ALL SELECT `service`, `items`, {to_late} FROM `left`
        WHERE `kind` IN ({literal(TOO_LATE)}, {literal(FUTURE)})"""


def for_python() -> str:
    """Selects from view `left` what the rules must see."""
    return f"SELECT `kind`, `service`, `at`, `items` FROM `left` WHERE `kind` NOT IN ({literal(TOO_LATE)}, {literal(FUTURE)})"


def _figures() -> dict[str, str]:
    duration, size = "`http.server.request.duration`", "`http.response.body.size`"
    buckets = {f"le_{bound}": f"COUNT(*) FILTER (WHERE {duration} <= {bound})" for bound in DURATION_BOUNDS}
    return {
        "count": "COUNT(*)",
        "duration_count": f"COUNT({duration})",
        "duration_sum": f"SUM({duration})",
        "duration_max": f"MAX({duration})",
        "size_sum": f"SUM({size})",
        "sample": f"MAX(SUBSTRING(`body` FROM 1 FOR {SAMPLE_CHARACTERS}))",
        **buckets,
    }


def _summarised(source: str, time: str, second: str) -> str:
    keys = [f"`{name}`" for name in DIMENSIONS] + ([second] if second == "`second`" else [])
    figures = ", ".join(f"{sql} AS `{name}`" for name, sql in _figures().items())
    return f"""SELECT {", ".join(f"`{name}`" for name in DIMENSIONS)}, {second} AS `second`, `window_time` AS `closed`, {figures}
      FROM TUMBLE(TABLE `{source}`, DESCRIPTOR(`{time}`), {_SECOND})
      GROUP BY {", ".join(keys)}, `window_start`, `window_end`, `window_time`"""


def _gathered(source: str, kind: str) -> str:
    item = f"JSON_ARRAY({', '.join(f'`{name}`' for name in summary_columns())} NULL ON NULL)"
    return f"""SELECT {literal(kind)} AS `kind`, `service.name` AS `service`, `second` AS `at`,
        CONCAT('[', LISTAGG({item}, ','), ']') AS `items`
      FROM TUMBLE(TABLE `{source}`, DESCRIPTOR(`closed`), {_SECOND}) GROUP BY `service.name`, `second`, `window_start`, `window_end`"""


def _matched(source: str, clauses: Mapping[str, str]) -> str:
    columns = "`service.name`, `ts`, `arrival`, `log.record.uid`, `second`"
    branches = [
        f"SELECT {columns}, {literal(name)} AS `clause`, {_event_item(name)} AS `item` FROM `{source}` WHERE {sql}"
        for name, sql in clauses.items()
    ]
    return "\n UNION ALL ".join(branches)


def _event_item(clause: str) -> str:
    fields = {name: f"`{name}`" for name in DECODED if name not in ("timestamp", "body")}
    fields["body"] = f"SUBSTRING(`body` FROM 1 FOR {SAMPLE_CHARACTERS})"
    at = "CAST(EXTRACT(EPOCH FROM `ts`) AS BIGINT) * 1000 + MOD(CAST(EXTRACT(MILLISECOND FROM `ts`) AS BIGINT), 1000)"
    return _object({"clause": literal(clause), "at": at, "fields": _object(fields)})


def _first(source: str, most: int) -> str:
    return f"""SELECT `service.name`, `second`, `item` FROM (
        SELECT *, ROW_NUMBER() OVER (PARTITION BY `window_start`, `window_end`, `service.name`, `clause` ORDER BY `ts`) AS `place`
        FROM TUMBLE(TABLE `{source}`, DESCRIPTOR(`ts`), {_SECOND})) WHERE `place` <= {most}"""


# Flink 2.2 has window top-N over event time only. By their hash at most so many a clause and second come through; of few, two that
# share a hash are seldom (one pair in a thousand), and what they would have counted twice they count once.
def _some_late(source: str, most: int) -> str:
    return f"""SELECT `service.name`, `second`, MAX(`item`) AS `item` FROM TUMBLE(TABLE `{source}`, DESCRIPTOR(`arrival`), {_SECOND})
      GROUP BY `service.name`, `second`, `clause`, MOD(HASH_CODE(`log.record.uid`), {most}), `window_start`, `window_end`"""


def _leave(source: str, kind: str, items: str) -> str:
    return f"SELECT {literal(kind)}, `service.name`, `second`, {items} FROM `{source}`"


def _record(reason: str) -> str:
    """The record on `logs.late`: the event's columns, and why it is there."""
    time = "CONCAT(REPLACE(CAST(`timestamp` AS STRING), ' ', 'T'), 'Z')"
    return _object({"reason": literal(reason), "timestamp": time} | {name: f"`{name}`" for name in DECODED if name != "timestamp"})


def _object(fields: Mapping[str, str]) -> str:
    return f"JSON_OBJECT({', '.join(f'KEY {literal(name)} VALUE {sql}' for name, sql in fields.items())} ABSENT ON NULL)"


def _millis(column: str) -> str:
    return f"CAST(EXTRACT(EPOCH FROM {column}) AS BIGINT) * 1000"


def _interval(ms: int) -> str:
    minutes, rest = divmod(ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"INTERVAL '{days} {hours:02d}:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}' DAY TO SECOND(3)"

"""What leaves the SQL: all kinds of row as one table, for Python and for topics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flink_jobs.rules.forms import literal
from flink_jobs.settings import JobSettings
from flink_jobs.tables import busiest, matched, traffic
from flink_jobs.tables.columns import DECODED, SECOND, bounded, interval, object_of, odd
from logverse.event import LOG_TYPES
from logverse.topics import named

# A second of a service with more text than this reaches the rules but not topic `summaries`, whose record says so (`cut`): it would
# not fit, and a record that can never be written would stop the job for good.
ITEMS_CHARACTERS = 5_000_000

# The kinds of row that leave for Python (SUMMARIES, LATE, EVENTS, LATE_EVENTS) or for topic `logs.late` only (TOO_LATE, FUTURE).
SUMMARIES, LATE, EVENTS, LATE_EVENTS, TOO_LATE, FUTURE = "summaries", "late", "events", "late-events", "too-late", "future"


def views(settings: JobSettings, clauses: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """The views over table `events` by name, in the order to create them; the last one is `leaving`.

    `clauses` are the predicates (SQL, by name) whose events the rules on single events must see; `wanted` are those of the views
    `clients`, `users` and `patterns` that a rule reads, with the predicate of the events that it is about.
    """
    return {
        "timed": _timed(settings),
        "on_time": "SELECT * FROM `timed` WHERE NOT `is_late`",
        "late": "SELECT * FROM `timed` WHERE `is_late` AND NOT `is_too_late`",
        **traffic.views(),
        **busiest.views(settings, wanted),
        **_gathered("gathered", wanted, ""),
        **_gathered("gathered_late", wanted, "_late"),
        **matched.views(settings, clauses),
        "leaving": "\n UNION ALL ".join(
            [
                _leave("gathered", SUMMARIES, "`items`", "`more`"),
                _leave("gathered_late", LATE, "`items`", "`more`"),
                _leave("first", EVENTS, "`item`"),
                _leave("some_late", LATE_EVENTS, "`item`"),
                _leave("timed", TOO_LATE, _record(TOO_LATE)) + " WHERE `is_too_late`",
                # Counted already, at its arrival; here so that whose clock is wrong can be seen.
                _leave("timed", FUTURE, _record(FUTURE)) + " WHERE `is_odd`",
            ]
        ),
    }


def records(settings: JobSettings) -> str:
    """Selects from view `left` what goes to a topic without Python's help, as (key, value, topic)."""
    late = f"CASE WHEN `kind` = {literal(LATE)} THEN 'true' ELSE 'false' END"
    fits = f"CHAR_LENGTH(`items`) <= {ITEMS_CHARACTERS}"
    cut = f"CASE WHEN {fits} THEN '' ELSE ',\"cut\":true' END"
    summary = f"""CONCAT('{{"service.name":', JSON_STRING(`service`), ',"second":', CAST(`at` AS STRING),
        ',"late":', {late}, {cut}, ',"items":', CASE WHEN {fits} THEN `items` ELSE '[]' END, '}}')"""
    to_summaries, to_late = (literal(named(topic, settings.topic_prefix)) for topic in ("summaries", "logs.late"))
    return f"""SELECT `service` AS `key`, {summary} AS `value`, {to_summaries} AS `topic` FROM `left`
        WHERE `kind` IN ({literal(SUMMARIES)}, {literal(LATE)}) AND `items` <> '[]'
      UNION ALL SELECT `service`, `items`, {to_late} FROM `left`
        WHERE `kind` IN ({literal(TOO_LATE)}, {literal(FUTURE)})"""


def for_python() -> str:
    """Selects from view `left` what the rules must see."""
    return f"SELECT `kind`, `service`, `at`, `items`, `more` FROM `left` WHERE `kind` NOT IN ({literal(TOO_LATE)}, {literal(FUTURE)})"


def _timed(settings: JobSettings) -> str:
    late_by = f"`ts` < CURRENT_WATERMARK(`ts`) - {interval(settings.late_bound_ms)}"
    # A row is late when its own second is closed, not when it is merely behind the watermark.
    closed = "CURRENT_WATERMARK(`ts`) >= TO_TIMESTAMP_LTZ((CAST(EXTRACT(EPOCH FROM `ts`) AS BIGINT) + 1) * 1000 - 1, 3)"
    types = ", ".join(literal(name) for name in LOG_TYPES)
    return f"""SELECT {", ".join(map(bounded, DECODED))}, `ts`, `arrival`, CAST(EXTRACT(EPOCH FROM `ts`) AS BIGINT) * 1000 AS `second`,
          COALESCE({closed}, FALSE) AS `is_late`, COALESCE({late_by}, FALSE) AS `is_too_late`, {odd(settings)} AS `is_odd`
        FROM `events` WHERE `log.type` IN ({types}) AND `service.name` IS NOT NULL"""


def _gathered(name: str, wanted: Iterable[str], end: str) -> dict[str, str]:
    """All of a service's second in one row: what view `traffic` has as `items`, the others as `more`."""
    sources = [
        f"SELECT `service.name`, `second`, `closed`, TRUE AS `of_all`, {traffic.item()} AS `item` FROM `traffic{end}`",
        *(f"SELECT `service.name`, `second`, `closed`, FALSE, `item` FROM `{view}{end}`" for view in wanted),
    ]
    # No FILTER: the planner takes a list with one for never null, and leaves the COALESCE out.
    lists = ", ".join(
        f"CONCAT('[', COALESCE(LISTAGG(CASE WHEN {which} THEN `item` END, ','), ''), ']') AS `{column}`"
        for column, which in (("items", "`of_all`"), ("more", "NOT `of_all`"))
    )
    return {
        f"{name}_items": "\n UNION ALL ".join(sources),
        name: f"""SELECT `service.name`, `second`, {lists}
      FROM TUMBLE(TABLE `{name}_items`, DESCRIPTOR(`closed`), {SECOND}) GROUP BY `service.name`, `second`, `window_start`, `window_end`""",
    }


def _leave(source: str, kind: str, items: str, more: str = "CAST(NULL AS STRING)") -> str:
    columns = f"{literal(kind)} AS `kind`, `service.name` AS `service`, `second` AS `at`, {items} AS `items`, {more} AS `more`"
    return f"SELECT {columns} FROM `{source}`"


def _record(reason: str) -> str:
    """The record on `logs.late`: the event's columns, and why it is there."""
    time = "CONCAT(REPLACE(CAST(`timestamp` AS STRING), ' ', 'T'), 'Z')"
    return object_of({"reason": literal(reason), "timestamp": time} | {name: f"`{name}`" for name in DECODED if name != "timestamp"})

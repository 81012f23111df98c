"""From bodies to masked bodies (flink_jobs/patterns/masks.py), the names of view `patterns`.

Flink compiles a regular expression anew for every row, a dozen of them cost more than all else that is done with an event. So lines
that differ in whole numbers only are counted together first, and of each such kind one line a second is masked.
"""

from __future__ import annotations

from flink_jobs.patterns.masks import KEPT, MASKS, READ
from flink_jobs.rules.forms import literal
from flink_jobs.settings import JobSettings
from flink_jobs.tables.columns import SAMPLE_CHARACTERS, SECOND, millis

_NUMBERS = "(?<![A-Za-z0-9])[0-9]+"


def views(source: str, time: str, end: str, settings: JobSettings) -> dict[str, str]:
    """`patterns_of` the events of `source`: `name`, `line`, how many `events` of a `second`, and when its window was `closed`."""
    columns = "`service.name`, `log.type`, `severity_number`"
    types = ", ".join(literal(kind) for kind in settings.pattern_types)
    second, key = (millis("`window_start`"), "") if time == "ts" else ("`second`", "`second`, ")
    return {
        f"patterns_lines{end}": f"""SELECT {columns}, `{time}`, `second`, `read`,
            REGEXP_REPLACE(`read`, {literal(_NUMBERS)}, '0') AS `alike`
          FROM (SELECT *, SUBSTRING(`body` FROM 1 FOR {READ}) AS `read` FROM `{source}`
            WHERE `body` IS NOT NULL AND `log.type` IN ({types}))""",
        f"patterns_alike{end}": f"""SELECT {columns}, {second} AS `second`, `window_time` AS `closed`, COUNT(*) AS `events`,
            MAX(`read`) AS `read`
          FROM TUMBLE(TABLE `patterns_lines{end}`, DESCRIPTOR(`{time}`), {SECOND})
          GROUP BY {columns}, `alike`, {key}`window_start`, `window_end`, `window_time`""",
        f"patterns_of{end}": f"""SELECT {columns}, `second`, `closed`, `events`,
            SUBSTRING(`read` FROM 1 FOR {SAMPLE_CHARACTERS}) AS `line`, {masked("`read`")} AS `name` FROM `patterns_alike{end}`""",
    }


def masked(text: str) -> str:
    """As flink_jobs.patterns.masks.masked, of a text that is no longer than READ."""
    for mask in MASKS:
        text = f"REGEXP_REPLACE({text}, {literal(mask.pattern)}, {literal(mask.replacement)})"
    return f"SUBSTRING({text} FROM 1 FOR {KEPT})"

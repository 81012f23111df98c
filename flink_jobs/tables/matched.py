"""Views `first` and `some_late`: single events that a rule on such must see, so many a second and clause at most."""

from __future__ import annotations

from collections.abc import Mapping

from flink_jobs.rules.forms import literal
from flink_jobs.settings import JobSettings
from flink_jobs.tables.columns import DECODED, SECOND, object_of, sample


def views(settings: JobSettings, clauses: Mapping[str, str]) -> dict[str, str]:
    """`clauses` are predicates (SQL, by name). `first` and `some_late` have `service.name`, `second` and `item`."""
    return {
        "matched": _matched("on_time", clauses),
        "matched_late": _matched("late", clauses),
        "first": _first("matched", settings.events_per_second),
        "some_late": _some_late("matched_late", settings.events_per_second * 10),
    }


def _matched(source: str, clauses: Mapping[str, str]) -> str:
    columns = "`service.name`, `ts`, `arrival`, `log.record.uid`, `second`"
    branches = [
        f"SELECT {columns}, {literal(name)} AS `clause`, {_item(name)} AS `item` FROM `{source}` WHERE {sql}"
        for name, sql in clauses.items()
    ]
    return "\n UNION ALL ".join(branches)


def _item(clause: str) -> str:
    fields = {name: f"`{name}`" for name in DECODED if name not in ("timestamp", "body")}
    fields["body"] = sample()
    at = "CAST(EXTRACT(EPOCH FROM `ts`) AS BIGINT) * 1000 + MOD(CAST(EXTRACT(MILLISECOND FROM `ts`) AS BIGINT), 1000)"
    return object_of({"clause": literal(clause), "at": at, "fields": object_of(fields)})


def _first(source: str, most: int) -> str:
    return f"""SELECT `service.name`, `second`, `item` FROM (
        SELECT *, ROW_NUMBER() OVER (PARTITION BY `window_start`, `window_end`, `service.name`, `clause` ORDER BY `ts`) AS `place`
        FROM TUMBLE(TABLE `{source}`, DESCRIPTOR(`ts`), {SECOND})) WHERE `place` <= {most}"""


# Flink 2.2 has window top-N over event time only. By their hash at most so many a clause and second come through; of few, two that
# share a hash are seldom (one pair in a thousand), and what they would have counted twice they count once.
def _some_late(source: str, most: int) -> str:
    return f"""SELECT `service.name`, `second`, MAX(`item`) AS `item` FROM TUMBLE(TABLE `{source}`, DESCRIPTOR(`arrival`), {SECOND})
      GROUP BY `service.name`, `second`, `clause`, MOD(HASH_CODE(`log.record.uid`), {most}), `window_start`, `window_end`"""

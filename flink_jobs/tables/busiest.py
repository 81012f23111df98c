"""Views `clients`, `users`, `patterns`: a second of each client, user or pattern of a service, of the busiest only.

A service can have 100,000 of them in a second, and whoever scans it chooses how many. So the cut is made here, before anything
leaves for Python: so many rows of a view, service and second come through, ordered by their events, of which a bad one (a status
from 400 on, outcome `failure`, severity ERROR) weighs as ten: who tries passwords hides behind no busy office. What the others had is
what `traffic` says of the same second less what came through; who wants to know it takes it off (wire.py), the SQL need not add it up.

Flink has top-N windows over event time only. Of late rows each of so many buckets, by the hash of the name, gives its weightiest;
what the others among them had is in `traffic` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flink_jobs.rules.forms import literal
from flink_jobs.rules.views import BUSIEST
from flink_jobs.settings import JobSettings
from flink_jobs.tables import masking
from flink_jobs.tables.columns import SECOND, millis, sample
from logverse.summary import PATH_BITS, VIEWS

_NAME_CHARACTERS = 100

_DURATION, _SIZE = "`http.server.request.duration`", "`http.response.body.size`"
_MEASURED = {
    "duration_count": f"COUNT({_DURATION})", "duration_sum": f"SUM({_DURATION})", "duration_max": f"MAX({_DURATION})",
    "size_sum": f"SUM({_SIZE})",
}  # fmt: skip
_BIT = f"CAST(POWER(CAST(2 AS DOUBLE), ABS(MOD(HASH_CODE(`url.path`), {PATH_BITS}))) AS BIGINT)"


@dataclass(frozen=True, slots=True)
class _View:
    """`name`: what is cut; `columns` that the `figures` want; `bad`: whether a row weighs as ten."""

    name: str
    columns: str
    figures: dict[str, str]
    bad: str


_VIEWS = {
    "clients": _View(
        "`client.address`", f", {_DURATION}, {_SIZE}, {_BIT} AS `bit`",
        {"count": "COUNT(*)", **_MEASURED, "sample": "MAX(`line`)", "paths": "SUM(DISTINCT `bit`)"},
        "`http.response.status_code` >= 400 OR `event.outcome` = 'failure'",
    ),
    "users": _View(
        "COALESCE(`user.name`, `user.id`)", f", {_DURATION}, {_SIZE}",
        {"count": "COUNT(*)", **_MEASURED, "sample": "MAX(`line`)"}, "`event.outcome` = 'failure'",
    ),
    "patterns": _View("", "", {"count": "SUM(`events`)", "sample": "MAX(`line`)"}, "`severity_number` >= 17"),
}  # fmt: skip


def figures(view: str) -> tuple[str, ...]:
    """What an item of the view holds behind its dimensions, in order."""
    return tuple(_VIEWS[view].figures)


def views(settings: JobSettings, wanted: Mapping[str, str]) -> dict[str, str]:
    """For each wanted view V: `V_of` names, `V_all` sums up, `V` cuts; the same with `_late`. `V` and `V_late` have `item`.

    `wanted` says which events a rule asks for: in a busy second most of them have a group of their own, and each costs as much as all
    else that is done with an event. Patterns are of all events of their types.
    """
    found: dict[str, str] = {}
    for view, about in wanted.items():
        most = settings.busiest_patterns if view == "patterns" else settings.busiest
        for source, time, end in (("on_time", "ts", ""), ("late", "arrival", "_late")):
            if view == "patterns":
                found |= masking.views(source, time, end, settings)
                time = "closed"
            else:
                found[f"{view}_of{end}"] = _named(view, source, time, about)
            found[f"{view}_all{end}"] = _summed(view, f"{view}_of{end}", time, end)
            found[f"{view}{end}"] = (_bucketed if end else _topmost)(view, f"{view}_all{end}", most)
    return found


def _others(view: str) -> list[str]:
    return [name for name in VIEWS[view] if name not in ("service.name", BUSIEST[view])]


def _named(view: str, source: str, time: str, about: str) -> str:
    columns = ", ".join(f"`{column}`" for column in ["service.name", *_others(view)])
    name, more = _VIEWS[view].name, _VIEWS[view].columns
    return f"""SELECT {columns}, {sample()} AS `line`, SUBSTRING({name} FROM 1 FOR {_NAME_CHARACTERS}) AS `name`, `{time}`, `second`{more}
      FROM `{source}` WHERE {name} IS NOT NULL AND ({about})"""


def _summed(view: str, source: str, time: str, end: str) -> str:
    keys = ", ".join(f"`{name}`" for name in ["service.name", *_others(view), "name"])
    second, key = ("`second`", "`second`, ") if end or time == "closed" else (millis("`window_start`"), "")
    bounds = "" if end else "`window_start`, `window_end`, "
    sums = ", ".join(f"{sql} AS `{name}`" for name, sql in _VIEWS[view].figures.items())
    return f"""SELECT {keys}, {second} AS `second`, {bounds}`window_time` AS `closed`, {sums}
      FROM TUMBLE(TABLE `{source}`, DESCRIPTOR(`{time}`), {SECOND})
      GROUP BY {keys}, {key}`window_start`, `window_end`, `window_time`"""


def _item(view: str) -> str:
    """JSON: the view, its dimensions in the order of VIEWS, its figures."""
    dimensions = ", ".join("`name`" if name == BUSIEST[view] else f"`{name}`" for name in VIEWS[view])
    return f"JSON_ARRAY({literal(view)}, {dimensions}, {', '.join(f'`{name}`' for name in figures(view))} NULL ON NULL)"


def _weight(view: str) -> str:
    return f"`count` * CASE WHEN {_VIEWS[view].bad} THEN 10 ELSE 1 END"


def _topmost(view: str, source: str, most: int) -> str:
    return f"""SELECT `service.name`, `second`, `closed`, {_item(view)} AS `item` FROM (
        SELECT *, ROW_NUMBER() OVER (PARTITION BY `window_start`, `window_end`, `service.name`
          ORDER BY {_weight(view)} DESC, `name`) AS `place` FROM `{source}`) WHERE `place` <= {most}"""


def _bucketed(view: str, source: str, buckets: int) -> str:
    weighed = f"CONCAT(LPAD(CAST({_weight(view)} AS STRING), 15, '0'), {_item(view)})"
    return f"""SELECT `service.name`, `second`, `window_time` AS `closed`, SUBSTRING(MAX({weighed}) FROM 16) AS `item`
      FROM TUMBLE(TABLE `{source}`, DESCRIPTOR(`closed`), {SECOND})
      GROUP BY `service.name`, `second`, MOD(HASH_CODE(`name`), {buckets}), `window_start`, `window_end`, `window_time`"""

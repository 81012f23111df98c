"""Series in MongoDB: one document a service and step, what came late within it, so that a minute is found by the `_id`s of its seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from urllib.parse import quote, unquote

from bson.datetime_ms import DatetimeMS
from pymongo import UpdateOne

from logverse import instant
from logverse.instant import Millis
from storage.mongodb.bulks import Sender, Upsert
from storage.mongodb.connection import Database, Document, translating
from storage.mongodb.keys import oldest_first, part
from storage.mongodb.writing import wrong
from storage.rows import RefusedRow
from storage.series_rows import SeriesRow, Step

MOST_NAMED = 2_000  # steps that are asked for by name; of more, by their range
_PAGE, _PAGE_TOTALS = 100, 1_000


class MongoSeries:
    """The SeriesStore in MongoDB. Reads see writes: these are with the majority, and those of the primary."""

    def __init__(self, database: Database, clock: Callable[[], Millis] = instant.now) -> None:
        self._database, self._sender, self._clock = database, Sender(database), clock

    def put(self, step: Step, rows: Sequence[SeriesRow]) -> list[RefusedRow]:
        """As the contract says."""
        now = DatetimeMS(self._clock())
        refused = [RefusedRow(place, why) for place, row in enumerate(rows) if (why := _wrong(row))]
        places = sorted(set(range(len(rows))) - {one.place for one in refused})
        sent = self._sender.send(f"series_{step.name}", [_upsert(rows[place], now) for place in places])
        return [*refused, *(RefusedRow(places[one.place], one.reason) for one in sent)]

    def read(self, step: Step, service: str, since: Millis, until: Millis, cells: bool = True) -> Iterator[SeriesRow]:
        found = self._database[f"series_{step.name}"]
        fields = None if cells else {"cells": 0}
        with translating():
            if not wrong(service):
                condition = {"_id": _place(step, part(service), since, until)}
                for one in found.find(condition, fields, batch_size=_PAGE if cells else _PAGE_TOTALS).sort("_id", 1):
                    yield from _rows(service, one, cells)


def _place(step: Step, start: str, since: Millis, until: Millis) -> dict[str, object]:
    """Of few steps their names: so many look-ups of an index are nothing, and what answers in MongoDB's stead has no ranges."""
    first = since + -since % step.ms
    if (until - first) // step.ms < MOST_NAMED:
        return {"$in": [start + oldest_first(at) for at in range(first, until, step.ms)]}
    return {"$gte": start + oldest_first(first), "$lt": start + oldest_first(until)}


def _upsert(row: SeriesRow, now: DatetimeMS) -> Upsert:
    key = part(row.service) + oldest_first(row.at)
    values: Document = {"service": row.service, "at": DatetimeMS(row.at), "written": now}
    name = _name(row.part)
    values |= {name: {"total": row.total, "cells": row.cells}} if name else {"total": row.total, "cells": row.cells}
    return UpdateOne({"_id": key}, {"$set": values}, upsert=True), len(row.total) + len(row.cells) + 2 * len(key)


def _rows(service: str, one: Document, cells: bool) -> Iterator[SeriesRow]:
    """What was on time, then the late ones in the order of their names."""
    at, empty = int(one["at"]), b""
    if "total" in one:
        yield SeriesRow(service, at, "", one["total"], one["cells"] if cells else empty)
    late = {unquote(name): found for name, found in one.get("late", {}).items()}
    for name in sorted(late):
        yield SeriesRow(service, at, name, late[name]["total"], late[name]["cells"] if cells else empty)


def _name(late: str) -> str:
    """The field of a late part: a Kafka position, whose topic may have dots.

    >>> _name("logs.a:0:7"), _name("")
    ('late.logs%2Ea%3A0%3A7', '')
    """
    return f"late.{quote(late, safe='').replace('.', '%2E')}" if late else ""


def _wrong(row: SeriesRow) -> str:
    try:
        row.service.encode()
    except UnicodeEncodeError:
        return "service.name is not UTF-8"
    return wrong(row.service)

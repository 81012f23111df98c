"""Records of topic `summaries` as rows of seconds, and how a minute's row names those it holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

from logverse.errors import Malformed
from logverse.instant import Millis
from storage.series_figures import CUT, Sums, read_items, written
from storage.series_rows import SECONDS, SeriesRow, Step

_LAST = 253_402_300_799_000  # the year 9999

Key = tuple[str, Millis]  # service, start of the minute or hour
Part = tuple[Millis, str]  # second, and which of its rows


class Record(NamedTuple):
    """A record of topic `summaries`, read: one row of seconds."""

    place: int
    row: SeriesRow
    sums: Sums

    @property
    def part(self) -> Part:
        return self.row.at, self.row.part

    def key(self, step: Step) -> Key:
        return self.row.service, self.row.at - self.row.at % step.ms


def read_record(place: int, position: str, value: bytes, most: int) -> Record:
    """The record at this place of a batch; `most` combinations. Malformed when it is no summary."""
    try:
        flat = orjson.loads(value)
        service, second, late, items = flat["service.name"], flat["second"], flat["late"], flat["items"]
    except (ValueError, TypeError, KeyError) as error:
        raise Malformed(f"{type(error).__name__}: {error}") from error
    if type(service) is not str or type(second) is not int or not 0 <= second <= _LAST or second % SECONDS.ms or type(late) is not bool:
        raise Malformed("service.name, second or late is none")
    sums = read_items(items)
    sums.total[CUT] += int(flat.get("cut") is True)
    sums.fold(most)
    return Record(place, SeriesRow(service, second, position if late else "", *written(sums)), sums)


def named(start: Millis, held: Iterable[Part]) -> dict[str, Any]:
    """How a minute's row names its parts: a bit for each second on time, and the late ones."""
    on_time = sum(1 << (at - start) // SECONDS.ms for at, part in held if not part)
    return {"p": on_time, "late": sorted([(at - start) // SECONDS.ms, part] for at, part in held if part)}


def parts(start: Millis, more: dict[str, Any]) -> set[Part]:
    """What `named` wrote."""
    on_time = {(start + place * SECONDS.ms, "") for place in range(60) if more["p"] >> place & 1}
    return on_time | {(start + place * SECONDS.ms, part) for place, part in more["late"]}

"""Summaries on their way into history: kept by the second, rolled up into minutes and hours, none counted twice.

    writer = SeriesWriter(store)
    refused = writer.save([("topicid:0:17", b'{"service.name": "web", "second": …, "items": […]}')])

The rule that makes a crash harmless: a minute is the sum of its parts, an hour the sum of its minutes, and what is written is always
the whole sum, never an increment. `save` writes seconds, then minutes, then hours, and returns when all three are there; the reader of
the topic commits its offsets only afterwards. So a crash anywhere is followed by the same records again: their seconds overwrite
themselves, and each minute and hour they touch, being new to the process, is summed up from what the store has before it is written.
Were rows written later than `save` returns, a minute that nobody touches again after a crash would stay short for ever; writing them
at once costs two small rows a summary, and for the many summaries of one save that share a minute two rows in all.

Seconds live shorter than minutes. So each minute's row names the parts it holds: of a minute whose seconds have (partly) gone, the row
itself is the sum to add to, and a part it names is not added again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

from logverse.errors import Malformed
from storage.rows import RefusedRow
from storage.series_figures import MOST_CELLS, Sums, read, read_total, summed, written
from storage.series_records import Key, Part, Record, named, parts, read_record
from storage.series_rows import HOURS, MINUTES, SECONDS, SeriesRow, SeriesStore, Step

CACHED_CELLS = 100_000  # about 1 KB each; of open minutes and of open hours
_GONE = 0  # instead of its checksum, for a part whose second is no longer in the store


class Minute:
    """An open minute: its sums, and which parts are in them (each with a checksum of its row)."""

    __slots__ = ("parts", "sums")

    def __init__(self, sums: Sums, parts: dict[Part, int]) -> None:
        self.sums, self.parts = sums, parts

    def differs(self, record: Record) -> bool:
        """Whether it holds this part with another content."""
        return self.parts.get(record.part, _GONE) not in (_GONE, hash((record.row.total, record.row.cells)))


class SeriesWriter:
    """See the module. Memory is bounded: the minutes and hours touched last are kept, `cached_cells` combinations of each.

    A record that is no summary, or whose row the store will never take, comes back; all others are kept. TryAgain when the store is
    away: nothing is known then, the same records may be saved again.
    """

    def __init__(self, store: SeriesStore, most_cells: int = MOST_CELLS, cached_cells: int = CACHED_CELLS) -> None:
        self._store, self._most, self._cached = store, most_cells, cached_cells
        self._minutes: OrderedDict[Key, Minute] = OrderedDict()
        self._hours: OrderedDict[Key, Sums] = OrderedDict()

    def save(self, records: Sequence[tuple[str, bytes]]) -> list[RefusedRow]:
        """Keep these (position "topicid:partition:offset", value), in the order of the topic."""
        try:
            return self._save(records)
        except BaseException:
            self._minutes.clear()  # what was written is not known: everything is summed up anew from the store
            self._hours.clear()
            raise

    def _save(self, records: Sequence[tuple[str, bytes]]) -> list[RefusedRow]:
        read, refused = self._read(records)
        latest = list({(record.row.service, record.part): record for record in read}.values())
        refused += _of_records([[record] for record in latest], self._store.put(SECONDS, [record.row for record in latest]))
        wrong = {one.place for one in refused}
        kept = [record for record in latest if record.place not in wrong]
        changed = self._changed(_grouped(kept, MINUTES))
        refused += self._write(MINUTES, changed, {key: self._minutes[key].sums for key in changed})
        hours = _grouped([record for group in changed.values() for record in group], HOURS)
        refused += self._write(HOURS, hours, {key: self._hour(key) for key in hours})
        _trim(self._minutes, self._cached, lambda minute: len(minute.sums.cells))
        _trim(self._hours, self._cached, lambda sums: len(sums.cells))
        return list({one.place: one for one in refused}.values())

    def _read(self, records: Sequence[tuple[str, bytes]]) -> tuple[list[Record], list[RefusedRow]]:
        found, refused = [], []
        for place, (position, value) in enumerate(records):
            try:
                found.append(read_record(place, position, value, self._most))
            except Malformed as error:
                refused.append(RefusedRow(place, f"no summary: {error}"))
        return found, refused

    def _changed(self, groups: dict[Key, list[Record]]) -> dict[Key, list[Record]]:
        return {key: group for key, group in groups.items() if self._take(key, group)}

    def _take(self, key: Key, records: list[Record]) -> bool:
        """Adds what is new to its minute; False when there is nothing new."""
        minute = self._minutes.get(key)
        if minute is None or any(minute.differs(record) for record in records):
            self._open(key, again=minute is not None)
            return True
        self._minutes.move_to_end(key)
        new = [record for record in records if record.part not in minute.parts]
        hour = self._hours.get(records[0].key(HOURS))
        for record in new:
            minute.parts[record.part] = hash((record.row.total, record.row.cells))
            minute.sums.add(record.sums)
            if hour is not None:
                hour.add(record.sums)
        return bool(new)

    def _open(self, key: Key, again: bool) -> None:
        """Sums a minute up from the store, which has the seconds of this save already."""
        service, start = key
        rows = {(row.at, row.part): row for row in self._store.read(SECONDS, service, start, start + MINUTES.ms)}
        before = next(self._store.read(MINUTES, service, start, start + 1), None)
        held = parts(start, read_total(before.total)[1]) if before else set()
        gone = held - rows.keys()
        added = (read(row.total, row.cells) for part, row in rows.items() if not gone or part not in held)
        sums = summed([read(before.total, before.cells), *added] if before and gone else added)
        checksums = dict.fromkeys(gone, _GONE) | {part: hash((row.total, row.cells)) for part, row in rows.items()}
        self._minutes[key] = Minute(sums, checksums)
        self._minutes.move_to_end(key)
        hour = (service, start - start % HOURS.ms)
        if before or again:  # a cached hour has it with other sums
            self._hours.pop(hour, None)
        elif hour in self._hours:
            self._hours[hour].add(sums)

    def _hour(self, key: Key) -> Sums:
        if key not in self._hours:
            rows = self._store.read(MINUTES, key[0], key[1], key[1] + HOURS.ms)
            self._hours[key] = summed(read(row.total, row.cells) for row in rows)
        self._hours.move_to_end(key)
        return self._hours[key]

    def _write(self, step: Step, groups: dict[Key, list[Record]], sums: dict[Key, Sums]) -> list[RefusedRow]:
        """The rows of these steps. What the store refuses comes back as the records of this save that are in it."""
        rows = []
        for (service, start), one in sums.items():
            _bound(one, self._most)
            folded = Sums(one.total, one.cells)
            folded.fold(self._most)
            more = named(start, self._minutes[service, start].parts) if step is MINUTES else {}
            rows.append(SeriesRow(service, start, "", *written(folded, **more)))
        refused = self._store.put(step, rows)
        for refusal in refused:
            self._forget(rows[refusal.place])
        return _of_records(list(groups.values()), refused)

    def _forget(self, row: SeriesRow) -> None:
        self._minutes.pop((row.service, row.at), None)
        self._hours.pop((row.service, row.at - row.at % HOURS.ms), None)


def _grouped(records: Iterable[Record], step: Step) -> dict[Key, list[Record]]:
    groups: dict[Key, list[Record]] = {}
    for record in records:
        groups.setdefault(record.key(step), []).append(record)
    return groups


def _of_records(groups: Sequence[Sequence[Record]], refused: Sequence[RefusedRow]) -> list[RefusedRow]:
    return [RefusedRow(record.place, one.reason) for one in refused for record in groups[one.place]]


def _bound(sums: Sums, most: int) -> None:
    """What a step holds in memory: twice what is written, so that the order of arrival seldom decides what has a cell."""
    if len(sums.cells) > 2 * most:
        sums.fold(most)


def _trim(cache: OrderedDict[Key, Any], most: int, size: Any) -> None:
    total = sum(map(size, cache.values()))
    while total > most and len(cache) > 1:
        total -= size(cache.popitem(last=False)[1])

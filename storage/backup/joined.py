"""Archive and Kafka side by side, offset by offset: each record once, with who has it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import parquet as pq

from logverse.instant import Millis
from storage.account import HOUR, Appended
from storage.backup.archive import Archive, uncovered
from storage.backup.joins import within
from storage.backup.manifest import File, Place, Span
from storage.backup.patience import patiently
from storage.backup.plan import Part
from storage.backup.reading import Reader, Source
from storage.backup.targets.target import Target


class Row(NamedTuple):
    """A record, as far as it is compared."""

    offset: int
    at: Millis
    key: bytes | None
    value: bytes | None


@dataclass(slots=True)
class Tally:
    """How many records of a topic are where."""

    both: int = 0
    only_archive: int = 0  # Kafka has deleted them, or compacted them away
    missing: int = 0  # in Kafka, and not in the archive, whose manifests say that it has all of that range
    waiting: int = 0  # in Kafka, and no manifest speaks of them: the next backup takes them
    altered: int = 0  # of the same place, and other bytes


class Who(NamedTuple):
    """Who has a record; `promised`: a manifest speaks of its offset."""

    archive: bool
    kafka: bool
    promised: bool


class Joined:
    """Some topics (short names), for an account (storage/account.py, Topics): a record's topic is there the topic's id, since the archive
    may have several of a name. Files that `skip` names are not read. `who` has the record that was given last.
    """

    def __init__(
        self, source: Source, target: Target, archive: Archive, topics: Collection[str], skip: Collection[str] = (),
        passed: Callable[[Place], int] = lambda _: 0,
    ) -> None:  # fmt: skip
        self._source, self._target, self._archive, self._topics, self._skip, self._passed = source, target, archive, topics, skip, passed
        self._parts = {Place(part.topic_id, part.partition): part for part in source.parts() if part.topic in topics}
        self.who = Who(archive=False, kafka=False, promised=False)
        self.tallies: dict[str, Tally] = {topic: Tally() for topic in topics}

    def between(self, since: Millis, until: Millis) -> Iterator[Appended]:
        """What was appended then, by the hours of the archive's files, then what no file has."""
        files = [file for file in self._archive.files.values() if file.span.topic in self._topics and within(file, since, until)]
        files.sort(key=lambda file: (file.appended.last // HOUR, file.span.place, file.span.start))
        with closing(self._source.reader()) as reader:
            for file in files:
                if file.name not in self._skip:
                    yield from self._records(file.span, rows(self._target, file), reader, since, until, promised=True)
            for span, promised in self._without_files():
                yield from self._records(span, iter(()), reader, since, until, promised=promised)

    def read_up_to(self, topic: str, partition: int) -> int:
        return self._passed(Place(topic, partition))

    def _records(
        self, span: Span, archived: Iterator[Row], reader: Reader, since: Millis, until: Millis, *, promised: bool
    ) -> Iterator[Appended]:
        tally, low = self.tallies[span.topic], self._parts[span.place].low if span.place in self._parts else span.next
        for one, other in side_by_side(archived, self._in_kafka(span, reader)):
            record = one or other
            if record is None or not since <= record.at < until:
                continue
            self.who = Who(one is not None, other is not None, promised)
            if one and other:
                tally.both += 1
                tally.altered += one != other
            elif one:
                tally.only_archive += 1
            elif record.offset >= low:
                tally.missing += promised
                tally.waiting += not promised
            yield Appended(span.topic_id, span.partition, record.offset, record.at, record.value)

    def _in_kafka(self, span: Span, reader: Reader) -> Iterator[Row]:
        """What Kafka has of it; nothing of a topic that was deleted."""
        part = self._parts.get(span.place)
        if part is None or max(span.start, part.low) >= min(span.next, part.high):
            return
        for piece in reader.read(Span(span.topic, span.topic_id, span.partition, max(span.start, part.low), min(span.next, part.high))):
            records = piece.records
            yield from map(Row, records.offsets, records.appended, records.keys, records.values)

    def _without_files(self) -> Iterator[tuple[Span, bool]]:
        """Ranges that a manifest calls empty, and those that no manifest speaks of, which Kafka has something of."""
        empty = [span for manifest in self._archive.manifests for span in manifest.empty if span.topic in self._topics]
        yield from ((span, True) for span in empty)
        known: Mapping[Place, list[Span]] = self._archive.spans()
        for place, part in self._parts.items():
            for start, end in uncovered(known.get(place, ()), part.low, part.high):
                yield _of(part, start, end), False


def rows(target: Target, file: File) -> Iterator[Row]:
    """The records of an archived file, row group by row group."""
    for number in range(len(file.groups)):
        table = patiently(partial(_group, target, file.name, number))
        times = table.column("appended").cast("int64")
        columns = (table.column("offset"), times, table.column("key"), table.column("value"))
        yield from map(Row, *(column.to_pylist() for column in columns))


def _group(target: Target, name: str, number: int) -> pa.Table:
    with target.open(name) as opened:
        return pq.ParquetFile(opened).read_row_group(number, columns=["offset", "appended", "key", "value"])


def side_by_side(left: Iterable[Row], right: Iterable[Row]) -> Iterator[tuple[Row | None, Row | None]]:
    """Rows of the same offset together; both come in order of their offsets."""
    ours, theirs = iter(left), iter(right)
    one, other = next(ours, None), next(theirs, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one.offset < other.offset):
            yield one, None
            one = next(ours, None)
        elif one is None or other.offset < one.offset:
            yield None, other
            other = next(theirs, None)
        else:
            yield one, other
            one, other = next(ours, None), next(theirs, None)


def _of(part: Part, start: int, end: int) -> Span:
    return Span(part.topic, part.topic_id, part.partition, start, end)

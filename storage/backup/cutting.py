"""A stream of records of one partition cut into files: by hour of appending, and before one grows too large."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from logverse.instant import Millis
from storage.backup.columns import Records
from storage.backup.manifest import File, Gap, Span, stem
from storage.backup.parquet import Writer
from storage.backup.reading import Piece
from storage.backup.steps import Announce, Step

_HOUR: Millis = 3_600_000


class Sizes(NamedTuple):
    """When a row group and when a file is full: rows, and bytes of keys and values before compression."""

    group_rows: int = 32_768
    group_bytes: int = 8 << 20
    file_rows: int = 2_000_000
    file_bytes: int = 512 << 20


USUAL = Sizes()


class Finished(NamedTuple):
    """A file on this machine's disk, and what the manifest is to say of it."""

    path: Path
    file: File


class Cutter:
    """Takes pieces of one span; gives what is finished: a file, a gap, or a range without records.

    The hour of a record is that of the newest time that came before it in the span: clocks of producers go back at times, offsets do not.
    A time beyond `now` counts as now.
    """

    def __init__(self, span: Span, folder: Path, now: Millis, announce: Announce, sizes: Sizes) -> None:
        self._span, self._folder, self._now, self._announce, self._sizes = span, folder, now, announce, sizes
        self._start = self._at = span.start
        self._hour: Millis = -1
        self._writer: Writer | None = None
        self._group = Records(span.topic, span.partition)
        self._group_bytes = self._file_bytes = 0

    def add(self, piece: Piece) -> Iterator[Finished | Gap | Span]:
        """What this piece completes."""
        if piece.deleted is not None:
            yield from self.end()
            yield Gap(self._spanning(piece.deleted, piece.next))
            self._start = self._at = piece.next
            return
        rest: Records | None = piece.records
        while rest:
            fits = self._fitting(rest)
            if fits:
                self._take(rest.cut(0, fits))
            if fits == len(rest) and not self._full():
                break
            rest = rest.cut(fits, len(rest))
            yield from self.end()
        self._at = max(self._at, piece.next)

    def end(self) -> Iterator[Finished | Span]:
        """What is left, as a file; the range as such when it has no records."""
        if self._writer is None and not len(self._group):
            if self._start < self._at:
                yield self._spanning(self._start, self._at)
        else:
            writer = self._flushed()
            self._announce(Step.CLOSE, writer.path.name)
            writer.close()
            yield Finished(writer.path, writer.described(self._at))
        self._start, self._writer, self._file_bytes = self._at, None, 0

    def abandon(self) -> None:
        """Let go of the file that is not finished."""
        if self._writer is not None:
            self._writer.close()

    def _fitting(self, records: Records) -> int:
        """How many of the first records belong to the hour of the file; the first of a file decides what that is."""
        if self._writer is None and not len(self._group):
            self._hour = max(self._hour, self._hour_of(records.appended[0]))
        if self._hour_of(max(records.appended)) <= self._hour:
            return len(records)
        return next(number for number, at in enumerate(records.appended) if self._hour_of(at) > self._hour)

    def _hour_of(self, at: Millis) -> Millis:
        seen = max(0, min(at, self._now))
        return seen - seen % _HOUR

    def _take(self, records: Records) -> None:
        self._group.extend(records)
        self._group_bytes += records.bytes()
        self._at = records.offsets[-1] + 1
        if len(self._group) >= self._sizes.group_rows or self._group_bytes >= self._sizes.group_bytes:
            self._flushed()

    def _full(self) -> bool:
        written = self._writer.rows if self._writer else 0
        return written >= self._sizes.file_rows or self._file_bytes >= self._sizes.file_bytes

    def _flushed(self) -> Writer:
        """The file, with the group in it."""
        if self._writer is None:
            span = self._span
            path = self._folder / f"{stem(self._spanning(self._start, span.next))}.parquet"
            self._announce(Step.READ, path.name)
            self._writer = Writer(path, span.topic, span.topic_id, span.partition, self._start, self._hour)
        if len(self._group):
            self._writer.add(self._group)
            self._file_bytes += self._group_bytes
            self._group, self._group_bytes = Records(self._span.topic, self._span.partition), 0
        return self._writer

    def _spanning(self, start: int, next_: int) -> Span:
        return Span(self._span.topic, self._span.topic_id, self._span.partition, start, next_)

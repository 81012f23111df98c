"""Row groups of an archive's files, each checked against what its manifest says before a row of it is believed."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import parquet as pq

from logverse.instant import Millis
from storage.backup.manifest import File
from storage.backup.restore_choice import Choice
from storage.backup.targets.target import Missing, Target

_COLUMNS = ["partition", "offset", "appended", "key", "value", "headers", "log_type", "service_name", "timestamp", "uid"]


class Archived(NamedTuple):
    """A record as Kafka had it. `topic` is the short name, `appended` milliseconds UTC; from `log_type` on it is what the archive says of
    the record (`timestamp`: event time), which may be less than the record itself does."""

    topic: str
    topic_id: str
    partition: int
    offset: int
    appended: Millis
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    log_type: str | None
    timestamp: Millis | None
    uid: str | None


@dataclass(frozen=True, slots=True)
class Part:
    """One row group: the rows that are wanted of it, or why there are none to be had (`damage`, in words)."""

    file: File
    number: int
    rows: pa.Table | None
    damage: str = ""

    def records(self) -> Iterator[Archived]:
        """In order of their offsets."""
        if self.rows is None or not self.rows.num_rows:
            return
        span = self.file.span
        columns = [_listed(self.rows, name) for name in Archived._fields[2:]]
        for partition, offset, at, key, value, more, *told in zip(*columns, strict=True):
            headers = [(one["name"], one["value"]) for one in more] if more else []
            yield Archived(span.topic, span.topic_id, partition, offset, at, key, value, headers, *told)


def _listed(rows: pa.Table, name: str) -> list[Any]:
    """A column as Python has it; times in milliseconds."""
    column = rows.column(name)
    if column.null_count == len(column):
        return [None] * len(column)
    return list((column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_pylist())


def parts(target: Target, file: File, choice: Choice, begin: int = 0) -> Iterator[Part]:
    """The row groups of the file from number `begin` on, also those that have nothing that is wanted. TryAgain when the target is away.

    A part of the file that is not what the manifest says is told as such, and the rest of it is still read.
    """
    try:
        with closing(target.open(file.name)) as far:
            yield from _of_file(far, file, choice, begin)
    except Missing:
        yield from (Part(file, number, None, f"{file.name} is gone") for number in range(begin, len(file.groups)))


def _of_file(far: BinaryIO, file: File, choice: Choice, begin: int) -> Iterator[Part]:
    try:
        about = pq.read_metadata(far)
        if [about.row_group(number).num_rows for number in range(about.num_row_groups)] != [group.rows for group in file.groups]:
            raise pa.ArrowInvalid("its row groups are not those of the manifest")
    except (pa.ArrowException, OSError) as error:
        why = f"{file.name}: its footer cannot be read: {_short(error)}"
        yield from (Part(file, number, None, why) for number in range(begin, len(file.groups)))
        return
    for number in range(begin, len(file.groups)):
        if not choice.of_group(file.span.topic, about.row_group(number)):
            yield Part(file, number, None)
        else:
            yield _group(far, file, choice, number, about)


def _group(far: BinaryIO, file: File, choice: Choice, number: int, about: pq.FileMetaData) -> Part:
    group = file.groups[number]
    far.seek(group.start)
    data = far.read(group.bytes)
    if len(data) != group.bytes or zlib.crc32(data) != group.crc32:
        return Part(file, number, None, f"{file.name} row group {number}: its bytes are not those of the manifest (CRC-32)")
    try:
        rows = pq.ParquetFile(_Window(file.bytes, group.start, data), metadata=about).read_row_group(number, columns=_COLUMNS)
    except pa.ArrowException as error:
        return Part(file, number, None, f"{file.name} row group {number}: {_short(error)}")
    return Part(file, number, choice.of_rows(file.span.topic, rows))


class _Window(io.RawIOBase):
    """A file of which only one stretch is here: what is read of it was fetched once and is checked."""

    def __init__(self, size: int, start: int, data: bytes) -> None:
        self._size, self._start, self._data, self._at = size, start, memoryview(data), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        begin = self._at - self._start
        found = self._data[begin : begin + len(buffer)] if begin >= 0 else self._data[:0]
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)


def _short(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]

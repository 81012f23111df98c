"""One file of an archive on this machine's disk, row group by row group: memory does not grow with the range."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from pyarrow import parquet as pq

from logverse.instant import Millis
from storage.backup.columns import SCHEMA, Records, table
from storage.backup.manifest import File, Group, Span, Times, file_name

_PIECE = 1 << 20
_FOOTER_END = 8  # the footer's length, and "PAR1"
_LEVEL = 1  # zstd: higher ones cost more than they save on log lines (measured)
_DICTIONARY = ["topic", "log_type", "service_name", "severity_number", "status_code", "headers.list.element.name"]
_SORTED = {"offset": "DELTA_BINARY_PACKED", "appended": "DELTA_BINARY_PACKED", "timestamp": "DELTA_BINARY_PACKED"}
_LOOKED_FOR = ["offset", "appended", "timestamp", "service_name"]  # a row group says the least and the most of these


class Writer:
    """Writes what Kafka has of one partition from offset `start` on into the file `path`; `hour` is when it was appended."""

    def __init__(self, path: Path, topic: str, topic_id: str, partition: int, start: int, hour: Millis) -> None:
        self.path, self.hour, self.rows = path, hour, 0
        self._topic, self._topic_id, self._partition, self._start = topic, topic_id, partition, start
        self._appended: Times | None = None
        self._events: Times | None = None
        about = {"logverse.topic": topic, "logverse.topic_id": topic_id, "logverse.partition": str(partition), "logverse.start": str(start)}
        self._writer = pq.ParquetWriter(
            path, SCHEMA.with_metadata(about), compression="zstd", compression_level=_LEVEL, use_dictionary=_DICTIONARY,
            column_encoding=_SORTED, write_statistics=_LOOKED_FOR, write_page_checksum=True, store_schema=True,
        )  # fmt: skip

    def add(self, records: Records) -> None:
        """A row group of its own: whoever restores a part reads no more than the groups that have some of it."""
        made = table(records)
        self._appended = spread(made.column("appended"), self._appended)
        self._events = spread(made.column("timestamp"), self._events)
        self._writer.write_table(made, row_group_size=len(records))
        self.rows += len(records)

    def close(self) -> None:
        """The footer is written; from here on the file does not change."""
        self._writer.close()

    def described(self, next_: int) -> File:
        """What the manifest is to say of it: all offsets before `next_` were looked at. It is closed, and holds a record at least."""
        span = Span(self._topic, self._topic_id, self._partition, self._start, next_)
        with self.path.open("rb") as file:
            sums = Sums.of(file, ranges(pq.read_metadata(self.path), self.path.stat().st_size))
        groups = tuple(Group(*known, crc) for known, crc in zip(sums.ranges, sums.crc32s, strict=True))
        return File(
            file_name(span, self.hour),
            span,
            self.rows,
            self._appended or Times(self.hour, self.hour),
            self._events,
            sums.bytes,
            sums.sha256,
            groups,
        )


@dataclass(frozen=True, slots=True)
class Sums:
    """Of all bytes of a file, and of each of some ranges of it (rows, start, bytes; in their order, not overlapping)."""

    bytes: int
    sha256: str
    ranges: tuple[tuple[int, int, int], ...]
    crc32s: tuple[int, ...]

    @classmethod
    def of(cls, file: BinaryIO, wanted: tuple[tuple[int, int, int], ...]) -> Sums:
        """Reads the file once, from its beginning, in pieces."""
        whole, crcs, at = sha256(), [0] * len(wanted), 0
        while piece := file.read(_PIECE):
            whole.update(piece)
            for number, (_, start, size) in enumerate(wanted):
                if start < at + len(piece) and at < start + size:
                    part = memoryview(piece)[max(0, start - at) : start + size - at]
                    crcs[number] = zlib.crc32(part, crcs[number])
            at += len(piece)
        return cls(at, whole.hexdigest(), wanted, tuple(crcs))


def ranges(about: pq.FileMetaData, size: int) -> tuple[tuple[int, int, int], ...]:
    """Rows, first byte and number of bytes of each row group of a file of so many bytes: all of it but the first four and the footer."""
    groups = [about.row_group(number) for number in range(about.num_row_groups)]
    starts = [min(_first_byte(group.column(place)) for place in range(group.num_columns)) for group in groups]
    ends = [*starts[1:], size - about.serialized_size - _FOOTER_END]
    return tuple((group.num_rows, start, end - start) for group, start, end in zip(groups, starts, ends, strict=True))


def _first_byte(column: pq.ColumnChunkMetaData) -> int:
    return int(column.dictionary_page_offset if column.has_dictionary_page else column.data_page_offset)


def spread(column: pa.ChunkedArray, known: Times | None = None) -> Times | None:
    """The first and last time of the column and of what was known; None while there is none."""
    ends = pc.min_max(column.cast(pa.int64())).as_py()
    if ends["min"] is None:
        return known
    return Times(ends["min"], ends["max"]) if known is None else Times(min(known.first, ends["min"]), max(known.last, ends["max"]))

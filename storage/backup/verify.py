"""Reads archived files back: every byte against its sums, every row group against the manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import NamedTuple

import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import parquet as pq

from storage.backup.manifest import File, Times
from storage.backup.parquet import Sums, spread
from storage.backup.patience import patiently
from storage.backup.targets.target import Missing, Target

_AT_ONCE = 2  # one reads while the other counts


class Damage(NamedTuple):
    """What is wrong with a file. `groups` are the numbers of the row groups, from 0, that are damaged, where that can be told."""

    file: File
    problem: str
    groups: tuple[int, ...] = ()

    @property
    def rows(self) -> int:
        """How many records may be lost with it."""
        return sum(self.file.groups[number].rows for number in self.groups) if self.groups else self.file.rows


def damages(
    target: Target, files: Sequence[File], tell: Callable[[File], None] = lambda _: None, sleep: Callable[[float], object] | None = None
) -> Iterator[Damage]:
    """Of these files those that are not as their manifests say. TryAgain when the target stays away; Refused is the target's."""
    over = Event()  # whoever interrupts it does not wait for those that wait
    pause = sleep or over.wait
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        try:
            for file, found in zip(files, pool.map(lambda file: patiently(lambda: damage(target, file), pause), files), strict=True):
                tell(file)
                if found:
                    yield found
        finally:
            over.set()
            pool.shutdown(wait=False, cancel_futures=True)


def damage(target: Target, file: File) -> Damage | None:
    """What is wrong with this file; None when it is as its manifest says."""
    try:
        with target.open(file.name) as opened:
            sums = Sums.of(opened, tuple((group.rows, group.start, group.bytes) for group in file.groups))
            if sums.sha256 != file.sha256 or sums.bytes != file.bytes:
                return _located(file, sums)
            opened.seek(0)
            problem = _miscounted(file, pq.ParquetFile(opened))
    except Missing:
        return Damage(file, "is not there")
    except (pa.ArrowException, ValueError) as error:
        return Damage(file, f"has the right sums and cannot be read: {error}")
    return Damage(file, problem) if problem else None


def _located(file: File, sums: Sums) -> Damage:
    """Which bytes are others: a row group's, or those around them."""
    if sums.bytes < file.bytes:
        whole = sum(group.start + group.bytes <= sums.bytes for group in file.groups)
        return Damage(file, f"has {sums.bytes:,} of its {file.bytes:,} bytes: it is cut off", tuple(range(whole, len(file.groups))))
    wrong = tuple(number for number, (group, crc) in enumerate(zip(file.groups, sums.crc32s, strict=True)) if crc != group.crc32)
    if sums.bytes > file.bytes:
        return Damage(file, f"has {sums.bytes:,} bytes instead of {file.bytes:,}", wrong)
    named = ", ".join(f"{number} ({file.groups[number].rows:,} rows)" for number in wrong)
    return Damage(
        file, f"has other bytes than were written: row group {named}" if wrong else "has other bytes than were written: its footer", wrong
    )


def _miscounted(file: File, parquet: pq.ParquetFile) -> str:
    """What its rows say against the manifest; empty when they agree."""
    at, rows, appended, events = file.span.start, 0, None, None
    for number, group in enumerate(file.groups):
        table = parquet.read_row_group(number, columns=["offset", "appended", "timestamp"])
        offsets = table.column("offset").to_numpy()
        if len(offsets) != group.rows:
            return f"row group {number} has {len(offsets):,} rows instead of {group.rows:,}"
        if offsets[0] < at or (offsets[1:] <= offsets[:-1]).any():
            return f"row group {number}: its offsets are not in order"
        at, rows = int(offsets[-1]) + 1, rows + len(offsets)
        appended, events = spread(table.column("appended"), appended), spread(table.column("timestamp"), events)
    if at > file.span.next:
        return f"it has offset {at - 1:,}, beyond its range"
    if (rows, appended, events) != (file.rows, file.appended, file.events):
        return f"it has {rows:,} rows {_said(appended)}, the manifest says {file.rows:,} {_said(file.appended)}"
    return ""


def _said(times: Times | None) -> str:
    return f"appended from {times.first} to {times.last} (ms)" if times else "without a time"

"""Whole files that a killed backup had given their names, and no manifest speaks of: read through and taken in, not written again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import parquet as pq

from logverse.instant import Millis
from storage.backup.archive import Archive
from storage.backup.manifest import File, Group, Span, Times, folder
from storage.backup.parquet import Sums, ranges, spread
from storage.backup.plan import Plan
from storage.backup.targets.target import Found, Target

_DAY: Millis = 86_400_000
_DAYS = 10  # more days than this are not looked through one by one


def adopted(target: Target, archive: Archive, plan: Plan, now: Millis) -> Iterator[File]:
    """Those that lie where something is to be read, or was deleted by Kafka too early, and hold nothing that is promised already."""
    wanted = {(span.place, span.start): span for span in _unpromised(plan)}
    known = archive.files.keys() | archive.removed.keys()
    for found in sorted(_candidates(target, archive, plan, now), key=lambda found: found.name):
        if found.name not in known and found.name.endswith(".parquet"):
            span = _span(target, found.name)
            todo = span and next((todo for todo in wanted.values() if _within(span, todo)), None)
            if span and todo and (file := whole(target, found, span)):
                del wanted[todo.place, todo.start]
                for start, end in ((todo.start, file.span.start), (file.span.next, todo.next)):
                    if start < end:
                        wanted[todo.place, start] = Span(todo.topic, todo.topic_id, todo.partition, start, end)
                yield file


def whole(target: Target, found: Found, span: Span) -> File | None:
    """The file as a manifest is to describe it, when every byte of it can be read and says what it should."""
    with suppress(pa.ArrowException, ValueError), target.open(found.name) as file:
        parquet = pq.ParquetFile(file, page_checksum_verification=True)
        at, appended, events = span.start, None, None
        for number in range(parquet.num_row_groups):
            group = parquet.read_row_group(number, columns=["offset", "appended", "timestamp", "key", "value", "headers"])
            offsets = group.column("offset").to_numpy()
            if not len(offsets) or offsets[0] < at or (offsets[1:] <= offsets[:-1]).any():
                return None
            at = int(offsets[-1]) + 1
            appended, events = spread(group.column("appended"), appended), spread(group.column("timestamp"), events)
        if at != span.next or appended is None:
            return None
        known = ranges(parquet.metadata, found.bytes)
        file.seek(0)
        sums = Sums.of(file, known)
        groups = tuple(Group(*one, crc) for one, crc in zip(known, sums.crc32s, strict=True))
        return File(found.name, span, parquet.metadata.num_rows, Times(*appended), events, sums.bytes, sums.sha256, groups)
    return None


def _unpromised(plan: Plan) -> Iterator[Span]:
    """What no manifest speaks of, whether Kafka still has it or not: ranges that touch are one."""
    last: Span | None = None
    for span in sorted((*plan.spans, *(gap.span for gap in plan.gaps)), key=lambda span: (span.place, span.start)):
        if last and (last.place, last.next) == (span.place, span.start):
            last = replace(last, next=span.next)
            continue
        if last:
            yield last
        last = span
    if last:
        yield last


def _candidates(target: Target, archive: Archive, plan: Plan, now: Millis) -> Iterator[Found]:
    """Files of the plan's topics from the last day on of which a manifest speaks: what was killed came after that. All of them where a
    manifest is lost, or Kafka has deleted something: what lies there may be all that is left."""
    newest: dict[str, Millis] = {}
    for manifest in archive.manifests:
        for file in manifest.files:
            newest[file.span.topic] = max(newest.get(file.span.topic, 0), file.appended.last)
    gone = {gap.span.topic for gap in plan.gaps}
    anywhere = bool(archive.broken or archive.missing_numbers())
    for topic in sorted({span.topic for span in plan.spans} | gone):
        since = 0 if anywhere or topic in gone else newest.get(topic, 0)
        if now - since > _DAYS * _DAY:
            yield from target.list(folder(topic, now).rpartition("/")[0])
        else:
            for day in range(since - since % _DAY, now + _DAY, _DAY):
                yield from target.list(folder(topic, day))


def _span(target: Target, name: str) -> Span | None:
    """What the file itself says that it is, from its footer; its last record is its end. None when it is none of ours, or cut off."""
    with suppress(pa.ArrowException, ValueError, KeyError, TypeError, AttributeError), target.open(name) as file:
        about = pq.read_metadata(file)
        if not about.num_row_groups:
            return None
        said = {key.decode(): value.decode() for key, value in about.metadata.items() if key.startswith(b"logverse.")}
        place = [about.schema.column(column).path for column in range(about.num_columns)].index("offset")
        last = about.row_group(about.num_row_groups - 1).column(place).statistics.max
        return Span(
            said["logverse.topic"], said["logverse.topic_id"], int(said["logverse.partition"]), int(said["logverse.start"]), last + 1
        )
    return None


def _within(span: Span, todo: Span) -> bool:
    return (span.topic, span.place) == (todo.topic, todo.place) and todo.start <= span.start < span.next <= todo.next

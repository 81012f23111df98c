"""Whether the ranges of an archive join: every offset of each partition is looked at once, by a file, a gap or an empty range."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from logverse.instant import BEGINNING, END, Millis
from storage.backup.archive import Archive, overlaps, uncovered
from storage.backup.manifest import File, Gap, Place


@dataclass(frozen=True, slots=True)
class Loss:
    """A gap, and when it must have been: before Kafka appended what comes after it. `first`: no backup had finished before it was found."""

    gap: Gap
    before: Millis | None
    first: bool


def problems(archive: Archive) -> Iterator[str]:
    """What must not be, in words; manifests that are broken or missing come first."""
    for name, why in sorted(archive.broken.items()):
        yield f"{name} cannot be read: {why}"
    for number in archive.missing_numbers():
        yield f"manifest {number:08d} is missing: what it promised is not known"
    for place, spans in sorted(archive.spans().items()):
        where = f"{spans[0].topic} ({place.topic_id}) partition {place.partition}"
        for start, end in uncovered(spans, 0, max(span.next for span in spans)):
            yield f"{where}: no manifest speaks of offsets {start:,} to {end - 1:,}"
        for one, other in overlaps(spans):
            yield f"{where}: offsets {other.start:,} to {min(one.next, other.next) - 1:,} are there twice"


def unfinished(archive: Archive) -> Iterator[str]:
    """Why an archive whose ranges join does not have all that Kafka had at its last backup; an empty one has nothing at all."""
    backups = [one for one in archive.manifests if not one.removed]
    if not any(one.finished for one in backups):
        yield "no backup has finished here yet → logverse backup run"
    elif not backups[-1].finished:
        yield f"backup {backups[-1].run} did not finish, or still runs: what it had not come to is not here → logverse backup run"


def losses(archive: Archive) -> list[Loss]:
    """All gaps, each with the time of the oldest record behind it; None when there is none yet."""
    files = list(archive.files.values())
    first = min((one.number for one in archive.manifests if one.finished), default=archive.last)
    return [Loss(gap, _next_append(files, gap), one.number <= first) for one in archive.manifests for gap in one.gaps]


def within(file: File, since: Millis = BEGINNING, until: Millis = END + 1) -> bool:
    """Whether some of its records may have been appended in [since, until)."""
    return file.appended.first < until and file.appended.last >= since


def _next_append(files: Iterable[File], gap: Gap) -> Millis | None:
    place = Place(gap.span.topic_id, gap.span.partition)
    behind = [file.appended.first for file in files if file.span.place == place and file.span.start >= gap.span.next]
    return min(behind, default=None)

"""Retention of an archive: what is old goes, file by file; what is the only copy of something is told from what is not.

First a manifest says that files are removed, then they are: killed in between, the next pruning deletes the rest. Topics of which Kafka
keeps the newest record of each key (rules, silences, …) are never pruned: that may be an old one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from logverse.instant import Millis
from logverse.topics import TOPICS
from storage.backup.archive import Archive
from storage.backup.committing import Committing
from storage.backup.manifest import DATA, File, Manifest, Place
from storage.backup.plan import Part
from storage.backup.targets.target import Target

_NOBODYS: Millis = 86_400_000  # a file that no manifest knows may belong to a backup that runs; after a day it does not


@dataclass(frozen=True, slots=True)
class Pruning:
    """What would go. `only_copies`: neither Kafka nor the store has what is in them any more. `nobodys`: files that no manifest promises,
    left by backups that were killed, or removed already."""

    files: tuple[File, ...]
    only_copies: tuple[File, ...]
    nobodys: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


def pruning(
    archive: Archive, target: Target, before: Millis, parts: Sequence[Part], kept: Mapping[str, Millis], now: Millis
) -> Pruning:  # fmt: skip
    """Files of which every record was appended before `before`. `kept`: topic → since when the store still has its records."""
    files = tuple(file for file in archive.files.values() if file.appended.last < before and not compacted(file.span.topic))
    low = {Place(part.topic_id, part.partition): part.low for part in parts}
    alone = tuple(file for file in files if not _in_kafka(file, low) and not _in_store(file, kept))
    if archive.broken or archive.missing_numbers():
        why = "files that no manifest speaks of are left where they are: a manifest that is broken or missing may have promised them"
        return Pruning(files, alone, (), (why,))
    return Pruning(files, alone, tuple(_nobodys(archive, target, now)))


def prune(doomed: Pruning, target: Target, committing: Committing, run: str, prefix: str, tell: Callable[[str], None]) -> None:
    """Do it. TryAgain and Refused leave an archive that is whole: done again, it goes on."""
    if doomed.files:
        names = tuple(file.name for file in doomed.files)
        committing.commit(Manifest(number=0, run=run, at=0, topic_prefix=prefix, removed=names))
    for name in (*(file.name for file in doomed.files), *doomed.nobodys):
        tell(name)
        target.remove(name)


def still(doomed: Pruning, archive: Archive) -> Pruning:
    """What of it may go by the manifests of now: a backup may have adopted a file that was nobody's."""
    there = archive.files
    files = tuple(file for file in doomed.files if file.name in there)
    nobodys = () if archive.broken or archive.missing_numbers() else tuple(name for name in doomed.nobodys if name not in there)
    return replace(doomed, files=files, nobodys=nobodys)


def compacted(topic: str) -> bool:
    """Whether Kafka keeps the newest record of each key for ever."""
    return topic not in TOPICS or TOPICS[topic].config.get("cleanup.policy") == "compact"


def _in_kafka(file: File, low: Mapping[Place, int]) -> bool:
    return low.get(file.span.place, file.span.next) <= file.span.start


def _in_store(file: File, kept: Mapping[str, Millis]) -> bool:
    return file.span.topic in kept and file.appended.first >= kept[file.span.topic]


def _nobodys(archive: Archive, target: Target, now: Millis) -> Iterator[str]:
    promised: Collection[str] = archive.files.keys()
    removed: Collection[str] = archive.removed.keys()
    for found in target.list(DATA):
        if found.name.endswith(".parquet") and found.name not in promised and (found.name in removed or found.changed < now - _NOBODYS):
            yield found.name

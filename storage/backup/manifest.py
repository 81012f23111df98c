"""What an archive promises: manifests, numbered from 1, each never changed once it has its name. Everything that lists, verifies, restores
or prunes reads them, and nothing guesses from file names.

An archive is the files of all its manifests, in the order of their numbers, without those that a later one calls removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple, get_type_hints

import orjson

from logverse import instant
from logverse.errors import Malformed
from logverse.instant import Millis
from storage.backup.targets.target import checked

SCHEMA_VERSION = 1
FOLDER, DATA = "manifests", "data"

_DELETED = "Kafka deleted it before it was backed up"


class Place(NamedTuple):
    """A partition of a topic. The id tells a topic from one of the same name that was deleted: both begin at offset 0."""

    topic_id: str
    partition: int


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets from `start` to before `next` of one partition, all of them looked at. `topic` is its short name (logverse/topics.py)."""

    topic: str
    topic_id: str
    partition: int
    start: int
    next: int

    @property
    def place(self) -> Place:
        return Place(self.topic_id, self.partition)


class Times(NamedTuple):
    """The first and the last of some instants, both inclusive."""

    first: Millis
    last: Millis


class Group(NamedTuple):
    """One row group of a file: its rows, and the CRC-32 of its bytes, `start` to before `start + bytes` of the file."""

    rows: int
    start: int
    bytes: int
    crc32: int


@dataclass(frozen=True, slots=True)
class File:
    """A Parquet file (storage/backup/columns.py) with all that Kafka had of `span`: `rows` records, fewer than offsets where it had holes.

    `appended` are Kafka's times of the records, `events` the event times of those that have one (None: none of them has).
    """

    name: str
    span: Span
    rows: int
    appended: Times
    events: Times | None
    bytes: int
    sha256: str
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """Records that no archive has: there were at most as many as `span` has offsets."""

    span: Span
    why: str = _DELETED

    @property
    def rows(self) -> int:
        return self.span.next - self.span.start


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one backup added (`files`, `gaps`, and `empty`: offsets that hold no record), or a pruning took away (`removed`, names).

    A long run leaves several; `finished` is said by its last one. `at` is when it was written.
    """

    number: int
    run: str
    at: Millis
    topic_prefix: str = ""
    files: tuple[File, ...] = ()
    gaps: tuple[Gap, ...] = ()
    empty: tuple[Span, ...] = ()
    removed: tuple[str, ...] = ()
    finished: bool = False
    notes: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        return manifest_name(self.number)

    def to_json(self) -> bytes:
        """With the sha256 of itself: a manifest with a flipped bit promises nothing."""
        flat = {
            "schema_version": SCHEMA_VERSION, "number": self.number, "run": self.run, "at": instant.written(self.at),
            "topic_prefix": self.topic_prefix, "finished": self.finished, "notes": self.notes,
            "files": [plain_file(file) for file in self.files],
            "gaps": [{**_plain_span(gap.span), "why": gap.why} for gap in self.gaps],
            "empty": [_plain_span(span) for span in self.empty],
            "removed": self.removed,
        }  # fmt: skip
        return orjson.dumps({"manifest": flat, "sha256": _sum(flat)}, option=orjson.OPT_INDENT_2)

    @classmethod
    def from_json(cls, data: bytes) -> Manifest:
        """The manifest in these bytes; Malformed says what is wrong with them."""
        try:
            whole = orjson.loads(data)
            flat = whole["manifest"]
            if (version := flat["schema_version"]) != SCHEMA_VERSION:
                raise Malformed(f"schema_version is {version!r}, this LogVerse reads {SCHEMA_VERSION}: use the version that wrote it")
            if _sum(flat) != whole["sha256"]:
                raise Malformed("it is not what its sha256 says: it was changed or damaged")
            return cls(
                number=flat["number"], run=flat["run"], at=instant.read(flat["at"]), topic_prefix=flat["topic_prefix"],
                files=tuple(map(_file, flat["files"])), gaps=tuple(Gap(_span(gap), gap["why"]) for gap in flat["gaps"]),
                empty=tuple(map(_span, flat["empty"])), removed=tuple(flat["removed"]), finished=flat["finished"],
                notes=tuple(flat["notes"]),
            )  # fmt: skip
        except Malformed:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise Malformed(f"not a manifest: {type(error).__name__}: {error}") from error


def manifest_name(number: int) -> str:
    """
    >>> manifest_name(12)
    'manifests/00000012.json'
    """
    return f"{FOLDER}/{number:08d}.json"


def file_name(span: Span, hour: Millis) -> str:
    """Where a file lies: by type and the hour in which Kafka appended its records.

    >>> file_name(Span("logs.http", "mT3Y4yQcQzKkUJQZ0cO0Hw", 2, 100, 250), 1_700_000_000_000)
    'data/type=http/dt=2023-11-14/hour=22/mT3Y4yQcQzKkUJQZ0cO0Hw-2-100-250.parquet'
    """
    return f"{folder(span.topic, hour)}/hour={instant.written(hour)[11:13]}/{stem(span)}-{span.next}.parquet"


def stem(span: Span) -> str:
    """How its file names begin. An id as clients write it may have `/` and `+`; in names it stands as Kafka itself writes it.

    >>> stem(Span("rules", "CJAVTMfRT/W7nn+paDhSNA", 0, 5, 9))
    'CJAVTMfRT_W7nn-paDhSNA-0-5'
    """
    return f"{span.topic_id.replace('/', '_').replace('+', '-')}-{span.partition}-{span.start}"


def folder(topic: str, day: Millis) -> str:
    """The folder of a topic's files of one day."""
    return f"{DATA}/type={topic.removeprefix('logs.')}/dt={instant.written(day)[:10]}"


def _sum(flat: Mapping[str, Any]) -> str:
    return sha256(orjson.dumps(flat)).hexdigest()


def _plain_span(span: Span) -> dict[str, Any]:
    return {name: getattr(span, name) for name in Span.__dataclass_fields__}


def plain_file(file: File) -> dict[str, Any]:
    """As the manifest has it."""
    return {
        "name": file.name, **_plain_span(file.span), "rows": file.rows, "appended": list(map(instant.written, file.appended)),
        "events": file.events and list(map(instant.written, file.events)), "bytes": file.bytes, "sha256": file.sha256,
        "groups": [group._asdict() for group in file.groups],
    }  # fmt: skip


_SPAN: dict[str, type] = get_type_hints(Span)


def _span(flat: Mapping[str, Any]) -> Span:
    for name, kind in _SPAN.items():
        if type(flat[name]) is not kind:
            raise Malformed(f"{name} is {flat[name]!r:.40}, not {kind.__name__}")
    found = Span(**{name: flat[name] for name in _SPAN})
    if not 0 <= found.start < found.next or found.partition < 0:
        raise Malformed(f"partition {found.partition}, offsets {found.start} to {found.next} are no range")
    checked(found.topic)  # it becomes part of names
    return found


def _file(flat: Mapping[str, Any]) -> File:
    """Whoever may write to the target may have written this: a name that leads out of it, or figures that make no file, is Malformed."""
    name, size = flat["name"], _figure(flat["bytes"])
    if not checked(name).startswith(f"{DATA}/") or not name.endswith(".parquet"):
        raise Malformed(f"{name[:80]!r} is no name of a file of an archive")
    groups = tuple(Group(**{field_: _figure(group[field_]) for field_ in Group._fields}) for group in flat["groups"])
    if any(group.start + group.bytes > size for group in groups) or sum(group.rows for group in groups) != _figure(flat["rows"]):
        raise Malformed(f"{name}: its row groups do not make its {flat['rows']} rows, {size} bytes")
    return File(
        name, _span(flat), flat["rows"], _times(flat["appended"]), flat["events"] and _times(flat["events"]), size, flat["sha256"], groups
    )


def _figure(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise Malformed(f"{value!r:.40} is no number of rows or bytes")
    return value


def _times(written: list[str]) -> Times:
    first, last = map(instant.read, written)
    return Times(first, last)

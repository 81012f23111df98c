"""Events in the order of their event time, however many there are: an external merge sort (Knuth, TAOCP volume 3, 5.4)."""

from __future__ import annotations

import heapq
import struct
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, NamedTuple

from logverse.errors import Refused
from logverse.instant import Millis

MEMORY = 48 * 1024 * 1024  # bytes of events that are sorted at a time
FAN_IN = 32  # runs that are merged at a time: open files
_OVERHEAD = 250  # bytes that Python needs for an event beside its value
_HEAD = struct.Struct("<qIHH")
_BUFFER = 128 * 1024  # of each run that is read


class Item(NamedTuple):
    """An event: `at` is its event time, `topic` (without prefix), `key` and `value` are the record's."""

    at: Millis
    topic: str
    key: str | None
    value: bytes


class Spool:
    """Takes events in any order and gives them out oldest first; those of one time in the order in which they came.

    `folder` is its own. Memory is bounded by `memory` and a buffer a run; the disk takes what the events weigh. Refused when it is full.
    """

    def __init__(self, folder: Path, memory: int = MEMORY) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._memory = folder, memory
        self._items: list[Item] = []
        self._weight = 0
        self._levels: list[list[Path]] = [[]]  # runs by how often they were merged; higher levels hold what came earlier
        self._names = count()
        self._count = 0
        self.first: Millis | None = None
        self.last: Millis | None = None

    def add(self, item: Item) -> None:
        # A copy: what orjson returns sits in a block of 4 KiB for as long as it lives (measured: 288 MiB instead of 45 for 70,000).
        self._items.append(item._replace(value=memoryview(item.value).tobytes()))
        self._weight += len(item.value) + _OVERHEAD
        self._count += 1
        self.first = item.at if self.first is None or item.at < self.first else self.first
        self.last = item.at if self.last is None or item.at > self.last else self.last
        if self._weight >= self._memory:
            self._spill()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Item]:
        """All of them, in order. May be asked again."""
        self._items.sort(key=itemgetter(0))
        with ExitStack() as files, _disk(self._folder):
            runs = [path for level in reversed(self._levels) for path in level]
            yield from heapq.merge(*(_read(files, path) for path in runs), self._items, key=itemgetter(0))

    def _spill(self) -> None:
        self._items.sort(key=itemgetter(0))
        self._write(0, self._items)
        self._items, self._weight = [], 0

    def _write(self, level: int, items: Iterable[Item]) -> None:
        """A run more on this level; a level that is full becomes one run of the next."""
        path = self._folder / f"{next(self._names)}.run"
        with _disk(self._folder), path.open("wb", buffering=1024 * 1024) as file:
            for item in items:
                _put(file, item)
        if level == len(self._levels):
            self._levels.append([])
        self._levels[level].append(path)
        if len(self._levels[level]) == FAN_IN:
            full, self._levels[level] = self._levels[level], []
            with ExitStack() as files:
                self._write(level + 1, heapq.merge(*(_read(files, one) for one in full), key=itemgetter(0)))
            for one in full:
                one.unlink()


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Refused(f"{folder}: {error.strerror}\n  → the events of a replay are sorted there: make room on that disk") from error


def _put(file: BinaryIO, item: Item) -> None:
    topic, key = item.topic.encode(), None if item.key is None else item.key.encode("utf-8", "surrogatepass")
    file.write(_HEAD.pack(item.at, len(item.value), len(topic), 0 if key is None else len(key) + 1))
    file.write(topic + (key or b"") + item.value)


def _read(files: ExitStack, path: Path) -> Iterator[Item]:
    file = files.enter_context(path.open("rb", buffering=_BUFFER))
    while head := file.read(_HEAD.size):
        at, length, topic_length, key_mark = _HEAD.unpack(head)
        key_length = max(key_mark - 1, 0)
        rest = file.read(topic_length + key_length + length)
        key = rest[topic_length : topic_length + key_length].decode("utf-8", "surrogatepass") if key_mark else None
        yield Item(at, rest[:topic_length].decode(), key, rest[topic_length + key_length :])

"""How far the sink has come in `alerts`: a position is safe to commit when every channel has settled what lies before it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Position:
    """A record of `alerts`."""

    partition: int
    offset: int


@dataclass(slots=True)
class _Partition:
    next: int = 0  # offset after the last record taken
    open: dict[int, None] = field(default_factory=dict)  # offsets not settled, in the order taken


class Positions:
    """How far one channel has come: takes records in order, and is told when one is settled."""

    def __init__(self) -> None:
        self._partitions: dict[int, _Partition] = {}
        self._lock = threading.Lock()

    def taken(self, position: Position, waits: bool) -> None:
        """The channel has it now; what does not wait is settled at once."""
        with self._lock:
            partition = self._partitions.setdefault(position.partition, _Partition())
            partition.next = position.offset + 1
            if waits:
                partition.open[position.offset] = None

    def go_to(self, partition: int, offset: int) -> None:
        """Everything before this offset was taken, or is gone; everything from it on was not."""
        with self._lock:
            self._partitions.setdefault(partition, _Partition()).next = offset

    def settled(self, position: Position) -> None:
        with self._lock:
            if partition := self._partitions.get(position.partition):
                partition.open.pop(position.offset, None)

    def next(self) -> dict[int, int]:
        """By partition the offset after the last record taken."""
        with self._lock:
            return {number: partition.next for number, partition in self._partitions.items()}

    def safe(self) -> dict[int, int]:
        """By partition the offset to go on from after a restart, as far as this channel goes."""
        with self._lock:
            return {number: next(iter(partition.open), partition.next) for number, partition in self._partitions.items()}

    def open(self) -> set[tuple[int, int]]:
        """Partition and offset of the records that are taken and not settled."""
        with self._lock:
            return {(number, offset) for number, partition in self._partitions.items() for offset in partition.open}

    def forget(self) -> None:
        with self._lock:
            self._partitions.clear()


class AllPositions:
    """The channels' positions together: the slowest decides what may be committed, and delays none of the others."""

    def __init__(self, channels: Sequence[Positions]) -> None:
        self._channels = channels
        self._committed: dict[int, int] = {}

    def to_commit(self) -> dict[int, int]:
        """For each partition that moved since the last call: the offset to go on from after a restart."""
        safe: dict[int, int] = {}
        for channel in self._channels:
            for number, offset in channel.safe().items():
                safe[number] = min(offset, safe.get(number, offset))
        moved = {number: offset for number, offset in safe.items() if self._committed.get(number) != offset}
        self._committed |= moved
        return moved

    def open(self) -> int:
        """Records that some channel has not settled; those that a full channel has still to read count too."""
        reached: dict[int, int] = {}
        for channel in self._channels:
            for number, offset in channel.next().items():
                reached[number] = max(offset, reached.get(number, offset))
        unread = [sum(reached[number] - offset for number, offset in channel.next().items()) for channel in self._channels]
        return len(set().union(*(channel.open() for channel in self._channels))) + max(unread, default=0)

    def forget(self) -> None:
        """The partitions belong to somebody else now."""
        for channel in self._channels:
            channel.forget()
        self._committed.clear()

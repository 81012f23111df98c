"""How far the sink has come in `alerts`: a position is safe to commit when every channel has settled what lies before it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Position:
    """A record of `alerts`."""

    partition: int
    offset: int


@dataclass(slots=True)
class _Partition:
    next: int = 0  # offset after the last record taken
    open: dict[int, int] = field(default_factory=dict)  # offset → channels that have not settled it, in the order taken


class Positions:
    """Takes records in order, is told when a channel has settled one, and says what may be committed."""

    def __init__(self) -> None:
        self._partitions: dict[int, _Partition] = {}
        self._committed: dict[int, int] = {}
        self._lock = threading.Lock()

    def taken(self, position: Position, channels: int) -> None:
        with self._lock:
            partition = self._partitions.setdefault(position.partition, _Partition())
            partition.next = position.offset + 1
            if channels:
                partition.open[position.offset] = channels

    def settled(self, position: Position) -> None:
        with self._lock:
            partition = self._partitions.get(position.partition)
            if partition and position.offset in partition.open:
                partition.open[position.offset] -= 1
                if not partition.open[position.offset]:
                    del partition.open[position.offset]

    def to_commit(self) -> dict[int, int]:
        """For each partition that moved since the last call: the offset to go on from after a restart."""
        with self._lock:
            safe = {number: next(iter(partition.open), partition.next) for number, partition in self._partitions.items()}
            moved = {number: offset for number, offset in safe.items() if self._committed.get(number) != offset}
            self._committed |= moved
            return moved

    def open(self) -> int:
        """Records that some channel has not settled."""
        with self._lock:
            return sum(len(partition.open) for partition in self._partitions.values())

    def forget(self) -> None:
        """The partitions belong to somebody else now."""
        with self._lock:
            self._partitions.clear()
            self._committed.clear()

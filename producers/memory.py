"""The Publisher's twin in memory: for tests of everything above it, with acknowledgements in whatever order they want."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from producers.translation import Record


class MemoryPublisher:
    """Keeps what was sent. With `hold`, nothing is acknowledged until `acknowledge` says which shipment."""

    def __init__(self, hold: bool = False) -> None:
        self.hold = hold
        self.records: list[Record] = []
        self.beats: list[bytes] = []
        self.order: list[Record | bytes] = []  # records and heartbeats as a partition would hold them
        self._waiting: list[tuple[int, Callable[[], None]]] = []

    def connect(self, idle: Callable[[], bool]) -> str | None:
        return "memory"

    def send(self, records: Iterable[Record], settled: Callable[[], None], idle: Callable[[], bool]) -> None:
        sent = list(records)
        self.records += sent
        self.order += sent
        if self.hold:
            self._waiting.append((len(sent), settled))
        else:
            settled()

    def acknowledge(self, place: int = 0) -> None:
        """The shipment that is at this place among the unacknowledged ones has arrived."""
        self._waiting.pop(place)[1]()

    def beat(self, value: bytes) -> bool:
        self.beats.append(value)
        self.order.append(value)
        return True

    def poll(self, seconds: float) -> None:
        """Everything has arrived already."""

    def in_flight(self) -> int:
        return sum(count for count, _ in self._waiting)

    def away(self) -> bool:
        return False

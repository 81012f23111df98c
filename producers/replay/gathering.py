"""Records on their way into a spool: counted by what would have become of them live. The Publisher of a producer that replays."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from logverse import instant
from logverse.instant import Millis
from producers.heartbeats import FUTURE_MS
from producers.replay.spool import Item, Spool
from producers.translation import DEAD, Record

_TIME = len(b'{"timestamp":"')  # stands first in every record (Translator._event), and is 24 characters long
_UID = b'"log.record.uid":"'


@dataclass(slots=True)
class Lateness:
    """What would have come late, had these lines come live in this order: a second is closed once a text's newest time is
    `delay_ms` beyond its end (flink_jobs/tables.py). Counted for each text by itself."""

    delay_ms: Millis
    late: int = 0
    worst_ms: Millis = 0
    _newest: dict[bytes, Millis] = field(default_factory=dict)

    def see(self, text: bytes, at: Millis) -> None:
        newest = self._newest.get(text)
        if newest is None or at > newest:
            self._newest[text] = at
            return
        self.worst_ms = max(self.worst_ms, newest - at)
        if at - at % 1000 + 999 <= newest - self.delay_ms:
            self.late += 1


class Gathering:
    """Keeps events in the spool. Dead letters are in the producer's account, heartbeats are of no use: the past has an end.

    `ahead` counts events of the future (by more than five minutes, as seen at `now`), which nothing old can be: they are left out.
    `turn` is called with each shipment, to show progress.
    """

    def __init__(self, spool: Spool, lateness: Lateness, now: Millis, turn: Callable[[], None] = lambda: None) -> None:
        self._spool, self.lateness, self._soon, self._turn = spool, lateness, now + FUTURE_MS, turn
        self.ahead = 0
        self._seconds: dict[bytes, Millis] = {}

    def connect(self, idle: Callable[[], bool]) -> str | None:
        return "replay"

    def send(self, records: Iterable[Record], settled: Callable[[], None], idle: Callable[[], bool]) -> None:
        for topic, value, key in records:
            if topic != DEAD:
                self._take(topic, value, key)
        settled()
        self._turn()

    def _take(self, topic: str, value: bytes, key: str | None) -> None:
        at = self._at(value)
        if at > self._soon:
            self.ahead += 1
            return
        begin = value.find(_UID) + len(_UID)
        self.lateness.see(value[begin : value.rfind(b"-", begin, value.find(b'"', begin))], at)
        self._spool.add(Item(at, topic, key, value))

    def _at(self, value: bytes) -> Millis:
        second = value[_TIME : _TIME + 19]
        found = self._seconds.get(second)
        if found is None:
            if len(self._seconds) > 10_000:
                self._seconds.clear()
            found = self._seconds[second] = instant.read(f"{second.decode()}Z")
        return found + int(value[_TIME + 20 : _TIME + 23])

    def beat(self, value: bytes) -> bool:
        return True

    def poll(self, seconds: float) -> None:
        """What was handed over is there."""

    def in_flight(self) -> int:
        return 0

    def away(self) -> bool:
        return False

"""Old events into a live stack as if they happened now, faster or slower: for demonstrations."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import orjson

from logverse import instant
from logverse.event import heartbeat
from logverse.instant import Millis
from producers.heartbeats import INTERVAL_MS
from producers.publisher import Publisher
from producers.replay.spool import Item, Spool
from producers.translation import Record

_BATCH = 500
_NAP_S = 0.02
_PATIENCE_MS = 10_000  # with what is on its way at the end, or when told to stop


@dataclass(slots=True)
class Fed:
    """Events that Kafka has confirmed, and how far sending was behind at worst (milliseconds). `arrived`: all that were sent."""

    events: int = 0
    behind_ms: Millis = 0
    arrived: bool = False


class Feed:
    """Moves events in time and sends each when it is due. `run` stands in their uids: fed again, they are other events.

    Time runs `speed` times as fast as it did: an hour of old log takes 3,600 / speed seconds, and its times are as close together.
    `clock` is processing time, `sleep` takes seconds; `told` hears of progress about each batch.
    """

    def __init__(
        self, publisher: Publisher, run: str, speed: float, clock: Callable[[], Millis] = instant.now,
        sleep: Callable[[float], None] = time.sleep, told: Callable[[Fed], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self._publisher, self._name, self._speed = publisher, run, speed
        self._clock, self._sleep, self._told = clock, sleep, told
        self._batch: list[Record] = []
        self._beaten: Millis = 0
        self._until: Millis | None = None
        self._under_way = 0  # events that were handed over, or given up in the middle of it, and are not confirmed
        self.fed = Fed()

    def run(self, spool: Spool, stopping: Callable[[], bool]) -> Fed:
        """All of it, or until `stopping`. What is on its way then still arrives, if Kafka lets it."""
        began, first = self._clock(), spool.first or 0
        for item in spool:
            due = began + int((item.at - first) / self._speed)
            self._wait(due, stopping)
            if stopping():
                break
            self._batch.append(moved(item, due, self._clock(), self._name))
            if len(self._batch) >= _BATCH:
                self._send(due, stopping)
        self._send(self._clock(), stopping)
        return self._finish()

    def _wait(self, due: Millis, stopping: Callable[[], bool]) -> None:
        while (now := self._clock()) < due and not stopping():
            self._send(now, stopping)
            self._beat(now)
            self._sleep(min(_NAP_S, (due - now) / 1000))

    def _send(self, due: Millis, stopping: Callable[[], bool]) -> None:
        """Told to stop while Kafka takes nothing, it gives up before long: it may be away for ever."""
        if self._batch:
            self._under_way += len(self._batch)
            self._publisher.send(self._batch, partial(self._confirmed, len(self._batch)), lambda: self._idle(stopping))
            self.fed.behind_ms = max(self.fed.behind_ms, self._clock() - due)
            self._batch = []
        self._publisher.poll(0)
        self._told(self.fed)

    def _idle(self, stopping: Callable[[], bool]) -> bool:
        self._told(self.fed)
        return not stopping() or self._clock() < self._patience()

    def _patience(self) -> Millis:
        """Until when it waits for Kafka, counted from the first time that somebody asks."""
        if self._until is None:
            self._until = self._clock() + _PATIENCE_MS
        return self._until

    def _confirmed(self, count: int) -> None:
        self.fed.events += count
        self._under_way -= count

    def _beat(self, now: Millis) -> None:
        if now - self._beaten >= INTERVAL_MS:
            self._beaten = now
            self._publisher.beat(heartbeat(now, f"replay-{self._name}"))

    def _finish(self) -> Fed:
        while self._publisher.in_flight() and self._clock() < self._patience():
            self._publisher.poll(0.1)
        self._publisher.beat(heartbeat(self._clock(), f"replay-{self._name}"))
        while self._publisher.in_flight() and self._clock() < self._patience():
            self._publisher.poll(0.1)
        self.fed.arrived = not self._publisher.in_flight() and not self._under_way
        return self.fed


def moved(item: Item, at: Millis, observed: Millis, run: str) -> Record:
    """The event at another time, under an id that says of which run it is."""
    flat = orjson.loads(item.value)
    flat["timestamp"], flat["observed_timestamp"] = instant.written(at), instant.written(observed)
    flat["log.record.uid"] = f"replay-{run}-{flat['log.record.uid']}"
    return Record(item.topic, orjson.dumps(flat), item.key)

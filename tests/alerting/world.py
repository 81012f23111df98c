"""A sink in a world of its own: a channel that fails as told, a log in memory, and time that passes only when asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from alerting.configuration import Receiver
from alerting.lives import Lives
from alerting.message import Notification
from alerting.notification_log import Memory, MemoryLog
from alerting.positions import Position
from alerting.sink import Sink
from alerting.stages.lane import ROOM
from logverse.alert import Alert
from logverse.instant import Millis
from tests.alerting.stand_ins import MINUTE, NOON


@dataclass
class Fake:
    """A channel that fails as told, then takes everything."""

    name: str = "fake"
    send_resolved: bool = True
    answers: list[Exception] = field(default_factory=list)
    sent: list[Notification] = field(default_factory=list)

    def send(self, notification: Notification) -> None:
        if self.answers:
            raise self.answers.pop(0)
        self.sent.append(notification)

    @property
    def said(self) -> list[tuple[str, str]]:
        return [(each.alert.group["service.name"], each.alert.status) for each in self.sent]


class World:
    """A sink with its log, its channels and the time, which passes only by `later`."""

    def __init__(self, *channels: Fake, log: MemoryLog | None = None, now: Millis = NOON + MINUTE, room: int = ROOM) -> None:
        self.now, self.log, self.lives = now, log or MemoryLog(), Lives()
        self.sink = Sink(
            Receiver("ops", channels), self.log, Memory(self.log.records), self.lives,
            clock=lambda: self.now, monotonic=lambda: self.now / 1000, random=lambda: 1.0, room=room,
        )  # fmt: skip
        self.offset = 0

    def take(self, *alerts: Alert) -> None:
        for each in alerts:
            self.sink.take(Position(0, self.offset), each)
            self.offset += 1

    def work(self) -> None:
        for lane in self.sink.lanes:
            while lane.delay() == 0:
                lane.work()

    def fill_gaps(self, topic: Sequence[Alert]) -> None:
        """Read again what went past full lanes, one record a time; `topic` holds partition 0."""
        for gap in list(self.sink.gaps()):
            self.sink.retake(gap.lane, Position(0, gap.start), topic[gap.start])
        self.work()

    def later(self, seconds: float) -> None:
        self.now += int(seconds * 1000)
        self.work()

    @property
    def outcomes(self) -> list[tuple[str, str, int]]:
        return [(record.alert_status, record.status, record.attempt) for record in self.log.records]

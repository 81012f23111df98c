"""The sink as a plain object: alerts in, one lane a channel, positions that may be committed out. No Kafka, no threads."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from alerting import metrics
from alerting.configuration import Receiver
from alerting.lives import Lives
from alerting.notification_log import Memory, NotificationLog
from alerting.positions import AllPositions, Position
from alerting.stages.deliver import Deliver
from alerting.stages.judge import Judge
from alerting.stages.lane import ROOM, Lane
from logverse.alert import Alert
from logverse.instant import Millis

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Gap:
    """Records of a partition that went past a full lane, which has room again: from `start` up to and without `end`."""

    lane: Lane
    partition: int
    start: int
    end: int


class Sink:
    """Puts every alert of topic `alerts` into the lane of every channel of the receiver that wants it.

    A lane that is full lets what comes go past, and is given it again by `retake` when it has room: nobody waits for it, nothing
    is missed, and what may be committed stays before it.

    `memory` and `lives` are what was known before; `clock` is processing time in milliseconds, `monotonic` in seconds.
    """

    def __init__(
        self,
        receiver: Receiver,
        log: NotificationLog,
        memory: Memory,
        lives: Lives,
        *,
        clock: Callable[[], Millis],
        monotonic: Callable[[], float],
        random: Callable[[], float],
        room: int = ROOM,
    ) -> None:
        self._lives, self._reached = lives, dict[int, int]()
        judge = Judge(memory, lives)
        self.lanes = [
            Lane(Deliver(receiver.name, channel, judge, memory, log, clock), random, monotonic, room) for channel in receiver.channels
        ]
        self.positions = AllPositions([lane.positions for lane in self.lanes])

    def take(self, position: Position, alert: Alert) -> None:
        metrics.alert(alert.status)
        self._lives.observe(alert)
        self._pass(position, alert)

    def skip(self, position: Position) -> None:
        """A record that is no alert is settled as soon as it is kept aside."""
        self._pass(position, None)

    def retake(self, lane: Lane, position: Position, alert: Alert | None) -> None:
        """A record of a gap, read again; None for one that is no alert."""
        lane.take(position, alert)

    def gaps(self) -> Iterator[Gap]:
        """What went past lanes that have room again."""
        for lane in self.lanes:
            for partition, start in lane.positions.next().items() if lane.roomy() else ():
                if start < self._reached[partition]:
                    yield Gap(lane, partition, start, self._reached[partition])

    def _pass(self, position: Position, alert: Alert | None) -> None:
        reached = self._reached.get(position.partition)
        for lane in self.lanes:
            if lane.positions.next().get(position.partition) != reached:  # it has a gap: order is kept by reading again
                continue
            if not lane.full():
                lane.take(position, alert)
            else:
                _log.warning("%s has too many waiting: those from %s on are read again later", lane.name, position)
                lane.positions.go_to(position.partition, position.offset)
        self._reached[position.partition] = position.offset + 1

    def drop_waiting(self, timeout_s: float) -> None:
        """What waits is another sink's now: drop it, see the ones in flight through."""
        for lane in self.lanes:
            lane.forget(timeout_s)
        self._reached.clear()

"""The sink as a plain object: alerts in, one lane a channel, positions that may be committed out. No Kafka, no threads."""

from __future__ import annotations

from collections.abc import Callable

from alerting import metrics
from alerting.configuration import Receiver
from alerting.lives import Lives
from alerting.notification_log import Memory, NotificationLog
from alerting.positions import Position, Positions
from alerting.stages.deliver import Deliver
from alerting.stages.judge import Judge
from alerting.stages.lane import Lane
from logverse.alert import Alert
from logverse.instant import Millis


class Sink:
    """Puts every alert of topic `alerts` into the lane of every channel of the receiver that wants it.

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
    ) -> None:
        self.positions, self._lives = Positions(), lives
        judge = Judge(memory, lives)
        self.lanes = [
            Lane(Deliver(receiver.name, channel, judge, memory, log, clock), self.positions.settled, random, monotonic)
            for channel in receiver.channels
        ]

    def take(self, position: Position, alert: Alert) -> None:
        metrics.alert(alert.status)
        self._lives.observe(alert)
        wanted = [lane for lane in self.lanes if lane.wants(alert)]
        self.positions.taken(position, len(wanted))
        for lane in wanted:
            lane.add(alert, position)

    def skip(self, position: Position) -> None:
        """A record that is no alert is settled as soon as it is kept aside."""
        self.positions.taken(position, 0)

    def full(self) -> bool:
        """A channel has so much waiting that reading must pause, for all of them."""
        return any(lane.full() for lane in self.lanes)

    def drop_waiting(self, timeout_s: float) -> None:
        """What waits is another sink's now: drop it, see the ones in flight through."""
        for lane in self.lanes:
            lane.forget(timeout_s)

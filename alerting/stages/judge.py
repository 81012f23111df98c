"""Stage 1: does this transition of this alert (still) matter to the people on this channel?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from alerting.lives import Lives
from alerting.message import Notification
from alerting.notification_log import Memory
from logverse.alert import Alert
from logverse.instant import Millis

HOUR: Millis = 3_600_000
DAY: Millis = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Verdict:
    """`send` it; `known` already (a replay: nothing to record); or final without being sent, and why."""

    decision: Literal["send", "known", "superseded", "expired"]
    why: str = ""


class Judge:
    """Reads the memory of what people know and of which alerts are over.

    - Each transition once, whatever Flink replays; nobody is told twice that the same occurrence fires, or that it ended.
    - Nobody hears the end of what they did not hear the beginning of; who heard it hears the end, though the rule is a shadow since.
    - A firing one matters while it fires; once over, for an hour after it fired (event time).
    - An end matters for a day, since somebody was told that it fires and still believes it.
    """

    def __init__(self, memory: Memory, lives: Lives) -> None:
        self._memory, self._lives = memory, lives

    def notification(self, alert: Alert, receiver: str, channel: str) -> Notification:
        """What this channel would be told; the end of an alert knows what it answers."""
        told_by = self._memory.told_by(alert.id, receiver, channel) if alert.status == "resolved" else None
        return Notification(alert, receiver, channel, told_by)

    def judge(self, notification: Notification, now: Millis) -> Verdict:
        alert, where = notification.alert, (notification.receiver, notification.channel)
        if self._memory.settled(notification.key) or self._memory.knows_end(alert.id, *where):
            return Verdict("known")
        told, age = self._memory.told_by(alert.id, *where), now - alert.at
        if alert.status == "firing":
            if told:
                return Verdict("known")
            if self._lives.over(alert) and age > HOUR:
                return Verdict("expired", "fired over an hour ago and is over")
        elif not told:  # of an alert in the shadow nobody was meant to know: no record of it either
            return Verdict("known") if alert.shadow else Verdict("superseded", "nobody here was told that it fires")
        elif age > DAY:
            return Verdict("expired", "was over more than a day ago")
        return Verdict("send")

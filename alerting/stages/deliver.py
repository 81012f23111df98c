"""Stage 2: one try of one notification on one channel, and the record of what came of it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from alerting import metrics
from alerting.channels.channel import Channel
from alerting.message import Notification
from alerting.notification_log import Memory, NotificationLog, Outcome, Record
from alerting.stages.judge import Judge
from logverse.alert import Alert
from logverse.errors import Refused, TryAgain
from logverse.instant import Millis
from logverse.printable import printable

_log = logging.getLogger(__name__)
TRIES_IN_SPITE_OF_DEFECT = 5


@dataclass(frozen=True, slots=True)
class Again:
    """The try failed and may work later; `after_s` is the far side's wish."""

    why: str
    after_s: float | None


class Deliver:
    """Judges, sends, records: in this order, so that a death between sending and recording repeats the one in flight and misses none."""

    def __init__(
        self, receiver: str, channel: Channel, judge: Judge, memory: Memory, log: NotificationLog, clock: Callable[[], Millis]
    ) -> None:
        self.receiver, self.channel = receiver, channel
        self._judge, self._memory, self._log, self._clock = judge, memory, log, clock
        self._stumbles = Counter[str]()  # by key of a notification how often a defect of ours met it

    def attempt(self, *alerts: Alert) -> Again | None:
        """None when the notification of these is settled. TryAgain comes only from the log, when asked to stop before it could write.

        Several are of one rule and status: what of them is still to be told is told in one message, and recorded one by one.
        """
        told = [notification for alert in alerts if (notification := self._to_send(alert))]
        return self._send(told) if told else None

    def _send(self, told: Sequence[Notification]) -> Again | None:
        message = replace(told[0], others=tuple(notification.alert for notification in told[1:]))
        try:
            with metrics.seconds(self.channel.name):
                self.channel.send(message)
        except TryAgain as error:
            self._tried(told, "attempt", str(error))
            return Again(str(error), error.after_s)
        except Refused as error:
            if len(told) > 1:  # one message was too much for it, or one of them: the others are told
                half = len(told) // 2
                asks = [self._send(told[:half]), self._send(told[half:])]
                return next((again for again in asks if again), None)
            self._tried(told, "refused", str(error))
        except Exception as error:
            # A defect of ours in one message must not stop the pager: the record says so, the log has the trace.
            _log.exception("defect in channel %s", self.channel.name)
            return self._stumbled(told, f"defect in LogVerse: {type(error).__name__}: {error}")
        else:
            self._tried(told, "delivered", "")
        return None

    def _to_send(self, alert: Alert) -> Notification | None:
        notification = self._judge.notification(alert, self.receiver, self.channel.name)
        verdict = self._judge.judge(notification, self._clock())
        if verdict.decision == "send":
            return notification
        if verdict.decision != "known":
            self._record(notification, verdict.decision, self._memory.tries(notification.key), verdict.why)
        return None

    def _stumbled(self, told: Sequence[Notification], why: str) -> Again | None:
        """An odd answer may be another one next time; a message that always trips us up must end."""
        key = told[0].key
        self._stumbles[key] += 1
        if self._stumbles[key] < TRIES_IN_SPITE_OF_DEFECT:
            self._tried(told, "attempt", why)
            return Again(why, None)
        del self._stumbles[key]
        self._tried(told, "refused", why)
        return None

    def _tried(self, told: Iterable[Notification], status: Outcome, why: str) -> None:
        for notification in told:
            self._record(notification, status, self._memory.tries(notification.key) + 1, why)

    def _record(self, notification: Notification, status: Outcome, attempt: int, why: str) -> None:
        record = Record.of(notification, status, attempt, self._clock(), printable(why))
        self._memory.learn(record)
        metrics.outcome(self.channel.name, status)
        _LOUDNESS[status](
            "%s: %s %s to %s/%s, try %d%s",
            status, record.alert_status, record.alert_id[:12], record.receiver, record.channel, attempt, f": {record.error}" if why else "",
        )  # fmt: skip
        self._log.append(record)


_LOUDNESS: dict[Outcome, Callable[..., None]] = {
    "attempt": _log.warning,
    "delivered": _log.info,
    "refused": _log.error,
    "superseded": _log.info,
    "expired": _log.warning,
}

"""What Prometheus may know of the alert sink. `channel` is the channel's name as in the notification log."""

from __future__ import annotations

from contextlib import AbstractContextManager

from prometheus_client import Counter, Gauge, Histogram

from alerting.notification_log import Outcome

_ALERTS = Counter("logverse_alerting_alerts_total", "Transitions read from topic alerts.", ["status"])
_MALFORMED = Counter("logverse_alerting_malformed_total", "Records of topic alerts that are no alert; they went to logs.dlq.")
_NOTIFICATIONS = Counter("logverse_alerting_notifications_total", "Notifications settled, by what became of them.", ["channel", "outcome"])
_FAILED = Counter("logverse_alerting_failed_tries_total", "Tries that failed and are repeated.", ["channel"])
_WAITING = Gauge("logverse_alerting_waiting_notifications", "Notifications not settled yet.", ["channel"])
_SECONDS = Histogram("logverse_alerting_send_duration_seconds", "How long the channel took to answer.", ["channel"])


def alert(status: str) -> None:
    _ALERTS.labels(status).inc()


def malformed() -> None:
    _MALFORMED.inc()


def outcome(channel: str, status: Outcome) -> None:
    if status == "attempt":
        _FAILED.labels(channel).inc()
    else:
        _NOTIFICATIONS.labels(channel, status).inc()


def waiting(channel: str, count: int) -> None:
    _WAITING.labels(channel).set(count)


def seconds(channel: str) -> AbstractContextManager[object]:
    timer: AbstractContextManager[object] = _SECONDS.labels(channel).time()
    return timer

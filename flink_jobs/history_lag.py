"""How far the history is behind, and when that becomes an alert: before Kafka deletes what was never stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from logverse import durations
from logverse.alert import Alert, Explanation
from logverse.instant import Millis

RULE, RULE_TYPE = "history-lag", "lag"
FIRES, CLEARS = 0.5, 0.25  # share of a topic's retention that the oldest unread record may have lived
TOPIC = "messaging.destination.name"


@dataclass(frozen=True, slots=True)
class Lag:
    """What of one topic the history has not taken yet. Times by the broker's clock where it stamps them, milliseconds UTC."""

    topic: str
    records: int
    oldest: Millis | None  # when the next record to be read was appended; None when there is none
    lost: int  # records that Kafka deleted before they were read
    retention: Millis | None  # None: kept for ever

    def age(self, now: Millis) -> Millis:
        """How long the oldest one has been waiting."""
        return 0 if self.oldest is None else max(0, now - self.oldest)

    def share(self, now: Millis) -> float:
        """That as a share of what Kafka keeps; 1 and more: it is going."""
        return 1.0 if self.lost else self.age(now) / self.retention if self.retention else 0.0


class LagWatch:
    """Turns what is seen into alerts, one a topic, firing until it is well again. `firing`: those of before a restart."""

    def __init__(self, firing: Iterable[Alert] = ()) -> None:
        self._firing = {alert.group.get(TOPIC, ""): alert for alert in firing if alert.rule == RULE and alert.status == "firing"}

    def observe(self, lags: Sequence[Lag], now: Millis) -> list[Alert]:
        """The transitions to tell of. `now`: milliseconds UTC."""
        told = []
        for lag in lags:
            share, firing = lag.share(now), self._firing.get(lag.topic)
            if firing is None and share >= FIRES:
                told.append(self._fire(lag, now))
            elif firing and share < CLEARS:
                told.append(replace(firing, status="resolved", at=now, ends_at=now, explanation=_explained(lag, now)))
                del self._firing[lag.topic]
        return told

    def _fire(self, lag: Lag, now: Millis) -> Alert:
        found = Alert(
            RULE, RULE_TYPE, "firing", "critical", {TOPIC: lag.topic}, active_at=now, at=now, starts_at=now,
            explanation=_explained(lag, now), annotations={"remedy": "logverse job status history; logverse status"},
        )  # fmt: skip
        self._firing[lag.topic] = found
        return found


def _explained(lag: Lag, now: Millis) -> Explanation:
    age, kept = lag.age(now), lag.retention or 0
    return Explanation(
        sentence=_sentence(lag, age, kept),
        actual=age / 1000,
        threshold=kept * FIRES / 1000,
        comparison=">=",
        unit="s",
        matched=lag.records,
        total=lag.records + lag.lost,
    )


def _sentence(lag: Lag, age: Millis, kept: Millis) -> str:
    if lag.lost:
        return f"history lost {lag.lost:,} records of {lag.topic}: Kafka deleted them before they were stored"
    if not lag.records:
        return f"history has caught up with {lag.topic}"
    behind = f"history is {durations.said(age)} behind on {lag.topic} ({lag.records:,} records)"
    if age < kept * CLEARS:
        return behind
    return f"{behind}: Kafka keeps {durations.said(kept)}, so in {durations.said(max(0, kept - age))} it deletes what is not stored"

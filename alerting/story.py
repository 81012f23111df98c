"""What people look up afterwards: an alert's course, and who was told of it. Plain functions over what the topics hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from alerting import message
from alerting.notification_log import Record
from logverse.alert import Alert
from logverse.errors import Malformed, Refused
from logverse.instant import Millis

ACTIVE = ("pending", "firing", "recovering")


@dataclass(slots=True)
class Story:
    """One occurrence of an alert: its transitions in order of event time, and the last record of each notification about it."""

    transitions: list[Alert]
    notifications: list[Record] = field(default_factory=list)

    @property
    def latest(self) -> Alert:
        return self.transitions[-1]


def alerts_in(values: Iterable[bytes | None]) -> Iterator[Alert]:
    """The alerts among these records; those that are none were reported by the sink, which keeps them in logs.dlq."""
    for value in values:
        try:
            yield Alert.from_json(value or b"")
        except Malformed:
            continue


def outcomes(records: Iterable[Record]) -> dict[str, list[Record]]:
    """By alert id the last record of each notification."""
    last: dict[str, Record] = {}
    for record in records:
        known = last.get(record.key)
        if known is None or known.status == "attempt":
            last[record.key] = record
    found: dict[str, list[Record]] = {}
    for record in last.values():
        found.setdefault(record.alert_id, []).append(record)
    return found


def latest(alerts: Iterable[Alert]) -> list[Alert]:
    """The last transition of each fingerprint, newest first."""
    found: dict[str, Alert] = {}
    for alert in alerts:
        known = found.get(alert.fingerprint)
        if known is None or alert.at >= known.at:
            found[alert.fingerprint] = alert
    return sorted(found.values(), key=lambda alert: -alert.at)


def shown(alerts: Iterable[Alert], *, now: Millis, since_ms: Millis, firing: bool, everything: bool) -> list[Alert]:
    """What `alerts list` shows: the active ones and those that ended lately; only those that fire; or all."""
    if firing:
        return [alert for alert in alerts if alert.status in ("firing", "recovering")]
    if everything:
        return list(alerts)
    return [alert for alert in alerts if alert.status in ACTIVE or (alert.status == "resolved" and alert.at >= now - since_ms)]


def delivered(alert: Alert, records: Sequence[Record]) -> str:
    """In a few words whether people know: the worst channel first, since that is what needs somebody.

    An alert that nobody serves shows `not yet`: the sink does not run, or has not come to it.
    """
    failed = [record for record in records if record.status == "refused"]
    trying = [record for record in records if record.status == "attempt"]
    if failed:
        return f"NOT delivered: {', '.join(sorted({record.channel for record in failed}))}"
    if trying:
        return f"trying: {', '.join(f'{record.channel} ({message.tries(record.attempt)})' for record in trying)}"
    if any(record.status == "delivered" for record in records):
        return "yes"
    if any(record.status == "expired" for record in records):
        return "no, too old"
    if alert.shadow:
        return "no, shadow"
    return "" if alert.status in ("pending", "inactive") else "not yet"


def find(beginning: str, alerts: Iterable[Alert]) -> Story:
    """The occurrence whose id, or the last one of the alert whose fingerprint, begins so.

    Refused when nothing or more than one alert does, with those that come near.
    """
    by_id: dict[str, dict[str, Alert]] = {}
    others: dict[str, str] = {}
    for alert in alerts:
        if alert.id.startswith(beginning) or alert.fingerprint.startswith(beginning):
            by_id.setdefault(alert.id, {})[alert.transition_id] = alert
        else:
            others[alert.id], others[alert.fingerprint] = alert.rule, alert.rule
    stories = [Story(sorted(transitions.values(), key=lambda one: one.at)) for transitions in by_id.values()]
    fingerprints = {story.latest.fingerprint for story in stories}
    if not stories:
        raise Refused(_unknown(beginning, others))
    if len(fingerprints) > 1:
        near = "\n".join(f"  {story.latest.id[:16]}  {story.latest.rule}" for story in stories[:10])
        raise Refused(f"{len(stories)} alerts begin with {beginning!r}: type more of it\n{near}")
    return max(stories, key=lambda story: story.latest.active_at)


def _unknown(beginning: str, others: dict[str, str]) -> str:
    if not others:
        return "no alert yet: topic alerts is empty"
    near = get_close_matches(beginning, [known[: len(beginning)] for known in others], 5, 0.6)
    names = [f"  {known[:16]}  {rule}" for known, rule in others.items() if known[: len(beginning)] in near][:5]
    return "\n".join([f"no alert begins with {beginning!r}", *(["near it:", *names] if names else ["  → logverse alerts list --all"])])

"""How `alerts list` and `alerts show` present what the topics hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from alerting import message
from alerting.notification_log import Record
from alerting.story import Story, delivered
from logverse.alert import Alert
from logverse.feedback import Feedback
from logverse.printable import printable


def row(alert: Alert, records: list[Record]) -> dict[str, Any]:
    """An alert in the table of `alerts list`."""
    return {
        "id": alert.id[: message.SHOWN_ID],
        "severity": alert.severity,
        "status": alert.status,
        "rule": alert.rule,
        "group": " ".join(map(str, alert.group.values())),
        "since": f"{message.moment(alert.active_at):%Y-%m-%d %H:%M:%S}Z",
        "lasted": message.duration((alert.ends_at or alert.at) - alert.active_at),
        "actual (threshold)": message.figures(alert),
        "delivered": delivered(alert, records),
    }


def plain(alert: Alert, records: list[Record]) -> dict[str, Any]:
    """An alert for scripts: its fields as on the topic, and what became of its notifications."""
    ids = {"id": alert.id, "fingerprint": alert.fingerprint, "transition_id": alert.transition_id}
    return {**ids, **asdict(alert), "delivered": delivered(alert, records), "notifications": [asdict(one) for one in records]}


def marks(said: list[Feedback]) -> Iterator[str]:
    """What people said of it, and nobody took back."""
    if said:
        yield "\nmarks"
    for word in said:
        note = f": {printable(word.note)}" if word.note else ""
        yield f"  {message.moment(word.at):%Y-%m-%d %H:%M:%S}  {word.verdict}, by {printable(word.who)}{note}"


def lines(found: Story) -> Iterator[str]:
    """All that is known of one occurrence, printable. The figures are those of its worst moment."""
    alert = max(found.transitions, key=lambda one: (one.explanation.matched if one.status == "firing" else -1, one.at))
    yield message.headline(found.latest)
    yield f"\nid           {found.latest.id}\nfingerprint  {alert.fingerprint}"
    yield f"rule         {printable(alert.rule)} ({printable(alert.rule_type)})" + (
        ", in the shadow: nobody is told" if alert.shadow else ""
    )
    for name, value in {**alert.group, **alert.labels, **alert.annotations}.items():
        yield f"  {printable(name)}: {printable(value)}"
    why = alert.explanation
    yield f"\nwhy          {printable(why.sentence)}\nfigure       {message.figures(alert)}"
    yield f"events       {why.matched} of {why.total} in its window"
    yield from (f"  {count:>8}  {printable(who)}" for who, count in why.contributors)
    yield from ("\nsamples", *(f"  {printable(line)}" for line in why.samples)) if why.samples else ()
    yield "\ncourse (UTC)"
    for one in found.transitions:
        reason = f"  ({printable(one.reason)})" if one.reason else ""
        yield f"  {message.moment(one.at):%Y-%m-%d %H:%M:%S}  {one.status:<10}  {message.figures(one)}{reason}"
    yield "\nnotifications"
    if not found.notifications:
        yield "  none yet; `logverse alerts deliver` sends them"
    for record in sorted(found.notifications, key=lambda one: one.at):
        error = f": {printable(record.error)}" if record.error else ""
        to = printable(f"{record.alert_status} to {record.receiver}/{record.channel}")
        yield f"  {message.moment(record.at):%Y-%m-%d %H:%M:%S}  {to}  {record.status}, {message.tries(record.attempt)}{error}"

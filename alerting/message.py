"""What a notification says: one line first, the rest below. Every channel says the same in its own form.

Log text is attackers' text: all that `headline` and `details` return went through `printable`, line by line.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from logverse.alert import Alert
from logverse.identity import digest
from logverse.instant import Millis
from logverse.printable import printable

SHOWN_ID = 12  # characters of an alert's id that people type; `logverse alerts show` takes any unambiguous beginning
_CONTRIBUTORS, _SAMPLES, _LINE = 3, 3, 300  # a page is read on a phone: the rest is in `logverse alerts show`


@dataclass(frozen=True, slots=True)
class Notification:
    """One transition of an alert on its way to one channel of one receiver.

    `told_by` is the key of the notification that said this alert fires: set in a resolved one, for threading.
    """

    alert: Alert  # its status is `firing` or `resolved`
    receiver: str
    channel: str
    told_by: str | None = None
    others: tuple[Alert, ...] = ()  # of a rule that storms: what else this message tells, same rule and status

    @property
    def key(self) -> str:
        """The idempotency key: every try of this notification carries it, also after a restart."""
        return key_of(self.alert, self.receiver, self.channel, *self.others)

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """All that it tells."""
        return (self.alert, *self.others)


def key_of(alert: Alert, receiver: str, channel: str, *others: Alert) -> str:
    return digest(alert.transition_id, receiver, channel, *(other.transition_id for other in others))


def lines(notification: Notification) -> tuple[str, list[str]]:
    """The one line, and those below, of all that it tells: of many alerts how many, about whom, and the first few in full."""
    alert, alerts = notification.alert, notification.alerts
    if not notification.others:
        return headline(alert), details(alert)
    named = [_about(one) for one in alerts[:_SAMPLES]]
    who = ", ".join(named) + (f" and {len(alerts) - _SAMPLES:,} more" if len(alerts) > _SAMPLES else "")
    what = "RESOLVED" if alert.status == "resolved" else f"FIRING {printable(alert.severity)}"
    below = [headline(one) for one in alerts[:_SAMPLES]]
    whose = [f"owner {_cut(alert.owner)}"] if alert.owner else []
    below.append(" · ".join([f"rule {printable(alert.rule)} has very many alerts: they are told together for now", *whose]))
    return f"{what} · {len(alerts):,} alerts of {printable(alert.rule)} · {who}", [*below, "more: logverse alerts list"]


def headline(alert: Alert) -> str:
    """The one line that must be enough to decide whether to get up.

    The sentence comes from the rules and usually says since when; what it does not say is added.
    """
    about = _about(alert)
    what = _cut(alert.explanation.sentence.rstrip(". ")) or printable(alert.rule)
    if alert.status == "resolved":
        added = [] if "lasted" in what else [_span(alert), *_counts(alert)]
        return " · ".join(["RESOLVED", about, what, *added, *_reason(alert, what)])
    since = clock_time(alert.active_at)
    added = [] if since in what else [f"since {since}"]
    return " · ".join([f"FIRING {printable(alert.severity)}", about, what, *added, *_reason(alert, what)])


def details(alert: Alert) -> list[str]:
    """The lines below: who is to blame, lines of the log, the rule and how to see more."""
    why = alert.explanation
    lines = [_blame(alert, place) for place in range(min(len(why.contributors), _CONTRIBUTORS))]
    lines += [_cut(sample) for sample in why.samples[:_SAMPLES]]
    lines += [f"{printable(name)}: {_cut(str(text))}" for name, text in sorted(alert.annotations.items())]
    figure = [] if math.isnan(why.actual) else [figures(alert)]
    whose = [f"owner {_cut(alert.owner)}"] if alert.owner else []
    lines.append(" · ".join([f"rule {printable(alert.rule)}", *whose, *figure, f"{moment(alert.active_at):%Y-%m-%d}, {_span(alert)}"]))
    return [*lines, f"more: logverse alerts show {alert.id[:SHOWN_ID]}"]


def _about(alert: Alert) -> str:
    return _cut(" ".join(str(value) for value in alert.group.values())) or "all services"


def text(alert: Alert) -> str:
    """The whole message about one alert as plain text."""
    return "\n".join([headline(alert), *(f" {line}" for line in details(alert))])


def figures(alert: Alert) -> str:
    """The actual figure beside its threshold.

    `18.4 % (threshold: > 5 %)`
    """
    why = alert.explanation
    return printable(f"{why.actual:.4g} {why.unit} (threshold: {why.comparison} {why.threshold:.4g} {why.unit})")


def labels_of(alert: Alert) -> dict[str, str]:
    """Prometheus labels: the group, the rule's own, `alertname` and `severity`. An empty one is none, as there."""
    raw = {**alert.group, **alert.labels, "alertname": alert.rule, "severity": alert.severity}
    return {label_name(name): str(value) for name, value in raw.items() if str(value)}


def annotations_of(alert: Alert) -> dict[str, str]:
    """The rule's, `summary` (the sentence, unless the rule has one) and `description` (the rule's, then everything we know)."""
    own = {label_name(name): str(value) for name, value in alert.annotations.items()}
    said = [own["description"]] if "description" in own else []
    return {"summary": printable(alert.explanation.sentence), **own, "description": "\n".join([*said, text(alert)])}


def label_name(name: str) -> str:
    """A name that Prometheus takes.

    >>> label_name("service.name")
    'service_name'
    """
    plain = re.sub(r"[^a-zA-Z0-9_]", "_", name)
    return f"_{plain}" if not plain or plain[0].isdigit() else plain


def duration(ms: Millis) -> str:
    """A span of time, in the two largest units.

    >>> duration(263_000), duration(38_000), duration(7_500_000)
    ('4 min 23 s', '38 s', '2 h 5 min')
    """
    seconds = max(ms, 0) // 1000
    units = (("d", seconds // 86_400), ("h", seconds // 3600 % 24), ("min", seconds // 60 % 60), ("s", seconds % 60))
    first = next((place for place, (_, count) in enumerate(units) if count), 3)
    return " ".join(f"{count} {unit}" for unit, count in units[first : first + 2] if count) or "0 s"


def tries(count: int) -> str:
    return "1 try" if count == 1 else f"{count} tries"


def clock_time(at: Millis) -> str:
    return f"{moment(at):%H:%M:%S} UTC"


def moment(at: Millis) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)


def _blame(alert: Alert, place: int) -> str:
    (who, count), of = alert.explanation.contributors[place], alert.explanation.matched
    share = f"{100 * count / of:.0f} % of it: " if of else ""
    return f"{share}{_cut(who)} ({count} of {of})"


def _span(alert: Alert) -> str:
    if alert.status == "resolved":
        ended = alert.at if alert.ends_at is None else alert.ends_at
        return f"over since {clock_time(ended)}, lasted {duration(ended - alert.active_at)}"
    return f"since {clock_time(alert.active_at)}, for {duration(alert.at - alert.active_at)}"


def _counts(alert: Alert) -> list[str]:
    why = alert.explanation
    return [f"{why.matched} of the last {why.total} events"] if why.total else []


def _reason(alert: Alert, said: str) -> list[str]:
    reason = printable(alert.reason)
    return [] if not reason or reason in said else [reason]


def _cut(text: str) -> str:
    shown = printable(text)
    return shown if len(shown) <= _LINE else f"{shown[:_LINE]}…"

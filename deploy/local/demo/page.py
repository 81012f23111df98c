"""The words of the demo: an alert as it lives, traffic in one line. All that comes from log lines goes through `printable`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

import click

from logverse.alert import Alert
from logverse.instant import Millis
from logverse.printable import printable

_COLOURS = {"critical": "red", "warning": "yellow", "info": "blue"}
_BLAMED, _SAMPLES, _WIDE = 3, 2, 150
_SHOWN_ID = 12  # characters of an id, as `logverse alerts list` shows them


def alert_lines(alert: Alert) -> list[str]:
    """A transition: firing and resolved in full, the others in one line."""
    if alert.status == "firing":
        return _firing(alert)
    if alert.status == "resolved":
        lasted = duration((alert.ends_at or alert.at) - alert.active_at)
        head = click.style(f"RESOLVED {printable(alert.rule)} · {group(alert)} · lasted {lasted}", fg="green", bold=True)
        return ["", head, f"  {sentence(alert)}{_reason(alert)}"]
    why = alert.explanation
    figure = printable(f"{why.actual:.3g} {why.unit}")
    return [
        click.style(f"{clock(alert.at)}  {alert.status}: {printable(alert.rule)} · {group(alert)} · {figure}{_reason(alert)}", dim=True)
    ]


def past_line(alert: Alert) -> str:
    """An alert of the log's own time, in one line."""
    colour = _COLOURS.get(alert.severity, "magenta")
    return f"  {moment(alert.active_at)}  {click.style(printable(alert.severity), fg=colour)}  {sentence(alert)}"


def sentence(alert: Alert) -> str:
    return _cut(alert.explanation.sentence, 4 * _WIDE)


def traffic_line(rates: Mapping[str, tuple[float, float]]) -> str:
    """
    >>> traffic_line({"web": (61.2, 0.0), "shop": (22.0, 0.184)})
    'web 61/s, 0.0 % 5xx · shop 22/s, 18.4 % 5xx'
    """
    return " · ".join(f"{printable(name)} {rate:.0f}/s, {100 * failed:.1f} % 5xx" for name, (rate, failed) in rates.items())


def shares(counts: Counter[str], most: int) -> str:
    """The largest of these and what share of all they have.

    >>> shares(Counter({"GET /": 3, "GET /a": 1}), 1)
    'GET / 75 %, 1 more'
    """
    total = counts.total()
    parts = [f"{_cut(name, 60)} {100 * count / total:.3g} %" for name, count in counts.most_common(most)]
    return ", ".join([*parts, f"{len(counts) - most:,} more"] if len(counts) > most else parts)


def duration(ms: Millis) -> str:
    """
    >>> duration(74_000), duration(3_660_000), duration(180_000_000)
    ('1 min 14 s', '1 h 1 min', '2 d 2 h')
    """
    seconds = max(0, ms) // 1000
    units = (("d", seconds // 86_400), ("h", seconds // 3600 % 24), ("min", seconds // 60 % 60), ("s", seconds % 60))
    return " ".join([f"{count} {unit}" for unit, count in units if count][:2]) or "0 s"


def clock(at: Millis) -> str:
    return f"{datetime.fromtimestamp(at / 1000, UTC):%H:%M:%S} UTC"


def moment(at: Millis) -> str:
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def short_id(alert: Alert) -> str:
    return alert.id[:_SHOWN_ID]


def _firing(alert: Alert) -> list[str]:
    """With log lines when it is critical: of what else goes wrong at the same time the sentence is enough."""
    why = alert.explanation
    head = f"FIRING {printable(alert.severity)} · {printable(alert.rule)} · {group(alert)}"
    lines = [f"  {sentence(alert)}{_reason(alert)}"]
    if alert.severity == "critical":
        others = [(who, count) for who, count in why.contributors[:_BLAMED] if why.matched and who not in why.sentence]
        lines += [f"  {100 * count / why.matched:.0f} % of them {_cut(who, _WIDE)}" for who, count in others]
        lines += [click.style(f"  {_cut(line, _WIDE)}", dim=True) for line in why.samples[:_SAMPLES]]
    return ["", click.style(head, fg=_COLOURS.get(alert.severity, "magenta"), bold=True), *lines]


def group(alert: Alert) -> str:
    return _cut(" ".join(str(value) for value in alert.group.values()), 60) or "all services"


def _reason(alert: Alert) -> str:
    return f" ({printable(alert.reason)})" if alert.reason else ""


def _cut(text: str, most: int) -> str:
    shown = printable(text)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"

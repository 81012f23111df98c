"""What a rule's author wants said with an alert: annotations, description and runbook address, with a few names filled in.

`{{ name }}` stands for a value of the alert; there are these names and no others, no code, no filters. They are filled in once, when the
job makes the alert, so that everybody who reads it reads the same. Values come from log lines, so from anybody: they are cut here,
percent-encoded in an address, and escaped by whoever shows them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from urllib.parse import quote

from flink_jobs.rules.options import Problem
from logverse import durations, instant
from logverse.alert import Alert
from logverse.rule import Rule

_LONGEST = 200  # characters of one value
_NAME = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_BRACES = re.compile(r"\{\{|\}\}")
_GROUP = "group."

# name → (what it stands for, its value)
NAMES: dict[str, tuple[str, Callable[[Alert, Rule], str]]] = {
    "service": ("the service, or all services", lambda alert, _: alert.group.get("service.name") or "all services"),
    "actual": ("the figure", lambda alert, _: _figure(alert.explanation.actual)),
    "threshold": ("what it is compared with", lambda alert, _: _figure(alert.explanation.threshold)),
    "expected": ("the band that would have been usual, where there is one", lambda alert, _: _band(alert)),
    "unit": ("of these: %, s, events, …", lambda alert, _: alert.explanation.unit),
    "since": ("when it began", lambda alert, _: instant.written(alert.active_at)),
    "matched": ("events that count towards it", lambda alert, _: str(alert.explanation.matched)),
    "total": ("events it is about", lambda alert, _: str(alert.explanation.total)),
    "sentence": ("the explanation in one sentence", lambda alert, _: alert.explanation.sentence),
    "status": ("firing, resolved, …", lambda alert, _: alert.status),
    "severity": ("of the rule", lambda alert, _: alert.severity),
    "rule": ("its name", lambda _, rule: rule.name),
    "owner": ("of the rule", lambda _, rule: rule.owner),
    "window": ("of the rule", lambda _, rule: durations.written(rule.window_ms)),
}


def problems(field: str, text: str, group_by: tuple[str, ...], key: str = "") -> Iterator[Problem]:
    """What is wrong with this template of a rule with this group_by: unknown names, with what may have been meant, and open braces."""
    known = [*NAMES, *(_GROUP + name for name in group_by)]
    about = f"{key}: " if key else ""
    for name in _NAME.findall(text):
        if name not in known:
            close = get_close_matches(name.lstrip(".$"), known, 1, 0.5)
            remedy = f"did you mean {{{{ {close[0]} }}}}?" if close else f"one of {', '.join(known)}"
            yield Problem(field, f"{about}{{{{ {name} }}}} stands for nothing", remedy, key)
    if _BRACES.search(_NAME.sub("", text)):
        yield Problem(field, f"{about}has braces that do not close, or close nothing", "{{ service }}", key)


def dressed(alert: Alert, rule: Rule) -> Alert:
    """The alert with what its rule says of it: labels (and the owner), annotations filled in, and whether it is a shadow."""
    labels = {**rule.labels, "owner": rule.owner} if rule.owner else rule.labels
    said = {"description": rule.description, "runbook_url": rule.runbook_url}
    texts = {**rule.annotations, **{name: text for name, text in said.items() if text}}
    annotations = {name: _filled(text, alert, rule, name.endswith("_url")) for name, text in texts.items()}
    return replace(alert, labels=labels, annotations=annotations, shadow=rule.shadow)


def _filled(text: str, alert: Alert, rule: Rule, address: bool) -> str:
    """One pass: what a value brings along is not looked at again."""
    values = _values(alert, rule)

    def value(match: re.Match[str]) -> str:
        found = values(match[1])
        if found is None:  # a record from elsewhere: say what it says
            return match[0]
        return quote(found[:_LONGEST], safe="") if address else found[:_LONGEST]

    return _NAME.sub(value, text)


def _values(alert: Alert, rule: Rule) -> Callable[[str], str | None]:
    group: Mapping[str, str] = alert.group

    def value(name: str) -> str | None:
        if name.startswith(_GROUP):
            return group.get(name.removeprefix(_GROUP))
        return NAMES[name][1](alert, rule) if name in NAMES else None

    return value


def _figure(value: float) -> str:
    return f"{value:.4g}"


def _band(alert: Alert) -> str:
    band = alert.explanation.expected
    return "-".join(map(_figure, band)) if band else "nothing in particular"

"""One entry of a rule file, checked: a rule, or everything that is wrong with it at once, each with what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from flink_jobs.rules.conditions import ALIASES, read
from flink_jobs.rules.matched import EVENT_FIELDS
from flink_jobs.rules.options import Problem, problems
from flink_jobs.rules.types import RULE_TYPES
from logverse import durations
from logverse.errors import Malformed
from logverse.rule import SEVERITIES, Rule
from logverse.summary import DIMENSIONS

# What every rule has; the rest of an entry is its type's.
COMMON = (
    "name", "type", "where", "group_by", "window", "for", "keep_firing_for", "severity", "labels", "annotations", "paused",
)  # fmt: skip
# Words of ElastAlert2's for things that we call otherwise.
OTHER_WORDS = {"timeframe": "window", "match_bucket_filter": "match"}

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_DAY = 86_400_000
_DURATIONS = {"window": (1000, "60s"), "for": (0, "10s"), "keep_firing_for": (0, "1m")}


def check(entry: Mapping[str, Any]) -> tuple[Rule | None, list[Problem]]:
    """The rule that this entry describes, or None and why not. Fields are named as the entry writes them."""
    written = {OTHER_WORDS.get(name, name): name for name in entry}
    values = {OTHER_WORDS.get(name, name): value for name, value in entry.items()}
    found = [*_double(entry), *_common(values), *_type(values)]
    if not found:
        rule = _rule(values)
        found = list(RULE_TYPES[rule.type].problems(rule))
        if not found:
            return rule, []
    return None, [Problem(written.get(one.field, one.field), one.problem, one.remedy, one.key) for one in found]


def _double(entry: Mapping[str, Any]) -> Iterator[Problem]:
    for other, name in OTHER_WORDS.items():
        if other in entry and name in entry:
            yield Problem(other, f"means the same as {name}, which stands here too", f"keep {name}")


def _common(values: Mapping[str, Any]) -> Iterator[Problem]:
    name = values.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        what = "is missing" if name is None else f"{name!r} is no name: letters, digits, dots and dashes, at most 100"
        yield Problem("name", what, "name: http-5xx-share")
    for field, (least, example) in _DURATIONS.items():
        if field in values and (wrong := _duration(values[field], least)):
            yield Problem(field, wrong, f"{field}: {example}")
    if values.get("severity", "warning") not in SEVERITIES:
        yield Problem("severity", f"{values['severity']!r} is none", f"one of {', '.join(SEVERITIES)}")
    if not isinstance(values.get("paused", False), bool):
        yield Problem("paused", f"{values['paused']!r} is neither true nor false", "paused: true")
    for field in ("labels", "annotations"):
        yield from _texts(field, values.get(field, {}))


def _duration(value: Any, least: int) -> str:
    if value == 0 and type(value) is int and least == 0:
        return ""
    try:
        span = durations.read(value) if isinstance(value, str) else None
    except ValueError:
        span = None
    if span is None:
        return f"{value!r} is no duration: a number with its unit (s, m, h)"
    if span % 1000 or not least <= span <= _DAY:
        return f"{value} is not between {durations.written(least)} and 1d, in whole seconds"
    return ""


def _texts(field: str, value: Any) -> Iterator[Problem]:
    if not isinstance(value, Mapping):
        yield Problem(field, "is not a mapping of NAME: TEXT", f"{field}: {{team: shop}}")
        return
    for name, text in value.items():
        if not isinstance(name, str) or not isinstance(text, str | int | float | bool):
            yield Problem(field, f"{name!r} is not one line of text", f"{field}: {{team: shop}}", str(name))


def _type(values: Mapping[str, Any]) -> Iterator[Problem]:
    kind = values.get("type")
    if not isinstance(kind, str) or kind not in RULE_TYPES:
        what = "is missing" if kind is None else f"{kind!r} is unknown"
        yield Problem("type", what, near(str(kind), RULE_TYPES))
        return
    known, sees_events = RULE_TYPES[kind].options, RULE_TYPES[kind].sees_events
    fields = EVENT_FIELDS if sees_events else DIMENSIONS
    for name in values:
        if name not in known and name not in COMMON:
            yield Problem(name, f"is unknown to {kind}", near(name, (*COMMON, *known)))
    wheres = [name for name in ("where", "match") if isinstance(values.get(name), Mapping) and values[name]]
    yield from (problem for problem in problems(known, values) if problem.field not in wheres)
    if "where" in values and not isinstance(values["where"], Mapping):
        yield Problem("where", "is not a mapping of FIELD: CONDITION", 'where: {http.response.status_code: "5xx"}')
    for name in wheres:
        yield from _conditions(name, values[name], fields, sees_events)
    yield from _group_by(values.get("group_by", []), fields)


def _conditions(name: str, value: Mapping[Any, Any], fields: Iterable[str], sees_events: bool) -> Iterator[Problem]:
    seen = set()
    for written, condition in value.items():
        field = ALIASES.get(written, written)
        if field not in fields:
            yield Problem(name, f"{written}: {_unseen(str(field), sees_events)}", near(str(written), fields), str(written))
            continue
        if field in seen:
            yield Problem(name, f"{written}: says a second time what {field} must be", "keep one", str(written))
        seen.add(field)
        try:
            read(field, condition)
        except Malformed as error:
            yield Problem(name, f"{written}: {error}", "", str(written))


def _unseen(field: str, sees_events: bool) -> str:
    if not sees_events and field in EVENT_FIELDS:
        return "only rules of type `any` see this field, all others see summaries"
    return "no such field"


def _group_by(value: Any, fields: Iterable[str]) -> Iterator[Problem]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        yield Problem("group_by", "is not a list of fields", "group_by: [service.name, http.route]")
        return
    for name in names:
        if name not in fields:
            yield Problem("group_by", f"{name}: no such field here", near(name, fields))
    if len(set(names)) < len(names):
        yield Problem("group_by", "names a field twice", "name each once")


def near(name: str, known: Iterable[str]) -> str:
    """What may have been meant.

    >>> near("frequancy", ["any", "frequency"])
    'did you mean frequency?'
    """
    names = list(known)
    close = get_close_matches(name, names, 1, 0.6)
    return f"did you mean {close[0]}?" if close else f"one of {', '.join(names)}"


def _rule(values: Mapping[str, Any]) -> Rule:
    group_by = values.get("group_by", ["service.name"])
    return Rule(
        name=values["name"],
        type=values["type"],
        where=dict(values.get("where", {})),
        group_by=tuple([group_by] if isinstance(group_by, str) else group_by),
        window_ms=_millis(values.get("window", "60s")),
        for_ms=_millis(values.get("for", 0)),
        keep_firing_for_ms=_millis(values.get("keep_firing_for", 0)),
        severity=values.get("severity", "warning"),
        labels={name: str(text) for name, text in values.get("labels", {}).items()},
        annotations={name: str(text) for name, text in values.get("annotations", {}).items()},
        options={name: value for name, value in values.items() if name in RULE_TYPES[values["type"]].options},
        paused=values.get("paused", False),
    )


def _millis(value: Any) -> int:
    return durations.read(value) if isinstance(value, str) else 0

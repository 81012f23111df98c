"""The words that every rule has, whatever its type: what each is for, what it may say, and one that works. Types add their own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from flink_jobs.rules import schedule
from flink_jobs.rules.annotations import problems as template_problems
from flink_jobs.rules.options import Described, Option, Problem, conditions, one_of, span, truth
from logverse.rule import NO_DATA, SEVERITIES

# Words of ElastAlert2's for things that we call otherwise.
OTHER_WORDS = {"timeframe": "window", "match_bucket_filter": "match", "is_enabled": "enabled"}

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_DAY = 86_400_000
_LINE, _TEXT = 200, 4_000  # characters


def _name(value: Any) -> str:
    return (
        "" if isinstance(value, str) and _NAME.fullmatch(value) else f"{value!r} is no name: letters, digits, dots and dashes, at most 100"
    )


def _line(value: Any) -> str:
    fits = isinstance(value, str) and value.isprintable() and len(value) <= _LINE
    return "" if fits else f"{value!r:.60} is not one line of text, at most {_LINE} characters"


def _text(value: Any) -> str:
    return "" if isinstance(value, str) and len(value) <= _TEXT else f"{value!r:.60} is not a text, at most {_TEXT} characters"


def _address(value: Any) -> str:
    if wrong := _line(value):
        return wrong
    try:
        parts = urlsplit(value)
    except ValueError:
        return f"{value!r:.60} is no address"
    return "" if parts.scheme in ("http", "https") and parts.netloc else f"{value!r:.60} is no http:// or https:// address"


def _texts(value: Any) -> str:
    if not isinstance(value, Mapping):
        return "is not a mapping of NAME: TEXT"
    for name, text in value.items():
        if not isinstance(name, str) or not isinstance(text, str | int | float | bool):
            return f"{name!r} is not one line of text"
    return ""


def _fields(value: Any) -> str:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return "is not a list of fields"
    return "names a field twice" if len(set(names)) < len(names) else ""


def _schedule(value: Any) -> str:
    return next((problem.problem for problem in schedule.problems(value)), "")


_STRING = {"type": "string"}
_PAIRS = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
_LIST = {"anyOf": [_STRING, {"type": "array", "items": _STRING}]}
_NAMED = {**_STRING, "pattern": f"^{_NAME.pattern}$"}
_SCHEDULE = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": False,
    "properties": {
        "days": {"description": "mon, tue, …, or a span of them; every day when left out", **_LIST},
        "hours": {"description": "spans of the clock on the wall; all day when left out", **_LIST},
        "time_zone": {"description": "a name of the IANA time zone database; UTC when left out", **_STRING},
    },
}

COMMON: dict[str, Option] = {
    "name": Option("what the rule is called, one of a kind", Described(_name, _NAMED), "shop-errors", True),
    "type": Option("what kind of rule it is", Described(lambda _: "", _STRING), "frequency", True),
    "description": Option("said with its alerts; {{ names }} are filled in", Described(_text, _STRING), "The shop fails."),
    "where": Option("the events it is about", conditions, '{http.response.status_code: "5xx"}'),
    "group_by": Option(
        "fields each of whose value combinations has an alert of its own", Described(_fields, _LIST),
        "[service.name, http.route]",
    ),
    "window": Option("over how much time it looks", span(1000, _DAY), "60s"),
    "for": Option("how long it must hold before the alert fires", span(0, _DAY), "10s"),
    "keep_firing_for": Option("how long it must be gone before the alert ends", span(0, _DAY), "1m"),
    "no_data": Option("what becomes of its alerts when there is nothing to judge", one_of(*NO_DATA), "keep"),
    "schedule": Option(
        "when it is judged", Described(_schedule, _SCHEDULE), '{days: mon-fri, hours: "08:00-18:00", time_zone: Europe/Berlin}',
    ),
    "severity": Option("how much it matters", one_of(*SEVERITIES), "critical"),
    "owner": Option("who looks after it; a label of its alerts", Described(_line, _STRING), "team-shop"),
    "runbook_url": Option(
        "where it says what to do", Described(_address, {**_STRING, "pattern": "^https?://"}), "https://wiki.example.org/shop",
    ),
    "labels": Option("of its alerts, for routes and silences", Described(_texts, _PAIRS), "{team: shop}"),
    "annotations": Option("said with its alerts; {{ names }} are filled in", Described(_texts, _PAIRS), '{summary: "{{ service }} fails"}'),
    "enabled": Option("whether it runs", truth, "false"),
    "shadow": Option("it is judged, and its alerts are told to nobody", truth, "true"),
    "paused": Option("as `logverse rules pause` has it", truth, "true"),
}  # fmt: skip


def problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with the words that every rule has; `type` and `where` are for those who know the type's fields."""
    for word, option in COMMON.items():
        if word in ("type", "where", "schedule"):
            continue
        if word not in values:
            if option.required:
                yield Problem(word, "is missing", f"{word}: {option.example}")
        elif wrong := option.check(values[word]):
            yield Problem(word, wrong, f"{word}: {option.example}", _culprit(word, values[word]))
    if "schedule" in values:
        yield from schedule.problems(values["schedule"])
    yield from _said_twice(values)
    yield from _templates(values)


def _culprit(word: str, value: Any) -> str:
    """The key of the label or annotation that is no text: where the line is."""
    pairs = value.items() if word in ("labels", "annotations") and isinstance(value, Mapping) else ()
    return next((str(name) for name, text in pairs if not isinstance(text, str | int | float | bool)), "")


def _said_twice(values: Mapping[str, Any]) -> Iterator[Problem]:
    for word, within in (("owner", "labels"), ("description", "annotations"), ("runbook_url", "annotations")):
        if word in values and isinstance(values.get(within), Mapping) and word in values[within]:
            yield Problem(word, f"stands here and in {within}", "keep one", "")


def _templates(values: Mapping[str, Any]) -> Iterator[Problem]:
    group_by = values.get("group_by", ["service.name"])
    fields = tuple([group_by] if isinstance(group_by, str) else group_by) if not _fields(group_by) else ()
    for word in ("description", "runbook_url"):
        if isinstance(values.get(word), str):
            yield from template_problems(word, values[word], fields)
    said = values.get("annotations")
    for name, text in said.items() if isinstance(said, Mapping) else ():
        yield from template_problems("annotations", str(text), fields, str(name))

"""Who is to blame: what the events that count have in common, from counts of their traits.

A trait is what tells events apart, as one short text that a bucket can count by: its fields and values, those that the reader
knows already (the rule's group_by) left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from flink_jobs.rules.forms import Value
from flink_jobs.rules.matched import EVENT_FIELDS
from logverse import severity
from logverse.summary import DIMENSIONS

# In the order of a sentence: what happened, to whom, where, with what outcome.
TRAITS: tuple[str, ...] = (
    "service.name", "http.request.method", "http.route", "event_name", "event.outcome", "exception.type", "log.record.template",
    "user.name", "client.address", "host.name", "http.response.status_code", "severity_number",
)  # fmt: skip
# Told only where a rule is about them: almost every event has another.
_OTHERS = tuple(name for name in (*EVENT_FIELDS, *DIMENSIONS) if name not in TRAITS)
_KEYS = {name: chr(ord("A") + place) for place, name in enumerate(dict.fromkeys([*TRAITS, *_OTHERS]))}
_NAMES = {key: name for name, key in _KEYS.items()}
_BETWEEN = "\x1f"
_LONGEST = 80  # characters of one value in a sentence
_MOST = 0.7  # of the blamed events must have a value for it to be named alone
NAMED = 5  # contributors in an explanation


def plain(value: object) -> str:
    """A value that may stand in a sentence: printable, capped. Values of dimensions come from log lines, so from anybody.

    >>> plain("GET\\x1b[31m /")
    'GET[31m /'
    """
    text = str(value)[: 4 * _LONGEST]
    if not text.isprintable():
        text = "".join(char for char in text if char.isprintable())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def trait_of(value_of: Callable[[str], Value], leave_out: Collection[str] = (), also: Sequence[str] = ()) -> str:
    """The trait of an event or summary with these fields; `also`: fields that tell something here.

    >>> trait_of({"http.route": "/pay", "host.name": "web-2"}.get, ["host.name"])
    'C/pay'
    """
    names = dict.fromkeys([*TRAITS, *also]) if also else TRAITS
    known = [(name, value_of(name)) for name in names if name not in leave_out]
    return _BETWEEN.join(_KEYS[name] + plain(value) for name, value in known if value is not None and value != "")


def fields_of(trait: str) -> dict[str, str]:
    """The fields that a trait holds."""
    return {_NAMES[part[0]]: part[1:] for part in trait.split(_BETWEEN) if part and part[0] in _NAMES}


def words(fields: Mapping[str, str]) -> str:
    """The fields as a sentence names them.

    >>> words({"http.request.method": "POST", "http.route": "/pay", "host.name": "web-2", "http.response.status_code": "503"})
    'POST /pay on web-2, status 503'
    """
    what = [fields[name] for name in TRAITS[1:6] if name in fields]
    if template := fields.get("log.record.template"):
        what.append(f'"{template}"')
    level = fields.get("severity_number", "")
    if level.isdigit() and not (what or "http.response.status_code" in fields):
        what.append(severity.text_of(int(level)))
    where = {"user.name": "by", "client.address": "from", "host.name": "on"}
    what += [f"{word} {fields[name]}" for name, word in where.items() if name in fields]
    what += [f"{name} {fields[name]}" for name in _OTHERS if name in fields]
    status = f"status {fields['http.response.status_code']}" if "http.response.status_code" in fields else ""
    text = ", ".join(part for part in (" ".join(what), status) if part)
    return ": ".join(part for part in (fields.get("service.name", ""), text) if part)


def label_of(value_of: Callable[[str], Value], leave_out: Collection[str] = ()) -> str:
    """What tells these events from others, in words.

    >>> label_of({"http.request.method": "POST", "http.route": "/pay", "host.name": "web-2", "http.response.status_code": 503}.get)
    'POST /pay on web-2, status 503'
    """
    return words(fields_of(trait_of(value_of, leave_out)))


@dataclass(frozen=True, slots=True)
class Part:
    """One part of what is too much: in words, how many events it is, and how many of them make the difference."""

    label: str
    count: int
    difference: float


def contributors(counts: Mapping[str, int], usual: Mapping[str, float] | None = None, missing: bool = False) -> list[Part]:
    """Who it was, largest difference first, at most NAMED.

    The difference is to what is `usual`, to nothing when that is not given; with `missing` it is what is not there and should be.
    When no single trait is most of it, what most of them have in common comes first: one host, though it failed on a hundred routes.
    """
    usual = usual or {}
    sign = -1 if missing else 1
    more = {trait: sign * (counts.get(trait, 0) - usual.get(trait, 0.0)) for trait in ({**counts, **usual} if missing else counts)}
    parts = [Part(words(fields_of(trait)), counts.get(trait, 0), by) for trait, by in more.items() if by > 0]
    parts.sort(key=lambda part: (-part.difference, part.label))
    if parts and parts[0].difference < _MOST * sum(part.difference for part in parts):
        always = set.intersection(*(set(fields_of(trait).items()) for trait in {*counts, *usual})) if usual else set()
        parts[:0] = _common(more, counts, always)
    return [part for part in parts if part.label][:NAMED]


def _common(more: Mapping[str, float], counts: Mapping[str, int], always: Collection[tuple[str, str]]) -> list[Part]:
    """The values that most of the difference has, together, when there are such beside those that all have `always`."""
    apart = [(fields_of(trait), by, counts.get(trait, 0)) for trait, by in more.items() if by > 0]
    most = _MOST * sum(by for _, by, _ in apart)
    by_value: dict[tuple[str, str], float] = {}
    for fields, by, _ in apart:
        for pair in fields.items():
            by_value[pair] = by_value.get(pair, 0.0) + by
    frequent = dict(pair for pair, by in by_value.items() if by >= most and pair[0] != "severity_number" and pair not in always)
    together = [(by, count) for fields, by, count in apart if frequent.items() <= fields.items()]
    difference = sum(by for by, _ in together)
    return [Part(words(frequent), sum(count for _, count in together), difference)] if frequent and difference >= most else []

"""One entry of a rule file, checked: a rule, or everything that is wrong with it at once, each with what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from flink_jobs.rules import conditions, vocabulary
from flink_jobs.rules.matched import EVENT_FIELDS
from flink_jobs.rules.options import Problem, problems
from flink_jobs.rules.plan import Plan
from flink_jobs.rules.types import RULE_TYPES, RuleType
from flink_jobs.rules.vocabulary import COMMON, OTHER_WORDS
from logverse import durations
from logverse.errors import Malformed
from logverse.rule import Rule
from logverse.summary import VIEWS

SUMMARISED: tuple[str, ...] = tuple(dict.fromkeys(name for has in VIEWS.values() for name in has))


def check(entry: Mapping[str, Any]) -> tuple[Rule | None, list[Problem]]:
    """The rule that this entry describes, or None and why not. Fields are named as the entry writes them."""
    written = {OTHER_WORDS.get(name, name): name for name in entry}
    values = {OTHER_WORDS.get(name, name): value for name, value in entry.items()}
    found = [*_double(entry), *vocabulary.problems(values), *_type(values)]
    if not found:
        rule = _rule(values)
        found = list(RULE_TYPES[rule.type].problems(rule)) or list(_not_to_be_run(rule, values))
        if not found:
            return rule, []
    return None, [Problem(written.get(one.field, one.field), one.problem, one.remedy, one.key) for one in found]


def _double(entry: Mapping[str, Any]) -> Iterator[Problem]:
    for other, name in OTHER_WORDS.items():
        if other in entry and name in entry:
            yield Problem(other, f"means the same as {name}, which stands here too", f"keep {name}")


def _not_to_be_run(rule: Rule, values: Mapping[str, Any]) -> Iterator[Problem]:
    """What the job would say of it: above all, fields that no view of the summaries has together."""
    try:
        Plan(rule)
    except Malformed as error:
        place = next((word for word in ("group_by", *RULE_TYPES[rule.type].field_options, "where") if word in values), "type")
        yield Problem(place, str(error).removeprefix(f"rule {rule.name}: "), "make several rules of it, each with the fields of one")


def _type(values: Mapping[str, Any]) -> Iterator[Problem]:
    kind = values.get("type")
    if not isinstance(kind, str) or kind not in RULE_TYPES:
        if kind is not None or "type" in values:
            yield Problem("type", f"{kind!r} is unknown", near(str(kind), RULE_TYPES))
        return
    known, fields = RULE_TYPES[kind].options, visible_to(RULE_TYPES[kind])
    for name in values:
        if name not in known and name not in COMMON:
            yield Problem(name, f"is unknown to {kind}", near(name, (*COMMON, *known)))
    wheres = [name for name in ("where", "match") if isinstance(values.get(name), Mapping) and values[name]]
    yield from (problem for problem in problems(known, values) if problem.field not in wheres)
    if "where" in values and not isinstance(values["where"], Mapping):
        yield Problem("where", "is not a mapping of FIELD: CONDITION", 'where: {http.response.status_code: "5xx"}')
    if RULE_TYPES[kind].misses and values.get("no_data") == "keep":
        yield Problem("no_data", f"keep: {kind} finds what is not there, it would never fire", "no_data: ok")
    for name in wheres:
        yield from _conditions(name, values[name], fields)
    yield from _group_by(values.get("group_by", []), fields)
    for name in RULE_TYPES[kind].field_options if RULE_TYPES[kind].sees_events else ():  # of others the view is looked for
        if isinstance(values.get(name), str) and values[name] and values[name] not in fields:
            yield Problem(name, f"{values[name]!r:.60}: no such field", near(values[name], fields))


def visible_to(kind: RuleType) -> tuple[str, ...]:
    """The fields that a rule of this type may name."""
    if kind.sees_events:
        return EVENT_FIELDS
    return tuple(dict.fromkeys([*SUMMARISED, *(EVENT_FIELDS if kind.or_events else ())]))


def _conditions(name: str, value: Mapping[Any, Any], fields: tuple[str, ...]) -> Iterator[Problem]:
    for fault in conditions.faults(value, fields):
        path, about = "/".join(fault.path), ": ".join(fault.path)
        if fault.unknown:
            yield Problem(name, f"{about}: {_unseen(fault.unknown)}", near(fault.unknown, fields), path)
        else:
            yield Problem(name, f"{about}: {fault.problem}", "", path)


def _unseen(field: str) -> str:
    if field in EVENT_FIELDS and field not in SUMMARISED:
        seeing = [f"`{name}`" for name, kind in RULE_TYPES.items() if kind.sees_events]
        return f"only rules of type {', '.join(seeing)} see this field, all others see summaries"
    return "no such field" if field not in SUMMARISED else "this type sees no such field"


def _group_by(value: Any, fields: tuple[str, ...]) -> Iterator[Problem]:
    names = [value] if isinstance(value, str) else value
    for name in names if isinstance(names, list) else ():
        if isinstance(name, str) and name not in fields:
            yield Problem("group_by", f"{name}: no such field here", near(name, fields))


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
    given = ("severity", "paused", "owner", "runbook_url", "description", "enabled", "shadow", "no_data", "schedule")
    return Rule(
        name=values["name"],
        type=values["type"],
        where=dict(values.get("where", {})),
        group_by=tuple([group_by] if isinstance(group_by, str) else group_by),
        window_ms=_millis(values.get("window", "60s")),
        for_ms=_millis(values.get("for", 0)),
        keep_firing_for_ms=_millis(values.get("keep_firing_for", 0)),
        labels={name: str(text) for name, text in values.get("labels", {}).items()},
        annotations={name: str(text) for name, text in values.get("annotations", {}).items()},
        options={name: value for name, value in values.items() if name in RULE_TYPES[values["type"]].options},
        **{word: values[word] for word in given if word in values},
    )


def _millis(value: Any) -> int:
    return durations.read(value) if isinstance(value, str) else 0

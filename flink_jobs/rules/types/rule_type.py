"""What a type adds to a rule: options of its own, the figure it takes, and the limits it compares it with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Protocol

from flink_jobs.rules.limit import Limit
from flink_jobs.rules.measures import Measure
from flink_jobs.rules.options import Option, Problem
from logverse.rule import Rule


class RuleType(Protocol):
    """The contract of RULE_TYPES. Types inherit from it: what most of them do alike stands here."""

    options: ClassVar[Mapping[str, Option]]
    example: ClassVar[Mapping[str, Any]]  # an entry that works, without name and type: for the documentation and the contract tests
    sees_events: ClassVar[bool] = False  # single events (EVENT_FIELDS), or summaries (VIEWS)?
    or_events: ClassVar[bool] = False  # summaries where a view has its fields, else single events
    field_options: ClassVar[tuple[str, ...]] = ()  # those of its options that name fields, one or a list

    def problems(self, rule: Rule) -> Iterator[Problem]:
        """What is wrong with options that are each right by themselves."""
        yield from ()

    def measure(self, rule: Rule) -> Measure: ...
    def limits(self, rule: Rule) -> tuple[Limit, ...]: ...

    def where(self, rule: Rule) -> Mapping[str, Any]:
        """What an event must meet to count, as a rule writes it: the rule's `where` and what the type's options say beside it."""
        return rule.where


def fields_of(kind: RuleType, rule: Rule) -> tuple[str, ...]:
    """The fields that the type's own options name."""
    named = (rule.options[name] for name in kind.field_options if name in rule.options)
    return tuple(dict.fromkeys(field for value in named for field in _flat(value)))


def _flat(value: Any) -> Iterator[str]:
    """The names in a name, a list of names, or a list of lists of them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _flat(one)

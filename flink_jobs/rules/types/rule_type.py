"""What a type adds to a rule: options of its own, the figure it takes, and the limits it compares it with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from flink_jobs.rules.judge import ByLimits, Judge
from flink_jobs.rules.limit import Limit
from flink_jobs.rules.measures import Count, Measure
from flink_jobs.rules.options import Option, Problem
from logverse.instant import Millis
from logverse.rule import Rule

if TYPE_CHECKING:
    from flink_jobs.rules.memory import Memory
    from flink_jobs.rules.plan import Plan


class RuleType(Protocol):
    """The contract of RULE_TYPES. Types inherit from it: what most of them do alike stands here."""

    options: ClassVar[Mapping[str, Option]]
    example: ClassVar[Mapping[str, Any]]  # an entry that works, without name and type: for the documentation and the contract tests
    sees_events: ClassVar[bool] = False  # single events (EVENT_FIELDS), or summaries (VIEWS)?
    or_events: ClassVar[bool] = False  # summaries where a view has its fields, else single events
    reads: ClassVar[tuple[str, ...]] = ()  # fields that it looks at whatever its options are
    field_options: ClassVar[tuple[str, ...]] = ()  # those of its options that name fields, one or a list
    # Options that say what is too much, not what is counted: with another value the buckets stay valid.
    thresholds: ClassVar[tuple[str, ...]] = (
        "num_events", "max_percentage", "min_percentage", "max_threshold", "min_threshold", "min_count", "clear_threshold", "percentile",
    )  # fmt: skip
    windows: ClassVar[int] = 1  # how many times its window it looks back
    tells: ClassVar[bool] = False  # the values of its field options are part of who is to blame
    remembers: ClassVar[bool] = False  # it has a `memory`
    misses: ClassVar[bool] = False  # it is about what is not there: nothing to judge is what it judges
    expects: ClassVar[bool] = False  # its series are sources that are expected to be heard of (rules/expected.py)

    def problems(self, rule: Rule) -> Iterator[Problem]:
        """What is wrong with options that are each right by themselves."""
        yield from ()

    def where(self, rule: Rule) -> Mapping[str, Any]:
        """What an event must meet to count, as a rule writes it: the rule's `where` and what the type's options say beside it."""
        return rule.where

    def measure(self, rule: Rule) -> Measure:
        return Count()

    def limits(self, rule: Rule) -> tuple[Limit, ...]: ...

    def window_ms(self, rule: Rule) -> Millis:
        return rule.window_ms

    def step_ms(self, rule: Rule) -> Millis | None:
        """The width of its buckets; None: what suits the window."""
        return None

    def across(self, rule: Rule) -> bool:
        """Whether it is judged over all services together."""
        return "service.name" not in rule.group_by

    def sketched(self, rule: Rule) -> str:
        """A field of which it counts the distinct values from a view's sketch ("": none)."""
        return ""

    def terms(self, rule: Rule) -> tuple[tuple[str, ...], ...]:
        """The fields that each of its alerts has in its group beside group_by: () alone, or one entry for each kind of term."""
        return ((),)

    def judge(self, plan: Plan, state: bytes | None) -> Judge:
        """Who judges one series of such a rule; `state` is what the series' judge gave before a restart."""
        return ByLimits(plan.measure, plan.limits)

    def memory(self, plan: Plan, kept: Mapping[str, bytes]) -> Memory | None:
        """What stands before the series and remembers what was seen before (rules/memory.py); None: everything counts."""
        return None

    def trained(self, plan: Plan, state: bytes, budget: bytes = b"") -> bytes | None:
        """The judge's state that goes on from those of a detector, and of its alert budget, that learned elsewhere; None: none such."""
        return None

    def finder(self, rule: Rule) -> str:
        """Who finds what it finds strange: the name of the detector."""
        return rule.type

    def condition(self, plan: Plan) -> str:
        """When it fires, in words, where that is not a figure against its limits."""
        return ""


def fields_of(kind: RuleType, rule: Rule) -> tuple[str, ...]:
    """The fields that the type looks at in any case, and those that its own options name."""
    named = (rule.options[name] for name in kind.field_options if name in rule.options)
    return tuple(dict.fromkeys([*kind.reads, *(field for value in named for field in _flat(value))]))


def _flat(value: Any) -> Iterator[str]:
    """The names in a name, a list of names, or a list of lists of them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _flat(one)

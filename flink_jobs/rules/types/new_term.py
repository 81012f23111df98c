"""`new_term`: a value that one of `fields` has never had before (ElastAlert2's `new_term`).

Each of `fields` is looked at by itself; a list within the list is a combination of values. Known is what was seen within
`terms_window_size` (ElastAlert2's 30 days). ElastAlert2 asks Elasticsearch for that when it starts; here a group first learns for
`learning`, in which nothing is new, and from then on each new value has an alert of its own, once: it is over after a window. At most
10,000 values a rule and service are remembered; what does not fit raises nothing and is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from flink_jobs.rules.limit import Limit
from flink_jobs.rules.memory import Memory
from flink_jobs.rules.options import Described, Option, Problem, span
from flink_jobs.rules.types.known_terms import KnownTerms
from flink_jobs.rules.types.rule_type import RuleType
from logverse import durations
from logverse.rule import Rule

if TYPE_CHECKING:
    from flink_jobs.rules.plan import Plan

_DAY = 86_400_000


def _no_fields(value: Any) -> str:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not listed:
        return "not a list of fields"
    for one in listed:
        if not (isinstance(one, str) and one) and not (isinstance(one, list) and one and all(isinstance(name, str) for name in one)):
            return f"{one!r} is neither a field nor a list of fields"
    return ""


_FIELDS = Described(_no_fields, {"type": ["string", "array"]})


class NewTerm(RuleType):
    """Fires at the first event of a new value; its alert's group has the value beside the rule's group_by."""

    options: ClassVar[Mapping[str, Option]] = {
        "fields": Option("fields to look at, each by itself; a list within is a combination", _FIELDS, "[host.name]", required=True),
        "terms_window_size": Option("what was not seen for this long is new again", span(60_000, 90 * _DAY), "30d"),
        "learning": Option("how long a group learns before anything of it is new", span(0, 30 * _DAY), "1d"),
    }
    example: ClassVar[Mapping[str, Any]] = {"fields": ["host.name"], "learning": "1m"}
    field_options: ClassVar[tuple[str, ...]] = ("fields",)
    or_events: ClassVar[bool] = True
    remembers: ClassVar[bool] = True
    thresholds: ClassVar[tuple[str, ...]] = ("terms_window_size", "learning")

    def problems(self, rule: Rule) -> Iterator[Problem]:
        for name in {name for term in self.terms(rule) for name in term} & set(rule.group_by):
            yield Problem("fields", f"{name} is in group_by: within its own group a value is never new", f"take {name} out of group_by")

    def limits(self, rule: Rule) -> tuple[Limit, ...]:
        return (Limit(1.0, ">="),)

    def terms(self, rule: Rule) -> tuple[tuple[str, ...], ...]:
        fields = rule.options["fields"]
        return tuple((one,) if isinstance(one, str) else tuple(one) for one in ([fields] if isinstance(fields, str) else fields))

    def memory(self, plan: Plan, kept: Mapping[str, bytes]) -> Memory:
        options = plan.rule.options
        window, learning = durations.read(options.get("terms_window_size", "30d")), durations.read(str(options.get("learning", "1d")))
        return KnownTerms(plan, self.terms(plan.rule), window, learning, kept)

    def condition(self, plan: Plan) -> str:
        return "of a value of " + " or ".join("+".join(term) for term in self.terms(plan.rule)) + " not seen before"

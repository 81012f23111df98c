"""`silence`: a source that is expected to be heard of sends nothing for a whole window.

A source is a service, or a host of one (`group_by: [service.name, host.name]`). Expected are those of the inventory (`logverse sources
expect`), never heard of or not, and those that have been heard of for longer than a window, until somebody forgets them. All services
are judged together, by the time of those that are heard: a service that is silent has no time of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from flink_jobs.rules.heard import LIMITS, Heard
from flink_jobs.rules.judge import Judge
from flink_jobs.rules.limit import Limit
from flink_jobs.rules.options import Option, Problem, one_of
from flink_jobs.rules.types.rule_type import RuleType
from logverse.rule import Rule

if TYPE_CHECKING:
    from flink_jobs.rules.plan import Plan


class Silence(RuleType):
    """Fires when nothing came for a window, and for the rule's `for` after it; over with the first event."""

    options: ClassVar[Mapping[str, Option]] = {
        "expect": Option("which sources", one_of("learned", "declared", "both"), "both"),
    }
    example: ClassVar[Mapping[str, Any]] = {"expect": "both", "window": "2m"}
    thresholds: ClassVar[tuple[str, ...]] = ("expect",)
    expects: ClassVar[bool] = True
    misses: ClassVar[bool] = True

    def problems(self, rule: Rule) -> Iterator[Problem]:
        if set(rule.group_by) not in ({"service.name"}, {"service.name", "host.name"}):
            yield Problem("group_by", "a source is a service or a host of one", "group_by: [service.name, host.name]")

    def limits(self, rule: Rule) -> tuple[Limit, ...]:
        return LIMITS

    def across(self, rule: Rule) -> bool:
        return True

    def judge(self, plan: Plan, state: bytes | None) -> Judge:
        return Heard(plan.rule.options.get("expect", "both"), plan.span_ms, state)

    def condition(self, plan: Plan) -> str:
        which = {"learned": "heard of before", "declared": "in the inventory", "both": "in the inventory or heard of before"}
        return f"none though expected ({which[plan.rule.options.get('expect', 'both')]})"

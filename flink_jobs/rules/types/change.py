"""`change`: the value of `compare_key` differs from that of the event before, of the same group (ElastAlert2's `change`). Single events.

`group_by` is ElastAlert2's `query_key`: user.name, with client.address as `compare_key`, finds a user who changes address. There a
`timeframe` says after how long the old value is forgotten; here that is `forget_after`, since the window already is how long an alert
lasts. The order is that of event time: an event older than the last one that counted is compared with nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from flink_jobs.rules.limit import Limit
from flink_jobs.rules.memory import Memory
from flink_jobs.rules.options import Option, span
from flink_jobs.rules.types.compared import COMPARE_KEY, both
from flink_jobs.rules.types.last_values import LastValues
from flink_jobs.rules.types.rule_type import RuleType
from flink_jobs.rules.types.whitelist import IGNORE_NULL, present
from logverse import durations
from logverse.rule import Rule

if TYPE_CHECKING:
    from flink_jobs.rules.plan import Plan

_MONTH = 30 * 86_400_000


class Change(RuleType):
    """Fires at a change, and is over when none came for a whole window."""

    options: ClassVar[Mapping[str, Option]] = {
        "compare_key": COMPARE_KEY,
        "ignore_null": IGNORE_NULL,
        "forget_after": Option("a value this old is not compared with any more", span(1000, _MONTH), "12h"),
    }
    example: ClassVar[Mapping[str, Any]] = {
        "where": {"event_name": "user.login", "event.outcome": "success"}, "compare_key": "client.address", "ignore_null": True,
        "group_by": ["service.name", "user.id"], "forget_after": "12h",
    }  # fmt: skip
    sees_events: ClassVar[bool] = True
    remembers: ClassVar[bool] = True
    tells: ClassVar[bool] = True
    field_options: ClassVar[tuple[str, ...]] = ("compare_key",)

    def where(self, rule: Rule) -> Mapping[str, Any]:
        key = rule.options["compare_key"]
        return both(rule.where, {key: present(key)}) if rule.options.get("ignore_null", False) else rule.where

    def limits(self, rule: Rule) -> tuple[Limit, ...]:
        return (Limit(1.0, ">="),)

    def memory(self, plan: Plan, kept: Mapping[str, bytes]) -> Memory:
        return LastValues(plan.rule.group_by, durations.read(plan.rule.options.get("forget_after", "30d")), kept)

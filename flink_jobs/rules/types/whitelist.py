"""`whitelist`: one event whose `compare_key` is not on the list is one too many (ElastAlert2's `whitelist`). Sees single events.

As there, an event without the field is one too many unless `ignore_null` is true (there it must be said, here it is false by default).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from flink_jobs.rules.conditions import ALIASES, NUMBERS
from flink_jobs.rules.limit import Limit
from flink_jobs.rules.options import Option, truth
from flink_jobs.rules.types.compared import COMPARE_KEY, both, exactly, texts
from flink_jobs.rules.types.rule_type import RuleType
from logverse.rule import Rule

IGNORE_NULL = Option("events without the field are left alone", truth, "true")


class Whitelist(RuleType):
    """Fires at the first such event, and is over when none came for a whole window."""

    options: ClassVar[Mapping[str, Option]] = {
        "compare_key": COMPARE_KEY,
        "whitelist": Option("values that may appear", texts, "[deploy, backup]", required=True),
        "ignore_null": IGNORE_NULL,
    }
    example: ClassVar[Mapping[str, Any]] = {
        "where": {"event_name": "user.login"}, "compare_key": "user.id", "whitelist": ["deploy", "backup"], "ignore_null": True,
    }  # fmt: skip
    sees_events: ClassVar[bool] = True
    field_options: ClassVar[tuple[str, ...]] = ("compare_key",)
    tells: ClassVar[bool] = True

    def where(self, rule: Rule) -> Mapping[str, Any]:
        key, ignores = rule.options["compare_key"], rule.options.get("ignore_null", False)
        others: dict[str, Any] = {"not": {key: exactly(key, rule.options["whitelist"])}}
        return both(rule.where, others | ({key: present(key)} if ignores else {}))

    def limits(self, rule: Rule) -> tuple[Limit, ...]:
        return (Limit(1.0, ">="),)


def present(field: str) -> str:
    """The condition that the field is there at all."""
    return ">=-999999999" if ALIASES.get(field, field) in NUMBERS else "*"

"""`blacklist`: one event whose `compare_key` is on the list is one too many (ElastAlert2's `blacklist`). Sees single events.

ElastAlert2 reads values from files too (`!file …`); here the rule file is the list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from flink_jobs.rules.limit import Limit
from flink_jobs.rules.options import Option
from flink_jobs.rules.types.compared import COMPARE_KEY, both, exactly, texts
from flink_jobs.rules.types.rule_type import RuleType
from logverse.rule import Rule


class Blacklist(RuleType):
    """Fires at the first such event, and is over when none came for a whole window."""

    options: ClassVar[Mapping[str, Option]] = {
        "compare_key": COMPARE_KEY,
        "blacklist": Option("values that must not appear", texts, "[root, admin]", required=True),
    }
    example: ClassVar[Mapping[str, Any]] = {"compare_key": "user.id", "blacklist": ["root", "admin"]}
    sees_events: ClassVar[bool] = True
    field_options: ClassVar[tuple[str, ...]] = ("compare_key",)
    tells: ClassVar[bool] = True

    def where(self, rule: Rule) -> Mapping[str, Any]:
        return both(rule.where, {rule.options["compare_key"]: exactly(rule.options["compare_key"], rule.options["blacklist"])})

    def limits(self, rule: Rule) -> tuple[Limit, ...]:
        return (Limit(1.0, ">="),)

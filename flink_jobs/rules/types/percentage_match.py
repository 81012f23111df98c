"""`percentage_match`: the share of the events of `where` that meet `match`, in percent (ElastAlert2's `percentage_match`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from flink_jobs.rules.limit import Limit
from flink_jobs.rules.measures import Share
from flink_jobs.rules.options import CLEAR, MIN_COUNT, Option, Problem, clear_problems, conditions, number
from flink_jobs.rules.types.rule_type import RuleType
from logverse.rule import Rule


class PercentageMatch(RuleType):
    options: ClassVar[Mapping[str, Option]] = {
        "match": Option("which of the events count", conditions, '{http.response.status_code: "5xx"}', required=True),
        "max_percentage": Option("fires above this many percent", number(0, 100), "5"),
        "min_percentage": Option("fires below this many percent", number(0, 100), "90"),
        "min_count": MIN_COUNT,
        "clear_threshold": CLEAR,
    }
    example: ClassVar[Mapping[str, Any]] = {
        "match": {"http.response.status_code": "5xx"},
        "max_percentage": 5,
        "min_count": 20,
        "for": "5s",
    }

    def problems(self, rule: Rule) -> Iterator[Problem]:
        yield from clear_problems(rule.options, "min_percentage", "max_percentage")

    def measure(self, rule: Rule) -> Share:
        return Share(rule.options.get("min_count", 1))

    def limits(self, rule: Rule) -> tuple[Limit, ...]:
        sides = (("max_percentage", ">"), ("min_percentage", "<"))
        clear = rule.options.get("clear_threshold")
        return tuple(Limit(float(rule.options[name]), sign, clear) for name, sign in sides if name in rule.options)

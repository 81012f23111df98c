"""`frequency`: at least `num_events` events in the window (ElastAlert2's `frequency`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from flink_jobs.rules.limit import Limit
from flink_jobs.rules.measures import Count
from flink_jobs.rules.options import CLEAR, Option, Problem, whole
from flink_jobs.rules.types.rule_type import RuleType
from logverse.rule import Rule


class Frequency(RuleType):
    options: ClassVar[Mapping[str, Option]] = {
        "num_events": Option("how many events in the window are too many", whole(1), "50", required=True),
        "clear_threshold": CLEAR,
    }
    example: ClassVar[Mapping[str, Any]] = {"where": {"severity_text": "ERROR"}, "num_events": 50}

    def problems(self, rule: Rule) -> Iterator[Problem]:
        clear, most = rule.options.get("clear_threshold"), rule.options["num_events"]
        if clear is not None and clear >= most:
            yield Problem("clear_threshold", f"{clear} is not below num_events {most}", f"a figure below {most}")

    def measure(self, rule: Rule) -> Count:
        return Count()

    def limits(self, rule: Rule) -> tuple[Limit, ...]:
        return (Limit(float(rule.options["num_events"]), ">=", rule.options.get("clear_threshold")),)

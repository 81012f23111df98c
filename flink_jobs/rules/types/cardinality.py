"""`cardinality`: the distinct values of `cardinality_field` in the window against a most or a least (ElastAlert2's `cardinality`).

`group_by` is ElastAlert2's `query_key`. Counted exactly while a bucket has at most 64 values, else by a sketch, two percent off.
Distinct `url.path` are counted by the client's sketch of them (view `clients`, group_by client.address), which tells a few hundred
apart; other fields of single events are counted from the events that the filter lets through. A least is judged only when the group has
been known for a whole window.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import log
from typing import Any, ClassVar

from flink_jobs.rules.distinct import BITS, MOST
from flink_jobs.rules.limit import Limit
from flink_jobs.rules.measures import Distinct
from flink_jobs.rules.options import CLEAR, Option, Problem, clear_problems, whole
from flink_jobs.rules.types.compared import field
from flink_jobs.rules.types.rule_type import RuleType
from flink_jobs.rules.views import SKETCHED, view_of
from logverse.rule import Rule
from logverse.summary import PATH_BITS


class Cardinality(RuleType):
    options: ClassVar[Mapping[str, Option]] = {
        "cardinality_field": Option("the field whose distinct values are counted", field, "user.name", required=True),
        "max_cardinality": Option("fires above this many", whole(0), "20"),
        "min_cardinality": Option("fires below this many", whole(1), "2"),
        "clear_threshold": CLEAR,
    }
    example: ClassVar[Mapping[str, Any]] = {"cardinality_field": "http.response.status_code", "max_cardinality": 1}
    field_options: ClassVar[tuple[str, ...]] = ("cardinality_field",)
    thresholds: ClassVar[tuple[str, ...]] = ("max_cardinality", "min_cardinality", "clear_threshold")
    or_events: ClassVar[bool] = True

    def problems(self, rule: Rule) -> Iterator[Problem]:
        yield from clear_problems(rule.options, "min_cardinality", "max_cardinality")
        for name in ("max_cardinality", "min_cardinality"):
            if rule.options.get(name, 0) > (most := self._most(rule)):
                yield Problem(name, f"is more than can be told apart, {most}", f"{name}: {most}")

    def _most(self, rule: Rule) -> int:
        return round(PATH_BITS * log(PATH_BITS)) if self.sketched(rule) else MOST

    def sketched(self, rule: Rule) -> str:
        field = rule.options["cardinality_field"]
        return field if field in SKETCHED and view_of(rule.group_by, field) is not None else ""

    def measure(self, rule: Rule) -> Distinct:
        return Distinct(rule.options["cardinality_field"], PATH_BITS if self.sketched(rule) else BITS)

    def limits(self, rule: Rule) -> tuple[Limit, ...]:
        sides = (("max_cardinality", ">"), ("min_cardinality", "<"))
        clear = rule.options.get("clear_threshold")
        return tuple(Limit(float(rule.options[name]), sign, clear) for name, sign in sides if name in rule.options)

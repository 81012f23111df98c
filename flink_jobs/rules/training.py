"""What detectors learn from history: the same watch that judges live runs over old summaries, and the states of its detectors are kept.

So they learn here what they would have learnt there, also what they would not have: from an incident nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson

from flink_jobs.rules.book import RuleBook
from flink_jobs.rules.plan import Plan
from flink_jobs.rules.types.rule_type import RuleType
from flink_jobs.rules.watch import Watch
from logverse.instant import Millis
from logverse.model import Model
from logverse.rule import Rule
from logverse.summary import Summary


def learns(rule: Rule) -> bool:
    """Whether the rule has a detector that learns from the summaries of traffic, which is what history keeps. Malformed as Plan."""
    plan = Plan(rule)
    return type(plan.type).trained is not RuleType.trained and plan.view == "traffic"


def step_of(rule: Rule) -> Millis:
    """Of how much time its detector is shown one figure."""
    return Plan(rule).step_ms


class Training:
    """Rules of one key (a service, or one rule over all services), shown its summaries oldest first."""

    def __init__(self, key: str, rules: Sequence[Rule]) -> None:
        self._entries = _Entries()
        self._book, self._until = RuleBook(rules), 0
        self._watch = Watch(key, self._entries, across=all(plan.type.across(plan.rule) for plan in self._book.plans.values()))

    def see(self, summaries: Sequence[Summary], until: Millis) -> None:
        """Everything that happened before `until` and was not shown yet."""
        self._watch.observe(summaries, self._book)
        self._watch.advance(until, self._book)
        self._watch.anomalies()  # they were told when they happened
        self._until = until

    def models(self) -> list[Model]:
        """What each series' detector has learnt."""
        found = []
        for key, value in self._entries.items():
            kind, _, series = key.partition(":")
            if kind == "D":
                kept, learnt = orjson.loads(self._entries[f"S:{series}"])[1], orjson.loads(value)
                plan = self._book.plans[kept["rule"]]
                state, budget = orjson.dumps(learnt["detector"]), orjson.dumps(learnt["budget"]) if learnt["budget"] else b""
                finder = plan.type.finder(plan.rule)
                found.append(Model(plan.rule.name, kept["group"], finder, plan.revision, state, self._until, budget))
        return found


class _Entries(dict[str, bytes]):
    """A watch's store, in memory."""

    def put(self, key: str, value: bytes) -> None:
        self[key] = value

    def remove(self, key: str) -> None:
        self.pop(key, None)

    def items(self) -> Iterable[tuple[str, bytes]]:  # type: ignore[override]
        return list(super().items())

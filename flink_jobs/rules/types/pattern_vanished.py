"""`pattern_vanished`: a pattern of log lines that came regularly has stopped: the nightly job that no longer says "done".

Regular is a pattern that came in every `window` for at least `regular_for`. When then a whole window has none, it has vanished: until
it comes again, or, since programs change, until `forget_after` has passed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import orjson

from flink_jobs.rules.judge import ByLimits, Judge, Judgement, View
from flink_jobs.rules.limit import Limit
from flink_jobs.rules.memory import Memory
from flink_jobs.rules.options import Option, Problem, span
from flink_jobs.rules.types.patterned import PATTERN, TEMPLATE, Door, PatternCount, group_problems
from flink_jobs.rules.types.rule_type import RuleType
from logverse import durations
from logverse.instant import Millis
from logverse.rule import Rule

if TYPE_CHECKING:
    from flink_jobs.rules.plan import Plan

_DAY = 86_400_000
_STEPS = 10  # a window: there may be a series for each of a thousand patterns


class PatternVanished(RuleType):
    options: ClassVar[Mapping[str, Option]] = {
        "pattern": PATTERN,
        "regular_for": Option("for how long it must have come in every window to be missed", span(1000, 30 * _DAY), "1h"),
        "forget_after": Option("after this long nobody misses it any more", span(1000, 30 * _DAY), "1d"),
    }
    example: ClassVar[Mapping[str, Any]] = {"pattern": "*", "group_by": ["service.name", TEMPLATE], "window": "10m"}
    reads: ClassVar[tuple[str, ...]] = (TEMPLATE,)
    thresholds: ClassVar[tuple[str, ...]] = ("regular_for", "forget_after")
    remembers: ClassVar[bool] = True
    misses: ClassVar[bool] = True

    def problems(self, rule: Rule) -> Iterator[Problem]:
        yield from group_problems(rule)
        if durations.read(rule.options.get("regular_for", "1h")) < rule.window_ms:
            yield Problem("regular_for", "is shorter than the window", "several windows, so that it is a habit")

    def measure(self, rule: Rule) -> PatternCount:
        return PatternCount(rule.options["pattern"])

    def limits(self, rule: Rule) -> tuple[Limit, ...]:
        return (Limit(1.0, "<"),)

    def step_ms(self, rule: Rule) -> Millis:
        return max(1, rule.window_ms // (_STEPS * 1000)) * 1000

    def judge(self, plan: Plan, state: bytes | None) -> Judge:
        return Vanishing(plan, state)

    def memory(self, plan: Plan, kept: Mapping[str, bytes]) -> Memory:
        return Door(plan)

    def condition(self, plan: Plan) -> str:
        return f"none, though it came regularly for {plan.rule.options.get('regular_for', '1h')}"


class Vanishing(ByLimits):
    """Misses what has been there for long. `state`: since when it has been there without a window's break, since when it is missed,
    for how long it had been there then, and when somebody last said that it is normal (processing time): hearing that again, after a
    restart, must not end the next alert."""

    changed: bool = False

    def __init__(self, plan: Plan, state: bytes | None) -> None:
        super().__init__(plan.measure, plan.limits)
        self._plan = plan
        self._regular = durations.read(plan.rule.options.get("regular_for", "1h"))
        self._patience = durations.read(plan.rule.options.get("forget_after", "1d"))
        kept: list[Millis | None] = orjson.loads(state) if state else []
        self._there, self._missed, self._habit, self._told_at = [*kept, None, None, None, None][:4]

    def judge(self, view: View) -> Judgement:
        count, before = view.window.sums[0], (self._there, self._missed)
        if count:
            self._there, self._missed = view.at if self._there is None else self._there, None
        elif self._there is not None:
            # The last line left the window just now: it was there for as long less the window.
            self._habit = view.at - self._there - self._plan.span_ms
            self._there, self._missed = None, view.at if self._habit >= self._regular else None
        elif self._missed is not None and view.at >= self._missed + self._patience:
            self._missed = None
        self.changed = self.changed or before != (self._there, self._missed)
        reason = f"it had come in every {durations.said(self._plan.span_ms)} for {durations.said(self._habit or 0)}"
        missed = self._missed is not None
        return Judgement(float(count), self._plan.limits, 0 if missed else None, not missed, reasons=(reason,) if missed else ())

    def next(self, position: Millis, active_at: Millis | None) -> Millis | None:
        if self._missed is None:  # of an active alert somebody said that it is normal
            return None if active_at is None else position + self._plan.step_ms
        return max(self._plan.ceil(self._missed + self._patience), position + self._plan.step_ms)

    def onlooker(self) -> ByLimits:
        """Late lines can only show that it was there: a second look misses nothing."""
        return ByLimits(self._plan.measure, (Limit(0.0, "<"),))

    def state(self) -> bytes:  # type: ignore[override]
        return orjson.dumps([self._there, self._missed, self._habit, self._told_at])

    def tell(self, verdict: str, at: Millis, undo: bool) -> None:
        """Who says that it is normal misses it no longer."""
        if verdict == "normal" and at > (self._told_at or 0):
            self._told_at, self.changed = at, True
            self._missed = self._missed if undo else None

    def keeps(self, cursor: Millis) -> bool:
        return self._missed is not None

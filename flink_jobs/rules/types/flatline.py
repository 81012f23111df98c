"""`flatline`: fewer than `threshold` events in the window (ElastAlert2's `flatline`).

As there, a group is judged once it was seen; here only when it has been known for a whole window. One that stays silent keeps its alert;
with `forget_keys`, ElastAlert2's word, that is over a window later and the group is forgotten until it is seen again. Who was never
seen at all is missed by type `silence`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from flink_jobs.rules.judge import ByLimits, Judge, Judgement, View
from flink_jobs.rules.limit import Limit
from flink_jobs.rules.options import CLEAR, Option, truth, whole
from flink_jobs.rules.types.rule_type import RuleType
from logverse.instant import Millis
from logverse.rule import Rule

if TYPE_CHECKING:
    from flink_jobs.rules.plan import Plan


class Flatline(RuleType):
    options: ClassVar[Mapping[str, Option]] = {
        "threshold": Option("with fewer events than this in the window it fires", whole(1), "10", required=True),
        "forget_keys": Option("a group that stays silent is forgotten a window after it fired", truth, "true"),
        "clear_threshold": CLEAR,
    }
    example: ClassVar[Mapping[str, Any]] = {"threshold": 10, "forget_keys": True}
    thresholds: ClassVar[tuple[str, ...]] = ("threshold", "forget_keys", "clear_threshold")
    misses: ClassVar[bool] = True

    def limits(self, rule: Rule) -> tuple[Limit, ...]:
        return (Limit(float(rule.options["threshold"]), "<", rule.options.get("clear_threshold")),)

    def judge(self, plan: Plan, state: bytes | None) -> Judge:
        if plan.rule.options.get("forget_keys", False):
            return Forgetting(plan)
        return ByLimits(plan.measure, plan.limits)


class Forgetting(ByLimits):
    """Lets go of a group that has been silent for a window since it fired."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan.measure, plan.limits)
        self._patience = plan.span_ms + plan.ceil(plan.rule.for_ms)

    def judge(self, view: View) -> Judgement:
        found = super().judge(view)
        if view.active and view.at >= view.active_at + self._patience and not view.window.sums[0]:
            return found._replace(breach=None, clear=True)
        return found

    def next(self, position: Millis, active_at: Millis | None) -> Millis | None:
        over = None if active_at is None else active_at + self._patience
        return over if over is not None and over > position else None

"""`spike`: the events of this window against those of the window just before (ElastAlert2's `spike`).

Up: at least `spike_height` times as many; down: at most one `spike_height`-th. As there, fewer than `threshold_ref` events before or
`threshold_cur` now are not judged, and a group is judged only when it has been known for both windows, unless `alert_on_new_data`.
Otherwise than there, nothing after nothing is no spike, and the figure is looked at each step and not at each event.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from flink_jobs.rules.judge import Judge
from flink_jobs.rules.limit import Limit
from flink_jobs.rules.options import Option, number, one_of, truth
from flink_jobs.rules.types.rule_type import RuleType
from flink_jobs.rules.types.spiking import Spiking
from logverse.rule import Rule

if TYPE_CHECKING:
    from flink_jobs.rules.plan import Plan

SPIKE_OPTIONS: Mapping[str, Option] = {
    "spike_height": Option("how many times as much as in the window before is a spike", number(1), "3", required=True),
    "spike_type": Option("which way", one_of("up", "down", "both"), "up", required=True),
    "threshold_ref": Option("less than this in the window before is not judged", number(0), "20"),
    "threshold_cur": Option("less than this in this window is not judged", number(0), "20"),
    "alert_on_new_data": Option("judge a group from its first window on", truth, "false"),
}


class Spike(RuleType):
    options: ClassVar[Mapping[str, Option]] = SPIKE_OPTIONS
    example: ClassVar[Mapping[str, Any]] = {"spike_height": 3, "spike_type": "up", "threshold_cur": 100, "window": "5m"}
    thresholds: ClassVar[tuple[str, ...]] = tuple(SPIKE_OPTIONS)
    windows: ClassVar[int] = 2

    def limits(self, rule: Rule) -> tuple[Limit, ...]:
        return ()

    def judge(self, plan: Plan, state: bytes | None) -> Judge:
        return Spiking(plan.measure, plan.rule.options)

    def condition(self, plan: Plan) -> str:
        return spike_in_words(plan)


def spike_in_words(plan: Plan) -> str:
    """When a rule with these options fires: "up 3-fold on the window before"."""
    words = {"up": "up", "down": "down", "both": "up or down"}[plan.rule.options["spike_type"]]
    return f"{words} {plan.rule.options['spike_height']:g}-fold on the window before"

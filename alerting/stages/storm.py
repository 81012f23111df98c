"""When a rule storms: the first few alerts of a rule in a minute are told at once, the rest together every half minute.

Nobody reads a hundred pages, and nobody should miss that there were a hundred: nothing is muted, it is said in one message.
Alertmanager's grouping by `alertname` with its `group_interval`, for rules that need it and only while they do.
"""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

from logverse.alert import Alert

SINGLE = 10  # alerts of a rule told at once in WITHIN_S
WITHIN_S, TOGETHER_EVERY_S = 60.0, 30.0
MOST = 1_000  # in one message; those beyond it are in the next
_RULES = 10_000  # rule names held in mind

Kind: TypeAlias = "tuple[str, str]"  # rule and status: beginnings and ends are told apart


def kind_of(alert: Alert) -> Kind:
    return alert.rule, alert.status


class Storms:
    """Which rules storm, by what one channel was given lately. Times are seconds of a monotonic clock.

    >>> from logverse.alert import Alert, Explanation
    >>> one = Alert("scan", "frequency", "firing", "warning", {}, 0, 0, Explanation("", 1, 1, ">", "", 1, 1))
    >>> storms = Storms()
    >>> [storms.due(one, at) for at in (0.0, 1.0)], [storms.due(one, 2.0) for _ in range(10)][-3:], storms.due(one, 100.0)
    ([0.0, 1.0], [2.0, 32.0, 32.0], 100.0)
    """

    def __init__(self) -> None:
        self._single: dict[Kind, deque[float]] = {}
        self._together: dict[Kind, float] = {}

    def due(self, alert: Alert, now: float) -> float:
        """When this new one is to be told: at once, or with the next group of its rule."""
        kind = kind_of(alert)
        if kind not in self._single and len(self._single) >= _RULES:
            self._single.clear()
            self._together.clear()
        told = self._single.setdefault(kind, deque(maxlen=SINGLE))
        if len(told) < SINGLE or now - told[0] >= WITHIN_S:
            told.append(now)
            return now
        if self._together.get(kind, 0.0) <= now:
            self._together[kind] = now + TOGETHER_EVERY_S
        return self._together[kind]

    def together(self, alert: Alert) -> bool:
        """Whether those of its rule that are due may share a message."""
        return kind_of(alert) in self._together

"""The course of one series: the window that moves over its buckets, the figure, and the alert's life that follows from it."""

from __future__ import annotations

from collections.abc import Iterator

from flink_jobs.lifecycle import Life, step
from flink_jobs.rules.buckets import Bucket, Rolling, blamed
from flink_jobs.rules.explain import Finding
from flink_jobs.rules.plan import Plan
from logverse.instant import Millis


class Course:
    """Judges a series at every step at which something can change, and at no other: a jump of hours costs nothing.

    `since`: the series is known since then (a minimum is not judged in its first window). `held`: its alert comes from a
    former version of the rule that counted other events, so it may not end before one window of the new ones is there.
    `limit`: which of the plan's limits was breached last. `seen`: blamed events since the alert became active.
    `again`: judge at the next step although nothing enters or leaves (late rows, other thresholds).
    """

    __slots__ = ("_buckets", "_plan", "again", "held", "life", "limit", "rolling", "seen", "since")

    def __init__(self, plan: Plan, buckets: dict[Millis, Bucket], position: Millis, since: Millis) -> None:
        self._plan, self._buckets, self.since = plan, buckets, since
        self.rolling = Rolling(buckets, plan.step_ms, plan.span_ms, position, plan.width)
        self.life, self.limit, self.seen, self.held, self.again = Life(), 0, 0, False, False

    @property
    def position(self) -> Millis:
        return self.rolling.position

    def due(self) -> Millis | None:
        """The next time to judge; None when nothing can change any more."""
        plan, position = self._plan, self.rolling.position
        times = [self.rolling.next_change()]
        if (deadline := self.life.deadline(plan.rule)) is not None:
            times.append(max(plan.ceil(deadline), position + plan.step_ms))
        if (plan.has_minimum or self.held) and self.since + plan.span_ms > position:
            times.append(self.since + plan.span_ms)
        if self.again:
            times.append(position + plan.step_ms)
        return min((time for time in times if time is not None), default=None)

    def run(self, until: Millis, touched_until: Millis | None = None) -> Iterator[tuple[Life, Finding]]:
        """Judges up to `until`; yields the life after each transition, with the figures behind it.

        With `touched_until` it stops once nothing up to there can matter any more and the alert is not active.
        """
        while (at := self.due()) is not None and at <= until:
            if touched_until is not None and not self.life.active and at > touched_until:
                return
            before = self.life.status
            actual = self._judge(at)
            if self.life.status != before:
                yield self.life, self._finding(at, actual)
        self.rolling.move(max(self._plan.floor(until), self.rolling.position))

    def _judge(self, at: Millis) -> float | None:
        plan, rolling, was_active = self._plan, self.rolling, self.life.active
        entered = rolling.move(at)
        actual = plan.measure.figure(rolling.sums, rolling.peak() if plan.measure.wants_peak else 0.0)
        warm = at - self.since >= plan.span_ms
        breach = None if actual is None else self._breach(actual, warm)
        self.again, self.held = False, self.held and not warm
        if breach is not None:
            self.limit = breach
        if breach is not None or not (self.held and self.life.fired):
            clear = actual is None or all(limit.clear_at(actual) for limit in plan.limits)
            self.life = step(self.life, breach is not None, clear, at, plan.rule)
        if self.life.active and was_active:
            self.seen += sum(self._buckets[start].sums[1] for start in entered)
        elif self.life.active:
            self.seen = rolling.sums[1]
        return actual

    def _finding(self, at: Millis, actual: float | None) -> Finding:
        sums, (blame, samples) = self.rolling.sums, blamed(self.rolling.inside)
        return Finding(at, actual, self._plan.limits[self.limit], sums[0], sums[1], self.seen, blame, samples)

    def _breach(self, actual: float, warm: bool) -> int | None:
        for place, limit in enumerate(self._plan.limits):
            if limit.breached_by(actual) and (warm or limit.comparison != "<"):
                return place
        return None

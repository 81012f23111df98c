"""The course of one series: the window that moves over its buckets, the judgement, and the alert's life that follows from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from flink_jobs.lifecycle import Life, step
from flink_jobs.rules.buckets import Bucket, Rolling, Tally, blamed
from flink_jobs.rules.explain import Finding
from flink_jobs.rules.judge import Judge, Judgement, View
from flink_jobs.rules.plan import Plan
from logverse.instant import Millis


class Strange(NamedTuple):
    """A judgement of a detector that found something, about [starts_at, ends_at)."""

    starts_at: Millis
    ends_at: Millis
    judgement: Judgement


class Course:
    """Judges a series at every step at which something can change, and at no other: a jump of hours costs nothing.

    `since`: the series is known since then (a minimum is not judged in its first window). `held`: its alert comes from a
    former version of the rule that counted other events, so it may not end before one window of the new ones is there.
    `limit`: which of the limits was breached last. `tally`: what was seen since the alert became active.
    `again`: judge at the next step although nothing enters or leaves (late rows, other thresholds).
    `muted`: it would be active if the rule's schedule let it. `strange`: what a detector found, until somebody takes it.
    """

    __slots__ = (
        "_buckets", "_plan", "_turn", "again", "before", "held", "judge", "life", "limit", "muted", "rolling", "since", "strange", "tally",
    )  # fmt: skip

    def __init__(self, plan: Plan, buckets: dict[Millis, Bucket], position: Millis, since: Millis, judge: Judge) -> None:
        self._plan, self._buckets, self.since, self.judge = plan, buckets, since, judge
        two, distinct = plan.kept_ms > plan.span_ms, plan.measure.distinct_bits > 0
        self.rolling = Rolling(buckets, plan.step_ms, plan.span_ms, position, plan.width, not two, distinct)
        self.before = Rolling(buckets, plan.step_ms, plan.span_ms, position - plan.span_ms, plan.width) if two else None
        self.life, self.limit, self.tally, self.held, self.again, self.muted = Life(), 0, Tally(), False, False, False
        self._turn: tuple[Millis, Millis | None] | None = None
        self.strange: list[Strange] = []

    @property
    def position(self) -> Millis:
        return self.rolling.position

    def due(self) -> Millis | None:
        """The next time to judge; None when nothing can change any more."""
        plan, position, life = self._plan, self.rolling.position, self.life
        first = self.rolling.next_blamed() if self.sleeps else self.rolling.next_change()
        times: list[Millis | None] = [self.judge.next(position, life.active_at if life.active else None)]
        if self.before is not None and (change := self.before.next_change()) is not None:
            times.append(change + plan.span_ms)
        if (deadline := life.deadline(plan.rule)) is not None:
            times.append(max(plan.ceil(deadline), position + plan.step_ms))
        if (plan.has_minimum or self.held or self.before is not None) and self.since + plan.kept_ms > position:
            times.append(self.since + plan.kept_ms)
        if self.again:
            times.append(position + plan.step_ms)
        if plan.schedule is not None and (self.muted or life.active or first is not None):
            times.append(self._next_turn())
        for time in times:
            if time is not None and (first is None or time < first):
                first = time
        return None if first is None else max(first, self.since + plan.step_ms)  # what was before the series is not judged

    @property
    def sleeps(self) -> bool:
        """Whether only an event to blame can change anything: then seconds full of others need no judgement."""
        plain = self.judge.waits_for_blame and self._plan.schedule is None and self._plan.rule.no_data == "ok"
        return plain and not (self.rolling.sums[1] or self.life.active or self.again or self.held or self.muted)

    def _next_turn(self) -> Millis | None:
        """When the schedule lets it be judged, or not, the next time."""
        position = self.rolling.position
        if self._plan.schedule is not None and (self._turn is None or (self._turn[1] is not None and position >= self._turn[1])):
            turn = self._plan.schedule.turns(position)
            self._turn = (position, None if turn is None else max(self._plan.ceil(turn), position + self._plan.step_ms))
        return None if self._turn is None else self._turn[1]

    def run(self, until: Millis, touched_until: Millis | None = None) -> Iterator[tuple[Life, Finding]]:
        """Judges up to `until`; yields the life after each transition, with the figures behind it.

        With `touched_until` it stops once nothing up to there can matter any more and the alert is not active.
        """
        while (at := self.due()) is not None and at <= until:
            if touched_until is not None and not self.life.active and at > touched_until:
                return
            before = self.life.status
            judgement = self._judge(at)
            if self.life.status != before:
                yield self.life, self._finding(at, judgement)
        self.move(max(self._plan.floor(until), self.rolling.position))

    def move(self, to: Millis) -> list[Millis]:
        """Moves the windows without judging; answers which buckets entered."""
        entered = self.rolling.move(to)
        if self.before is not None:
            self.before.move(to - self._plan.span_ms)
        return entered

    def expect(self, start: Millis) -> None:
        """A bucket was made at `start`."""
        self.rolling.expect(start)
        if self.before is not None:
            self.before.expect(start)

    def correct(self, start: Millis, columns: Sequence[int]) -> None:
        """Something was added to a bucket behind the position."""
        self.rolling.correct(start, columns)
        if self.before is not None:
            self.before.correct(start, columns)

    def _judge(self, at: Millis) -> Judgement:
        plan, rolling, life = self._plan, self.rolling, self.life
        entered = self.move(at)
        warm = at - self.since >= plan.kept_ms
        found = self._allowed(at, self.judge.judge(View(at, self.since, rolling, self.before, warm, life.active, life.active_at)))
        self.again, self.held = False, self.held and not warm
        if found.breach is not None:
            self.limit = found.breach
            if found.score:
                self.strange.append(Strange(at - plan.span_ms, at, found))
        if found.breach is not None or not (self.held and life.fired):
            self.life = step(life, found.breach is not None, found.clear, at, plan.rule)
        if self.life.active and life.active:
            for start in entered:
                self.tally.add(self._buckets[start])
        elif self.life.active:
            self.tally = Tally.of(rolling.inside)
        return found

    def _allowed(self, at: Millis, found: Judgement) -> Judgement:
        """The judgement as the rule's `no_data` and `schedule` want it."""
        rule, status = self._plan.rule, self.life.status
        if rule.no_data != "ok" and not self.rolling.sums[0]:
            if rule.no_data == "keep":
                found = found._replace(breach=self.limit if status in ("pending", "firing") else None, clear=status == "recovering")
            else:
                found = found._replace(breach=self.limit, clear=False, no_data=True)
        off = self._plan.schedule is not None and not self._plan.schedule.on(at)
        self.muted = off and found.breach is not None
        return found._replace(breach=None, clear=True, off=True) if off else found

    def _finding(self, at: Millis, judgement: Judgement) -> Finding:
        sums, tally = self.rolling.sums, self.tally
        blame, samples = blamed(self.rolling.inside) if self.life.status in ("pending", "firing") else (tally.blame, tuple(tally.samples))
        usual: Mapping[str, float] | None = judgement.usual
        if usual is None and self.before is not None:
            usual = blamed(self.before.inside)[0]
        limit = judgement.limits[min(self.limit, len(judgement.limits) - 1)]
        return Finding(at, judgement, limit, sums[0], sums[1], tally.matched, tally.total, blame, usual, samples)

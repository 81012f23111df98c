"""One series of a rule: its buckets and its alert, and how both are kept, restored, and corrected by late rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from flink_jobs.lifecycle import Life
from flink_jobs.rules.annotations import dressed
from flink_jobs.rules.blame import plain
from flink_jobs.rules.buckets import LABELS, Bucket, Tally, charge
from flink_jobs.rules.course import Course
from flink_jobs.rules.distinct import Distinct
from flink_jobs.rules.explain import Finding, explanation
from flink_jobs.rules.forms import Value
from flink_jobs.rules.late import missed
from flink_jobs.rules.plan import Plan
from flink_jobs.rules.shelf import NOWHERE, Writer
from logverse.alert import Alert, Status
from logverse.anomaly import Anomaly
from logverse.identity import digest
from logverse.instant import Millis

VERSION = 2
LATE_MS = 15 * 60_000  # rows that are later than this are not for detection any more
EMPTY: list[Any] = [[], "0"]  # distinct values of a new bucket


@dataclass(slots=True)
class Kept:
    """What is kept of a series beside its buckets: plain values, so that it outlives the classes."""

    rule: str
    revision: str
    shape: str
    group: dict[str, str]
    since: Millis
    life: Life = field(default_factory=Life)
    limit: int = 0
    tally: Tally = field(default_factory=Tally)
    held: bool = False
    again: bool = False
    dirty: tuple[Millis, Millis] | None = None  # first and last bucket that late rows went to since the last advance
    past: list[tuple[Millis, Millis]] = field(default_factory=list)  # when it fired before: what late rows must not raise again
    muted: bool = False
    words: dict[str, str] = field(default_factory=dict)  # what a sentence says instead of a value of the group
    named: list[Millis] = field(default_factory=list)  # dirty buckets behind the window: it forgot their names, late rows brought others
    shelf: str = NOWHERE  # with whose buckets its own are kept

    def to_bytes(self) -> bytes:
        return orjson.dumps([VERSION, self])

    @classmethod
    def from_bytes(cls, data: bytes) -> Kept | None:
        """What was kept; None when another version of this code wrote it in another form."""
        version, flat = orjson.loads(data)
        if version != VERSION:
            return None
        flat["life"], flat["past"], flat["tally"] = Life(**flat["life"]), [tuple(span) for span in flat["past"]], Tally(**flat["tally"])
        return cls(**{**flat, "dirty": tuple(flat["dirty"]) if flat["dirty"] else None})


class Series:
    """A series at work. `key` is its alert's fingerprint; `next` is when it must be judged again (None: nothing to judge).

    A former version's buckets are of use only when the rule still counts the same (`shape`); its alert stays in any case.
    """

    def __init__(self, plan: Plan, key: str, kept: Kept, buckets: dict[Millis, Bucket], cursor: Millis, state: bytes | None = None) -> None:
        self.plan, self.key, self.group, self._past, self.words = plan, key, kept.group, kept.past, kept.words
        self.shelf = kept.shelf
        self._touched: set[Millis] = set()
        self._changed = kept.revision != plan.revision
        self._told: Alert | None = None
        if kept.shape != plan.shape:
            self._touched, buckets, kept.dirty = set(buckets), {}, None
            kept.since, kept.held = plan.floor(cursor), kept.life.active
        self.buckets, self.dirty = buckets, kept.dirty
        self.course = course = Course(plan, buckets, plan.floor(cursor), kept.since, plan.type.judge(plan, state))
        self._rolling, self._step = course.rolling, plan.step_ms
        course.life, course.limit, course.tally, course.muted = kept.life, kept.limit, kept.tally, kept.muted
        course.held, course.again = kept.held, kept.again or (self._changed and kept.revision != "")
        self.next = course.due()
        oldest = course.position - plan.kept_ms
        self._named = set(kept.named) if self.dirty else set()
        for start, bucket in buckets.items():
            if start < oldest and start not in self._named:
                bucket.forget_names()

    @property
    def kept(self) -> Kept:
        course = self.course
        return Kept(
            self.plan.rule.name, self.plan.revision, self.plan.shape, self.group, course.since, course.life, course.limit, course.tally,
            course.held, course.again, self.dirty, self._past, course.muted, self.words, sorted(self._named), self.shelf,
        )  # fmt: skip

    def say(self, words: Mapping[str, str] | None) -> None:
        """What a sentence says from now on instead of a value of the group."""
        said = {value: text for value, text in words.items() if value in self.group.values()} if words else {}
        if said and said != self.words:
            self.words, self._changed = said, True

    def add(
        self, second: Millis, cursor: Millis, columns: Sequence[int], peak: float, trait: str, sample: str,
        value: Value = None, sketch: int = 0,
    ) -> bool:  # fmt: skip
        """Counts what happened in this second; False when it is too long ago. Everything before `cursor` has been judged.

        `value` or `sketch` is for those who count distinct ones.
        """
        rolling, step = self._rolling, self._step
        if rolling.position + step <= cursor:
            self.course.move(cursor - cursor % step)  # idle until now: it was not called, since nothing could change
        start = second - second % step
        bucket = self.buckets.get(start)
        if bucket is None:
            if start < rolling.position - self.plan.kept_ms - LATE_MS:
                return False
            bucket = self.buckets[start] = Bucket(columns, peak, distinct=EMPTY if rolling.distinct is not None else None)
            self.course.expect(start)
        else:
            bucket.add(columns, peak)
        if columns[1]:
            bucket.charge(columns[1], trait, sample)
        if (self.next is None or start + step < self.next) and (columns[1] or not self.course.sleeps):
            ahead = start >= rolling.position and self.plan.schedule is None
            self.next = start + step if ahead else self.course.due()  # it enters then; nothing else is sooner than before
        if bucket.distinct is not None:
            self._note(bucket.distinct, start, value, sketch)
        self._touched.add(start)
        if start < rolling.position:
            self._add_late(start, columns, trait)
        return True

    def _note(self, distinct: Distinct, start: Millis, value: Value, sketch: int) -> None:
        rolling = self.course.rolling
        distinct.sketch |= sketch
        if value is not None and not sketch and (new := distinct.add(str(value))) and rolling.distinct and rolling.holds(start):
            rolling.distinct.take(new)

    def _add_late(self, start: Millis, columns: Sequence[int], trait: str) -> None:
        course = self.course
        course.correct(start, columns)
        if course.life.active and start + self.plan.span_ms >= course.life.active_at:
            course.tally.count(columns)
            if columns[1]:
                charge(course.tally.blame, trait, columns[1], 2 * LABELS)
        if start < course.position - self.plan.kept_ms:
            self._named.add(start)
        course.since = min(course.since, start)
        course.again = self._changed = True
        first, last = self.dirty or (start, start)
        self.dirty = (min(first, start), max(last, start))
        self.next = course.due()

    def advance(self, now: Millis) -> list[Alert]:
        """Judges everything before `now`; answers the transitions."""
        alerts: list[Alert] = []
        if self.dirty is not None:
            alerts += self._catch_up_with_late(self.dirty)
        before = self._moving()
        for life, finding in self.course.run(now):
            alerts.append(self._told_as(life, finding))
            if life.status == "resolved":
                self._past.append((life.active_at, finding.at))
        self._changed = self._changed or bool(alerts) or before != self._moving()
        self.next = self.course.due()
        return alerts

    def _moving(self) -> tuple[int, int, bool, bool, bool]:
        """What changes in the course without a transition."""
        course = self.course
        return course.tally.total, course.limit, course.again, course.held, course.muted

    def _catch_up_with_late(self, dirty: tuple[Millis, Millis]) -> list[Alert]:
        found = missed(self.plan, self.buckets, self.course, dirty, self._past)
        self.dirty, self._changed, self._named = None, True, set()
        self._past += found.past
        return [self._told_as(life, finding, "late data") for life, finding in found.transitions]

    def _told_as(self, life: Life, finding: Finding, reason: str = "") -> Alert:
        rule = self.plan.rule
        bare = Alert(
            rule=rule.name, rule_type=rule.type, status=life.status, severity=rule.severity, group=self.group,
            active_at=life.active_at, at=finding.at, explanation=explanation(self.plan, self.group, life, finding, self.words),
            starts_at=life.starts_at, ends_at=life.ends_at, reason=reason,
        )  # fmt: skip
        self._told = alert = dressed(bare, rule)
        return alert

    def expire(self, cursor: Millis) -> bool:
        """Lets go of what is too old to matter; True when nothing of the series is left to keep."""
        course = self.course
        if course.sleeps:
            course.move(max(self.plan.floor(cursor), course.position))  # its windows let go of what they hold first
        oldest = self.plan.floor(cursor) - self.plan.kept_ms - LATE_MS
        old = [start for start in self.buckets if start < oldest]
        for start in old:
            del self.buckets[start]
        self._touched.update(old)
        self._past[:] = [(first, last) for first, last in self._past if last >= oldest]
        return not (self.buckets or course.life.active or course.muted or self.dirty or self._past or course.judge.keeps(cursor))

    @property
    def alive(self) -> bool:
        """Whether time alone can still change something: a figure that falls out of the window, an alert whose rule may go."""
        return self.next is not None or bool(self.buckets) or self.course.life.active

    def anomalies(self) -> list[Anomaly]:
        """What its detector found strange since the last call."""
        strange, self.course.strange = self.course.strange, []
        name = self.plan.type.finder(self.plan.rule)
        return [
            Anomaly(
                self.plan.rule.name, name, self.group, starts_at, ends_at, found.score, found.actual or 0.0, found.expected or (0.0, 0.0),
                found.reasons,
            )
            for starts_at, ends_at, found in strange
        ]  # fmt: skip

    def save(self, store: Writer) -> None:
        """Writes what changed since the last time, without the buckets (`take_touched`)."""
        if self._changed:
            store.put(f"S:{self.key}", self.kept.to_bytes())
        if self._told is not None:
            store.put(f"T:{self.key}", self._told.to_json())
        if self.course.judge.changed and (state := self.course.judge.state()) is not None:
            store.put(f"D:{self.key}", state)
            self.course.judge.changed = False
        self._changed, self._told = False, None

    def stand_on(self, shelf: str) -> None:
        """From now on its buckets are kept there."""
        self.shelf, self._changed = shelf, True

    def take_touched(self) -> set[Millis]:
        """The starts of the buckets that changed or went since the last call."""
        touched, self._touched = self._touched, set()
        return touched


def fingerprint(rule: str, group: dict[str, str]) -> str:
    """The key of a series: its alert's fingerprint (`Alert.fingerprint`), before there is an alert."""
    return digest(rule, *(part for pair in sorted(group.items()) for part in pair))


def forget(store: Writer, key: str) -> None:
    """Takes a series, its last alert, its judge's memory and which model it had out of the store."""
    for kind in "STDH":
        store.remove(f"{kind}:{key}")


def over(alert: Alert, at: Millis, reason: str) -> Alert | None:
    """The end of an alert whose rule is gone: told from the last that was said of it, for the rule can say no more."""
    if alert.status not in ("pending", "firing", "recovering"):
        return None
    group = ", ".join(map(plain, alert.group.values())) or "all services"
    status: Status = "inactive" if alert.status == "pending" else "resolved"
    why = replace(alert.explanation, sentence=f"{alert.rule} of {group}: over, {reason}; it was: {alert.explanation.sentence}")
    return replace(alert, status=status, at=at, ends_at=at, reason=reason, explanation=why)


def taken_over(alert: Alert) -> Kept | None:
    """What to go on with when only the last word about an open alert is left: it goes on as that of a rule that counts otherwise."""
    if alert.status not in ("pending", "firing", "recovering"):
        return None
    quiet_since = alert.at if alert.status == "recovering" else None
    life = Life(alert.status, alert.active_at, alert.starts_at, quiet_since, None)
    return Kept(alert.rule, "", "", dict(alert.group), alert.at, life)

"""One series of a rule: its buckets and its alert, and how both are kept, restored, and corrected by late rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Protocol

import orjson

from flink_jobs.lifecycle import Life
from flink_jobs.rules.annotations import dressed
from flink_jobs.rules.buckets import Bucket
from flink_jobs.rules.course import Course
from flink_jobs.rules.explain import Finding, explanation
from flink_jobs.rules.late import missed
from flink_jobs.rules.plan import Plan
from logverse.alert import Alert, Status
from logverse.identity import digest
from logverse.instant import Millis

VERSION = 1
LATE_MS = 15 * 60_000  # rows that are later than this are not for detection any more


class Writer(Protocol):
    """Where entries are written through."""

    def put(self, key: str, value: bytes) -> None: ...
    def remove(self, key: str) -> None: ...


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
    seen: int = 0
    held: bool = False
    again: bool = False
    dirty: tuple[Millis, Millis] | None = None  # first and last bucket that late rows went to since the last advance
    past: list[tuple[Millis, Millis]] = field(default_factory=list)  # when it fired before: what late rows must not raise again
    named: list[Millis] = field(default_factory=list)  # dirty buckets behind the window: it forgot their names, late rows brought others

    def to_bytes(self) -> bytes:
        return orjson.dumps([VERSION, asdict(self)])

    @classmethod
    def from_bytes(cls, data: bytes) -> Kept | None:
        """What was kept; None when another version of this code wrote it in another form."""
        version, flat = orjson.loads(data)
        if version != VERSION:
            return None
        flat["life"], flat["past"] = Life(**flat["life"]), [tuple(span) for span in flat["past"]]
        return cls(**{**flat, "dirty": tuple(flat["dirty"]) if flat["dirty"] else None})


class Series:
    """A series at work. `key` is its alert's fingerprint; `next` is when it must be judged again (None: nothing to judge).

    A former version's buckets are of use only when the rule still counts the same (`shape`); its alert stays in any case.
    """

    def __init__(self, plan: Plan, key: str, kept: Kept, buckets: dict[Millis, Bucket], cursor: Millis) -> None:
        self.plan, self.key, self.group, self._past = plan, key, kept.group, kept.past
        self._unsaved: set[Millis] = set()
        self._gone: set[Millis] = set()
        self._changed = kept.revision != plan.rule.revision
        self._told: Alert | None = None
        if kept.shape != plan.shape:
            self._gone, buckets, kept.dirty = set(buckets), {}, None
            kept.since, kept.held = plan.floor(cursor), kept.life.active
        self.buckets, self.dirty = buckets, kept.dirty
        self.course = Course(plan, buckets, plan.floor(cursor), kept.since)
        self.course.life, self.course.limit = kept.life, min(kept.limit, len(plan.limits) - 1)
        self.course.seen, self.course.held, self.course.again = kept.seen, kept.held, kept.again or self._changed
        self.next = self.course.due()
        oldest = self.course.position - plan.span_ms
        self._named = set(kept.named) if self.dirty else set()
        for start, bucket in buckets.items():
            if start < oldest and start not in self._named:
                bucket.forget_names()

    @property
    def kept(self) -> Kept:
        rule, course = self.plan.rule, self.course
        return Kept(
            rule.name, rule.revision, self.plan.shape, self.group, course.since, course.life, course.limit, course.seen,
            course.held, course.again, self.dirty, self._past, sorted(self._named),
        )  # fmt: skip

    def add(self, second: Millis, cursor: Millis, columns: Sequence[int], peak: float, label: str, sample: str) -> bool:
        """Counts what happened in this second; False when it is too long ago. Everything before `cursor` has been judged."""
        plan, rolling = self.plan, self.course.rolling
        if rolling.position + plan.step_ms <= cursor:
            rolling.move(plan.floor(cursor))  # idle until now: it was not called, since nothing could change
        start = second - second % plan.step_ms
        bucket = self.buckets.get(start)
        if bucket is None:
            if start < rolling.position - plan.span_ms - LATE_MS:
                return False
            bucket = self.buckets[start] = Bucket((0,) * plan.width)
            rolling.expect(start)
            if self.next is None or start + plan.step_ms < self.next:
                self.next = self.course.due()
        bucket.add(columns, peak, label, sample)
        self._unsaved.add(start)
        if start < rolling.position:
            self._add_late(start, columns)
        return True

    def _add_late(self, start: Millis, columns: Sequence[int]) -> None:
        course = self.course
        course.rolling.correct(start, columns)
        if course.life.active and start + self.plan.span_ms >= course.life.active_at:
            course.seen += columns[1]
        if start < course.position - self.plan.span_ms:
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
        before = (self.course.seen, self.course.again, self.course.held)
        for life, finding in self.course.run(now):
            alerts.append(self._told_as(life, finding))
            if life.status == "resolved":
                self._past.append((life.active_at, finding.at))
        self._changed = self._changed or bool(alerts) or before != (self.course.seen, self.course.again, self.course.held)
        self.next = self.course.due()
        return alerts

    def _catch_up_with_late(self, dirty: tuple[Millis, Millis]) -> list[Alert]:
        found = missed(self.plan, self.buckets, self.course, dirty, self._past)
        self.dirty, self._changed, self._named = None, True, set()
        self._past += found.past
        return [self._told_as(life, finding, "late data") for life, finding in found.transitions]

    def _told_as(self, life: Life, finding: Finding, reason: str = "") -> Alert:
        rule = self.plan.rule
        bare = Alert(
            rule=rule.name, rule_type=rule.type, status=life.status, severity=rule.severity, group=self.group,
            active_at=life.active_at, at=finding.at, explanation=explanation(self.plan, self.group, life, finding),
            starts_at=life.starts_at, ends_at=life.ends_at, reason=reason,
        )  # fmt: skip
        self._told = alert = dressed(bare, rule)
        return alert

    def expire(self, cursor: Millis) -> bool:
        """Lets go of what is too old to matter; True when nothing of the series is left to keep."""
        oldest = self.plan.floor(cursor) - self.plan.span_ms - LATE_MS
        old = [start for start in self.buckets if start < oldest]
        for start in old:
            del self.buckets[start]
        self._gone.update(old)
        self._past[:] = [(first, last) for first, last in self._past if last >= oldest]
        return not (self.buckets or self.course.life.active or self.dirty or self._past)

    @property
    def alive(self) -> bool:
        """Whether time alone can still change something: a figure that falls out of the window, an alert whose rule may go."""
        return self.next is not None or bool(self.buckets) or self.course.life.active

    def save(self, store: Writer) -> None:
        """Writes what changed since the last time."""
        for start in self._unsaved & self.buckets.keys():
            store.put(bucket_key(self.key, start), self.buckets[start].to_bytes())
        for start in self._gone - self.buckets.keys():
            store.remove(bucket_key(self.key, start))
        if self._changed:
            store.put(f"S:{self.key}", self.kept.to_bytes())
        if self._told is not None:
            store.put(f"T:{self.key}", self._told.to_json())
        self._unsaved, self._gone, self._changed, self._told = set(), set(), False, None

    def remove(self, store: Writer) -> None:
        """Takes everything of the series out of the store."""
        for start in self.buckets.keys() | self._gone:
            store.remove(bucket_key(self.key, start))
        forget(store, self.key)


def fingerprint(rule: str, group: dict[str, str]) -> str:
    """The key of a series: its alert's fingerprint (`Alert.fingerprint`), before there is an alert."""
    return digest(rule, *(part for pair in sorted(group.items()) for part in pair))


def bucket_key(key: str, start: Millis) -> str:
    return f"B:{key}:{start}"


def forget(store: Writer, key: str) -> None:
    """Takes a series and its last alert out of the store."""
    store.remove(f"S:{key}")
    store.remove(f"T:{key}")


def over(alert: Alert, at: Millis, reason: str) -> Alert | None:
    """The end of an alert whose rule is gone: told from the last that was said of it, for the rule can say no more."""
    if alert.status not in ("pending", "firing", "recovering"):
        return None
    group = ", ".join(alert.group.values()) or "all services"
    status: Status = "inactive" if alert.status == "pending" else "resolved"
    why = replace(alert.explanation, sentence=f"{alert.rule} of {group}: over, {reason}; it was: {alert.explanation.sentence}")
    return replace(alert, status=status, at=at, ends_at=at, reason=reason, explanation=why)

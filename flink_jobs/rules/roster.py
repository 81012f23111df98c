"""Which series a watch has: made when first needed, given their rule's newest form, let go when nothing is left of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from flink_jobs.rules import shelf
from flink_jobs.rules.book import Page
from flink_jobs.rules.buckets import Bucket
from flink_jobs.rules.memory import Memory
from flink_jobs.rules.plan import Plan
from flink_jobs.rules.series import Kept, Series, fingerprint, forget, over, taken_over
from logverse.alert import Alert
from logverse.instant import Millis

SERIES_CAP = 2_000  # of one rule in one watch; a busy series is about half a megabyte: its buckets of window + 15 min


class Store(Protocol):
    """Where a watch keeps itself (Flink's MapState behind it).

    Keys: `cursor`, `S:` series, `T:` last alerts, `B:` buckets (rules/shelf.py), `D:` what judges remember, `M:` what rules remember,
    `W:` models that wait for their series, `H:` until when the model that was heard had learnt, `I:` expected sources, `P:` patterns.
    """

    def get(self, key: str) -> bytes | None: ...
    def put(self, key: str, value: bytes) -> None: ...
    def remove(self, key: str) -> None: ...
    def items(self) -> Iterable[tuple[str, bytes]]: ...


@dataclass(slots=True)
class Orphan:
    """A series without a rule, or not yet with one."""

    kept: Kept
    buckets: dict[Millis, Bucket] = field(default_factory=dict)
    state: bytes | None = None


class Roster:
    """The series of a watch, by key, and the memories of its rules, by rule."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._shelves = shelf.Shelves(store)
        self.series: dict[str, Series] = {}
        self.orphans: dict[str, Orphan] = {}
        self.memories: dict[str, Memory] = {}
        self._counts: dict[str, int] = {}  # series of each rule
        self._page = Page({}, {}, known=False)
        self._plans: Mapping[str, Plan] | None = None
        self.waiting = 0  # models that wait for their series
        self._remembers = False  # the store holds entries of memories
        self._restore()

    def turn_to(self, page: Page, cursor: Millis) -> bool:
        """Gives every series the rule that is in force now; those without one are orphans. True when the rules are others than before."""
        self._page = page
        if page.plans is self._plans or not page.known:
            return False
        former, self._plans = self._plans or {}, page.plans
        for key, series in list(self.series.items()):
            if page.plans.get(series.plan.rule.name) is not series.plan:
                self.orphans[key] = Orphan(series.kept, series.buckets, series.course.judge.state())
                self._shelves.put(series.shelf, key, self.orphans[key])
                del self.series[key]
        for key, orphan in list(self.orphans.items()):
            plan = page.plans.get(orphan.kept.rule)
            if plan is not None and plan.takes(orphan.kept.group):
                del self.orphans[key]
                self._shelve(Series(plan, key, orphan.kept, orphan.buckets, cursor, orphan.state))
                self.save([self.series[key]])
        self._counts = Counter(series.plan.rule.name for series in self.series.values())
        self._turn_memories(former)
        return True

    def _turn_memories(self, former: Mapping[str, Plan]) -> None:
        """Each rule has the memory of its shape; what no rule remembers any more is forgotten."""
        for name, memory in self.memories.items():
            self._save_memory(former[name], memory)
        if not self._remembers and not any(plan.type.remembers for plan in self._page.plans.values()):
            return
        entries: dict[str, dict[str, bytes]] = {}
        for key, value in self._store.items():
            if key.startswith("M:"):
                _, rule, entry = key.split(":", 2)
                entries.setdefault(rule, {})[entry] = value
        found = {name: plan.type.memory(plan, entries.pop(memory_key(plan), {})) for name, plan in self._page.plans.items()}
        self.memories = {name: memory for name, memory in found.items() if memory is not None}
        self._remembers = bool(self.memories)
        for rule, of_rule in entries.items():
            for entry in of_rule:
                self._store.remove(f"M:{rule}:{entry}")

    def save_memories(self) -> None:
        for name, memory in self.memories.items():
            self._save_memory(self._page.plans[name], memory)

    def _save_memory(self, plan: Plan, memory: Memory) -> None:
        for key, value in memory.changes():
            if value is None:
                self._store.remove(f"M:{memory_key(plan)}:{key}")
            else:
                self._store.put(f"M:{memory_key(plan)}:{key}", value)

    def of(
        self, plan: Plan, group: dict[str, str], second: Millis, cursor: Millis, words: Mapping[str, str] | None = None
    ) -> Series | None:
        """The series for this group, a new one if need be; None when the rule has too many already."""
        name = plan.rule.name
        key = fingerprint(name, group)
        if (known := self.series.get(key)) is not None:
            known.say(words)
            return known
        if self._counts.get(name, 0) >= SERIES_CAP:
            return None
        kept = Kept(rule=name, revision="", shape=plan.shape, group=group, since=plan.floor(second), words=dict(words or {}))
        self._counts[name] = self._counts.get(name, 0) + 1
        model = self._store.get(f"W:{key}") if self.waiting else None
        self._shelve(Series(plan, key, kept, {}, cursor, model))
        if model is not None:
            self.waiting -= 1
            self._store.remove(f"W:{key}")
            self.series[key].course.judge.changed = True
        return self.series[key]

    def _shelve(self, series: Series) -> None:
        self.series[series.key] = series
        if series.shelf == shelf.NOWHERE:
            series.stand_on(self._shelves.find_room(series.key, series, series.plan.kept_ms))
        else:
            self._shelves.put(series.shelf, series.key, series)

    def save(self, several: Iterable[Series]) -> None:
        """Writes what changed in these series, and the buckets of those that went."""
        for series in several:
            series.save(self._store)
            self._shelves.touch(series.shelf, series.take_touched())
        self._shelves.save()

    def drop(self, key: str) -> None:
        """Lets go of a series of which nothing is left; its buckets go with the next `save`."""
        series = self.series.pop(key)
        self._shelves.leave(series.shelf, key, series.take_touched() | series.buckets.keys())
        forget(self._store, key)
        self._counts[series.plan.rule.name] -= 1

    def end(self, field: str, gone: Mapping[str, str], at: Millis) -> list[Alert]:
        """Lets go of the series whose group has one of these values of the field; the ends of their alerts. `gone`: why, by value."""
        alerts: list[Alert] = []
        for key, series in list(self.series.items()):
            if (reason := gone.get(series.group.get(field, ""))) is not None:
                last = self._store.get(f"T:{key}")
                ended = over(Alert.from_json(last), at, reason) if last else None
                alerts += [ended] if ended else []
                self.drop(key)
        return alerts

    def sweep(self, now: Millis) -> set[str]:
        """Expired buckets go, and series of which nothing is left; the keys of those that went."""
        expired = {key for key, series in self.series.items() if series.expire(now)}
        for key in expired:
            self.drop(key)
        self.save(self.series.values())
        for memory in self.memories.values():
            memory.expire(now)
        self.save_memories()
        return expired

    def end_orphans(self, at: Millis) -> list[Alert]:
        """The ends of the alerts whose rules are gone."""
        alerts: list[Alert] = []
        if not self._page.known:
            return alerts
        for key, orphan in self.orphans.items():
            last = self._store.get(f"T:{key}")
            ended = over(Alert.from_json(last), at, self._page.absent(orphan.kept.rule)) if last else None
            alerts += [ended] if ended else []
            if orphan.kept.shelf != shelf.NOWHERE:
                self._shelves.leave(orphan.kept.shelf, key, orphan.buckets)
            forget(self._store, key)
        self.orphans.clear()
        return alerts

    def _restore(self) -> None:
        """Everything is an orphan until the rules are known. What another version wrote in another form goes, its open alerts stay."""
        buckets: dict[str, bytes] = {}
        states: dict[str, bytes] = {}
        told: dict[str, bytes] = {}
        for key, value in self._store.items():
            kind, _, rest = key.partition(":")
            if kind == "S":
                self._restore_series(rest, value)
            elif kind == "B":
                buckets[key] = value
            elif kind == "D":
                states[rest] = value
            elif kind == "T":
                told[rest] = value
            self.waiting += kind == "W"
            self._remembers = self._remembers or kind == "M"
        for key in told.keys() - self.orphans.keys():
            if (kept := taken_over(Alert.from_json(told[key]))) is not None:
                self.orphans[key] = Orphan(kept)
        for key, orphan in self.orphans.items():
            orphan.state = states.get(key)
            if orphan.kept.shelf != shelf.NOWHERE:
                self._shelves.put(orphan.kept.shelf, key, orphan)
        for name, value in buckets.items():
            self._restore_buckets(name, value)

    def _restore_buckets(self, name: str, value: bytes) -> None:
        """Gives each series on the shelf its bucket; an entry that is nobody's any more goes."""
        stood, start, held = shelf.read(name, value) or (shelf.NOWHERE, 0, {})
        mine = [key for key in held if key in self.orphans and self.orphans[key].kept.shelf == stood]
        for key in mine:
            self.orphans[key].buckets[start] = held[key]
        if not mine:
            self._store.remove(name)

    def _restore_series(self, key: str, value: bytes) -> None:
        kept = Kept.from_bytes(value)
        if kept is not None:
            self.orphans[key] = Orphan(kept)
        else:
            self._store.remove(f"S:{key}")


def memory_key(plan: Plan) -> str:
    """Under which a rule remembers: with another shape it begins anew."""
    return f"{plan.rule.name}.{plan.shape}"

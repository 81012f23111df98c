"""All rules about one key, over rolling buckets of event time: what the operators of the detect job call.

A watch keeps everything it would need after a crash in its store, one small entry for each thing that changed, and works
from memory. Its results depend only on what was observed before which time, not on how often `advance` was called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from flink_jobs.rules.book import Page
from flink_jobs.rules.buckets import Bucket
from flink_jobs.rules.matched import MatchedEvent
from flink_jobs.rules.plan import Place, Plan
from flink_jobs.rules.series import Kept, Series, bucket_key, fingerprint, forget, over
from logverse.alert import Alert
from logverse.instant import Millis
from logverse.summary import VIEWS, Summary

SERIES_CAP = 2_000  # of one rule in one watch; a busy series is about half a megabyte: its buckets of window + 15 min
_REMEMBERED = 20_000  # combinations of dimensions whose places are remembered
_SWEEP_MS = 60_000


class Store(Protocol):
    """Where a watch keeps itself (Flink's MapState behind it). Keys: `cursor`, `S:` series, `T:` last alerts, `B:` buckets."""

    def get(self, key: str) -> bytes | None: ...
    def put(self, key: str, value: bytes) -> None: ...
    def remove(self, key: str) -> None: ...
    def items(self) -> Iterable[tuple[str, bytes]]: ...


class Watch:
    """All rules about one key: a service, or one rule over all services.

    `overflow` counts events whose series was one too many for its rule (SERIES_CAP), `too_late` those older than the
    buckets that are kept (window + 15 min); both since this object was made, for metrics.
    """

    def __init__(self, key: str, store: Store) -> None:
        self.key, self._store = key, store
        self.overflow = self.too_late = 0
        self._cursor: Millis | None = None
        self._swept: Millis = 0
        self._page = Page({}, {}, known=False)
        self._plans: Mapping[str, Plan] | None = None
        self._series: dict[str, Series] = {}
        self._orphans: dict[str, tuple[Kept, dict[Millis, Bucket]]] = {}  # series without a rule, or not yet with one
        self._counts: dict[str, int] = {}  # series of each rule
        self._places: dict[str, dict[tuple[str | int | None, ...], list[tuple[Series | None, Plan, Place]]]] = {view: {} for view in VIEWS}
        self._restore()

    def observe(self, summaries: Sequence[Summary], rules: Page, late: bool = False) -> None:
        """Counts summaries. What is late for a series follows from the time it has been judged up to; `late` only says
        that the rows came by the late path."""
        self._turn_to(rules)
        if not summaries:
            return
        cursor = self._begin(min(summary.second for summary in summaries))
        touched: dict[str, Series] = {}
        for summary in summaries:
            places = self._places[summary.view].get(summary.dimensions)
            for series, plan, place in self._find_places(summary, cursor) if places is None else places:
                if series is None:
                    self.overflow += summary.count
                    continue
                columns = plan.measure.columns(summary, place.matched)
                if series.add(summary.second, cursor, columns, summary.duration_max, place.label, summary.sample):
                    touched[series.key] = series
                else:
                    self.too_late += summary.count
        self._save(touched.values())

    def observe_events(self, events: Sequence[MatchedEvent], rules: Page, late: bool = False) -> None:
        """Counts single events, for the rules that see them."""
        self._turn_to(rules)
        if not events or not rules.on_events:
            return
        cursor = self._begin(min(event.at for event in events) // 1000 * 1000)
        touched: dict[str, Series] = {}
        for event in events:
            for plan in rules.on_events:
                if plan.clause is not None and plan.clause != event.clause:
                    continue
                if (place := plan.place(event.fields.get)) is None:
                    continue
                second = event.at // 1000 * 1000
                series = self._series_of(plan, place, second, cursor)
                if series is None:
                    self.overflow += 1
                elif series.add(second, cursor, (1, 1), 0.0, place.label, str(event.fields.get("body") or "")):
                    touched[series.key] = series
                else:
                    self.too_late += 1
        self._save(touched.values())

    def advance(self, now: Millis, rules: Page) -> list[Alert]:
        """Judges everything before `now` (whole seconds of event time; all of it has been observed): the transitions, in order."""
        self._turn_to(rules)
        cursor = self._begin(now)
        alerts = self._end_orphans(cursor)
        if now > cursor or any(series.dirty for series in self._series.values()):
            now = max(now, cursor)
            due = [series for series in self._series.values() if series.dirty or (series.next is not None and series.next <= now)]
            for series in due:
                alerts += series.advance(now)
            self._save(due)
            self._set_cursor(now)
            self._sweep(now)
        return sorted(alerts, key=lambda alert: (alert.at, alert.rule, sorted(alert.group.items())))

    def wants_tick(self) -> bool:
        """Whether `advance` must be called again in a second even if nothing arrives."""
        return bool(self._orphans) or any(series.alive for series in self._series.values())

    def _begin(self, second: Millis) -> Millis:
        if self._cursor is None:
            self._set_cursor(second)
            self._swept = second
            return second
        return self._cursor

    def _set_cursor(self, at: Millis) -> None:
        if at != self._cursor:
            self._cursor = at
            self._store.put("cursor", str(at).encode())

    def _save(self, series: Iterable[Series]) -> None:
        for one in series:
            one.save(self._store)

    # Which series there are

    def _find_places(self, summary: Summary, cursor: Millis) -> list[tuple[Series | None, Plan, Place]]:
        found: list[tuple[Series | None, Plan, Place]] = []
        for plan in self._page.by_view[summary.view]:
            place = plan.place_of(summary.dimensions)
            if place is not None:
                found.append((self._series_of(plan, place, summary.second, cursor), plan, place))
        if sum(map(len, self._places.values())) >= _REMEMBERED:
            self._forget_places()
        self._places[summary.view][summary.dimensions] = found
        return found

    def _forget_places(self) -> None:
        for of_view in self._places.values():
            of_view.clear()

    def _series_of(self, plan: Plan, place: Place, second: Millis, cursor: Millis) -> Series | None:
        """The series for this group, a new one if need be; None when the rule has too many already."""
        name, group = plan.rule.name, dict(zip(plan.rule.group_by, place.group, strict=True))
        key = fingerprint(name, group)
        if key in self._series:
            return self._series[key]
        if self._counts.get(name, 0) >= SERIES_CAP:
            return None
        kept = Kept(rule=name, revision="", shape=plan.shape, group=group, since=plan.floor(second))
        self._counts[name] = self._counts.get(name, 0) + 1
        self._series[key] = Series(plan, key, kept, {}, cursor)
        return self._series[key]

    def _sweep(self, now: Millis) -> None:
        """Each minute: expired buckets go, and series of which nothing is left."""
        if now < self._swept + _SWEEP_MS:
            return
        self._swept = now
        for key, series in list(self._series.items()):
            if series.expire(now):
                series.remove(self._store)
                del self._series[key]
                self._counts[series.plan.rule.name] -= 1
                self._forget_places()
            else:
                series.save(self._store)

    # Which rules there are

    def _turn_to(self, page: Page) -> None:
        """Gives every series the rule that is in force now. Those without one are orphans until the next `advance`."""
        self._page = page
        if page.plans is self._plans or not page.known:
            return
        self._plans = page.plans
        self._forget_places()
        for key, series in list(self._series.items()):
            if page.plans.get(series.plan.rule.name) is not series.plan:
                self._orphans[key] = (series.kept, series.buckets)
                del self._series[key]
        for key, (kept, buckets) in list(self._orphans.items()):
            plan = page.plans.get(kept.rule)
            if plan is not None and set(plan.rule.group_by) == kept.group.keys():
                del self._orphans[key]
                self._series[key] = Series(plan, key, kept, buckets, self._cursor or 0)
                self._series[key].save(self._store)
        self._counts = Counter(series.plan.rule.name for series in self._series.values())

    def _end_orphans(self, at: Millis) -> list[Alert]:
        alerts = []
        for key, (kept, buckets) in self._orphans.items() if self._page.known else ():
            last = self._store.get(f"T:{key}")
            ended = over(Alert.from_json(last), at, self._page.absent(kept.rule)) if last else None
            alerts += [ended] if ended else []
            for start in buckets:
                self._store.remove(bucket_key(key, start))
            forget(self._store, key)
        if self._page.known:
            self._orphans.clear()
        return alerts

    def _restore(self) -> None:
        """Everything is an orphan until the rules are known."""
        buckets: dict[str, dict[Millis, Bucket]] = {}
        kept: dict[str, Kept] = {}
        for key, value in self._store.items():
            kind, _, rest = key.partition(":")
            if kind == "cursor":
                self._cursor = self._swept = int(value)
            elif kind == "S" and (one := Kept.from_bytes(value)) is not None:
                kept[rest] = one
            elif kind == "B" and (bucket := Bucket.from_bytes(value)) is not None:
                series, _, start = rest.partition(":")
                buckets.setdefault(series, {})[int(start)] = bucket
        self._orphans = {key: (one, buckets.get(key, {})) for key, one in kept.items()}

"""All rules about one key, over rolling buckets of event time: what the operators of the detect job call.

A watch keeps everything it would need after a crash in its store, one small entry for each thing that changed, and works
from memory. Its results depend only on what was observed before which time, not on how often `advance` was called.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flink_jobs.patterns.patterns import Patterns
from flink_jobs.rules.aims import Aims
from flink_jobs.rules.book import Page
from flink_jobs.rules.calm import Calm
from flink_jobs.rules.expected import Expected
from flink_jobs.rules.matched import MatchedEvent
from flink_jobs.rules.memory import Hit, Sighting
from flink_jobs.rules.plan import Place, Plan
from flink_jobs.rules.roster import Roster, Store
from flink_jobs.rules.series import Series
from flink_jobs.rules.storm import Storms
from flink_jobs.rules.told import adopt, tell
from logverse.alert import Alert
from logverse.anomaly import Anomaly
from logverse.feedback import Feedback
from logverse.instant import Millis
from logverse.inventory import Source
from logverse.model import Model
from logverse.summary import Summary
from logverse.template import Label, Template

__all__ = ["Store", "Watch"]

_SWEEP_MS = 60_000


class Watch:
    """All rules about one key: a service, or (`across`) one rule over all services.

    `overflow` counts events whose series was one too many for its rule (SERIES_CAP), or that its memory had no room for;
    `too_late` those older than the buckets that are kept (window + 15 min); both since this object was made, for metrics.
    `crowded` are the rules that overflowed since the last `advance`, which tells their owners (rules/storm.py).
    """

    def __init__(self, key: str, store: Store, across: bool = False) -> None:
        self.key, self._store = key, store
        self.overflow = self.too_late = 0
        self.crowded: set[str] = set()
        cursor = store.get("cursor")
        self._cursor: Millis | None = None if cursor is None else int(cursor)
        self._swept: Millis = self._cursor or 0
        self._page = Page({}, {}, known=False)
        self._roster = Roster(store)
        self._expected = Expected(store)
        self._storms = Storms(key, store)
        kept = [] if across else [(name, value) for name, value in store.items() if name.startswith("P:")]
        self.patterns = None if across else Patterns(key, kept)
        self._aims = Aims(self._roster)
        self._strange: list[Anomaly] = []

    # What is seen

    def observe(self, summaries: Sequence[Summary], rules: Page, late: bool = False) -> Sequence[Summary]:
        """Counts summaries of all views; answers them as rules see them, with templates in place of masked bodies.

        What is late for a series follows from the time it has been judged up to; `late` only says that the rows came by the late path.
        """
        self._turn_to(rules)
        if not summaries:
            return summaries
        cursor = self._begin(min(summary.second for summary in summaries))
        if self.patterns is not None:
            summaries = self.patterns.replace(summaries)
            self.patterns.save(self._store)
            if self.patterns.take_reworded():
                self._aims.forget_words()
        touched: dict[str, Series] = {}
        calm = Calm()
        for summary in summaries:
            for series, memory, plan, place in self._aims.of(summary, rules, cursor):
                columns = plan.measure.columns(summary, place.matched)
                if memory is not None:
                    seen = Sighting(place, summary.second, columns, summary.duration_max, summary.sample, _words(summary))
                    self._count_hits(plan, memory.see(seen), cursor, touched)
                elif series is None:
                    self._overflown(plan, summary.count)
                elif not (columns[1] or plan.distinct or plan.sketched):
                    calm.add(series, summary.second, columns, summary.duration_max)
                elif series.add(
                    summary.second, cursor, columns, summary.duration_max, place.trait, summary.sample,
                    place.values[0] if plan.distinct else None, summary.paths if plan.sketched else 0,
                ):  # fmt: skip
                    touched[series.key] = series
                else:
                    self.too_late += summary.count
        self._count_calm(calm, cursor, touched)
        self._roster.save(touched.values())
        self._roster.save_memories()
        return summaries

    def _count_calm(self, calm: Calm, cursor: Millis, touched: dict[str, Series]) -> None:
        for series, second, columns, peak in calm:
            if series.add(second, cursor, columns, peak, "", ""):
                touched[series.key] = series
            else:
                self.too_late += columns[0]

    def observe_events(self, events: Sequence[MatchedEvent], rules: Page, late: bool = False) -> None:
        """Counts single events, for the rules that see them."""
        self._turn_to(rules)
        if not events or not rules.on_events:
            return
        cursor = self._begin(min(event.at for event in events) // 1000 * 1000)
        touched: dict[str, Series] = {}
        for event in events:
            for plan in rules.on_events:
                if (plan.clause is None or plan.clause == event.clause) and (place := plan.place(event.fields.get)) is not None:
                    self._count_event(plan, place, event, cursor, touched)
        self._roster.save(touched.values())
        self._roster.save_memories()

    def _count_event(self, plan: Plan, place: Place, event: MatchedEvent, cursor: Millis, touched: dict[str, Series]) -> None:
        sample = str(event.fields.get("body") or "")
        memory = self._roster.memories.get(plan.rule.name)
        if memory is not None:
            return self._count_hits(plan, memory.see(Sighting(place, event.at, (1, 1), 0.0, sample)), cursor, touched)
        group = dict(zip(plan.rule.group_by, place.group, strict=True))
        hit = Hit(group, event.at // 1000 * 1000, (1, 1), 0.0, place.trait, sample)
        self._count_hits(plan, [hit], cursor, touched, place.values[0] if plan.distinct else None)

    def _count_hits(
        self, plan: Plan, hits: Iterable[Hit], cursor: Millis, touched: dict[str, Series], value: str | int | None = None
    ) -> None:
        for hit in hits:
            series = self._roster.of(plan, hit.group, hit.second, cursor, hit.words)
            if series is None:
                self._overflown(plan, hit.columns[0])
            elif series.add(hit.second, cursor, hit.columns, hit.peak, hit.trait, hit.sample, value):
                touched[series.key] = series
            else:
                self.too_late += hit.columns[0]

    def _overflown(self, plan: Plan, count: int) -> None:
        self.overflow += count
        self.crowded.add(plan.rule.name)

    # What people and other parts say

    def observe_feedback(self, feedback: Feedback, rules: Page) -> None:
        """What somebody said of an alert: its detector learns from it. Hearing it again changes nothing."""
        self._turn_to(rules)
        if (series := self._roster.series.get(feedback.fingerprint)) is not None:
            tell(series, feedback)
            series.save(self._store)

    def observe_model(self, model: Model, rules: Page) -> None:
        """What a detector has learnt from history: for a series that has not learnt enough by itself."""
        self._turn_to(rules)
        if self.patterns is None or model.group.get("service.name") == self.key:
            adopt(self._roster, self._store, model, rules.plans.get(model.rule))

    def observe_source(self, source: Source, rules: Page) -> None:
        """Who is expected to be heard of, or not any more; from the next `advance` on."""
        self._turn_to(rules)
        self._expected.take(source)

    def observe_label(self, label: Label) -> None:
        """What people said of a template."""
        if self.patterns is not None:
            self.patterns.mark(label)
            self.patterns.save(self._store)

    # What follows from it

    def advance(self, now: Millis, rules: Page) -> list[Alert]:
        """Judges everything before `now` (whole seconds of event time; all of it has been observed): the transitions, in order."""
        self._turn_to(rules)
        cursor = self._begin(now)
        now = max(now, cursor)
        alerts = self._roster.end_orphans(cursor)
        ended, gone = self._expected.enlist(self._roster, rules, cursor)
        alerts += ended + self._end_patterns(rules, cursor)
        if gone:
            self._aims.forget()
        self._settle(now, cursor)
        due = [one for one in self._roster.series.values() if one.dirty or (one.next is not None and one.next <= now)]
        for series in due:
            alerts += series.advance(now)
            self._strange += series.anomalies() if series.course.strange else []
        if rules.known:
            alerts += self._storms.advance(self.crowded, rules.plans, now)
        self._expected.learn(due, now)
        self._roster.save(due)
        self._set_cursor(now)
        self._sweep(now)
        return sorted(alerts, key=lambda alert: (alert.at, alert.rule, sorted(alert.group.items())))

    def _end_patterns(self, rules: Page, cursor: Millis) -> list[Alert]:
        """The ends of the alerts about templates that are ignored now, or have become one with another."""
        if self.patterns is None or not rules.known or not (over := self.patterns.take_ended()):
            return []
        self.patterns.save(self._store)
        self._aims.forget()
        return self._roster.end("log.record.template", over, cursor)

    def _settle(self, now: Millis, cursor: Millis) -> None:
        touched: dict[str, Series] = {}
        for name, memory in self._roster.memories.items():
            plan = self._page.plans[name]
            self._count_hits(plan, memory.settle(now), cursor, touched)
            if memory.over:
                self._overflown(plan, memory.over)
                memory.over = 0
        self._roster.save_memories()
        self._roster.save(touched.values())

    def anomalies(self) -> list[Anomaly]:
        """What detectors found strange since the last call."""
        strange, self._strange = self._strange, []
        return strange

    def sources(self) -> list[Source]:
        """The sources learned since the last call, `at` in event time: for topic `inventory`."""
        return self._expected.learned()

    def templates(self) -> list[Template]:
        """What topic `templates` has yet to hear of."""
        if self.patterns is None or self._cursor is None:
            return []
        told = self.patterns.changes(self._cursor)
        self.patterns.save(self._store)
        return told

    def wants_tick(self) -> bool:
        """Whether `advance` must be called again in a second even if nothing arrives."""
        waits = self._roster.orphans or self._expected.waits or self._storms.waits or (self.patterns is not None and self.patterns.pending)
        return (
            bool(waits)
            or any(memory.waits for memory in self._roster.memories.values())
            or any(series.alive for series in self._roster.series.values())
        )

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

    def _sweep(self, now: Millis) -> None:
        """Each minute: expired buckets go, and series of which nothing is left."""
        if now >= self._swept + _SWEEP_MS:
            self._swept = now
            if gone := self._roster.sweep(now):
                self._aims.forget_at(gone)

    def _turn_to(self, page: Page) -> None:
        self._page = page
        if self._roster.turn_to(page, self._cursor or 0):
            self._aims.forget()


def _words(summary: Summary) -> dict[str, str]:
    """What a sentence says instead of a value of the summary."""
    return {} if summary.pattern is None else {str(summary["log.record.template"]): summary.pattern.words}

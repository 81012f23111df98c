"""Flink's side of the rules: state, timers and broadcast around `rules.watch.Watch`. Nothing here decides anything."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from pyflink.common import Row, Types
from pyflink.datastream import OutputTag
from pyflink.datastream.functions import KeyedBroadcastProcessFunction, RuntimeContext
from pyflink.datastream.state import MapState, MapStateDescriptor

from flink_jobs import tables, wire
from flink_jobs.rules.book import Page, RuleBook, project
from flink_jobs.rules.plan import Plan
from flink_jobs.rules.reach import Reach
from flink_jobs.rules.watch import Watch
from flink_jobs.settings import JobSettings
from logverse.alert import Alert
from logverse.errors import Malformed
from logverse.rule import Rule
from logverse.rule_status import RuleStatus
from logverse.topics import named

ROW = Types.ROW_NAMED(["kind", "service", "at", "items"], [Types.STRING(), Types.STRING(), Types.LONG(), Types.STRING()])
RECORD = Types.ROW_NAMED(["key", "value", "topic"], [Types.STRING(), Types.STRING(), Types.STRING()])
RULES = MapStateDescriptor("rules", Types.STRING(), Types.STRING())
ACROSS = OutputTag("across-services", ROW)

SECOND = 1000

log = logging.getLogger(__name__)


class StateStore:
    """A Watch's store: the MapState of the key that Flink is at."""

    def __init__(self, state: MapState) -> None:
        self._state = state

    def get(self, key: str) -> bytes | None:
        return self._state.get(key)

    def put(self, key: str, value: bytes) -> None:
        self._state.put(key, value)

    def remove(self, key: str) -> None:
        self._state.remove(key)

    def items(self) -> Iterable[tuple[str, bytes]]:
        return list(self._state.items())


class Evaluate(KeyedBroadcastProcessFunction):
    """Rules on the rows of one key: a service, or one rule that looks across services.

    Rows come in event-time order a second at a time, late ones in between; a timer at the end of each second lets the watch decide.
    Rules come from the snapshot of the submit, then by broadcast; each subtask confirms each rule it runs on `rules.status`.
    """

    def __init__(self, settings: JobSettings, reach: Reach, across: bool) -> None:
        self._settings, self._reach, self._across = settings, reach, across

    def open(self, runtime_context: RuntimeContext) -> None:
        self._store = StateStore(runtime_context.get_map_state(MapStateDescriptor("watch", Types.STRING(), Types.PICKLED_BYTE_ARRAY())))
        self._watches: dict[str, Watch] = {}
        self._book: RuleBook | None = None
        self._subtask = runtime_context.get_index_of_this_subtask()
        self._parallelism = runtime_context.get_number_of_parallel_subtasks()
        metrics = runtime_context.get_metrics_group()
        self._overflow, self._too_late = metrics.counter("events_over_series_cap"), metrics.counter("events_beyond_buckets")

    def process_element(self, row: Row, ctx: KeyedBroadcastProcessFunction.ReadOnlyContext) -> Iterator[object]:
        kind, key, at, items = row
        book, watch = self._rules(ctx), self._watch(key)
        late = kind in (tables.LATE, tables.LATE_EVENTS)
        if kind in (tables.SUMMARIES, tables.LATE):
            summaries = wire.summaries(at, items)
            watch.observe(summaries, self._page(book, key), late=late)
            for plan in self._handed_on(book):
                if projected := project(summaries, plan):
                    yield ACROSS, Row(kind, plan.rule.name, at, wire.items(projected))
        else:
            event = wire.matched_event(items)
            watch.observe_events([event], self._page(book, key), late=late)
            for plan in self._handed_on(book):
                if plan.clause == event.clause:
                    yield ACROSS, Row(kind, plan.rule.name, at, items)
        self._count(watch)
        # Of a late row this lies in the past: it fires with the next watermark.
        ctx.timer_service().register_event_time_timer(at + SECOND - 1)

    def on_timer(self, timestamp: int, ctx: KeyedBroadcastProcessFunction.OnTimerContext) -> Iterator[Row]:
        key = ctx.get_current_key()
        watch = self._watch(key)
        # The watermark may have jumped: decide up to it at once instead of a second a timer.
        now = max(timestamp + 1, (ctx.timer_service().current_watermark() + 1) // SECOND * SECOND)
        for alert in watch.advance(now, self._page(self._rules(ctx), key)):
            yield from self._records(alert)
        if watch.wants_tick():
            ctx.timer_service().register_event_time_timer(now + SECOND - 1)
        else:
            del self._watches[key]  # its next row brings it back from the store: names that come and go do not pile up

    def process_broadcast_element(self, text: str, ctx: KeyedBroadcastProcessFunction.Context) -> Iterator[Row]:
        try:
            rule = Rule.from_json(text)
        except Malformed as error:  # anybody's record; it must not stop the job that everybody's rules are in
            log.warning("record on topic rules left out: %s", error)
            return
        refusal = self._reach.refusal(rule) if rule.runs else None
        if refusal is None:
            book = self._rules(ctx)
            ctx.get_broadcast_state(RULES).put(rule.name, text)  # a deleted one too: it must stay gone though the snapshot has it
            book.put(rule)
        if self._across == ("service.name" not in rule.group_by):  # whoever runs it answers
            yield self._confirmation(rule, refusal)

    def _count(self, watch: Watch) -> None:
        self._overflow.inc(watch.overflow)
        self._too_late.inc(watch.too_late)
        watch.overflow = watch.too_late = 0

    def _rules(self, ctx) -> RuleBook:
        if self._book is None:
            told = {name: Rule.from_json(text) for name, text in ctx.get_broadcast_state(RULES).items()}
            known = {rule.name: rule for rule in self._settings.rules} | told
            self._book = RuleBook(known.values(), self._reach)
        return self._book

    def _page(self, book: RuleBook, key: str) -> Page:
        return book.only(key) if self._across else book.within_service()

    def _handed_on(self, book: RuleBook) -> Iterable[Plan]:
        return () if self._across else book.across().plans.values()

    def _watch(self, key: str) -> Watch:
        if key not in self._watches:
            self._watches[key] = Watch(key, self._store)
        return self._watches[key]

    def _records(self, alert: Alert) -> Iterator[Row]:
        text = alert.to_json().decode()
        for topic in ("alerts", "alerts.state"):
            yield Row(alert.fingerprint, text, named(topic, self._settings.topic_prefix))

    def _confirmation(self, rule: Rule, refusal: str | None) -> Row:
        status = RuleStatus.of(rule, job=self._settings.job_name, subtask=self._subtask, parallelism=self._parallelism, refusal=refusal)
        return Row(
            f"{rule.name}/{self._settings.job_name}/{self._subtask}",
            status.to_json().decode(),
            named("rules.status", self._settings.topic_prefix),
        )

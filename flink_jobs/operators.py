"""Flink's side of the rules: state, timers and broadcast around `rules.watch.Watch`. Nothing here decides anything."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterable, Iterator

from pyflink.common import Row, Types
from pyflink.datastream import OutputTag, TimeDomain
from pyflink.datastream.functions import KeyedBroadcastProcessFunction, RuntimeContext
from pyflink.datastream.state import MapState, MapStateDescriptor

from flink_jobs import records, tables, wire
from flink_jobs.board import EVERYBODY, Board
from flink_jobs.rules.book import Page, RuleBook, project
from flink_jobs.rules.matched import MatchedEvent
from flink_jobs.rules.plan import Plan
from flink_jobs.rules.reach import Reach
from flink_jobs.rules.watch import Watch
from flink_jobs.settings import JobSettings
from flink_jobs.stillness import Stillness
from logverse import instant
from logverse.errors import Malformed
from logverse.feedback import Feedback
from logverse.instant import Millis
from logverse.inventory import Source
from logverse.model import Model
from logverse.rule import Rule
from logverse.summary import Summary

_TEXT = Types.STRING()
ROW = Types.ROW_NAMED(["kind", "service", "at", "items", "more"], [_TEXT, _TEXT, Types.LONG(), _TEXT, _TEXT])
RECORD = Types.ROW_NAMED(["key", "value", "topic"], [_TEXT, _TEXT, _TEXT])
TOLD = Types.ROW_NAMED(["topic", "value"], [_TEXT, _TEXT])  # a record of topic `rules` or of one of board.TOPICS
RULES = MapStateDescriptor("rules", _TEXT, _TEXT)
WORDS = MapStateDescriptor("words", _TEXT, _TEXT)
ACROSS = OutputTag("across-services", ROW)

# A row of this kind carries nothing: a rule over all services must be awake though nothing ever comes.
WAKE = "wake"
SECOND = 1000
TICK = 10_000  # of processing time, how often whoever looks across services looks for silence
PATIENCE = 30_000

# Series and their buckets are millions of objects that live long: looking for garbage among them after every 700 new ones, as Python
# does by itself, was an eighth of the work (benchmarks.watch).
GARBAGE = (50_000, 20, 100)

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
    Rules come from the snapshot of the submit, then by broadcast; each subtask confirms each rule it runs on `rules.status`. Whoever
    looks across services has a timer of processing time beside it, kept like all timers: it goes on after a restore, and when
    nothing comes.
    """

    def __init__(self, settings: JobSettings, reach: Reach, across: bool) -> None:
        self._settings, self._reach, self._across = settings, reach, across
        # In a replay the clock means nothing.
        self._has_clock = across and not settings.bounded

    def open(self, runtime_context: RuntimeContext) -> None:
        self._store = StateStore(runtime_context.get_map_state(MapStateDescriptor("watch", Types.STRING(), Types.PICKLED_BYTE_ARRAY())))
        self._watches: dict[str, Watch] = {}
        self._heard: dict[str, int] = {}
        self._timers: dict[str, int] = {}  # the last one that each key set
        self._book: RuleBook | None = None
        self._board: Board | None = None
        self._still = Stillness(PATIENCE, instant.now)
        self._subtask = runtime_context.get_index_of_this_subtask()
        self._parallelism = runtime_context.get_number_of_parallel_subtasks()
        metrics = runtime_context.get_metrics_group()
        self._overflow, self._too_late = metrics.counter("events_over_series_cap"), metrics.counter("events_beyond_buckets")
        self._forgotten = metrics.counter("words_forgotten")
        gc.set_threshold(*GARBAGE)

    def process_element(self, row: Row, ctx: KeyedBroadcastProcessFunction.ReadOnlyContext) -> Iterator[object]:
        kind, key, at, items, _ = row
        if self._has_clock:
            self._set_clock(ctx)
            self._still.disturb()
        if kind == WAKE:
            return
        watch, page, late = self._watch(ctx, key), self._page(ctx, key), kind in (tables.LATE, tables.LATE_EVENTS)
        if kind in (tables.SUMMARIES, tables.LATE):
            seen = watch.observe(self._summaries(row, page, ctx), page, late=late)
            yield from self._hand_on(ctx, row, seen)
        else:
            event = wire.matched_event(items)
            watch.observe_events([event], page, late=late)
            yield from self._hand_on_event(ctx, row, event)
        self._count(watch)
        # Of a late row this lies in the past: it fires with the next watermark.
        self._wake(ctx, key, at + SECOND - 1)

    def _wake(self, ctx, key: str, at: Millis) -> None:
        """Sets a timer of event time, unless it is set: each call goes to the JVM."""
        if self._timers.get(key) != at:
            self._timers[key] = at
            ctx.timer_service().register_event_time_timer(at)

    def _summaries(self, row: Row, page: Page, ctx) -> list[Summary]:
        kind, _, at, items, more = row
        traffic, named = wire.summaries(at, items), wire.named(at, more)
        if kind == tables.LATE or self._across:  # the parts of a late second come apart; to a rule across services all is handed on
            return traffic + named
        views = sorted({*page.wants_others, *self._book_of(ctx).across().wants_others})
        return traffic + named + wire.others(traffic, named, views)

    def _hand_on(self, ctx, row: Row, seen: Iterable[Summary]) -> Iterator[object]:
        for plan in self._handed_on(ctx):
            if plan.view and (projected := project(seen, plan)):
                items, more = (wire.items(projected), "[]") if plan.view == "traffic" else ("[]", wire.more(projected))
                yield ACROSS, Row(row[0], plan.rule.name, row[2], items, more)

    def _hand_on_event(self, ctx, row: Row, event: MatchedEvent) -> Iterator[object]:
        for plan in self._handed_on(ctx):
            if plan.clause == event.clause:
                yield ACROSS, Row(row[0], plan.rule.name, row[2], row[3], "[]")

    def on_timer(self, timestamp: int, ctx: KeyedBroadcastProcessFunction.OnTimerContext) -> Iterator[Row]:
        watermark = ctx.timer_service().current_watermark()
        if ctx.time_domain() == TimeDomain.PROCESSING_TIME:
            now = self._still.event_time(watermark)
            if self._book_of(ctx).only(ctx.get_current_key()).plans:
                self._set_clock(ctx)
            if now is not None:
                yield from self._advance(now // SECOND * SECOND, ctx)
        else:
            self._timers.pop(ctx.get_current_key(), None)
            # The watermark may have jumped: decide up to it at once instead of a second a timer.
            now = max(timestamp + 1, (watermark + 1) // SECOND * SECOND)
            yield from self._advance(now, ctx)
            if self._watch(ctx, ctx.get_current_key()).wants_tick():
                self._wake(ctx, ctx.get_current_key(), now + SECOND - 1)
            else:
                # Its next row brings it back from the store: names that come and go do not pile up.
                del self._watches[ctx.get_current_key()], self._heard[ctx.get_current_key()]

    def _advance(self, now: Millis, ctx) -> Iterator[Row]:
        key, prefix = ctx.get_current_key(), self._settings.topic_prefix
        watch = self._watch(ctx, key)
        for alert in watch.advance(now, self._page(ctx, key)):
            yield from (Row(*record) for record in records.of_alert(alert, prefix))
        yield from (Row(*record) for record in records.of_watch(watch, prefix))

    def process_broadcast_element(self, row: Row, ctx: KeyedBroadcastProcessFunction.Context) -> Iterator[object]:
        topic, text = row
        try:
            if topic == "rules":
                yield from self._take_rule(Rule.from_json(text), text, ctx)
            else:
                self._take_word(topic, text, ctx)
        except Malformed as error:  # anybody's record; it must not stop the job that everybody's rules are in
            log.warning("record on topic %s left out: %s", topic, error)

    def _take_rule(self, rule: Rule, text: str, ctx) -> Iterator[object]:
        refusal = self._reach.refusal(rule) if rule.runs else None
        if refusal is None:
            book = self._book_of(ctx)
            ctx.get_broadcast_state(RULES).put(rule.name, text)  # a deleted one too: it must stay gone though the snapshot has it
            book.put(rule)
            if not self._across and rule.name in book.across().plans:
                yield ACROSS, Row(WAKE, rule.name, 0, "", "")
        if self._across == self._is_across(rule, ctx):  # whoever runs it answers
            yield Row(*records.of_answer(rule, refusal, self._settings, self._subtask, self._parallelism))

    def _take_word(self, topic: str, text: str, ctx) -> None:
        board, state = self._board_of(ctx), ctx.get_broadcast_state(WORDS)
        for name, kept in board.put(topic, text):
            if kept is None:
                state.remove(name)
                self._forgotten.inc()
            else:
                state.put(name, kept)

    def _is_across(self, rule: Rule, ctx) -> bool:
        plan = self._book_of(ctx).plans.get(rule.name)
        return plan.across if plan is not None else "service.name" not in rule.group_by

    def _set_clock(self, ctx) -> None:
        """The same time for all calls in between: Flink keeps one timer."""
        ctx.timer_service().register_processing_time_timer((instant.now() // TICK + 1) * TICK)

    def _count(self, watch: Watch) -> None:
        self._overflow.inc(watch.overflow)
        self._too_late.inc(watch.too_late)
        watch.overflow = watch.too_late = 0

    def _book_of(self, ctx) -> RuleBook:
        if self._book is None:
            told = {name: Rule.from_json(text) for name, text in ctx.get_broadcast_state(RULES).items()}
            known = {rule.name: rule for rule in self._settings.rules} | told
            self._book = RuleBook(known.values(), self._reach)
        return self._book

    def _board_of(self, ctx) -> Board:
        if self._board is None:
            self._board = Board(ctx.get_broadcast_state(WORDS).items())
        return self._board

    def _page(self, ctx, key: str) -> Page:
        book = self._book_of(ctx)
        return book.only(key) if self._across else book.within_service(key)

    def _handed_on(self, ctx) -> Iterable[Plan]:
        return () if self._across else self._book_of(ctx).across().plans.values()

    def _watch(self, ctx, key: str) -> Watch:
        """The key's watch, which has heard what was said of it."""
        watch = self._watches.get(key)
        if watch is None:
            watch = self._watches[key] = Watch(key, self._store, self._across)
            self._heard[key] = 0
        board, heard = self._board_of(ctx), self._heard[key]
        for about in (key, EVERYBODY) if self._across else (key,):
            for serial, word in board.news(about, heard):
                self._heard[key] = max(self._heard[key], serial)
                self._tell(watch, word, ctx)
        return watch

    def _tell(self, watch: Watch, word: object, ctx) -> None:
        page = self._page(ctx, watch.key)
        if isinstance(word, Feedback):
            watch.observe_feedback(word, page)
        elif isinstance(word, Model):
            watch.observe_model(word, page)
        elif isinstance(word, Source):
            watch.observe_source(word, page)
        else:
            watch.observe_label(word)

"""Looks through a service's events, newest first, no further than one page may cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import chain

from logverse.instant import Millis
from storage.layout import BUCKET_MS
from storage.query import EventQuery, Place, token_of
from storage.rows import StoredEvent
from storage.store import Position, Selection, Store, UserPosition

# What one page may cost: rows that are read and do not fit, and buckets in which the store's own look-up found little.
ROWS, BUCKETS = 50_000, 144
SLICE = 12  # buckets that are handed to the store at a time
CHUNK = 256  # rows whose text is judged at a time
BYTES = 32 * 1024 * 1024  # of records that a page holds, and that are judged at a time


@dataclass(frozen=True, slots=True)
class Page:
    """Events, newest first. `token` goes on behind them, None when that was all; `scanned` rows were looked at for it.

    A page may be short or empty and have a token: its work was used up, or its rows are heavy. `reached` is how far back it
    looked (event time).
    """

    rows: list[StoredEvent]
    token: str | None
    scanned: int
    reached: Millis


def service_page(store: Store, query: EventQuery, place: Place, types: tuple[str, ...]) -> Page:
    """A page of one service's events of these types, merged in time order."""
    pager = _Pager(query, place)
    looked = 0
    for starts in _slices(store, query, place, types):
        since = max(starts[-1], place.since)
        if page := pager.read(_merged(store, query, place, types, since, min(starts[0] + BUCKET_MS, place.until))):
            return page
        looked += len(starts)
        if looked >= BUCKETS and since > place.since:
            return pager.page(Place(place.since, since))
    return pager.page(None)


def user_page(store: Store, query: EventQuery, place: Place) -> Page:
    """A page of a user's activity over all services."""
    pager = _Pager(query, place)
    equal = query.equal()
    after = UserPosition(*place.after, place.beside) if place.after else None
    events = store.activity(query.user, place.since, place.until, after, pager.fetch)
    chosen = (event for event in events if all(getattr(event, name) == value for name, value in equal.items()))
    return pager.read(chosen) or pager.page(None)


class _Pager:
    """Takes events until the page is full or its work used up."""

    def __init__(self, query: EventQuery, place: Place) -> None:
        self._query, self._place = query, place
        self._choice = query.choice()
        self._rows: list[StoredEvent] = []
        self._scanned = self._bytes = 0
        self.fetch = CHUNK if self._choice else query.limit

    def read(self, events: Iterator[StoredEvent]) -> Page | None:
        """The page as soon as it is one; None when these events ended before."""
        while chunk := _chunk(events, self._ask()):
            fits = self._choice(chunk) if self._choice else [True] * len(chunk)
            for event, chosen in zip(chunk, fits, strict=True):
                self._scanned += 1
                if chosen:
                    self._rows.append(event)
                    self._bytes += len(event.record)
                if len(self._rows) == self._query.limit or self._bytes >= BYTES:
                    return self.page(self._behind(event))
            if self._scanned - len(self._rows) >= ROWS:
                return self.page(self._behind(chunk[-1]))
        return None

    def page(self, rest: Place | None) -> Page:
        token = token_of(self._query, rest) if rest else None
        reached = self._place.since if rest is None else rest.after.timestamp if rest.after else rest.until
        return Page(self._rows, token, self._scanned, reached)

    def _ask(self) -> int:
        return CHUNK if self._choice else self._query.limit - len(self._rows)

    def _behind(self, event: StoredEvent) -> Place:
        beside = event.log_type if self._query.service else event.service_name
        return Place(self._place.since, self._place.until, Position(event.timestamp, event.uid), beside)


def _chunk(events: Iterator[StoredEvent], rows: int) -> list[StoredEvent]:
    """The next events: so many, or fewer heavy ones."""
    chunk: list[StoredEvent] = []
    weight = 0
    while len(chunk) < rows and weight < BYTES and (event := next(events, None)):
        chunk.append(event)
        weight += len(event.record)
    return chunk


def _slices(store: Store, query: EventQuery, place: Place, types: tuple[str, ...]) -> Iterator[list[Millis]]:
    """Starts of the buckets that hold anything, newest first, a few at a time."""
    until = min(place.until, place.after.timestamp + 1) if place.after else place.until
    found = merge(*(store.buckets(log_type, query.service, place.since, until) for log_type in types), reverse=True)
    last: Millis | None = None
    starts: list[Millis] = []
    for bucket in found:
        if bucket == last:
            continue
        last = bucket
        starts.append(bucket)
        if len(starts) == SLICE:
            yield starts
            starts = []
    if starts:
        yield starts


def _merged(
    store: Store, query: EventQuery, place: Place, types: tuple[str, ...], since: Millis, until: Millis
) -> Iterator[StoredEvent]:  # fmt: skip
    """Events of all types in one order: newest first, then by uid, then by type."""
    fetch = CHUNK if query.choice() else query.limit
    streams = []
    for log_type in sorted(types):
        selection = Selection(log_type, query.service, since, until, query.equal())
        events = store.events(selection, place.after, fetch)
        if place.after and log_type > place.beside and since <= place.after.timestamp < until:
            events = chain(_twin(store, selection, place.after), events)
        streams.append(events)
    return merge(*streams, key=lambda event: (-event.timestamp, event.uid, event.log_type))


def _twin(store: Store, selection: Selection, at: Position) -> Iterator[StoredEvent]:
    """The event of another type with the same time and uid: it comes behind the place although its position does not."""
    event = store.event(selection.log_type, selection.service_name, at)
    if event and all(getattr(event, name) == value for name, value in selection.equal.items()):
        yield event

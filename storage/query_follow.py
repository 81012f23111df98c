"""Following the newest events of a query as they are stored, each once, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from logverse.instant import Millis
from storage.history import FOREVER, EventQuery, History
from storage.rows import StoredEvent

# Events are stored out of order: how far behind the newest one (event time) each poll looks, and how far every tenth poll does.
# What is stored later than that is not shown any more; `query events` has it.
OVERLAP: Millis = 10_000
LATEST: Millis = 60_000
_WIDE = 10
MOST = 5_000  # a poll
REMEMBERED = 50_000


class News(NamedTuple):
    """What a poll brought, oldest first; `more`: there was more than one poll may look at, and the oldest of it is left out."""

    events: list[StoredEvent]
    more: bool


class Tail:
    """Polls a query, whose `since` is where following begins. It goes by event time; events from the future hide nothing."""

    def __init__(self, history: History, query: EventQuery, clock: Callable[[], Millis]) -> None:
        self._history, self._clock = history, clock
        self._query = replace(query, until=FOREVER, limit=MOST)
        self._floor = self._newest = query.since
        self._seen: dict[tuple[str, str, Millis, str], None] = {}
        self._polls = 0

    def poll(self) -> News:
        """What came since the last poll. TryAgain while the store is away: nothing is lost then but what outlives a poll's bounds."""
        self._polls += 1
        since = self._floor if self._polls % _WIDE == 0 else max(self._floor, self._newest - OVERLAP)
        page = self._history.events(replace(self._query, since=since))
        fresh = [event for event in page.rows if _key(event) not in self._seen]
        self._seen.update(dict.fromkeys(map(_key, fresh)))
        more = page.token is not None and page.reached > self._newest
        now = self._clock()
        self._newest = max(self._newest, next((event.timestamp for event in page.rows if event.timestamp <= now), self._newest))
        self._forget()
        return News(fresh[::-1], more)

    def _forget(self) -> None:
        self._floor = max(self._floor, self._newest - LATEST)
        if len(self._seen) > REMEMBERED:  # all at once, or from the future: what lies before half of them is over
            self._floor = max(self._floor, sorted(at for _, _, at, _ in self._seen)[REMEMBERED // 2])
        self._seen = {key: None for key in self._seen if key[2] >= self._floor}


def _key(event: StoredEvent) -> tuple[str, str, Millis, str]:
    return (event.log_type, event.service_name, event.timestamp, event.uid)

"""Following: each event once, oldest first, in bounded memory, whatever the clocks say."""

from __future__ import annotations

import pytest

from storage import query_follow
from storage.history import EventQuery, History
from storage.memory import MemoryStore
from storage.query_follow import LATEST, OVERLAP, Tail
from tests.contracts.store_contract import DAY, NOON, event


class Watched:
    """A store that grows while it is followed, from NOON on; the clock says an hour later."""

    def __init__(self, **asked):
        self.store = MemoryStore()
        self.tail = Tail(History(self.store), EventQuery(NOON, NOON + 1, "web", **asked), lambda: NOON + 3_600_000)
        self.add((0, "start"))
        self.tail.poll()

    def add(self, *events):
        self.store.save_events([event("web", NOON + at, uid) for at, uid in events])

    def poll(self):
        return [one.uid for one in self.tail.poll().events]


def test_each_event_once_oldest_first():
    """What is new since the last poll, also of a millisecond that was shown before."""
    watched = Watched()

    watched.add((20, "b"), (10, "a"))
    first = watched.poll()
    watched.add((20, "c"), (10, "a"), (30, "d"))

    assert (first, watched.poll(), watched.poll()) == (["a", "b"], ["c", "d"], [])


def test_what_comes_late_is_shown():
    """At once up to the overlap behind the newest, within ten polls up to a minute; what is later still is not, and nothing twice."""
    watched = Watched()
    watched.add((100_000, "new"))
    watched.poll()

    watched.add((100_000 - OVERLAP, "late"), (100_000 - LATEST, "a minute late"), (100_000 - LATEST - 1, "too late"))

    assert watched.poll() == ["late"]
    assert [uid for _ in range(20) for uid in watched.poll()] == ["a minute late"]


def test_an_event_from_the_future_hides_nothing():
    """A clock that is a day ahead is shown once, and all that is said in time as well."""
    watched = Watched()
    watched.add((DAY, "ahead"), (1, "a"))
    first = watched.poll()
    watched.add((2, "b"))

    assert (first, watched.poll()) == (["a", "ahead"], ["b"])


def test_memory_is_bounded(monkeypatch):
    """However many events have one time, what is remembered has a limit, and nothing is shown twice."""
    monkeypatch.setattr(query_follow, "REMEMBERED", 100)
    watched = Watched()
    shown = []
    for minute in range(20):
        watched.add(*((minute * 10, f"{minute}-{n}") for n in range(30)))
        shown += watched.poll()

    assert len(shown) == len(set(shown)) == 600
    assert len(watched.tail._seen) <= 100


def test_more_than_can_be_shown_is_said(monkeypatch):
    """The newest are shown, and that some are left out is told."""
    monkeypatch.setattr(query_follow, "MOST", 5)
    watched = Watched()
    watched.tail = Tail(History(watched.store), EventQuery(NOON, NOON + 1, "web"), lambda: NOON + 3_600_000)
    watched.add(*((n, str(n)) for n in range(1, 9)))

    news = watched.tail.poll()

    assert ([one.uid for one in news.events], news.more) == (["4", "5", "6", "7", "8"], True)
    assert watched.tail.poll() == ([], False)


@pytest.mark.parametrize(("asked", "shown"), [({"grep": "record of a"}, ["a"]), ({"types": ("error",)}, [])])
def test_filters_hold(asked, shown):
    """Only what fits is shown."""
    watched = Watched(**asked)
    watched.add((1, "a"), (2, "b"))

    assert watched.poll() == shown

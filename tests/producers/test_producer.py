"""The producer as a whole, on a clock of the test's: heartbeats, patience, the end."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from logverse import instant
from producers import heartbeats
from producers.memory import MemoryPublisher
from producers.sources.source import Batch
from producers.translation import Record


def times(publisher: MemoryPublisher) -> list[tuple[str, int]]:
    """What a partition holds, in its order: kind and event time."""
    flat = [orjson.loads(entry.value if isinstance(entry, Record) else entry) for entry in publisher.order]
    return [(entry["log.type"], instant.read(entry["timestamp"])) for entry in flat]


def test_caught_up_it_beats_each_second_with_the_time_of_now(workshop: Any) -> None:
    """A quiet service still moves time on, so that windows close and silence is seen."""
    workshop.write(workshop.line(0))

    workshop.follow(seconds=5)

    beats = [at for kind, at in times(workshop.publisher) if kind == "heartbeat"]
    assert len(beats) == 5
    assert all(second - first == pytest.approx(1000, abs=200) for first, second in itertools.pairwise(beats))


def test_heartbeats_never_overtake_data(workshop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """While several files lag by hours, no line sent after a heartbeat is older than the heartbeat, at a beat after every chunk."""
    monkeypatch.setattr(heartbeats, "INTERVAL_MS", 0)
    monkeypatch.setattr("producers.sources.streams.CHUNK", 1000)
    for name, first in (("a.log", -9000), ("b.log", -5000), ("c.log", -9500)):
        workshop.write(workshop.lines(first, first + 800), name)
    workshop.start("*.log", follow=False)
    workshop.stop_after = 1

    workshop.producer.read_to_end()

    promised, behind = 0, 0
    for kind, at in times(workshop.publisher):
        promised = max(promised, at) if kind == "heartbeat" else promised
        assert kind == "heartbeat" or at >= promised
        behind += kind == "heartbeat" and at < workshop.noon
    assert behind > 100


def test_no_heartbeat_while_a_backlog_is_of_unknown_age(workshop: Any) -> None:
    """As long as nobody knows how old a file's lines are, nothing is promised; then no more than its oldest unsent one."""
    workshop.write("garbage\n", "a.log")
    workshop.write(workshop.line(-60), "b.log")
    workshop.start("*.log")
    workshop.files.look()
    known, unknown = sorted(workshop.files.lagging(), key=lambda file: file.path.name, reverse=True)

    at = [workshop.translator.stands_at(file) for file in (known, unknown)]

    assert at == [workshop.noon - 60_000, 0]
    assert heartbeats.stamp(at[:1], workshop.now) == workshop.noon - 60_000
    assert heartbeats.stamp(at, workshop.now) is None


def test_line_from_the_future_does_not_promise_it(workshop: Any) -> None:
    """One line with a clock of next year moves neither the heartbeats nor the measure of disorder."""
    workshop.write(workshop.line(0) + workshop.line(365 * 86400) + workshop.line(1))
    workshop.follow(seconds=0.1)
    workshop.write(workshop.line(2))

    stamp = heartbeats.stamp([workshop.translator.stands_at(file) for file in workshop.files.lagging()], workshop.now + 60_000)

    assert stamp == workshop.noon + 1000
    assert workshop.translator.disorder.worst == 0


def test_end_sends_a_last_heartbeat_of_now(workshop: Any) -> None:
    """Without following, the last word is a heartbeat of now after everything else: the last windows close."""
    workshop.write(workshop.lines(-500, -400))

    workshop.read_to_end()

    assert times(workshop.publisher)[-1] == ("heartbeat", workshop.now)
    assert [kind for kind, _ in times(workshop.publisher)].count("http") == 100


class Busy(MemoryPublisher):
    """A broker that takes nothing until it was asked to wait three times."""

    waits = 0

    def send(self, records: Any, settled: Callable[[], None], idle: Callable[[], bool]) -> None:
        for _ in range(3):
            self.waits += 1
            if not idle():
                return
        super().send(records, settled, idle)


def test_back_pressure_waits_and_ends_when_told(workshop: Any) -> None:
    """A producer that has to wait for the broker still hears that it shall stop, and counts nothing unsent as arrived."""
    workshop.publisher = Busy()
    workshop.start()
    workshop.write(workshop.lines(0, 10))
    stops = iter([False] * 4 + [True] * 99)
    workshop.producer._stopping = lambda: next(stops)

    workshop.producer.follow()

    assert workshop.publisher.records == []
    assert [position.offset for position in workshop.checkpoint.texts.values()] == [0]


class Kept(list[Record]):
    """Records whose end can be seen."""


def test_what_is_on_its_way_is_not_held_twice(workshop: Any) -> None:
    """Records that the publisher has taken are let go of at once: while Kafka is slow, its own copies are all that memory is for."""
    sent = Kept([Record("logs.http", b"{}", None)])
    alive, moved = weakref.ref(sent), list[bool]()

    arrived = workshop.input.sent(Batch(sent, lambda: moved.append(True)))
    del sent

    assert alive() is None and workshop.input.in_flight == 1
    arrived()
    assert (workshop.input.in_flight, workshop.account.acknowledged, moved) == (0, 1, [True])


def test_every_line_is_in_one_count(workshop: Any) -> None:
    """lines = events + dead letters + blank, and what has arrived is events + dead letters."""
    workshop.write(workshop.lines(0, 40) + "\n\ngarbage\n" + workshop.lines(40, 50) + "rubbish")

    workshop.read_to_end()

    account = workshop.account
    assert (account.lines, account.events, account.blank) == (54, 50, 2)
    assert dict(account.dead_letters) == {"not an access log line": 2}
    assert account.acknowledged == 52

"""A sink that dies anywhere: nothing is missed, at most the one in flight on each channel is repeated, with the same key."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest

from alerting.configuration import Receiver
from alerting.lives import Lives
from alerting.message import Notification
from alerting.notification_log import Memory, MemoryLog, Record
from alerting.positions import Position
from alerting.sink import Sink
from logverse.alert import Alert
from logverse.errors import TryAgain
from tests.alerting.stand_ins import MINUTE, NOON, alert


class Killed(BaseException):
    """kill -9: nothing of ours gets to run any more."""


class Fate:
    """Kills at the n-th of the moments that matter: before and after each send, before and after each record, at each commit."""

    def __init__(self, at: int | None = None) -> None:
        self.left = at

    def passes(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Killed


@dataclass
class World:
    """What outlives the process: topic `alerts`, the committed offset, the log, and what the far sides received."""

    alerts: list[Alert]
    committed: int = 0
    log: MemoryLog = field(default_factory=MemoryLog)
    received: dict[str, list[str]] = field(default_factory=dict)  # by channel the keys, in order

    def live(self, fate: Fate, failing: int = 0) -> None:
        """One life of the sink: from the committed offset to the end, if it is not killed. Each channel fails so often first."""
        log = _Log(self.log, fate)
        channels = [_Channel(name, self.received.setdefault(name, []), fate, failing) for name in ("pager", "mail")]
        seconds = itertools.count(0, 100)  # every look at the clock finds the next try due
        sink = Sink(
            Receiver("ops", tuple(channels)), log, Memory(self.log.records), Lives(),
            clock=lambda: NOON + MINUTE, monotonic=lambda: float(next(seconds)), random=lambda: 1.0,
        )  # fmt: skip
        for offset in range(self.committed, len(self.alerts)):
            sink.take(Position(0, offset), self.alerts[offset])
            self._work_and_commit(sink, fate)
        while sink.positions.open():
            self._work_and_commit(sink, fate)

    def _work_and_commit(self, sink: Sink, fate: Fate) -> None:
        for lane in sink.lanes:
            lane.work()
        fate.passes()
        self.committed = sink.positions.to_commit().get(0, self.committed)


@dataclass
class _Channel:
    name: str
    received: list[str]
    fate: Fate
    failing: int
    send_resolved: bool = True

    def send(self, notification: Notification) -> None:
        self.fate.passes()
        if self.failing:
            self.failing -= 1
            raise TryAgain("away")
        self.received.append(notification.key)
        self.fate.passes()


@dataclass
class _Log:
    topic: MemoryLog
    fate: Fate

    def append(self, record: Record) -> None:
        self.fate.passes()
        self.topic.append(record)
        self.fate.passes()


STORY = [alert(), alert(service="shop"), alert("recovering", after=39_000), alert("resolved", after=40_000), alert(service="api")]
EXPECTED = 4  # firing web, firing shop, resolved web, firing api


def repeated(keys: list[str]) -> int:
    return len(keys) - len(set(keys))


def place_of(about: Alert, keys: list[str]) -> int:
    """Where this alert's notification stands among those that a channel received."""
    wanted = {Notification(about, "ops", name).key for name in ("pager", "mail")}
    return next(place for place, key in enumerate(keys) if key in wanted)


@pytest.mark.parametrize("moment", range(60))
def test_killed_anywhere_misses_nothing_and_repeats_at_most_the_one_in_flight(moment: int) -> None:
    """Whatever the moment of the kill, the next life finishes the work; a channel sees at most one key twice, in the right order."""
    world = World(STORY)
    survived = False

    try:
        world.live(Fate(moment), failing=1)
        survived = True
    except Killed:
        world.live(Fate())

    for keys in world.received.values():
        assert len(set(keys)) == EXPECTED
        assert repeated(keys) <= (0 if survived else 1)
        assert place_of(STORY[0], keys) < place_of(STORY[3], keys)
    assert sum(map(repeated, world.received.values())) <= 1
    assert world.committed == len(STORY)


def test_killed_again_and_again_still_misses_nothing() -> None:
    """Each life gets a little further; each death repeats at most one notification on one channel."""
    world, deaths = World(STORY), 0

    for moment in itertools.cycle((3, 1, 4, 2)):
        try:
            world.live(Fate(moment + deaths // 4))
            break
        except Killed:
            deaths += 1

    assert deaths > 2
    for keys in world.received.values():
        assert len(set(keys)) == EXPECTED
    assert sum(map(repeated, world.received.values())) <= deaths


def test_killed_between_sending_and_recording_repeats_with_the_same_key() -> None:
    """The far side can tell a repetition by its key."""
    world = World([alert()])

    with pytest.raises(Killed):
        world.live(Fate(1))  # the send passed, then dead
    world.live(Fate())

    key = Notification(alert(), "ops", "pager").key
    assert world.received["pager"] == [key, key]


def test_killed_before_sending_does_not_miss() -> None:
    """Dead before the far side has it: the next life sends it, once."""
    world = World([alert()])

    with pytest.raises(Killed):
        world.live(Fate(0))
    world.live(Fate())

    assert [len(keys) for keys in world.received.values()] == [1, 1]


def test_a_lost_commit_repeats_nothing() -> None:
    """With the offsets gone (retention, a new group) the log alone keeps everything from being told again."""
    world = World(STORY)
    world.live(Fate())
    before = {name: list(keys) for name, keys in world.received.items()}

    world.committed = 0
    world.live(Fate())

    assert world.received == before

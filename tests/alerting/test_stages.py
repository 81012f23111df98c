"""From an alert to a settled notification: patience, order, judgement. No threads, no clock but the test's."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from alerting.configuration import Receiver
from alerting.lives import Lives
from alerting.message import Notification
from alerting.notification_log import Memory, MemoryLog, Record
from alerting.positions import Position
from alerting.sink import Sink
from alerting.stages.lane import LONGEST_DELAY_S, LONGEST_WISH_S, Lane, delay_after
from logverse.alert import Alert
from logverse.errors import Refused, TryAgain
from logverse.instant import Millis
from tests.alerting.stand_ins import MINUTE, NOON, alert

HOUR = 60 * MINUTE


@dataclass
class Fake:
    """A channel that fails as told, then takes everything."""

    name: str = "fake"
    send_resolved: bool = True
    answers: list[Exception] = field(default_factory=list)
    sent: list[Notification] = field(default_factory=list)

    def send(self, notification: Notification) -> None:
        if self.answers:
            raise self.answers.pop(0)
        self.sent.append(notification)

    @property
    def said(self) -> list[tuple[str, str]]:
        return [(each.alert.group["service.name"], each.alert.status) for each in self.sent]


class World:
    """A sink with its log, its channels and the time, which passes only by `later`."""

    def __init__(self, *channels: Fake, log: MemoryLog | None = None, now: Millis = NOON + MINUTE) -> None:
        self.now, self.log, self.lives = now, log or MemoryLog(), Lives()
        self.sink = Sink(
            Receiver("ops", channels), self.log, Memory(self.log.records), self.lives,
            clock=lambda: self.now, monotonic=lambda: self.now / 1000, random=lambda: 1.0,
        )  # fmt: skip
        self.offset = 0

    def take(self, *alerts: Alert) -> None:
        for each in alerts:
            self.sink.take(Position(0, self.offset), each)
            self.offset += 1

    def work(self) -> None:
        for lane in self.sink.lanes:
            while lane.delay() == 0:
                lane.work()

    def later(self, seconds: float) -> None:
        self.now += int(seconds * 1000)
        self.work()

    @property
    def outcomes(self) -> list[tuple[str, str, int]]:
        return [(record.alert_status, record.status, record.attempt) for record in self.log.records]


def test_an_alert_is_told_and_so_is_its_end() -> None:
    """Firing and resolved are news, in this order; pending, recovering and inactive are not."""
    channel = Fake()
    world = World(channel)

    world.take(*(alert(status, after=after) for after, status in enumerate(("pending", "firing", "recovering", "resolved", "inactive"), 1)))  # type: ignore[arg-type]
    world.work()

    assert channel.said == [("web", "firing"), ("web", "resolved")]
    assert world.outcomes == [("firing", "delivered", 1), ("resolved", "delivered", 1)]
    assert world.sink.positions.to_commit() == {0: 5}


def test_an_end_answers_what_was_said_of_the_beginning() -> None:
    """A resolved notification knows the key of the firing one."""
    channel = Fake()
    world = World(channel)

    world.take(alert(), alert("resolved"))
    world.work()

    assert channel.sent[1].told_by == channel.sent[0].key


def test_ends_only_where_they_are_wanted() -> None:
    """`send_resolved: false` keeps ends away from one channel and not from its neighbour."""
    quiet, other = Fake("quiet", send_resolved=False), Fake("other")
    world = World(quiet, other)

    world.take(alert(), alert("resolved"))
    world.work()

    assert (quiet.said, other.said) == ([("web", "firing")], [("web", "firing"), ("web", "resolved")])


def test_a_transition_that_flink_replays_is_told_once() -> None:
    """The same transition again, and the return from recovering to firing, are nothing new to people."""
    channel = Fake()
    world = World(channel)

    world.take(alert(), alert(), alert("recovering", after=39_000), alert("firing", after=40_000), alert("resolved", after=41_000))
    world.take(alert(), alert("resolved", after=41_000), alert("resolved", after=42_000))
    world.work()

    assert channel.said == [("web", "firing"), ("web", "resolved")]
    assert len(world.outcomes) == 2


def test_patience_doubles_up_to_a_minute() -> None:
    """Delays after failures: 1, 2, 4 … 60 s, a half of each drawn at random."""
    assert [delay_after(attempts, 1.0) for attempts in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert delay_after(4, 0.0) == 4
    assert delay_after(10_000, 1.0) == LONGEST_DELAY_S


def test_a_channel_that_is_away_is_asked_again_until_it_takes_it() -> None:
    """Nothing is lost and nothing is hurried; every try is recorded, and the position is held until the last."""
    channel = Fake(answers=[TryAgain("away")] * 3)
    world = World(channel)

    world.take(alert())
    world.work()
    held, tries = world.sink.positions.to_commit(), []
    for _ in range(9):
        tries.append(len(world.outcomes))
        world.later(1)

    assert (held, world.sink.positions.to_commit()) == ({0: 0}, {0: 1})
    assert tries == [1, 2, 2, 3, 3, 3, 3, 4, 4]
    assert world.outcomes[-1] == ("firing", "delivered", 4)
    assert [record.error for record in world.log.records] == ["away"] * 3 + [""]


def test_the_far_sides_wish_for_patience_is_granted_within_reason() -> None:
    """Retry-After holds all of the channel; a day is cut to ten minutes, since somebody waits for the page."""
    channel = Fake(answers=[TryAgain("busy", after_s=30.0)])
    world = World(channel)
    greedy = Fake(answers=[TryAgain("busy", after_s=86_400.0)])
    other = World(greedy)

    for each in (world, other):
        each.take(alert())
        each.work()
        each.take(alert(service="shop"))
        each.later(29)
    early = list(channel.said)
    world.later(1)
    other.later(LONGEST_WISH_S)

    assert early == []
    assert sorted(channel.said) == sorted(greedy.said) == [("shop", "firing"), ("web", "firing")]


def test_one_alert_that_cannot_be_delivered_holds_up_no_other() -> None:
    """A message that the far side chokes on waits; the others pass, on the same channel and on the others."""
    choking, other = Fake("choking", answers=[TryAgain("500")]), Fake("other")
    world = World(choking, other)

    world.take(alert(service="poison"), alert("resolved", service="poison"), alert(service="web"))
    world.work()

    assert choking.said == [("web", "firing")]
    assert other.said == [("poison", "firing"), ("poison", "resolved"), ("web", "firing")]


def test_the_end_waits_for_the_beginning() -> None:
    """Of one alert the firing is delivered before the resolved, however long it takes."""
    channel = Fake(answers=[TryAgain("away")] * 4)
    world = World(channel)

    world.take(alert())
    world.work()
    world.take(alert("resolved"))
    for _ in range(20):
        world.later(1)

    assert channel.said == [("web", "firing"), ("web", "resolved")]


def test_a_refusal_is_final_and_nobody_hears_the_end() -> None:
    """Refused is recorded with the reason; the end of what nobody was told is recorded and not sent."""
    channel = Fake(answers=[Refused("400: no such\x1b room")])
    world = World(channel)

    world.take(alert(), alert("resolved"))
    world.work()

    assert channel.sent == []
    assert world.outcomes == [("firing", "refused", 1), ("resolved", "superseded", 0)]
    assert world.log.records[0].error == "400: no such\\x1b room"
    assert world.sink.positions.to_commit() == {0: 2}


def test_a_refusal_that_flink_replays_stays_one() -> None:
    """The same transition again, also after a restart, is settled: neither sent nor recorded a second time."""
    world = World(Fake(answers=[Refused("no")]))
    world.take(alert(), alert())
    world.work()

    again = World(Fake(), log=world.log)
    again.take(alert())
    again.work()

    assert world.outcomes == [("firing", "refused", 1)]
    assert again.sink.positions.to_commit() == {0: 1}


def test_a_defect_of_ours_does_not_stop_the_pager() -> None:
    """A channel that raises what it must not is recorded as refused; the next alert goes through."""
    channel = Fake(answers=[ZeroDivisionError("oops")])
    world = World(channel)

    world.take(alert(), alert(service="shop"))
    world.work()

    assert channel.said == [("shop", "firing")]
    assert "ZeroDivisionError" in world.log.records[0].error


@pytest.mark.parametrize(
    ("over", "age", "told"),
    [(True, HOUR - MINUTE, True), (True, HOUR + MINUTE, False), (False, HOUR + MINUTE, True), (False, 30 * 24 * HOUR, True)],
)
def test_nobody_is_paged_for_what_is_long_gone(over: bool, age: Millis, told: bool) -> None:
    """An alert that fired over an hour ago is told only if it still fires; else it is recorded."""
    channel = Fake()
    world = World(channel, now=NOON + 38_000 + age)

    world.take(alert(), *([alert("resolved", after=50_000)] if over else []))
    world.work()

    assert channel.said == ([("web", "firing"), *([("web", "resolved")] if over else [])] if told else [])
    assert told or world.outcomes == [("firing", "expired", 0), ("resolved", "superseded", 0)]


def test_what_is_over_is_known_from_the_state_topic() -> None:
    """An old firing is not told when `alerts.state` says that it ended, or that its rule fires anew, before we read of it."""
    ended, anew = Fake(), Fake()
    world, other = World(ended, now=NOON + 2 * HOUR), World(anew, now=NOON + 2 * HOUR)
    world.lives.observe(alert("resolved", after=50_000))
    other.lives.observe(alert("firing", since=NOON + HOUR))

    for each in (world, other):
        each.take(alert())
        each.work()

    assert ended.sent == anew.sent == []


def test_an_outage_of_hours_pages_for_what_still_fires_and_not_for_what_is_gone() -> None:
    """A firing that could not be delivered stops being tried when it is over and old; one that fires on is delivered."""
    channel = Fake(answers=[TryAgain("away")] * 1000)
    world = World(channel)
    world.take(alert(service="gone"), alert(service="still"))
    world.work()
    world.take(alert("resolved", service="gone", after=MINUTE))

    world.later(2 * HOUR / 1000)
    channel.answers.clear()
    world.later(61)

    assert channel.said == [("still", "firing")]
    assert [record.status for record in world.log.records if record.status != "attempt"] == ["expired", "superseded", "delivered"]


def test_people_who_were_told_hear_the_end_for_a_day() -> None:
    """An end that comes late through an outage is still told, since somebody believes that it fires; after a day no more."""
    late, too_late = Fake(), Fake()
    world, other = World(late), World(too_late)

    for each, age in ((world, 23 * HOUR), (other, 25 * HOUR)):
        each.take(alert())
        each.work()
        each.now = NOON + age
        each.take(alert("resolved"))
        each.work()

    assert late.said == [("web", "firing"), ("web", "resolved")]
    assert too_late.said == [("web", "firing")]


def test_a_full_lane_holds_back_the_reading() -> None:
    """A channel's queue is bounded: the lane says so, and has room again when something was delivered."""
    channel = Fake()
    world = World(channel)
    lane = world.sink.lanes[0]
    small = Lane(lane._deliver, lambda _: None, lambda: 0.0, lambda: 0.0, room=2)

    small.add(alert(service="a"), Position(0, 0))
    small.add(alert(service="b"), Position(0, 1))
    before = small.full()
    small.work()

    assert (before, small.full()) == (True, False)


def test_records_survive_the_topic() -> None:
    """A record reads back as it was written."""
    world = World(Fake())
    world.take(alert())
    world.work()

    assert [Record.from_json(record.to_json()) for record in world.log.records] == world.log.records


def test_the_memory_is_bounded() -> None:
    """Old notifications are forgotten first; those kept are still known."""
    world = World(Fake())
    world.take(*(alert(service=f"s{number}") for number in range(10)))
    world.work()

    memory = Memory(world.log.records, remembered=3)

    assert [memory.settled(record.key) for record in world.log.records] == [False] * 7 + [True] * 3

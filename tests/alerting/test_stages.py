"""From an alert to a settled notification: patience and order. No threads, no clock but the test's."""

from __future__ import annotations

from alerting.positions import Position
from alerting.stages.lane import LONGEST_DELAY_S, LONGEST_WISH_S, delay_after
from logverse.errors import TryAgain
from tests.alerting.stand_ins import alert
from tests.alerting.world import Fake, World


def test_an_alert_is_told_and_so_is_its_end() -> None:
    """Firing and resolved are news, in this order; pending, recovering and inactive are not."""
    channel = Fake()
    world = World(channel)

    world.take(*(alert(status, after=after) for after, status in enumerate(("pending", "firing", "recovering", "resolved", "inactive"), 1)))  # type: ignore[arg-type]
    world.work()

    assert channel.said == [("web", "firing"), ("web", "resolved")]
    assert world.outcomes == [("firing", "delivered", 1), ("resolved", "delivered", 1)]
    assert world.sink.positions.to_commit() == {0: 5}


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


def test_a_defect_of_ours_does_not_stop_the_pager() -> None:
    """A channel that raises what it must not is asked again, for it may be an odd answer; the next alert goes through meanwhile."""
    channel = Fake(answers=[ZeroDivisionError("oops")])
    world = World(channel)

    world.take(alert(), alert(service="shop"))
    world.work()
    meanwhile = list(channel.said)
    world.later(1)

    assert meanwhile == [("shop", "firing")]
    assert channel.said == [("shop", "firing"), ("web", "firing")]
    assert "ZeroDivisionError" in world.log.records[0].error


def test_a_message_that_always_trips_us_up_ends() -> None:
    """After five stumbles it is refused; tries in vain before that, of a far side that was away, do not count."""
    channel = Fake(answers=[*[TryAgain("away")] * 6, *[ZeroDivisionError("oops")] * 5])
    world = World(channel)

    world.take(alert())
    for _ in range(11):
        world.later(LONGEST_DELAY_S)

    assert [outcome for _, outcome, _ in world.outcomes] == ["attempt"] * 10 + ["refused"]
    assert world.sink.positions.to_commit() == {0: 1}


def test_a_full_lane_delays_no_other_and_misses_nothing() -> None:
    """A dead channel with no room lets alerts go past; the others are told at once, and it reads again when it has room."""
    dead, other = Fake("dead", answers=[TryAgain("away")] * 2), Fake("other")
    world = World(dead, other, room=2)
    story = [alert(service=f"s{number}") for number in range(7)]

    for each in story:
        world.take(each)
        world.work()
    told, held, left = list(other.said), world.sink.positions.to_commit(), world.sink.positions.open()
    for _ in range(10):
        world.later(LONGEST_DELAY_S)
        world.fill_gaps(story)

    assert told == [(f"s{number}", "firing") for number in range(7)]
    assert (held, left) == ({0: 0}, 7)
    assert sorted(dead.said) == told
    assert len(other.said) == 7
    assert (world.sink.positions.to_commit(), world.sink.positions.open()) == ({0: 7}, 0)


def test_a_lane_that_is_full_when_a_partition_begins_reads_it_later() -> None:
    """What a new partition has first is not passed over for good."""
    dead, other = Fake("dead", answers=[TryAgain("away")]), Fake("other")
    world = World(dead, other, room=1)

    world.take(alert())
    world.work()
    world.sink.take(Position(1, 5), alert(service="shop"))
    world.work()
    commit = world.sink.positions.to_commit()
    world.later(1)

    assert commit == {0: 0, 1: 5}
    assert [(gap.partition, gap.start, gap.end) for gap in world.sink.gaps()] == [(1, 5, 6)]

"""Whether people hear of a transition: once, the end only after the beginning, and nothing that is long gone."""

from __future__ import annotations

import pytest

from alerting.notification_log import Memory, Record
from logverse.errors import Refused, TryAgain
from logverse.instant import Millis
from tests.alerting.stand_ins import MINUTE, NOON, alert
from tests.alerting.world import Fake, World

HOUR = 60 * MINUTE


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


def test_nobody_is_told_of_what_fires_in_the_shadow() -> None:
    """Neither of its beginning nor of its end, and nothing is recorded as if somebody should have been."""
    channel = Fake()
    world = World(channel)

    world.take(alert(shadow=True), alert("resolved", after=60_000, shadow=True))
    world.work()

    assert (channel.said, world.outcomes) == ([], [])
    assert world.sink.positions.to_commit() == {0: 2}


def test_who_was_told_hears_the_end_though_the_rule_is_a_shadow_since() -> None:
    """Somebody still believes that it fires."""
    channel = Fake()
    world = World(channel)

    world.take(alert(), alert("resolved", after=60_000, shadow=True))
    world.work()

    assert channel.said == [("web", "firing"), ("web", "resolved")]

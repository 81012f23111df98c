"""A rule that storms: nobody gets a hundred messages, and nothing is muted."""

from __future__ import annotations

from alerting import message
from alerting.channels.webhook import body_of
from alerting.stages.storm import SINGLE, TOGETHER_EVERY_S
from logverse.errors import Refused, TryAgain
from tests.alerting.stand_ins import alert
from tests.alerting.world import Fake, World

MANY = 100
ALERTS = [alert(service=f"s{number}") for number in range(MANY)]


def test_the_first_are_told_at_once_and_the_rest_in_one_message() -> None:
    """Within half a minute everybody has been told of all, each alert once; what other rules say is told at once meanwhile."""
    channel = Fake()
    world = World(channel)

    world.take(*ALERTS)
    world.work()
    at_once = list(channel.sent)
    world.take(alert(rule="other"))
    world.work()
    world.later(TOGETHER_EVERY_S)

    assert [len(each.alerts) for each in at_once] == [SINGLE]
    assert [len(each.alerts) for each in channel.sent[1:]] == [1, MANY - SINGLE]
    told = [each.group["service.name"] for sent in channel.sent for each in sent.alerts if each.rule != "other"]
    assert told == [f"s{number}" for number in range(MANY)]
    assert world.outcomes.count(("firing", "delivered", 1)) == MANY + 1
    assert world.sink.positions.to_commit() == {0: MANY + 1}


def test_a_message_about_many_that_fails_is_tried_again_whole() -> None:
    """Each of them is recorded with its tries."""
    channel = Fake()
    world = World(channel)
    world.take(*ALERTS)
    world.work()

    channel.answers = [TryAgain("away")]
    world.later(TOGETHER_EVERY_S)
    world.later(1)

    assert [len(each.alerts) for each in channel.sent[1:]] == [MANY - SINGLE]
    assert world.outcomes.count(("firing", "delivered", 2)) == MANY - SINGLE


def test_what_is_refused_in_one_message_is_told_in_smaller_ones() -> None:
    """A far side that takes no large message, or not one of them, mutes nobody else."""
    channel = Fake()
    world = World(channel)
    world.take(*ALERTS)
    world.work()

    channel.answers = [Refused("too large"), Refused("too large still")]
    world.later(TOGETHER_EVERY_S)

    assert [len(each.alerts) for each in channel.sent[1:]] == [22, 23, 45]
    assert world.outcomes.count(("firing", "delivered", 1)) == MANY


def test_few_alerts_of_a_rule_have_a_message_each() -> None:
    """Ten in a minute are no storm."""
    channel = Fake()
    world = World(channel)

    world.take(*ALERTS[:SINGLE])
    world.work()

    assert [len(each.alerts) for each in channel.sent] == [1] * SINGLE


def test_when_it_calms_down_alerts_are_told_one_by_one_again() -> None:
    """A minute without many is enough."""
    channel = Fake()
    world = World(channel)
    world.take(*ALERTS)
    world.later(200)
    before = len(channel.sent)

    world.take(alert(service="late"))
    world.work()

    assert [len(each.alerts) for each in channel.sent[before:]] == [1]


def test_the_message_says_how_many_about_whom_and_where_the_rest_is() -> None:
    """The one line is enough to know that it is one incident."""
    channel = Fake()
    world = World(channel)
    world.take(*ALERTS)
    world.later(0)
    world.later(TOGETHER_EVERY_S)

    first, below = message.lines(channel.sent[-1])
    body = body_of(channel.sent[-1])

    assert first == f"FIRING critical · {MANY - SINGLE} alerts of http-5xx-share · s10, s11, s12 and {MANY - SINGLE - 3} more"
    assert below[-1] == "more: logverse alerts list"
    assert (len(body["alerts"]), body["groupLabels"]) == (MANY - SINGLE, {"alertname": "http-5xx-share"})
    assert "service_name" not in body["commonLabels"] and body["commonLabels"]["severity"] == "critical"

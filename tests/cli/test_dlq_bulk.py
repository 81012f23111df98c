"""`logverse dlq replay --reason`: many letters at once, none twice, and each record with the identity that it had."""

from __future__ import annotations

import json

import pytest

from flink_jobs.judging import Judge
from logverse.cli import dlq_bulk, dlq_replay
from logverse.dead_letters import find, mark
from logverse.errors import Malformed, TryAgain, WrongSettings
from logverse.settings import Settings
from tests.cli.conftest import NOW
from tests.cli.test_dlq import EVENT, letter

AWAY = "refused by the store: away"


def letters(count):
    return [letter(f"id-{n}", AWAY, json.dumps({**json.loads(EVENT), "log.record.uid": f"uid-{n}"}).encode()) for n in range(count)]


def test_nothing_is_sent_unasked(command):
    """What would be sent and what would not, by reason, is counted."""
    others = [letter("x1", AWAY, b"{"), letter("x2", AWAY, EVENT, sha="0" * 64), letter("x3", AWAY, b"line", file="a.log")]

    output = command([*letters(3), letter("y", "not JSON"), *others], "replay", "--reason", "refused by the store")

    assert "3 would be sent to logs.http" in output and "--send does it" in output
    assert "1 not: it would be a dead letter again" in output
    assert "1 not: the letter holds not all bytes" in output
    assert "1 not: --as: a producer could not parse this line" in output
    assert command.sent == []


def test_all_of_a_kind_are_sent_and_marked(command, monkeypatch):
    """In chunks, each marked when it has arrived; those that were sent before are left out, unless they are asked for."""
    monkeypatch.setattr(dlq_bulk, "CHUNK", 2)
    three = letters(3)
    before = letter("done", AWAY, EVENT)
    all_ = [*three, three[0], before, mark(before, NOW)]

    output = command(all_, "replay", "--reason", "REFUSED", "--send")

    records = [("logs.http", one.data) for one in three]
    marks = [("logs.dlq", mark(one, NOW)) for one in three]
    assert command.sent == [*records[:2], *marks[:2], records[2], marks[2]]
    assert "3 sent to logs.http" in output
    command(all_, "replay", "--topic", "logs.http", "--send", "--again")
    assert len(command.sent) == 8


def test_only_so_many(command):
    """The oldest first, so that the same command goes on behind them."""
    three = letters(3)
    command(three, "replay", "--reason", AWAY, "--send", "--limit", "2")
    marks = [value for topic, value in command.sent if topic == "logs.dlq"]

    command([*three, *marks], "replay", "--reason", AWAY, "--send", "--limit", "2")

    assert command.sent[0] == ("logs.http", three[2].data)
    assert "no such dead letter" in command([*three, *marks, command.sent[1][1]], "replay", "--reason", AWAY, "--send")


def test_lines_of_a_producer_with_their_form(command):
    """All lines that were taken for something else, parsed anew."""
    lines = [letter(f"f-{n}", "no match", b'{"message": "m", "level": "error"}', file="a.log", offset=n) for n in range(3)]

    command(lines, "replay", "--topic", "a.log", "--as", "json", "--service", "shop", "--send")

    assert [json.loads(value)["log.record.uid"] for topic, value in command.sent if topic == "logs.error"] == ["f-0", "f-1", "f-2"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [([], "which letters"), (["5f", "--reason", "x"], "one letter or many"), (["--reason", "x", "--file", "a"], "one file for many")],
)
def test_one_or_many(command, arguments, said):
    """What is meant must be clear before anything is sent."""
    with pytest.raises(WrongSettings, match=said):
        command(letters(1), "replay", "--send", *arguments)
    assert command.sent == []


def test_what_did_not_arrive_is_not_marked(monkeypatch):
    """Kafka away in the middle: the next time they are sent again."""
    asked = []

    def away(settings, records):
        asked.append([topic for topic, _ in records])
        raise TryAgain("away")

    monkeypatch.setattr(dlq_replay, "produce", away)
    with pytest.raises(TryAgain):
        dlq_bulk.Bulk(Settings(), None, None, True).replay([find([letters(1)[0].to_json()], "id-0")], lambda: NOW)

    assert asked == [["logs.http"]]


BARE = b'{"log.type": "http", "service.name": "web"'


@pytest.mark.parametrize(
    ("data", "gained"),
    [
        (EVENT, set()),
        (BARE + b"}", {"uid", "time"}),
        (b" " + BARE + b"} trailing", {"uid", "time"}),
        (BARE + b', "log.record.uid": null, "timestamp": "soon"}', {"uid", "time"}),
        (BARE + b', "log.record.uid": "", "timestamp": "2026-11-21T10:00:00Z"}', {"uid"}),
        (BARE + b', "log.record.uid": "mine"}', {"time"}),
        (b'{"log.type": "heartbeat"}', set()),
    ],
)
def test_a_record_keeps_its_identity(data, gained):
    """The uid and time that it had by its place are written into it: a replay of a replay overwrites one row, and that of the original."""
    one = letter("place-id", data=data)

    topic, value = dlq_replay.record_of(find([one.to_json()], "place"), data, Settings(), None, None)

    rows = [Judge({}).event(topic, 0, offset, NOW + 5 + offset, value) for offset in (8, 9)]
    assert (value == data) == (not gained)
    assert rows[0] is None or rows[0][:4] == rows[1][:4]
    if "uid" in gained:
        assert rows[0][3] == "place-id"
    if "time" in gained:
        assert rows[0][2] == NOW


def test_a_record_that_cannot_be_given_its_identity_is_not_sent():
    """Of what no strict reader takes, a uid that says null cannot be replaced."""
    data = BARE + b', "log.record.uid": null} trailing'

    with pytest.raises(Malformed, match="cannot be given one"):
        dlq_replay.record_of(find([letter("a", data=data).to_json()], "a"), data, Settings(), None, None)

"""`logverse dlq`: each dead letter once, its bytes harmless on a terminal, and its second chance safe."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest

from logverse.dead_letter import DeadLetter
from logverse.dead_letters import Wanted, find, listing, mark
from logverse.errors import Malformed, Refused, WrongSettings
from logverse.event import LogEvent
from tests.cli.conftest import NOW


def letter(identity="5f0c", reason="not JSON", data=b"{", at=NOW, sha=None, **origin):
    place = origin or {"topic": "logs.http", "partition": 2, "offset": 7, "length": len(data)}
    return DeadLetter(identity, reason, "web", place, data, sha or sha256(data).hexdigest(), at)


def test_letters_are_counted_by_origin_and_reason():
    """Judged twice a letter is one; the newest come first, as many as are wanted; junk on the topic is told, not hidden."""
    letters = [letter(f"{number}", at=NOW + number).to_json() for number in (1, 2, 3, 2)]
    other = letter("9", "no match", file="a.log", offset=1).to_json()

    found = listing([*letters, other, b"junk", b"[]", None], Wanted(), limit=2)

    assert [held.letter.id for held in found.letters] == ["9", "3"]
    assert found.counts == {("logs.http", "not JSON"): 3, ("a.log", "no match"): 1}
    assert found.unread == 3


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [(Wanted(reason="json"), ["1"]), (Wanted(source="a.log"), ["2"]), (Wanted(since=NOW + 5), ["2"]), (Wanted("x"), [])],
)
def test_letters_are_chosen(wanted, ids):
    """By a part of the reason, by origin, by age."""
    letters = [letter("1").to_json(), letter("2", "no match", at=NOW + 5, file="a.log").to_json()]

    assert [held.letter.id for held in listing(letters, wanted, 10).letters] == ids


def test_mark_is_no_letter():
    """A letter that was sent again is still one letter, and says so, wherever it lies to its mark."""
    one = letter()

    for values in ([one.to_json(), mark(one, NOW)], [mark(one, NOW), one.to_json()]):
        held = find(values, "5f")
        assert (held.letter.data, held.replayed_at) == (b"{", NOW)
        found = listing(values, Wanted(), 10)
        assert (len(found.letters), found.replayed, sum(found.counts.values())) == (1, 1, 1)


def test_beginning_must_be_of_one_letter():
    """No letter, or several, end in a sentence; a whole id is enough though another begins with it."""
    values = [letter("5f0c").to_json(), letter("5f0cab").to_json()]

    with pytest.raises(Refused, match="no dead letter"):
        find(values, "77")
    with pytest.raises(Refused, match="several"):
        find(values, "5f")
    assert find(values, "5f0c").letter.id == "5f0c"


def test_bytes_steer_no_terminal(command):
    """Text is shown with escapes, bytes that are no text in hexadecimal."""
    text = command([letter(data=b"a\x1b[2Jb")], "show", "5f0c")
    bytes_ = command([letter(data=b"\xff\x00\x1bA")], "show", "5f0c")
    listed = command([letter(data=b"\x1b[2J", reason="bad \x1b")], "list")

    assert "a\\x1b[2Jb" in text
    assert "ff 00 1b 41" in bytes_ and "...A" in bytes_
    assert "\x1b" not in text + bytes_ + listed


def test_raw_bytes_are_the_letters(command):
    """What is written to a file to be mended is the letter's bytes, nothing else."""
    assert command([letter(data=b"{no\n")], "show", "5f0c", "-o", "raw") == "{no\n"


def test_list_as_json(command):
    """Scripts get counts and letters, the bytes as text and as base64."""
    found = json.loads(command([letter()], "list", "-o", "json"))

    assert found["counts"] == [{"from": "logs.http", "reason": "not JSON", "letters": 1}]
    assert (found["letters"][0]["text"], found["letters"][0]["data"]) == ("{", "ew==")


EVENT = LogEvent(NOW, NOW, "http", "web", 9, "GET /", "uid-1").to_json()


def test_nothing_is_sent_unasked(command):
    """Without --send the command shows what it would do."""
    output = command([letter(data=EVENT)], "replay", "5f0c")

    assert "would be sent to logs.http" in output
    assert command.sent == []


def test_record_goes_back_to_its_topic_and_is_marked(command):
    """A record that is good now is sent as it is, and its letter says when."""
    one = letter(data=EVENT, reason="refused by the store: away")

    command([one], "replay", "5f0c", "--send")

    assert command.sent == [("logs.http", EVENT), ("logs.dlq", mark(one, NOW))]


def test_letter_is_sent_again_once(command):
    """A second replay wants a word more."""
    one = letter(data=EVENT)

    with pytest.raises(Refused, match="--again"):
        command([one, mark(one, NOW)], "replay", "5f0c", "--send")
    assert command.sent == []
    command([one, mark(one, NOW)], "replay", "5f0c", "--send", "--again")
    assert len(command.sent) == 2


def test_what_is_still_wrong_is_not_sent(command, tmp_path):
    """A letter that would come back is refused with the way to mend it; mended it is sent."""
    (tmp_path / "mended").write_bytes(EVENT)

    with pytest.raises(Malformed, match="dead letter again"):
        command([letter()], "replay", "5f0c", "--send")
    command([letter()], "replay", "5f0c", "--send", "--file", str(tmp_path / "mended"))

    assert command.sent[0] == ("logs.http", EVENT)


@pytest.mark.parametrize(
    ("one", "arguments", "error", "said"),
    [
        (letter(data=EVENT, sha="0" * 64), [], Refused, "--file"),  # cut or masked
        (letter(data=EVENT, topic="rules", partition=0, offset=1), [], Refused, "not sent again"),
        (letter(data=EVENT), ["--as", "json"], WrongSettings, "--file"),
        (letter(data=b"x", file="a.log"), [], WrongSettings, "--as one of access"),
        (letter(data=b"x", file="a.log"), ["--as", "nonsense"], WrongSettings, "--as one of access"),
        (letter(data=b"x", file="a.log"), ["--as", "json"], Malformed, "another --as"),
    ],
)
def test_replay_that_cannot_be_says_what_can(command, one, arguments, error, said):
    """Bytes that are not the original's, topics that are not ours to write to, forms that there are not: each has its way out."""
    with pytest.raises(error, match=said):
        command([one], "replay", "5f0c", "--send", *arguments)
    assert command.sent == []


def test_line_of_a_producer_becomes_its_event(command):
    """A line that was taken for something else is parsed anew; its event has the uid that the line would have had."""
    one = letter("abc-1234", data=b'{"message": "started", "level": "error"}', file="/var/log/a.log", offset=1234, host="web-1")

    command([one], "replay", "abc", "--as", "json", "--service", "shop", "--send")

    (topic, value), (marked, _) = command.sent
    event = LogEvent.from_json(value)
    assert (event.uid, event.service_name, event.body, event.timestamp) == ("abc-1234", "shop", "started", NOW)
    assert topic in ("logs.error", "logs.activity") and marked == "logs.dlq"

"""Syslog from the network: framing, slow and broken senders, room that runs out, what is said of what is lost."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from producers.order import Limits
from producers.sources import syslog

from .station import Station, wait_until

LINE = b"<13>1 2026-11-21T12:00:00.000Z web-1 app 7 - - "


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    station = Station(tmp_path)
    yield station
    station.stop()


def test_line_feeds_and_counted_octets(station: Station) -> None:
    """Both framings of RFC 6587 are understood by what the sender begins with, in whatever pieces they come."""
    station.start("syslog+tcp://127.0.0.1:0")
    counted = LINE + b"two\nlines"
    with station.connect() as plain, station.connect() as octets:
        for piece in (LINE[:9], LINE[9:] + b"one\n" + LINE, b"half"):
            plain.sendall(piece)
        octets.sendall(str(len(counted)).encode() + b" " + counted + b"5")

    wait_until(lambda: len(station.events()) == 3, "the messages")

    assert sorted(station.bodies()) == ["half", "one", "two\nlines"]
    assert {event["host.name"] for event in station.events()} == {"web-1"}
    assert len({event["log.record.uid"] for event in station.events()}) == 3
    wait_until(lambda: station.account.lost.total() == 1, "the count of what was cut off")


def test_datagrams_are_messages(station: Station) -> None:
    """A UDP datagram is a message; one that is no syslog is a dead letter with its sender."""
    station.start("syslog+udp://127.0.0.1:0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(LINE + b"hello\n", ("127.0.0.1", station.port))
        sender.sendto(b"\xff\x00", ("127.0.0.1", station.port))

    wait_until(lambda: len(station.publisher.records) == 2, "both datagrams")

    assert station.account.lines == 2
    assert station.bodies()[0] == "hello"
    assert station.account.events + station.account.dead_letters.total() == 2


def test_logger_of_util_linux(station: Station) -> None:
    """`logger` reaches us over UDP and TCP, in the old form and the new."""
    station.start("syslog://127.0.0.1:0")
    for way in (["--udp", "--rfc3164"], ["--tcp", "--rfc5424"], ["--tcp", "--octet-count"]):
        command = [
            "logger",
            "--server",
            "127.0.0.1",
            "--port",
            str(station.port),
            *way,
            "--tag",
            "shop",
            "--priority",
            "auth.err",
            "--",
            " ".join(way),
        ]
        subprocess.run(command, check=True, timeout=20)

    wait_until(lambda: len(station.events()) == 3, "three messages")

    assert sorted(station.bodies()) == ["--tcp --octet-count", "--tcp --rfc5424", "--udp --rfc3164"]
    assert {event["severity_text"] for event in station.events()} == {"ERROR"}


def test_slow_and_broken_senders_harm_nobody_else(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    """Senders that stall, announce a gigabyte, never end a line or send garbage are let go; others are heard all the while."""
    monkeypatch.setattr(syslog, "HALF_S", 0.3)
    station.start("syslog+tcp://127.0.0.1:0", Limits(connections=50))
    stalled = [station.connect() for _ in range(6)]
    for one in stalled:
        one.sendall(LINE + b"half a line")
    with station.connect() as greedy:
        greedy.sendall(b"999999999 <13>x")
    with station.connect() as endless:
        endless.sendall(LINE + b"x" * 600_000 + b"\n")
    with station.connect() as good:
        good.sendall(b"".join(LINE + b"%d\n" % n for n in range(1000)))

    wait_until(lambda: sum(body.isdecimal() for body in station.bodies()) == 1000, "the good one's messages")
    wait_until(lambda: all(one.recv(1) == b"" for one in stalled), "the stalled ones' goodbye")

    assert [letter["reason"] for letter in station.dead()] == ["line too long"]
    assert station.account.lost["connections that broke off in the middle of a message"] >= 7
    assert len(station.said) < 10
    for one in stalled:
        one.close()


def test_full_house_lets_the_quietest_go(station: Station) -> None:
    """With all connections taken by clients that say nothing, a new one is heard: the quietest makes room, and that is counted."""
    station.start("syslog+tcp://127.0.0.1:0", Limits(connections=4))
    idle = [station.connect() for _ in range(12)]

    with station.connect() as good:
        good.sendall(LINE + b"heard\n")
        wait_until(lambda: station.bodies() == ["heard"], "the message")

    assert station.account.refused == 9
    for one in idle:
        one.close()


def test_kafka_away_makes_tcp_wait_and_loses_nothing(station: Station) -> None:
    """While nothing can be sent, a TCP sender is not read beyond our bound; once it goes on, every message is there, once."""
    release = Held(station)
    station.start("syslog+tcp://127.0.0.1:0", Limits(bytes_waiting=1_000_000))
    message, count = LINE + b"x" * 1000, 20_000
    with station.connect() as sender:
        sender.settimeout(1.0)
        sent = send_what_goes(sender, (message + b"\n") * count)
        assert station.running
        assert station.running.input.source.lag() < 1_500_000
        assert sent < count * len(message)
        release()
        sender.settimeout(20)
        sender.sendall(((message + b"\n") * count)[sent:])

    wait_until(lambda: len(station.publisher.records) == count, "all of them")

    assert station.account.lost == {}
    assert len({event["log.record.uid"] for event in station.events()}) == count


def test_kafka_away_counts_the_datagrams_that_found_no_room(station: Station) -> None:
    """UDP waits for nobody: what arrived and what is counted as lost are together what was sent."""
    release = Held(station)
    station.start("syslog+udp://127.0.0.1:0", Limits(bytes_waiting=1_000_000))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for n in range(40_000):
            sender.sendto(LINE + b"%d" % n, ("127.0.0.1", station.port))
        wait_until(lambda: station.account.lost.total() > 0, "the first loss")
        release()
        wait_until(lambda: station.account.lines > 0, "the flow")
        quiet = Settled(station)
        wait_until(quiet, "the last of them")
        sender.sendto(LINE + b"last", ("127.0.0.1", station.port))  # the kernel says with it what it dropped
        wait_until(lambda: "last" in station.bodies(), "the last one")

    assert station.account.lines + station.account.lost.total() == 40_001
    assert any("lost" in said for said in station.said)


def test_next_run_says_that_the_last_was_killed(station: Station) -> None:
    """What cannot be replayed after a kill is not denied: the next run says from when on lines may be missing, and counts it."""
    station.start("syslog+tcp://127.0.0.1:0")
    with station.connect() as sender:
        sender.sendall(LINE + b"one\n")
    wait_until(lambda: station.bodies() == ["one"], "the message")
    station.kill()

    again = Station(station.folder)
    again.start("syslog+tcp://127.0.0.1:0")
    again.stop()
    third = Station(station.folder)
    third.start("syslog+tcp://127.0.0.1:0")
    third.stop()

    assert again.account.lost == {"cut off": 1}
    assert any("after 1 lines had arrived" in said for said in again.said)
    assert third.account.lost == {}


def test_silence_between_two_runs_is_said(station: Station) -> None:
    """Over UDP nobody learns that we are away: the next run says from when to when it was."""
    station.start("syslog+udp://127.0.0.1:0")
    station.stop()

    station.start("syslog+udp://127.0.0.1:0")

    assert any("nobody listened from" in said for said in station.said)


def test_told_to_stop_it_sends_what_it_took_in(station: Station) -> None:
    """SIGTERM: nobody new is heard, and what was received is sent before the end."""
    station.start("syslog+tcp://127.0.0.1:0")
    with station.connect() as sender:
        sender.sendall(b"".join(LINE + b"%d\n" % n for n in range(5000)))
        wait_until(lambda: len(station.events()) > 0, "the first of them")

        station.stop()

    assert station.drained
    assert len(station.events()) == station.account.events
    assert station.account.lost == {}


def test_told_to_stop_while_full_it_takes_what_was_received(station: Station) -> None:
    """Told to stop with no room left, it makes room by sending: what its connections had received is sent or counted, none is forgotten."""
    release = Held(station)
    station.start("syslog+tcp://127.0.0.1:0", Limits(bytes_waiting=100_000))
    with station.connect() as sender:
        sender.settimeout(0.5)
        send_what_goes(sender, (LINE + b"x" * 1000 + b"\n") * 5000)
        release()

        station.stop()

    assert station.drained
    assert len(station.publisher.records) > 100
    assert station.account.lost.total() <= 1  # half a line at most


def test_others_may_not_send(station: Station) -> None:
    """With --from only those networks are heard; the rest is turned away and counted."""
    station.start("syslog://127.0.0.1:0", senders=("10.0.0.0/8",))
    with station.connect() as sender:
        assert sender.recv(1) == b""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.sendto(LINE, ("127.0.0.1", station.port))

    wait_until(lambda: station.account.refused == 2, "the count")

    assert station.publisher.records == []


class Held:
    """The publisher takes nothing until this is called."""

    def __init__(self, station: Station) -> None:
        self._held, plain = True, station.publisher.send

        def send(records, settled, idle):  # type: ignore[no-untyped-def]
            while self._held and idle():
                station.publisher.poll(0.01)
            plain(records, settled, idle)

        station.publisher.send = send  # type: ignore[method-assign]

    def __call__(self) -> None:
        self._held = False


class Settled:
    """Nothing has changed over 50 looks."""

    def __init__(self, station: Station) -> None:
        self._station, self._last, self._same = station, -1, 0

    def __call__(self) -> bool:
        lines = self._station.account.lines
        self._same = self._same + 1 if lines == self._last else 0
        self._last = lines
        return self._same > 50


def send_what_goes(sender: socket.socket, data: bytes) -> int:
    """Send until the other side takes no more for a second; how much it took."""
    sent, view = 0, memoryview(data)
    try:
        while sent < len(data):
            sent += sender.send(view[sent : sent + 65536])
    except TimeoutError:
        pass
    return sent


def test_messages_before_garbage_are_kept(station: Station) -> None:
    """Complete messages count though what follows them in the same packet cannot be understood; the connection is counted once."""
    station.start("syslog+tcp://127.0.0.1:0")
    with station.connect() as sender:
        sender.sendall(b"%d %sone" % (len(LINE) + 3, LINE) + b"%d %stwo" % (len(LINE) + 3, LINE) + b"garbage that is no length")
        wait_until(lambda: sorted(station.bodies()) == ["one", "two"], "both messages")
        wait_until(lambda: sender.recv(1) == b"", "the goodbye")

    assert station.account.lost["connections that broke off in the middle of a message"] == 1

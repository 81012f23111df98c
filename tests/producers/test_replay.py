"""Old logs on their way to a replay: in order of time whatever came first, the same each time, bounded in memory, moved when fed."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from pathlib import Path
from random import Random

import orjson
import pytest

from logverse import instant, settings
from logverse.errors import Refused, WrongSettings
from logverse.event import LogEvent
from producers.account import Account
from producers.memory import MemoryPublisher
from producers.order import InputOrder
from producers.replay import spool as spool_module
from producers.replay.feeding import Feed
from producers.replay.gathering import Gathering, Lateness
from producers.replay.reading import check, read, standing_clock
from producers.replay.spool import Item, Spool
from producers.translation import Record

NOON = 1_795_262_400_000  # 2026-11-21T12:00:00Z
NOW = NOON + 86_400_000


def item(at: int, text: str = "", key: str | None = None) -> Item:
    return Item(at, "logs.http", key, text.encode())


def record(second: float, uid: str = "text-0", topic: str = "logs.http") -> Record:
    at = NOON + int(second * 1000)
    event = LogEvent(at, at, "http", "web", 9, "line", uid)
    return Record(topic, event.to_json(), "session-1")


def test_events_come_out_in_order_of_time_and_as_they_came_within_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Far more than fits into memory, over many runs and merges of merges: sorted, equal times in the order in which they came."""
    monkeypatch.setattr(spool_module, "FAN_IN", 3)
    chance = Random(7)
    given = [item(NOON + chance.randrange(50), f"{number}", None if number % 3 else f"ключ-{number}") for number in range(2_000)]
    spool = Spool(tmp_path / "spool", memory=10_000)

    for one in given:
        spool.add(one)

    assert list(spool) == sorted(given, key=lambda one: one.at)
    assert (len(spool), spool.first, spool.last) == (2_000, NOON, NOON + 49)
    assert len(list((tmp_path / "spool").iterdir())) < 20
    assert list(spool) == list(spool)


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    """Where the events are sorted, and what to do about it."""
    spool = Spool(tmp_path / "spool", memory=1)
    (tmp_path / "spool").rmdir()

    with pytest.raises(Refused, match="make room on that disk"):
        spool.add(item(NOON))


@pytest.mark.parametrize(("second", "late"), [(9.5, 0), (9.0, 0), (8.999, 1), (0, 1)])
def test_what_would_have_come_late_live_is_counted(tmp_path: Path, second: float, late: int) -> None:
    """With a delay of 1 s and a newest time of 10.0, second 9 is open still and second 8 is closed; another text's times do not count."""
    spool, lateness = Spool(tmp_path), Lateness(1_000)
    gathering = Gathering(spool, lateness, NOW)

    gathering.send([record(10, "a-0"), record(second, "a-9"), record(0, "b-0")], lambda: None, lambda: True)

    assert (lateness.late, lateness.worst_ms) == (late, round((10 - second) * 1000))
    assert [one.at for one in spool] == sorted([NOON + 10_000, NOON + int(second * 1000), NOON])


def test_what_is_no_event_of_the_past_stays_out(tmp_path: Path) -> None:
    """Dead letters are counted elsewhere; an event of the future cannot be old, and is counted here."""
    spool = Spool(tmp_path)
    gathering, arrived = Gathering(spool, Lateness(1_000), NOON), list[bool]()

    gathering.send([record(0), record(0, topic="logs.dlq"), record(301)], lambda: arrived.append(True), lambda: True)

    assert (len(spool), gathering.ahead, arrived) == (1, 1, [True])


def lines_of(folder: Path) -> Path:
    """An access log with a line that is none, and one without its neighbour's order."""
    log = folder / "access.log"
    times = ["12:00:00", "12:00:02", "12:00:01"]
    good = [f'10.0.0.7 - - [21/Nov/2026:{time} +0000] "GET /{number} HTTP/1.1" 200 5 "-" "curl"\n' for number, time in enumerate(times)]
    log.write_text("".join([*good[:2], "no access log line\n", good[2]]))
    os.utime(log, (NOON / 1000 + 60, NOON / 1000 + 60))
    return log


def gathered(folder: Path, log: Path) -> tuple[list[Item], Account]:
    order = InputOrder("web", "web", (str(log),), folder / "checkpoint.json", "access", host="web-1")
    spool = Spool(folder / "spool")
    account = read(settings.load({"home": str(folder)}, {}), order, Gathering(spool, Lateness(1_000), NOW), standing_clock([log], NOW), str)
    return list(spool), account


def test_read_twice_they_are_the_same_events(tmp_path: Path) -> None:
    """Byte for byte, observed time and ids too; every line is in the account."""
    log = lines_of(tmp_path)

    one, account = gathered(tmp_path / "1", log)
    other, _ = gathered(tmp_path / "2", log)

    assert one == other
    assert [orjson.loads(event.value)["url.path"] for event in one] == ["/0", "/2", "/1"]
    assert orjson.loads(one[0].value)["observed_timestamp"] == "2026-11-21T12:01:00.000Z"
    assert (account.lines, account.events, account.dead_letters.total()) == (4, 3, 1)


def test_they_are_the_events_that_a_producer_sends(workshop, tmp_path: Path) -> None:
    """Same ids, same times: what was stored from a live producer and what is replayed from its file are the same."""
    log = lines_of(workshop.folder)
    live = {event["log.record.uid"]: event["timestamp"] for event in workshop.read_to_end(log.name)}

    replayed = [orjson.loads(one.value) for one in gathered(tmp_path, log)[0]]

    assert {event["log.record.uid"]: event["timestamp"] for event in replayed} == live
    assert len(live) == 3


def test_a_replay_may_open_as_many_files_as_a_producer(tmp_path: Path) -> None:
    """The usual soft limit is less than a glob finds; a higher one stays."""
    before = _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    log = lines_of(tmp_path)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
        gathered(tmp_path / "1", log)
        raised = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        resource.setrlimit(resource.RLIMIT_NOFILE, (5000, hard))
        gathered(tmp_path / "2", log)
        kept = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)

    assert (raised, kept) == (4096, 5000)


@pytest.mark.parametrize(
    ("line", "zone", "told"),
    [
        ("Nov 21 10:00:00 web-1 sshd[42]: hello", "", 1),
        ("Nov 21 10:00:00 web-1 sshd[42]: hello", "UTC", 0),
        ("Nov 21 10:00:00 web-1 sshd[42]: hello", "Europe/Berlin", 0),
        ("2026-11-21T10:00:00+01:00 web-1 sshd[42]: hello", "", 0),
        ('10.0.0.7 - - [21/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5', "", 0),
    ],
)
def test_a_zone_that_was_taken_for_granted_is_said_once(tmp_path: Path, line: str, zone: str, told: int) -> None:
    """Times without a zone count as UTC: who did not say so is told, with what to set; who did is not."""
    log, said = tmp_path / "some.log", list[str]()
    log.write_text(f"{line}\n" * 20)
    order = InputOrder("hosts", "hosts", (str(log),), tmp_path / "checkpoint.json", zone=zone)

    read(
        settings.load({"home": str(tmp_path)}, {}),
        order,
        Gathering(Spool(tmp_path / "spool"), Lateness(1_000), NOW),
        lambda: NOW,
        said.append,
    )

    assert sum("count as UTC" in text and "--timezone" in text for text in said) == told


@pytest.mark.parametrize("address", ["-", "syslog://127.0.0.1:1514", "kafka://topic"])
def test_only_files_have_a_past(tmp_path: Path, address: str) -> None:
    """What cannot be read a second time is refused with the way out."""
    with pytest.raises(WrongSettings, match="only files can be replayed"):
        check(InputOrder("web", "web", (address,), tmp_path / "checkpoint.json"))


class Clock:
    """Processing time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += max(1, int(seconds * 1000))


@pytest.fixture
def feed(tmp_path: Path) -> Callable[..., tuple[MemoryPublisher, Feed, Spool, Clock]]:
    def made(*seconds: float, speed: float) -> tuple[MemoryPublisher, Feed, Spool, Clock]:
        spool, publisher, clock = Spool(tmp_path / "spool"), MemoryPublisher(), Clock()
        for second in seconds:
            spool.add(Item(NOON + int(second * 1000), "logs.http", "session-1", record(second, f"text-{second}").value))
        return publisher, Feed(publisher, "5f0c", speed, clock, clock.sleep), spool, clock

    return made


def test_fed_events_happen_now_and_ten_times_as_fast(feed) -> None:
    """An hour takes six minutes and is six minutes long; each is sent when it is due, none before, with its own key."""
    publisher, feeding, spool, clock = feed(0, 1800, 3600, speed=10)

    fed = feeding.run(spool, lambda: False)

    found = [orjson.loads(one.value) for one in publisher.records]
    assert [instant.read(one["timestamp"]) - NOW for one in found] == [0, 180_000, 360_000]
    assert all(0 <= instant.read(one["observed_timestamp"]) - instant.read(one["timestamp"]) < 100 for one in found)
    assert [one.key for one in publisher.records] == ["session-1"] * 3
    assert (fed.events, fed.arrived) == (3, True) and 360_000 <= clock.now - NOW < 361_000


def test_fed_events_carry_the_run_in_their_uid(feed) -> None:
    """They are not the events of the file, nor those of another run."""
    publisher, feeding, spool, _ = feed(0, speed=1)

    feeding.run(spool, lambda: False)

    assert [orjson.loads(one.value)["log.record.uid"] for one in publisher.records] == ["replay-5f0c-text-0"]


def test_time_goes_on_while_nothing_is_due(feed) -> None:
    """Heartbeats about each second, so that windows close in the pauses; none is older than an event that comes after it."""
    publisher, feeding, spool, _ = feed(0, 10, speed=1)

    feeding.run(spool, lambda: False)

    times = [instant.read(orjson.loads(one.value if isinstance(one, Record) else one)["timestamp"]) for one in publisher.order]
    assert 10 <= len(publisher.beats) <= 12
    assert times == sorted(times)


class Away(MemoryPublisher):
    """A Kafka whose queue is full and stays so: half of what it is given gets in. Time passes while it is waited for."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock, self.asked = clock, 0

    def send(self, records, settled, idle) -> None:
        self.records += list(records)[::2]
        while idle():
            self.asked += 1
            self._clock.now += 100

    def in_flight(self) -> int:
        return len(self.records)

    def poll(self, seconds: float) -> None:
        self._clock.now += int(seconds * 1000)


def test_a_feed_whose_kafka_is_away_can_be_stopped(tmp_path: Path) -> None:
    """It waits as long as it may, ten seconds more once it is told to stop, and says that not everything has arrived."""
    clock, spool = Clock(), Spool(tmp_path / "spool")
    for second in range(3):
        spool.add(Item(NOON + second, "logs.http", None, record(second, f"text-{second}").value))
    publisher, told = Away(clock), list[int]()
    feeding = Feed(publisher, "5f0c", 1000, clock, clock.sleep, lambda fed: told.append(fed.events))

    fed = feeding.run(spool, lambda: clock.now >= NOW + 60_000)

    assert (fed.events, fed.arrived) == (0, False)
    assert 69_000 <= clock.now - NOW <= 71_000
    assert publisher.asked > 600 and len(told) > 600


def test_a_feed_that_is_stopped_stops(feed) -> None:
    """What is not due yet is not sent."""
    publisher, feeding, spool, clock = feed(0, 10, 20, speed=1)

    fed = feeding.run(spool, lambda: clock.now >= NOW + 5_000)

    assert (fed.events, len(publisher.records)) == (1, 1)

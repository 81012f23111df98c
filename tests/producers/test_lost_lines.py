"""Lines that a busy moment, an odd name or a damaged neighbour could cost: none is lost, and none kills the producer."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from producers.memory import MemoryPublisher
from producers.sources import files as sources
from producers.sources.identity import head_of, superseded

MINUTE = 60


class Blocking(MemoryPublisher):
    """A broker that is away while `meanwhile` happens to the files, one step at each turn."""

    def __init__(self, turn: Callable[[], None], meanwhile: list[Callable[[], None]]) -> None:
        super().__init__()
        self._turn, self._meanwhile = turn, meanwhile

    def send(self, records: Any, settled: Callable[[], None], idle: Callable[[], bool]) -> None:
        while self._meanwhile:
            self._meanwhile.pop(0)()
            self._turn()
            idle()
        super().send(records, settled, idle)


def test_file_born_and_rotated_away_while_kafka_is_away(workshop: Any) -> None:
    """While the queue is full the producer goes on looking: what is born, rotated and deleted meanwhile is sent afterwards."""
    log = workshop.folder / "access.log"

    def rotate(number: int) -> None:
        log.replace(workshop.folder / "access.log.1")
        workshop.write(workshop.line(number))

    def pass_time() -> None:
        workshop.now += 300

    workshop.publisher = Blocking(pass_time, [lambda: rotate(1), lambda: rotate(2), lambda: rotate(3)])
    workshop.start()
    workshop.write(workshop.line(0))

    workshop.follow()

    assert sorted(workshop.bodies()) == [workshop.line(number) for number in range(4)]


def test_rotations_during_a_long_pause_are_made_up_for(workshop: Any) -> None:
    """A process that was stopped for minutes finds the files that came and went unseen among the rotated ones."""
    workshop.write(workshop.line(0))
    workshop.follow()
    for number in (1, 2):
        (workshop.folder / "access.log").rename(workshop.folder / f"access.log.{number}")
        workshop.write(workshop.line(number))
    for path in workshop.folder.iterdir():
        os.utime(path, (workshop.now / 1000 + 30, workshop.now / 1000 + 30))
    workshop.now += MINUTE * 1000

    workshop.follow()

    assert sorted(workshop.bodies()) == [workshop.line(number) for number in range(3)]


BANNER = '{"message": "service started"}\n'


def test_new_file_with_the_same_first_line_is_no_continuation(workshop: Any) -> None:
    """A longer file that only begins like the last one is read from its beginning, under identities of its own."""
    workshop.start(log_type="json")
    workshop.write(BANNER + '{"message": "a"}\n')
    workshop.follow()
    (workshop.folder / "access.log").unlink()
    workshop.write(BANNER + '{"message": "b, which is longer"}\n{"message": "c"}\n')

    workshop.start(log_type="json")
    workshop.follow()

    messages = [event["body"] for event in workshop.events()]
    assert messages == ["service started", "a", "service started", "b, which is longer", "c"]
    assert len(set(workshop.uids())) == 5


def test_hundreds_of_files_with_the_same_first_line(workshop: Any) -> None:
    """However often a log begins with the same line, its next file is read, and found again after a restart."""
    for number in range(120):
        (workshop.folder / "access.log").unlink(missing_ok=True)
        workshop.write(BANNER + f'{{"message": "{number}"}}\n')
        workshop.start(log_type="json")
        workshop.follow(seconds=0.2)
    sent = len(workshop.events())

    workshop.start(log_type="json")
    workshop.follow(seconds=0.2)

    assert (sent, len(set(workshop.uids())), len(workshop.events())) == (240, 240, 240)


def test_file_rewritten_alike_and_longer_between_two_looks(workshop: Any) -> None:
    """The bytes before the place where reading stands tell that a file is another one now, even when it did not shrink."""
    workshop.write(workshop.lines(0, 3))
    workshop.follow()

    (workshop.folder / "access.log").write_text(workshop.line(0) + workshop.lines(10, 15))
    workshop.follow()

    assert workshop.bodies()[3:] == [workshop.line(0), *(workshop.line(number) for number in range(10, 15))]


def test_blank_first_lines_tell_nothing(workshop: Any) -> None:
    """A blank line at the beginning is not what tells two files apart."""
    assert head_of(b"\n\r\na\nb", ended=False) == b"\n\r\na"


@pytest.mark.parametrize("pause", [8, 4 * MINUTE, 8 * MINUTE, 30 * MINUTE])
def test_late_lines_of_a_renamed_file(workshop: Any, pause: int) -> None:
    """A server that goes on writing to the renamed file, even after minutes of silence, is heard."""
    workshop.producer._pace = type(workshop.producer._pace)(workshop.clock, workshop.sleep, 5.0)
    workshop.write(workshop.line(0))
    workshop.follow()
    (workshop.folder / "access.log").rename(workshop.folder / "access.log.1")
    workshop.write(workshop.line(1))
    workshop.follow(seconds=pause)

    workshop.write(workshop.line(2), "access.log.1")
    workshop.follow(seconds=10)

    assert workshop.bodies() == [workshop.line(number) for number in range(3)]


def test_renamed_files_are_let_go_at_last(workshop: Any) -> None:
    """After the next rotation and ten quiet minutes nobody waits for lines of a renamed file any more."""
    workshop.producer._pace = type(workshop.producer._pace)(workshop.clock, workshop.sleep, 5.0)
    workshop.write(workshop.line(0))
    workshop.follow()
    for number in (1, 2):
        (workshop.folder / "access.log").rename(workshop.folder / f"access.log.{number}")
        workshop.write(workshop.line(number))
        workshop.follow(seconds=10)

    workshop.follow(seconds=15 * MINUTE)

    followed = [file.path.name for file in (*workshop.files.reading, *workshop.files._resting.values())]
    assert sorted(followed) == ["access.log", "access.log.2"]


def test_quiet_files_are_closed_and_heard_again(workshop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in which nothing happens takes no descriptor; what is written to it later, also after a rename, is sent."""
    monkeypatch.setattr(sources, "REST_MS", 2_000)
    workshop.start("*.log")
    for name in ("a.log", "b.log"):
        workshop.write(workshop.line(0, f"/{name}") + workshop.line(1), name)
    workshop.follow(seconds=4)
    opened = len(workshop.files.reading)

    workshop.write(workshop.line(2), "a.log")
    (workshop.folder / "b.log").rename(workshop.folder / "b.log.1")
    workshop.write(workshop.line(3), "b.log.1")
    workshop.write(workshop.line(4), "b.log")
    workshop.follow()

    assert opened == 0
    assert sorted(workshop.bodies()[4:]) == [workshop.line(number) for number in (2, 3, 4)]
    assert len(set(workshop.uids())) == 7


def test_half_line_of_a_live_file_with_a_rotated_name(workshop: Any) -> None:
    """worker-1 is alive although its name looks rotated: half a line waits for its other half."""
    workshop.start("worker-*")
    whole = workshop.line(1)
    workshop.write(workshop.line(5), "worker-2")
    workshop.write(workshop.line(0) + whole[:40], "worker-1")
    workshop.follow(seconds=20)

    workshop.write(whole[40:], "worker-1")
    workshop.follow()

    assert sorted(workshop.bodies()) == [workshop.line(number) for number in (0, 1, 5)]
    assert workshop.dead() == []


@pytest.mark.parametrize(
    ("name", "others", "over"),
    [
        ("access.log.1", ["access.log"], True), ("access.log.1.gz", [], True), ("worker-1", ["worker-2"], False),
        ("access_log.1763683200", ["access_log.1763769600"], True), ("access_log.1763769600", ["access_log.1763683200"], False),
    ],
)  # fmt: skip
def test_name_alone_ends_no_file(tmp_path: Path, name: str, others: list[str], over: bool) -> None:
    """A file is over when another one has taken its place."""
    for other in others:
        (tmp_path / other).touch()

    assert superseded(tmp_path / name, [tmp_path / other for other in others]) is over


def test_damaged_archive_beside_the_log(workshop: Any) -> None:
    """A file beside the log that is no archive, whatever its name says, is named once and stops nothing."""
    (workshop.folder / "access.log.0.gz").write_bytes(b"not gzip at all\n" * 9)
    workshop.write(workshop.line(0))
    workshop.follow()
    workshop.write(workshop.line(1))
    (workshop.folder / "access.log").rename(workshop.folder / "access.log.1")
    workshop.write(workshop.line(2))

    workshop.start()
    workshop.follow()
    (workshop.folder / "access.log").write_text(workshop.line(3))
    workshop.follow()

    assert sorted(workshop.bodies()) == [workshop.line(number) for number in range(4)]
    assert len([text for text in workshop.said if "access.log.0.gz" in text]) == 1

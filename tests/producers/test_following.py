"""Following files: whatever happens to them, each line is sent once, under the identity of its place."""

from __future__ import annotations

import gzip
import os
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard


def test_lines_are_sent_as_they_are_written(workshop: Any) -> None:
    """A file that grows gives its lines in order, each once."""
    workshop.write(workshop.lines(0, 3))
    workshop.follow()

    workshop.write(workshop.lines(3, 5))
    workshop.follow()

    assert "".join(workshop.bodies()) == workshop.lines(0, 5)


def test_file_that_appears_later(workshop: Any) -> None:
    """A file need not exist when the producer starts."""
    workshop.follow()

    workshop.write(workshop.line(0))
    workshop.follow()

    assert workshop.bodies() == [workshop.line(0)]


def test_glob_finds_files_that_appear_later(workshop: Any) -> None:
    """A glob is looked at again and again."""
    workshop.start("*.log")
    workshop.write(workshop.line(0), "a.log")
    workshop.follow()

    workshop.write(workshop.line(1), "b.log")
    workshop.follow()

    assert workshop.bodies() == [workshop.line(0), workshop.line(1)]


def test_half_line_waits_for_its_end(workshop: Any) -> None:
    """What a server has written half is not an event yet."""
    whole = workshop.line(0)
    workshop.write(workshop.line(9) + whole[:30])
    workshop.follow()
    before = workshop.bodies()

    workshop.write(whole[30:])
    workshop.follow()

    assert before == [workshop.line(9)]
    assert workshop.bodies() == [workshop.line(9), whole]


def test_last_half_line_counts_at_the_end(workshop: Any) -> None:
    """Without following, a last line without line break is a line."""
    workshop.write(workshop.line(0) + workshop.line(1).rstrip())

    assert len(workshop.read_to_end()) == 2


@pytest.mark.parametrize("pattern", ["access.log", "access.log*"])
def test_rotation_by_rename(workshop: Any, pattern: str) -> None:
    """The old file is read to its end, its last half line included, then the new one; whether or not the glob sees the old one."""
    workshop.start(pattern)
    workshop.write(workshop.lines(0, 3))
    workshop.follow()

    (workshop.folder / "access.log").rename(workshop.folder / "access.log.1")
    workshop.write(workshop.line(3), "access.log.1")
    workshop.write(workshop.line(4))
    workshop.follow()
    workshop.write(workshop.line(5).rstrip(), "access.log.1")
    workshop.follow(seconds=7)

    assert workshop.bodies() == [workshop.line(n) for n in range(6)]
    assert len(set(workshop.uids())) == 6
    assert workshop.account.rotations == 1


def test_rotation_while_the_producer_was_down(workshop: Any) -> None:
    """Lines written before a rotation that nobody watched are found in the file beside, from where the checkpoint stands."""
    workshop.write(workshop.lines(0, 2))
    workshop.follow()
    workshop.write(workshop.line(2))
    (workshop.folder / "access.log").rename(workshop.folder / "access.log.1")
    workshop.write(workshop.line(3))

    workshop.start()
    workshop.follow()

    assert workshop.bodies() == [workshop.line(n) for n in range(4)]


def test_several_rotations_while_the_producer_was_down(workshop: Any) -> None:
    """Files that were written and rotated away without the producer ever seeing them are read too; older ones are not."""
    workshop.write(workshop.line(99), "access.log.9")
    os.utime(workshop.folder / "access.log.9", (1, 1))
    workshop.write(workshop.line(0))
    workshop.follow()
    for n in (1, 2):
        (workshop.folder / "access.log").rename(workshop.folder / f"access.log.{n}")
        workshop.write(workshop.line(n))

    workshop.start()
    workshop.follow()

    assert workshop.bodies() == [workshop.line(n) for n in range(3)]


def test_several_rotations_while_kafka_was_away(workshop: Any) -> None:
    """What was read and rotated away but never acknowledged is found again at the next start, however often both happened."""
    workshop.publisher.hold = True
    for n in range(4):
        workshop.write(workshop.lines(10 * n, 10 * n + 3))
        workshop.follow()
        (workshop.folder / f"access.log.{n + 1}").write_bytes((workshop.folder / "access.log").read_bytes())
        if n % 2:
            (workshop.folder / "access.log").write_bytes(b"")
        else:
            (workshop.folder / "access.log").unlink()
        workshop.follow(seconds=7)
    workshop.checkpoint.save()
    before = workshop.uids()

    workshop.publisher.records.clear()
    workshop.start()
    workshop.follow()

    assert len(before) == 12
    assert workshop.uids() == before


def test_copy_and_truncate(workshop: Any) -> None:
    """A file that was copied and emptied is finished in its copy, then read from its new beginning."""
    workshop.write(workshop.lines(0, 3))
    workshop.follow()

    workshop.write(workshop.line(3))
    shutil.copy(workshop.folder / "access.log", workshop.folder / "access.log.1")
    (workshop.folder / "access.log").write_text(workshop.line(4))
    workshop.follow(seconds=7)

    assert workshop.bodies() == [workshop.line(n) for n in range(5)]
    assert len(set(workshop.uids())) == 5
    assert workshop.account.truncations == 1


def test_emptied_file_that_grew_past_where_it_was(workshop: Any) -> None:
    """Truncation is noticed by another first line too, when the file is already longer than what was read."""
    workshop.write(workshop.line(0))
    workshop.follow()

    (workshop.folder / "access.log").write_text(workshop.lines(1, 4))
    workshop.follow()

    assert workshop.bodies() == [workshop.line(n) for n in range(4)]


def test_emptied_file_that_begins_alike(workshop: Any) -> None:
    """A file rewritten with the same first line is another text: its lines must not take the identities of the old ones."""
    workshop.write(workshop.lines(0, 4))
    workshop.follow()

    (workshop.folder / "access.log").write_text(workshop.line(0) + workshop.line(9))
    workshop.follow(seconds=2)

    assert workshop.bodies()[4:] == [workshop.line(0), workshop.line(9)]
    assert len(set(workshop.uids())) == 6


def test_deleted_file_is_read_to_its_end(workshop: Any) -> None:
    """What a file held when it was deleted is not lost, as long as it was open."""
    workshop.write(workshop.line(0))
    workshop.follow()
    workshop.write(workshop.line(1) + workshop.line(2).rstrip())

    (workshop.folder / "access.log").unlink()
    workshop.follow(seconds=7)

    assert workshop.bodies() == [workshop.line(n) for n in range(3)]
    assert workshop.files.reading == []


def test_compressed_twin_has_the_same_identities(workshop: Any) -> None:
    """A line keeps its uid in the rotated, the gzip and the zstd file, and in another folder."""
    text = workshop.lines(0, 50).encode()
    (workshop.folder / "elsewhere").mkdir()
    (workshop.folder / "access.log").write_bytes(text)
    (workshop.folder / "elsewhere" / "access.log-20261121").write_bytes(text)
    (workshop.folder / "access.log.3.gz").write_bytes(gzip.compress(text[:999]) + gzip.compress(text[999:]))
    (workshop.folder / "access.log.4.zst").write_bytes(zstandard.compress(text[:999]) + zstandard.compress(text[999:]))
    found = []

    for name in ("access.log", "elsewhere/access.log-20261121", "access.log.3.gz", "access.log.4.zst"):
        workshop.memory.unlink(missing_ok=True)
        workshop.read_to_end(name)
        found.append(workshop.uids())

    assert len(set(found[0])) == 50
    assert found == [found[0]] * 4


def test_twin_beside_the_original_is_not_read_twice(workshop: Any) -> None:
    """A glob that catches a file and its compressed copy gives the lines once."""
    workshop.write(workshop.lines(0, 20), "access.log.1")
    (workshop.folder / "access.log.1.gz").write_bytes(gzip.compress((workshop.folder / "access.log.1").read_bytes()))

    events = workshop.read_to_end("access.log*")

    assert len(events) == 20


def test_namesakes_with_the_same_first_line_differ(workshop: Any) -> None:
    """Two live files of one name in two folders are two texts, even when a health check wrote the same first line to both."""
    for folder in ("a", "b"):
        (workshop.folder / folder).mkdir()
        workshop.write(workshop.line(0) + workshop.line(1, f"/{folder}"), f"{folder}/access.log")

    events = workshop.read_to_end("*/access.log")

    assert len(events) == 4
    assert len(set(workshop.uids())) == 4


def test_broken_archive_is_read_as_far_as_it_goes(workshop: Any) -> None:
    """A gzip file that was cut off gives what it holds, and the account says so."""
    packed = gzip.compress(workshop.lines(0, 2000).encode())
    (workshop.folder / "access.log.1.gz").write_bytes(packed[: len(packed) // 2])

    events = workshop.read_to_end("access.log.1.gz")

    assert 0 < len(events) < 2000
    assert "ends in the middle" in workshop.account.problems[0]


def test_oldest_of_several_files_goes_first(workshop: Any) -> None:
    """A backlog of several files comes in the order of its events, not of the files' names."""
    workshop.write(workshop.lines(3600, 3610), "access.log")
    workshop.write(workshop.lines(0, 10), "access.log.1")
    workshop.write(workshop.lines(1800, 1810), "access.log.0")

    times = [event["timestamp"] for event in workshop.read_to_end("access.log*")]

    assert len(times) == 30
    assert times == sorted(times)


@pytest.fixture
def few_files() -> Iterator[None]:
    """This process may have about thirty more files open than it has, and a quarter of all for other things."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with Path(os.devnull).open() as probe:
        resource.setrlimit(resource.RLIMIT_NOFILE, ((probe.fileno() + 30) * 4 // 3 + 1, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_more_files_than_may_be_open(workshop: Any, few_files: None) -> None:
    """Files beyond the limit wait until others are read to their end, and the checkpoint can be written all the while."""
    for number in range(150):
        workshop.write(workshop.lines(number, number + 2), f"{number}.log")

    events = workshop.read_to_end("*.log")

    assert len(events) == 300
    assert not any("checkpoint cannot be written" in said for said in workshop.said)

"""kill -9 of everything on a line's way into the store: afterwards the rows are exactly the lines of the file."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest

from tests.faults.test_kill import is_dead
from tests.stack.conftest import Stack, wait_until
from tests.stack.kept import Kept
from tests.stack.plain_reader import real_log

pytestmark = [pytest.mark.stack, pytest.mark.proof, pytest.mark.timeout(600)]

VICTIMS = {"cassandra": "nginx", "taskmanager": "apache", "jobmanager": "nginx", "kafka": "apache", "producer": "nginx"}
LINES, RATE = 40_000, 2_000  # how many are written, and how many a second
GARBAGE = 0.05

Row = tuple[int, str]  # where the line begins, and the sha256 of its text


@dataclass(frozen=True)
class House:
    """A stack with the history job."""

    stack: Stack

    @property
    def kept(self) -> Kept:
        return Kept(self.stack.settings)

    def pid(self, name: str) -> int:
        return int(self.stack.process(name)["pid"])

    def all_read(self, log: Path, service: str) -> bool:
        """Whether the producer knows that every byte has arrived."""
        path = self.stack.home / "producers" / f"{service}.json"
        texts = json.loads(path.read_bytes())["texts"].values() if path.exists() else ()
        return sum(int(text["offset"]) for text in texts) == log.stat().st_size


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A stack of its own: it is killed piece by piece."""
    stack = Stack(tmp_path_factory.mktemp("h"))
    try:
        stack.logverse("up")
        stack.logverse("schema", "migrate")
        stack.logverse("job", "submit", "history", "--parallelism", "1", "--checkpoint-interval", "2s")
        yield House(stack)
    finally:
        stack.logverse("down", check=False)


@pytest.mark.parametrize("victim", VICTIMS)
def test_kill_9_under_load_loses_and_doubles_no_row(house: House, tmp_path: Path, victim: str) -> None:
    """Killed with records in flight and rows undone; sent again from the start as well; the account finds nothing missing."""
    service, log = f"of-{victim}", tmp_path / "access.log"
    lines = with_garbage(real_log(VICTIMS[victim]).splitlines()[:LINES], Random(victim))
    with being_written(log, lines) as written:
        house.stack.logverse("produce", str(log), "--service", service, "--host", "here", "--type", "access", "--detach")
        wait_until(lambda: house.kept.holds_some(service), "the first row")
        pid, undone = house.pid(f"produce-{service}" if victim == "producer" else victim), list[int]()
        wait_until(lambda: undone.append(house.kept.behind()) or undone[-1] > 0, "work undone")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: is_dead(pid), "its death")
        assert not written.is_set(), "the log was whole before the kill"
        wait_until(written.is_set, "the log to be whole")
    house.stack.wait_ready()
    wait_until(lambda: house.all_read(log, service), "the producer's end", timeout=180)
    (house.stack.home / "services" / f"produce-{service}.json").unlink()  # with it end the heartbeats, of which some are always on the way
    wait_until(lambda: house.kept.behind() == 0, "the history's end", timeout=300)

    expected, rubbish = plainly_read(log)
    first = house.kept.rows(service)
    house.stack.logverse(
        "produce", str(log), "--service", service, "--host", "here", "--type", "access", "--no-follow",
        "--checkpoint", str(tmp_path / "another.json"),
    )  # fmt: skip
    wait_until(lambda: house.kept.behind() == 0, "the second sending read", timeout=300)

    assert Counter(placed(first)) == expected
    assert sorted(house.kept.rows(service)) == sorted(first)
    found = {letter["id"]: letter["sha256"] for letter in house.kept.letters() if letter["service.name"] == service}
    assert Counter(found.values()) == rubbish
    account = json.loads(house.stack.logverse("account", "--since", "1h", "-o", "json").stdout)
    assert account["complete"]
    assert account["totals"]["pending"] == 0
    if victim == "cassandra":
        assert json.loads(house.stack.logverse("job", "status", "history", "-o", "json").stdout)["failures"] == 0
    print(
        f"\nkill -9 {victim}: {undone[-1]:,} records undone before; {len(first):,} rows of {len(lines):,} lines, {rubbish.total():,} dead "
        f"letters; account: {account['totals']}"
    )


def with_garbage(lines: list[bytes], random: Random) -> list[bytes]:
    """One in twenty more, that no parser takes."""
    for _ in range(int(len(lines) * GARBAGE)):
        lines.insert(
            random.randrange(len(lines)), b"\xff" + random.randbytes(random.randrange(200)).replace(b"\n", b"").replace(b"\r", b"")
        )
    return lines


@contextmanager
def being_written(log: Path, lines: list[bytes]) -> Iterator[threading.Event]:
    """The log grows meanwhile; the event says that it is whole."""
    whole, ended = threading.Event(), threading.Event()

    def write() -> None:
        with log.open("ab", buffering=0) as file:
            for start in range(0, len(lines), RATE // 10):
                file.write(b"".join(line + b"\n" for line in lines[start : start + RATE // 10]))
                if ended.wait(0.1):
                    return
        whole.set()

    log.touch()
    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield whole
    finally:
        ended.set()
        writer.join()


def plainly_read(log: Path) -> tuple[Counter[Row], Counter[str]]:
    """The rows that must be, and the sha256 of each line of garbage: by a reader that knows nothing of the product."""
    rows, rubbish, offset = Counter[Row](), Counter[str](), 0
    for line in log.read_bytes().split(b"\n"):
        if line.startswith(b"\xff"):
            rubbish[sha256(line).hexdigest()] += 1
        elif line:
            rows[offset, sha256(line.decode("utf-8", "replace").encode()).hexdigest()] += 1
        offset += len(line) + 1
    return rows, rubbish


def placed(rows: list[tuple[str, str]]) -> list[Row]:
    """By the place in the file, which the uid ends with. All are of one text."""
    assert len({uid.rpartition("-")[0] for uid, _ in rows}) == 1
    return [(int(uid.rpartition("-")[2]), body) for uid, body in rows]

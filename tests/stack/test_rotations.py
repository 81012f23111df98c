"""Rotation torture on a real Kafka: a log that is rotated a thousand times while its producer is killed."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from logverse import settings
from logverse.settings import Settings
from logverse.topic_reader import read_to_end
from logverse.topics import LOGS, named
from tests.producers.rotating import RotatingLog
from tests.stack.conftest import Stack, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.proof, pytest.mark.timeout(1200)]

RATE = 5_000  # lines a second
ROTATIONS, EACH_S = 1_000, 0.22
KILLS = 10


class Writer(threading.Thread):
    """Writes at a steady rate and rotates both ways in turn."""

    def __init__(self, log: RotatingLog) -> None:
        super().__init__(daemon=True)
        self._log, self.took_s = log, 0.0

    def run(self) -> None:
        began = rotated = time.monotonic()
        ended = threading.Event()
        while self._log.rotations < ROTATIONS:
            ended.wait(0.004)
            now = time.monotonic()
            if missing := int((now - began) * RATE) - self._log.lines:
                self._log.write(missing)
            if now - rotated >= EACH_S:
                rotated = now
                rotate: Callable[[], None] = self._log.rename if self._log.rotations % 2 else self._log.copy_and_truncate
                rotate()
        self._log.write(100)
        self.took_s = time.monotonic() - began


def test_a_thousand_rotations_lose_and_double_no_line(stack: Stack, tmp_path: Path) -> None:
    """Half by rename, half by copy-and-truncate, 5,000 lines/s, the producer killed with -9 ten times: the multiset of lines is exact."""
    prefix = f"r{uuid.uuid4().hex[:8]}"
    stack.logverse("--topic-prefix", prefix, "topics", "create")
    log = RotatingLog(tmp_path / "app.log", keep=600)
    log.write(10)
    arguments = ("--topic-prefix", prefix, "produce", str(tmp_path / "app.log"), "--service", "app", "--type", "plain")
    writer, killed = Writer(log), 0

    writer.start()
    producer = started(stack, arguments)
    while writer.is_alive():
        if log.rotations >= (killed + 1) * ROTATIONS // (KILLS + 1):
            producer.kill()
            producer.wait()
            killed, producer = killed + 1, started(stack, arguments)
        writer.join(0.05)
    found = settings.load({"home": str(stack.home), "topic_prefix": prefix}, {})
    wait_until(lambda: not missing(found, log), f"every line of {log.lines:,}", timeout=240)
    producer.terminate()
    producer.wait()

    events = lines_of(found)
    once = Counter(body for _, body in set(events))
    print(
        f"\n{log.rotations:,} rotations and {killed} kills in {writer.took_s:.0f} s, {log.lines / writer.took_s:,.0f} lines/s: "
        f"{len(once):,} of {len(log.written):,} lines, {len(events) - len(set(events)):,} sent twice under the same id"
    )
    assert killed == KILLS
    assert once == log.written
    assert len({uid for uid, _ in events}) == len(log.written)


def started(stack: Stack, arguments: tuple[str, ...]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "logverse.cli.main", "--home", str(stack.home), *arguments]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)


def missing(found: Settings, log: RotatingLog) -> int:
    """How many lines are not there yet; said, so that a wait in vain tells."""
    left = len(log.written.keys() - {body for _, body in lines_of(found)})
    print(f"{left:,} lines missing")
    return left


def lines_of(found: Settings) -> list[tuple[str, str]]:
    """Uid and text of every event."""
    events = (
        orjson.loads(message.value() or b"") for topic in LOGS.values() for message in read_to_end(found, named(topic, found.topic_prefix))
    )
    return [(event["log.record.uid"], event["body"]) for event in events if event["log.type"] != "heartbeat"]

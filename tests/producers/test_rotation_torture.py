"""Rotations by the hundred, at the worst of moments, without servers: the files are real, the time is not."""

from __future__ import annotations

import os
import random
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from producers.checkpoint import Checkpoint
from producers.memory import MemoryPublisher
from producers.sources import adoption, files

from .conftest import Workshop
from .rotating import RotatingLog


class Killed(BaseException):
    """The process is gone in the middle of whatever it did."""


class FarAway(MemoryPublisher):
    """A broker that acknowledges later. `arrived`: what it has, whether or not the producer heard of it."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance, self.arrived, self._way = chance, list[Any](), deque[tuple[list[Any], Callable[[], None]]]()

    def send(self, records: Any, settled: Callable[[], None], idle: Callable[[], bool]) -> None:
        self._way.append((list(records), settled))
        self.poll(0)

    def poll(self, seconds: float) -> None:
        while self._way and self._chance.random() < 0.5:
            records, settled = self._way.popleft()
            self.arrived += records
            settled()

    def in_flight(self) -> int:
        return len(self._way)

    def cut(self) -> None:
        """Of what was on its way some has arrived, unheard."""
        for records, _ in self._way:
            self.arrived += records[: self._chance.randrange(len(records) + 1)]
        self._way.clear()


class World(Workshop):
    """While the producer works its clock runs, and with it the writer: five lines a millisecond, rotations, kills."""

    def __init__(self, folder: Path, seed: int, rotations: int, each_ms: tuple[int, int], kills: int, head: str = "") -> None:
        self._chance, self._each, self._left, self._running = random.Random(seed), each_ms, rotations, False
        self._kills_left, self._kill_each = kills, rotations * sum(each_ms) // 2 // (kills + 1) if kills else 0
        super().__init__(folder)
        self.publisher = self.far = FarAway(self._chance)
        self.log = RotatingLog(folder / "access.log", keep=60, head=head)
        self._next = self._killed = self.now

    def clock(self) -> int:
        """Each question takes time, so that the writer acts in the middle of everything."""
        if self._running:
            self.pass_ms(self._chance.choice((0, 0, 0, 1)))
            self._die()
        return self.now

    def sleep(self, seconds: float) -> None:
        for _ in range(int(seconds * 100)):
            self.pass_ms(10)
        self.stop_after -= int(seconds * 1000)

    def _die(self) -> None:
        if self._kills_left and self.now >= self._killed + self._kill_each:
            self._killed, self._kills_left = self.now, self._kills_left - 1
            raise Killed

    def pass_ms(self, span: int) -> None:
        self.now += span
        if not self._left:
            return
        if span:
            self.log.write(5 * span, self.now)
        if self.now >= self._next:
            self._next = self.now + self._chance.randrange(*self._each)
            self._left -= 1
            self._chance.choice((self.log.rename, self.log.copy_and_truncate))()

    def run(self) -> None:
        """Producer after producer until all is written, and then as long as it takes to read it."""
        while self._left:
            try:
                self.start(log_type="plain")
                self._running, self.stop_after = True, 1
                self.producer._stopping = lambda: not self._left
                self.producer.follow()
            except Killed:
                self._running = False
                self.far.cut()
                self.sleep(self._chance.uniform(0, 3))
        self._running = False
        self.producer._stopping = lambda: self.stop_after <= 0
        self.stop_after = 15_000
        self.producer.follow()
        while self.far.in_flight():
            self.far.poll(0)


def run_exactly(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it all happen; then what has arrived, each uid once, is what was written."""
    _let_time_pass(world, monkeypatch)

    world.run()

    events = [orjson.loads(record.value) for record in world.far.arrived]
    found = Counter({event["log.record.uid"]: event["body"] for event in events}.values())
    written = world.log.written
    assert (written - found, found - written) == (Counter(), Counter())
    assert len(events) >= found.total() > 0


@pytest.mark.parametrize("seed", range(2))
def test_rotations_at_any_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Renamed, or copied and emptied, several times between two looks too, with kills: every line has arrived under one uid."""
    run_exactly(World(tmp_path, seed, rotations=60, each_ms=(1, 120), kills=3), monkeypatch)


@pytest.mark.proof
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(4))
def test_a_thousand_rotations_at_any_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """The same, a thousand times, at the 5,000 lines a second of a busy server."""
    run_exactly(World(tmp_path, seed, rotations=1000, each_ms=(1, 500), kills=10), monkeypatch)


def _let_time_pass(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between listing a folder and opening what was listed, too; and checkpoints have the world's time."""
    opened, siblings, save = adoption.opened, adoption.siblings, Checkpoint.save

    def slow_opened(path: Path) -> Any:
        world.clock()
        return opened(path)

    def slow_siblings(*given: Any) -> Any:
        found = siblings(*given)
        world.clock()
        return found

    def saved(checkpoint: Checkpoint) -> None:
        save(checkpoint)
        if checkpoint.path.exists():
            os.utime(checkpoint.path, (world.now / 1000, world.now / 1000))

    monkeypatch.setattr(adoption, "opened", slow_opened)
    monkeypatch.setattr(files, "opened", slow_opened)
    monkeypatch.setattr(adoption, "siblings", slow_siblings)
    monkeypatch.setattr(files, "siblings", slow_siblings)
    monkeypatch.setattr(Checkpoint, "save", saved)
    monkeypatch.setattr(os, "fsync", lambda _: None)

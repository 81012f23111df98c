"""Restoring into files, and from files that are not what was promised: each line once, damage named, nothing of it believed."""

from __future__ import annotations

import base64
import json
from collections import Counter
from pathlib import Path

import pytest

from logverse import instant
from logverse.errors import TryAgain
from storage.backup.restore import Restore
from storage.backup.restore_choice import Choice, estimated
from storage.backup.restore_files import IntoFiles
from storage.backup.restore_progress import Progress
from storage.memory import MemoryStore
from tests.storage.backup_world import HOUR, NOON, World, damaged, event
from tests.storage.restore_world import EVER, STORED, into_store, lines, restored, rows


@pytest.fixture
def world(tmp_path):
    return World(tmp_path, now=NOON + 3 * HOUR)


@pytest.mark.parametrize("at", ["before", "within", "after"])
def test_files_killed_while_a_row_group_is_written(world, at, monkeypatch):
    """Whatever was written of it, it is there once afterwards."""
    for number in range(300):
        world.topics["logs.http", 0].put(event(f"u{number}"), NOON)
    world.backup().run()
    sink, calls = IntoFiles(world.root / "out"), []
    put = sink.put

    def broken(part):
        calls.append(part.number)
        if part.number == 1 and calls.count(1) == 1:
            if at != "before":
                put(part)
            if at == "within":
                path = next((world.root / "out").rglob("*.jsonl"))
                with path.open("r+b") as file:
                    file.truncate(path.stat().st_size - 500)
            raise TryAgain("killed here")
        return put(part)

    monkeypatch.setattr(sink, "put", broken)

    restored(world, sink)

    assert lines(world) == Counter(f"u{number}" for number in range(300))


def test_killed_while_it_writes_down_where_it_was(world, monkeypatch):
    """Half of that note, or none of it, is no reason to stop for ever, or to have lines twice."""
    for number in range(300):
        world.topics["logs.http", 0].put(event(f"u{number}"), NOON)
    world.backup().run()
    written, notes = Path.write_bytes, []

    def torn(path, data):
        if path.suffix in (".at", ".new"):
            notes.append(path)
            if len(notes) == 2:
                path.open("wb").close()
                raise KeyboardInterrupt
        return written(path, data)

    monkeypatch.setattr(Path, "write_bytes", torn)
    with pytest.raises(KeyboardInterrupt):
        restored(world, IntoFiles(world.root / "out"))

    assert restored(world, IntoFiles(world.root / "out")) == {"lines": 300}
    assert lines(world) == Counter(f"u{number}" for number in range(300))


def test_what_is_no_line_goes_aside(world):
    """With its place, byte for byte; lines are the records' own bytes, and nobody else may read them."""
    world.topics["logs.http", 0].put(event("a"))
    world.topics["logs.http", 0].put(b"two\nlines")
    world.topics["logs.http", 0].put(b"\xff\xfe", key=b"k\x00", headers=[("trace", b"\x01"), ("none", None)])
    world.topics["rules", 0].put(None, key=b"gone")
    world.backup().run()

    counts = restored(world, IntoFiles(world.root / "out"), Choice(*EVER, ("logs.http", "rules")))

    assert counts == {"lines": 1, "odd": 3}
    paths = sorted(path for path in (world.root / "out").rglob("*") if path.is_file() and not path.name.startswith("."))
    assert [".odd" in path.name for path in paths] == [False, True, True]
    assert paths[0].read_bytes() == event("a") + b"\n"
    odd = [json.loads(line) for line in paths[1].open()]
    assert [(one["offset"], base64.b64decode(one["value"]), one["key"] and base64.b64decode(one["key"])) for one in odd] == [
        (1, b"two\nlines", None), (2, b"\xff\xfe", b"k\x00"),
    ]  # fmt: skip
    assert [one.get("headers") for one in odd] == [None, [["trace", "AQ=="], ["none", None]]]
    assert {one["appended"] for one in odd} == {instant.written(NOON)}
    assert all(path.stat().st_mode & 0o077 == 0 for path in paths)


def test_a_flipped_bit_costs_its_row_group_and_is_named(world):
    """File and row group are said, the others come back, and the restore is not called whole."""
    for number in range(300):
        world.topics["logs.http", 0].put(event(f"u{number}"), NOON)
    world.backup().run()
    file = next(iter(world.archive().files.values()))
    damaged(world, file.name, file.groups[1].start + 50)
    store, progress = MemoryStore(), Progress(world.root / "restores" / "r", {})
    choice = Choice(*EVER, STORED)

    counts = Restore(world.target, estimated(world.archive(), choice), choice, into_store(store), progress).run()

    assert counts == {"events": 200, "damaged": 100}
    assert progress.damage == [f"{file.name} row group 1: its bytes are not those of the manifest (CRC-32)"]
    assert set(rows(store)) == {f"u{number}" for number in range(300) if number // 100 != 1}


@pytest.mark.parametrize("how", ["gone", "cut", "other"])
def test_a_file_that_is_not_what_was_promised(world, how):
    """Gone, cut off, or another one: nothing of it is believed, and what is whole comes back."""
    for number in range(300):
        world.topics["logs.http", number % 2].put(event(f"u{number}"), NOON)
    world.backup().run()
    first, second = sorted(world.archive().files)
    path = world.target.root / first
    if how == "gone":
        path.unlink()
    elif how == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    else:
        path.write_bytes((world.target.root / second).read_bytes()[:-1] + b"x")
    store, progress = MemoryStore(), Progress(world.root / "restores" / "r", {})
    choice = Choice(*EVER, STORED)

    counts = Restore(world.target, estimated(world.archive(), choice), choice, into_store(store), progress).run()

    assert counts == {"events": 150, "damaged": 150}
    assert progress.damage and all(line.startswith(first) for line in progress.damage)

"""`logverse produce` as a whole, with a publisher in memory: files, standard input, several inputs, what it reports."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from logverse import instant
from logverse.cli.main import logverse
from producers import run
from producers.memory import MemoryPublisher


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> MemoryPublisher:
    publisher = MemoryPublisher()
    monkeypatch.setattr(run, "KafkaPublisher", lambda *_: publisher)
    return publisher


@pytest.fixture
def pipe() -> Iterator[int]:
    """Standard input is a pipe; this is the end that is written to."""
    kept, (reading, writing) = os.dup(0), os.pipe()
    os.dup2(reading, 0)
    os.close(reading)
    yield writing
    os.dup2(kept, 0)
    os.close(kept)


def produce(folder: Path, *arguments: str) -> Any:
    return CliRunner().invoke(logverse, ["--home", str(folder / "home"), "produce", *arguments])


def bodies(publisher: MemoryPublisher) -> list[str]:
    return [orjson.loads(record.value)["body"] for record in publisher.records]


def test_files_to_their_end(tmp_path: Path, publisher: MemoryPublisher) -> None:
    """--no-follow reads to the end, closes the windows, and gives the account."""
    (tmp_path / "a.log").write_text("one\ntwo\n")

    done = produce(tmp_path, str(tmp_path / "a.log"), "--service", "web", "--type", "plain", "--no-follow", "-o", "json")

    account = json.loads(done.stdout)
    assert done.exit_code == 0
    assert (account["lines"], account["acknowledged"], account["service"], account["arrived"]) == (2, 2, "web", True)
    assert isinstance(publisher.order[-1], bytes)


@pytest.mark.parametrize("more", [[], ["--no-follow"]])
def test_standard_input_to_its_end(tmp_path: Path, publisher: MemoryPublisher, pipe: int, more: list[str]) -> None:
    """A pipe is read to its end, its last half line too, and then the command ends; the next run misses nothing."""
    os.write(pipe, b"one\ntwo\nhalf")
    os.close(pipe)

    done = produce(tmp_path, "-", "--service", "web", "--type", "plain", *more)

    assert done.exit_code == 0, done.stderr
    assert bodies(publisher) == ["one", "two", "half"]
    assert "3 lines read: 3 events" in done.stdout
    assert isinstance(publisher.order[-1], bytes)


def test_status_after_the_end(tmp_path: Path, publisher: MemoryPublisher) -> None:
    """What ran is seen afterwards, as a table and as JSON."""
    (tmp_path / "a.log").write_text("one\ntwo\n")
    produce(tmp_path, str(tmp_path / "a.log"), "--service", "web", "--type", "plain", "--no-follow")

    table, found = produce(tmp_path, "status"), produce(tmp_path, "status", "-o", "json")

    assert "ended" in table.stdout and "web" in table.stdout
    assert json.loads(found.stdout)[0]["inputs"][0]["lines"] == 2
    assert "no producer has run" in produce(tmp_path / "elsewhere", "status").stdout


def test_producers_that_are_long_gone_are_not_listed(tmp_path: Path, publisher: MemoryPublisher) -> None:
    """A month after its last word another one's start clears away what a producer said of itself; its checkpoint stays."""
    (tmp_path / "a.log").write_text("one\n")
    ask = ("--type", "plain", "--no-follow")
    for name in ("old", "recent"):
        produce(tmp_path, str(tmp_path / "a.log"), "--service", name, *ask)
    folder, now = tmp_path / "home" / "producers", instant.now() / 1000
    os.utime(folder / "old.status.json", (now - 31 * 86_400, now - 31 * 86_400))
    os.utime(folder / "recent.status.json", (now - 29 * 86_400, now - 29 * 86_400))

    produce(tmp_path, str(tmp_path / "a.log"), "--service", "web", *ask)

    assert [one["name"] for one in json.loads(produce(tmp_path, "status", "-o", "json").stdout)] == ["recent", "web"]
    assert (folder / "old.json").exists()


def test_config_stands_alone(tmp_path: Path) -> None:
    """What a producers.yaml says cannot be said beside it; a mistake in it ends before Kafka is asked."""
    (tmp_path / "producers.yaml").write_text("inputs:\n  web: {raed: a.log}\n")

    beside = produce(tmp_path, "--config", str(tmp_path / "producers.yaml"), "--type", "json")
    wrong = produce(tmp_path, "--config", str(tmp_path / "producers.yaml"))

    assert "--type" in str(beside.exception) or "log_type" in str(beside.exception)
    assert "did you mean read?" in str(wrong.exception)

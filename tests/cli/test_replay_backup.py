"""Archived events as a replay takes them: each once, and what of the archive is damaged is said."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from logverse.cli.replay_sources import FromBackup, Gathered
from logverse.errors import WrongSettings
from logverse.settings import Settings
from tests.storage.backup_world import HOUR, NOON, World, event

HEARTBEAT = b'{"log.type":"heartbeat","timestamp":"2023-11-15T00:00:00.000Z","service.name":"web"}'


@pytest.fixture
def world(tmp_path: Path) -> World:
    """250 events of web, the first 50 sent twice, 20 of api, a heartbeat and a line of garbage; two row groups and more a partition."""
    made = World(tmp_path, now=NOON + 3 * HOUR)
    for number in [*range(250), *range(50)]:
        made.topics["logs.http", 0].put(event(f"u{number}", NOON + number * 1000), NOON + number)
    for number in range(20):
        made.topics["logs.error", 0].put(event(f"e{number}", NOON + number * 1000, "api", "error"), NOON + number)
    made.topics["logs.http", 0].put(HEARTBEAT)
    made.topics["logs.http", 0].put(b"garbage")
    made.backup().run()
    return made


def gathered(world: World, *services: str, since: int = NOON, until: int = NOON + HOUR) -> Gathered:
    settings = Settings(backup_target=str(world.root / "target"))
    return FromBackup(since, until, services=services).gather(settings, world.root, lambda _: None, lambda _: None)


def test_each_event_once_and_every_line_has_its_place(world: World) -> None:
    """What was sent twice is one; a heartbeat is no line; lines are events, dead letters and repetitions."""
    found = gathered(world)

    uids = [orjson.loads(item.value)["log.record.uid"] for item in found.spool]
    assert sorted(uids) == sorted([*(f"u{n}" for n in range(250)), *(f"e{n}" for n in range(20))])
    assert found.facts["lines"] == found.lines == 321
    assert (found.facts["events"], found.facts["repeated"], found.facts["dead_letters"]) == (270, 50, {"malformed": 1})
    assert found.problems == []


def test_only_the_time_and_the_services_that_were_asked_for(world: World) -> None:
    """By event time; the end is exclusive."""
    found = gathered(world, "api", since=NOON + 5_000, until=NOON + 8_000)

    assert [orjson.loads(item.value)["log.record.uid"] for item in found.spool] == ["e5", "e6", "e7"]


def test_a_file_that_is_gone_is_said_once(world: World) -> None:
    """However many row groups it had; the rest is replayed."""
    (name,) = (name for name in world.names() if "type=http" in name)
    (world.root / "target" / name).unlink()

    found = gathered(world)

    assert found.problems == [f"{name} is gone"]
    assert len(found.spool) == 20


def test_a_time_that_the_archive_has_nothing_of(world: World) -> None:
    """The user is told where to look, and nothing is judged."""
    with pytest.raises(WrongSettings, match="logverse backup list"):
        gathered(world, since=NOON - 2 * HOUR, until=NOON - HOUR)

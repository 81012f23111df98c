"""Pruning removes what is old and says what is the only copy; a schedule is a cron expression; metrics come from the manifests."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from logverse.errors import WrongSettings
from storage.backup import joins
from storage.backup.committing import Committing
from storage.backup.manifest import Manifest
from storage.backup.metrics import BackupMetrics, Figures
from storage.backup.prune import prune, pruning
from storage.backup.schedule import Schedule
from storage.backup.storing import Storing
from tests.storage.backup_world import HOUR, NOON, World, damaged, event

DAY = 24 * HOUR


@pytest.fixture
def world(tmp_path):
    """Ten days of two topics, a file a day of each."""
    made = World(tmp_path)
    for day in range(10):
        made.topics["logs.http", 0].put(event(f"u{day}"), NOON + day * DAY)
        made.topics["rules", 0].put(b"{}", NOON + day * DAY, key=b"r")
        made.now = NOON + day * DAY + HOUR // 2
        made.backup().run()
    return made


def planned(world, days, kept=0):
    return pruning(world.archive(), world.target, NOON + days * DAY, world.topics.parts(), {"logs.http": kept}, world.now + DAY)


def pruned(world, doomed, target=None):
    storing = Storing(target or world.target, "prune", lambda *_: None, lambda _: None)
    spool = world.root / "prune"
    spool.mkdir(exist_ok=True)
    committing = Committing(storing, world.archive(), spool, lambda *_: None, lambda: world.now)
    prune(doomed, target or world.target, committing, "prune", "", lambda _: None)


def test_what_is_old_goes_and_ranges_still_join(world):
    """Rules are never pruned: what is in force may be old. The next backup reads nothing again."""
    doomed = planned(world, 4)
    pruned(world, doomed)

    assert [file.span.start for file in doomed.files] == [0, 1, 2, 3]
    assert {file.span.topic for file in doomed.files} == {"logs.http"}
    assert set(world.names()) == set(world.archive().files)
    assert list(joins.problems(world.archive())) == []
    assert world.backup().run().rows == 0


@pytest.mark.parametrize(("low", "kept", "alone"), [(0, NOON + 99 * DAY, 0), (2, NOON + 99 * DAY, 2), (10, NOON + 3 * DAY, 3), (10, 0, 0)])
def test_only_copies_are_told(world, low, kept, alone):
    """Neither Kafka has it, whose oldest offset is `low`, nor the store, which keeps what was appended since `kept`."""
    world.topics["logs.http", 0].delete_before(low)

    assert len(planned(world, 4, kept).only_copies) == alone


def test_a_pruning_that_is_killed_is_gone_on_with(world):
    """The manifest comes first: files that it calls removed are nobody's, and go the next time."""
    doomed = planned(world, 4)

    class Killed(type(world.target)):
        def remove(self, name):
            if name.endswith(".parquet"):
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pruned(world, doomed, Killed(world.target.root))
    assert list(joins.problems(world.archive())) == []
    again = planned(world, 4)
    pruned(world, again)

    assert (again.files, sorted(again.nobodys)) == ((), sorted(file.name for file in doomed.files))
    assert set(world.names()) == set(world.archive().files)


def test_files_of_a_broken_manifest_are_left(world):
    """It may have promised them; and a file of a backup that runs now is nobody's only after a day."""
    stranger = world.target.root / "data/type=http/dt=2023-11-15/hour=00/x.parquet"
    stranger.write_bytes(b"x")
    young = pruning(world.archive(), world.target, 0, [], {}, int(stranger.stat().st_mtime * 1000) + HOUR)
    old = pruning(world.archive(), world.target, 0, [], {}, int(stranger.stat().st_mtime * 1000) + 2 * DAY)
    damaged(world, "manifests/00000002.json", 99)
    broken = pruning(world.archive(), world.target, 0, [], {}, int(stranger.stat().st_mtime * 1000) + 2 * DAY)

    assert (young.nobodys, len(old.nobodys), broken.nobodys) == ((), 1, ())
    assert "may have promised them" in broken.notes[0]


def test_cron_expressions():
    """In UTC; one that was missed while nothing ran is made up for at once."""
    nightly = Schedule("30 2 * * *")

    assert nightly.due(NOON) == NOON + 2 * HOUR + HOUR // 2
    assert nightly.first(None, NOON) == NOON
    assert nightly.first(NOON - 2 * DAY, NOON) == NOON
    assert nightly.first(NOON - HOUR, NOON) == NOON + 2 * HOUR + HOUR // 2


@pytest.mark.parametrize("text", ["", "now", "61 * * * *", "* * * *", "0 0 31 2 *"])
def test_what_is_no_cron_expression(text):
    """The error names the setting and shows the form."""
    with pytest.raises(WrongSettings, match="no cron expression") as refused:
        Schedule(text)

    assert "backup_schedule" in str(refused.value)
    assert "each hour at minute 7" in str(refused.value)


def test_metrics_are_those_of_the_archive(world):
    """Last success, its age, records, bytes and gaps by topic; nothing of a success that never was."""
    world.topics["logs.http", 0].hole(5)
    world.topics["logs.http", 0].delete_before(15)
    world.backup().run()
    figures, registry, empty = Figures(failures=2), CollectorRegistry(), CollectorRegistry()
    figures.look(world.archive())
    registry.register(BackupMetrics(figures, lambda: world.now + 60_000))
    empty.register(BackupMetrics(Figures(), lambda: world.now))

    said = generate_latest(registry).decode()

    assert f"logverse_backup_last_success_timestamp_seconds {world.now / 1000:.7}".split(".")[0] in said
    assert "logverse_backup_age_seconds 60.0" in said
    assert 'logverse_backup_rows{topic="logs.http"} 10.0' in said
    assert 'logverse_backup_gap_rows{topic="logs.http"} 5.0' in said
    assert "logverse_backup_failures_total 2.0" in said
    assert "last_success" not in generate_latest(empty).decode()


def test_manifests_come_back_as_they_were(world):
    """Every field, by JSON."""
    for manifest in world.archive().manifests:
        assert Manifest.from_json(manifest.to_json()) == manifest

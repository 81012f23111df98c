"""Reading an archive back: what is damaged is named by file and row group, and ranges must join."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from logverse.errors import TryAgain
from storage.backup import joins
from storage.backup.archive import Archive
from storage.backup.manifest import Gap, Manifest, Span, Times
from storage.backup.targets.target import Missing
from storage.backup.verify import damages
from tests.storage.backup_world import NOON, World, damaged, event


@pytest.fixture
def world(tmp_path):
    """One file with three row groups."""
    made = World(tmp_path)
    for number in range(250):
        made.topics["logs.http", 0].put(event(f"u{number}"), NOON + number)
    made.backup().run()
    return made


def found(world):
    return list(damages(world.target, list(world.archive().files.values())))


def only(world):
    (file,) = world.archive().files.values()
    return file


def test_a_whole_archive_has_no_damage(world):
    """And its ranges join."""
    assert found(world) == []
    assert list(joins.problems(world.archive())) == []


@pytest.mark.parametrize("group", [0, 1, 2])
@pytest.mark.parametrize("place", [0.0, 0.5, 0.999])
def test_a_flipped_bit_is_named_by_row_group(world, group, place):
    """Wherever in the group: at its first byte, in the middle, at its last."""
    file = only(world)
    hit = file.groups[group]
    damaged(world, file.name, hit.start + int((hit.bytes - 1) * place))

    (damage,) = found(world)

    assert (damage.file.name, damage.groups) == (file.name, (group,))
    assert damage.problem == f"has other bytes than were written: row group {group} ({hit.rows} rows)"
    assert damage.rows == hit.rows


def test_a_flipped_bit_in_the_footer(world):
    """Nothing of the file can be read then: all its rows count."""
    file = only(world)
    damaged(world, file.name, file.bytes - 20)

    (damage,) = found(world)

    assert (damage.problem, damage.groups, damage.rows) == ("has other bytes than were written: its footer", (), 250)


def test_every_single_byte_counts(world):
    """A bit flipped at any byte of the file is found."""
    file = only(world)

    for at in range(0, file.bytes, 97):
        damaged(world, file.name, at)
        assert len(found(world)) == 1, f"byte {at}"
        damaged(world, file.name, at)

    assert found(world) == []


def test_a_file_that_is_cut_off(world):
    """Which row groups are gone is told."""
    file = only(world)
    path = world.target.root / file.name
    path.write_bytes(path.read_bytes()[: file.groups[1].start + 5])

    (damage,) = found(world)

    assert damage.groups == (1, 2)
    assert "it is cut off" in damage.problem


def test_a_file_that_is_missing_or_longer(world):
    """Both are damage."""
    file = only(world)
    path = world.target.root / file.name
    path.write_bytes(path.read_bytes() + b"x")
    longer = found(world)
    path.unlink()

    assert [damage.problem for damage in (*longer, *found(world))] == [
        f"has {file.bytes + 1:,} bytes instead of {file.bytes:,}",
        "is not there",
    ]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"span": Span("logs.http", "id-of-logs.http", 0, 0, 200)}, "offset 249, beyond its range"),
        ({"span": Span("logs.http", "id-of-logs.http", 0, 5, 250)}, "its offsets are not in order"),
        ({"appended": Times(NOON, NOON)}, "the manifest says"),
    ],
)
def test_a_manifest_that_says_otherwise(world, change, problem):
    """Sums that are right and counts that are not: the manifest is not what the file was written as."""
    wrong = replace(only(world), **change)

    (damage,) = damages(world.target, [wrong])

    assert problem in damage.problem


def archive(*spans, gaps=(), **more):
    empty = tuple(Span("t", "id", 0, *span) for span in spans)
    made = tuple(Gap(Span("t", "id", 0, *span)) for span in gaps)
    return Archive([Manifest(1, "r", NOON, empty=empty, gaps=made)], last=1, **more)


def test_ranges_join():
    """From offset 0 on; a gap is a range that was looked at."""
    assert list(joins.problems(archive((0, 5), (9, 12), gaps=[(5, 9)]))) == []
    assert list(joins.problems(archive((0, 5), (9, 12)))) == ["t (id) partition 0: no manifest speaks of offsets 5 to 8"]
    assert list(joins.problems(archive((3, 5)))) == ["t (id) partition 0: no manifest speaks of offsets 0 to 2"]
    assert list(joins.problems(archive((0, 5), (4, 12)))) == ["t (id) partition 0: offsets 4 to 4 are there twice"]


def test_manifests_that_are_missing_or_broken_are_named(world):
    """Their numbers have no holes."""
    world.backup().run()
    world.backup().run()
    damaged(world, "manifests/00000003.json", 99)
    (world.target.root / "manifests/00000002.json").unlink()

    first, second = joins.problems(world.archive())

    assert first.startswith("manifests/00000003.json cannot be read: ")
    assert second == "manifest 00000002 is missing: what it promised is not known"


def test_losses_have_a_time(tmp_path):
    """That of the oldest record behind them; what was gone before the first backup is told from what was lost between two."""
    world = World(tmp_path)
    for number in range(30):
        world.topics["logs.http", 0].put(event(f"u{number}"), NOON + number)
    world.topics["logs.http", 0].delete_before(10)
    world.backup().run()
    for number in range(30, 60):
        world.topics["logs.http", 0].put(event(f"u{number}"), NOON + number)
    world.topics["logs.http", 0].delete_before(40)
    world.backup().run()

    assert [(loss.gap.rows, loss.before, loss.first) for loss in joins.losses(world.archive())] == [
        (10, NOON + 10, True),
        (10, NOON + 40, False),
    ]


def test_a_target_that_hiccups_is_waited_for(world, monkeypatch):
    """A standby takes over in the middle of a verify of hours: it goes on; one that stays away ends it."""
    target, waited, away = world.target, [], iter([True, True])
    opened = target.open

    def hiccups(name):
        if next(away, False):
            raise TryAgain("the NameNode is away")
        return opened(name)

    monkeypatch.setattr(target, "open", hiccups)
    files = list(world.archive().files.values())

    assert list(damages(target, files, sleep=waited.append)) == []
    assert waited == [0.5, 1.0]

    away = iter([True] * 100)
    with pytest.raises(TryAgain):
        list(damages(target, files, sleep=waited.append))


def test_who_interrupts_does_not_wait_for_the_target(world, monkeypatch):
    """Ctrl-C while a target is waited for ends it at once, not after a minute."""
    target, (file,) = world.target, world.archive().files.values()

    def away(name):
        if name == file.name:
            raise TryAgain("the NameNode is away")
        raise Missing(name, "target")

    monkeypatch.setattr(target, "open", away)
    found = damages(target, [replace(file, name="gone"), file])
    assert next(found).problem == "is not there"
    began = time.monotonic()

    found.close()

    assert time.monotonic() - began < 10

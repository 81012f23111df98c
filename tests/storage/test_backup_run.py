"""A backup takes what no manifest speaks of, whatever happened to Kafka and to the archive meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from logverse.errors import Refused, TryAgain
from storage.backup import joins
from storage.backup.cutting import Sizes
from storage.backup.steps import Step
from storage.backup.targets.folder import Folder
from tests.storage.backup_world import HOUR, NOON, World, damaged, event


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def fill(world, count=250, since=0):
    for number in range(since, since + count):
        world.topics["logs.http", number % 2].put(event(f"u{number}"), NOON + number * 1000)
    return world


def spans(world, kind="files"):
    found = [one if kind == "empty" else one.span for manifest in world.archive().manifests for one in getattr(manifest, kind)]
    return [(span.topic, span.partition, span.start, span.next) for span in found]


def test_everything_is_archived_byte_for_byte(world):
    """Keys, headers, deletions and holes included; only what is new is read the next time."""
    fill(world)
    rules = world.topics["rules", 0]
    rules.put(b"{}", key=b"r", headers=[("by", b"me"), ("none", None)])
    rules.hole(3)
    rules.put(None, key=b"r", headers=[])
    world.backup().run()
    fill(world, 50, since=250)

    outcome = world.backup().run()

    assert outcome.rows == 50
    assert world.rows() == world.expected()
    assert {(span.partition, span.start) for span in world.topics.read_spans[-2:]} == {(0, 125), (1, 125)}


def test_nothing_new_is_a_success_too(world):
    """The manifest says that the run has finished; it holds nothing."""
    fill(world).backup().run()

    outcome = world.backup("again").run()

    last = world.archive().manifests[-1]
    assert (outcome.rows, last.run, last.finished, last.files) == (0, "again", True, ())


def test_a_file_is_of_one_hour(world):
    """The hour of appending is that of the newest time before: clocks that run back, or far ahead, tear no range apart."""
    for at in (NOON, NOON + HOUR, NOON + 5, NOON + 2 * HOUR, NOON + 99 * HOUR, NOON + 3):
        world.topics["alerts", 0].put(b"{}", at)
    world.now = NOON + 3 * HOUR

    world.backup().run()

    assert spans(world) == [("alerts", 0, 0, 1), ("alerts", 0, 1, 3), ("alerts", 0, 3, 4), ("alerts", 0, 4, 6)]
    assert [file.appended for file in world.archive().files.values()][-1] == (NOON + 3, NOON + 99 * HOUR)
    assert [name.split("/")[3] for name in world.names()] == ["hour=00", "hour=01", "hour=02", "hour=03"]
    assert world.rows() == world.expected()


def test_large_ranges_are_cut(world):
    """By rows and by bytes."""
    world.sizes = Sizes(group_rows=10, file_rows=40, group_bytes=1000, file_bytes=5000)
    for number in range(120):
        world.topics["rules", 0].put(b"x" * (10 if number < 100 else 2000), key=b"k")
    world.topics.batch = 7

    world.backup().run()

    assert next(next_ - start for _, _, start, next_ in spans(world)) == 42
    assert all(file.rows <= 60 for file in world.archive().files.values())
    assert world.rows() == world.expected()


def test_what_kafka_deleted_is_a_gap(world):
    """Before the first backup, between two, and while one reads: told once, and never read around."""
    fill(world)
    world.topics["logs.http", 0].delete_before(20)
    first = world.backup().run()
    fill(world, 200, since=250)
    world.topics["logs.http", 0].delete_before(150)
    world.topics["logs.http", 1].during = None

    def deleting(place, offset):
        if place == ("logs.http", 1) and offset >= 125:
            world.topics[place].delete_before(140)

    world.topics.during = deleting
    second = world.backup().run()

    assert [gap.span.next - gap.span.start for gap in first.gaps] == [20]
    assert sorted((gap.span.partition, gap.span.start, gap.span.next) for gap in second.gaps) == [(0, 125, 150), (1, 125, 140)]
    assert second.gap_rows == 40
    assert world.backup().run().gaps == []


def test_holes_without_records_are_ranges_too(world):
    """Transactions and compaction leave offsets without a record: looked at once, and not again."""
    world.topics["rules", 0].hole(7)
    world.backup().run()

    world.backup().run()

    assert spans(world, "empty") == [("rules", 0, 0, 7)]
    assert len(world.topics.read_spans) == 1


def test_a_topic_made_anew_is_another(world):
    """It begins at offset 0 again, and its records collide with none of the old ones."""
    fill(world, 20).backup().run()
    before = world.rows()
    world.topics.recreate("logs.http")
    fill(world, 10, since=100)

    outcome = world.backup().run()

    assert world.rows() == before | world.expected()
    assert len(world.rows()) == 30
    assert "made anew: the archive has the old one up to offset 10" in outcome.notes[0]
    assert world.backup().run().notes == ()


def test_any_id_of_a_topic_makes_names(world):
    """Clients write ids in base64: one in three has a slash, which would be a folder."""
    world.topics.ids["logs.http"] = "CJAVTMfRT/W7nn+paDhSNA"
    fill(world, 10).backup().run()

    assert world.rows() == world.expected()
    assert {name.count("/") for name in world.names()} == {4}


def test_a_kafka_that_went_back_is_told(world):
    """An election that lost records gives their offsets to others: nobody may believe that those are archived."""
    fill(world, 20).backup().run()
    world.topics["logs.http", 0].high = 4

    assert "ends at offset 4 in Kafka and at 10 in the archive" in world.backup().run().notes[0]


def test_a_broken_manifest_is_mended(world):
    """What it promised is not known, so it is taken again; files that are there already are adopted as they are."""
    fill(world).backup().run()
    damaged(world, "manifests/00000001.json", 300)
    before = {name: (world.target.root / name).stat().st_ino for name in world.names()}

    outcome = world.backup().run()

    assert list(world.archive().broken) == ["manifests/00000001.json"]
    assert outcome.adopted == len(before)
    assert {name: (world.target.root / name).stat().st_ino for name in world.names()} == before
    assert world.rows() == world.expected()


def test_a_target_that_existed_before(world):
    """Strange files are left alone, also one that has the name that ours would get: nothing is overwritten."""
    fill(world, 10)
    strange = world.target.root / "data/type=http/dt=2023-11-15/hour=00/_id-of-logs.http-0-0-5.parquet"
    strange.parent.mkdir(parents=True)
    strange.write_bytes(b"PAR1 no, not really PAR1")
    (world.target.root / "readme.txt").write_bytes(b"mine")

    world.backup("ours").run()

    assert strange.read_bytes() == b"PAR1 no, not really PAR1"
    assert (world.target.root / "readme.txt").read_bytes() == b"mine"
    assert any(name.endswith("_id-of-logs.http-0-0-5-ours.parquet") for name in world.archive().files)
    assert world.rows() == world.expected()


@pytest.mark.parametrize("cut", [10, 700, -1])
def test_a_half_written_file_under_a_final_name_is_not_believed(world, cut):
    """Whatever left it: it is not adopted, nothing promises it, and the records are archived beside it."""
    fill(world, 10).backup("first").run()
    (world.target.root / "manifests/00000001.json").unlink()
    victim = world.target.root / world.names()[0]
    half = victim.read_bytes()[:cut]
    victim.write_bytes(half)

    outcome = world.backup("second").run()

    assert outcome.adopted == 1
    assert victim.read_bytes() == half
    assert world.rows() == world.expected()


@pytest.mark.parametrize(
    "step", [Step.READ, Step.UPLOAD, Step.PUBLISH, Step.WRITE_MANIFEST, Step.PUBLISH_MANIFEST], ids=lambda step: step.name
)
def test_two_backups_at_once_promise_each_record_once(world, step):
    """Two machines that do not know of each other: the number of a manifest is had by one, the other takes back what both have."""
    fill(world, 30)
    others = iter([lambda: (fill(world, 20, since=30), world.backup("quick", machine="another").run())])

    def announce(at, _):
        if at == step:
            next(others, lambda: None)()

    late = world.backup("late", announce=announce, parallel=1)
    late.run()

    assert world.rows() == world.expected()
    assert not list(joins.problems(world.archive()))
    assert [manifest.finished for manifest in world.archive().manifests].count(True) == 2


def test_a_long_backup_promises_as_it_goes(world):
    """What is killed has to do again only what came after the last manifest."""
    fill(world)
    times = iter(range(NOON + HOUR, NOON + 1000 * HOUR, 60_000))

    world.backup(clock=lambda: next(times), parallel=1).run()

    assert [manifest.finished for manifest in world.archive().manifests][-1]
    assert world.rows() == world.expected()


class Troubled(Folder):
    """A folder that does not do what it is told the first times."""

    def __init__(self, root: Path, times: int, trouble: Exception | str):
        super().__init__(root)
        self.times, self.trouble = times, trouble

    def upload(self, local, name):
        super().upload(local, name)
        if self.times > 0 and name.endswith(".parquet"):
            self.times -= 1
            if isinstance(self.trouble, Exception):
                raise self.trouble
            path = self.root / name
            path.write_bytes(path.read_bytes()[:-1] + b"?")


@pytest.mark.parametrize("trouble", [TryAgain("away"), "bytes that change on their way"], ids=["away", "changed"])
def test_trouble_that_passes_is_waited_out(world, trouble):
    """Each file is tried again, and read back: what arrives as something else is written again."""
    slept = []

    fill(world).backup(target=Troubled(world.target.root, 2, trouble), sleep=slept.append, parallel=1).run()

    assert slept == [0.5, 1.0]
    assert world.rows() == world.expected()


def test_a_full_target_ends_the_backup_and_promises_what_is_whole(world):
    """The error says what happened; the next run goes on from there."""
    fill(world)
    full = Troubled(world.target.root, 1, Refused("no space left"))
    world.topics["rules", 0].put(b"{}")

    with pytest.raises(Refused, match="no space left"):
        world.backup(target=full, parallel=1).run()

    promised = set(world.archive().files)
    world.backup().run()
    assert promised <= set(world.archive().files)
    assert world.rows() == world.expected()
    assert world.names("uploading") == []

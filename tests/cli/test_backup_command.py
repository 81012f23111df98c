"""`logverse backup …` as a user types it, over topics in memory and a folder: what it calls complete is, and all else has a name."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from flink_jobs.judging import Judge
from logverse import instant, settings, topic_range
from logverse.cli import backup_archive, backup_prune, backup_run, backup_verify
from logverse.cli.main import main
from logverse.errors import TryAgain
from storage import stores
from storage.backup.prune import Pruning
from storage.memory import MemoryStore
from storage.rows import StoredEvent
from storage.store import Selection
from tests.storage.backup_world import HOUR, NOON, Topics, World, event

DAY = 24 * HOUR


class Committed:
    """The history job's place: behind everything, unless a test says how far it is in each partition."""

    def __init__(self, *_, **__):
        pass

    far = 10**9

    def committed(self, topic):
        return dict.fromkeys(range(4), self.far)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class Commands:
    """A world whose verbs can be run; `missing` are topics that Kafka does not have."""

    def __init__(self, world, store, capsys):
        self.world, self.store, self.missing, self._capsys = world, store, [], capsys

    def run(self, *arguments, code=0):
        """What it says on both ways out."""
        with pytest.raises(SystemExit) as ended:
            main(["backup", *arguments, "--target", str(self.world.target.root)])
        said = self._capsys.readouterr()
        assert ended.value.code == code, said
        return said

    def said(self):
        return self._capsys.readouterr().out

    def verdict(self, *arguments, code=0):
        return json.loads(self.run("verify", "-o", "json", *arguments, code=code).out)

    def put(self, uid, at=NOON, stored=True, partition=0):
        value = event(uid, at)
        self.world.topics["logs.http", partition].put(value, at)
        if stored:
            self.store.save_events([StoredEvent._make(Judge({}).event("t", 0, 0, 0, value))])


@pytest.fixture
def commands(tmp_path, monkeypatch, capsys):
    made = Commands(World(tmp_path, Topics()), MemoryStore(), capsys)
    made.world.now = NOON + HOUR
    monkeypatch.setenv("LOGVERSE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(instant, "now", lambda: made.world.now)
    monkeypatch.setattr(topic_range, "TopicRanges", Committed)
    monkeypatch.setitem(stores.STORES, "cassandra", lambda _: made.store)
    for module in (backup_archive, backup_prune, backup_run, backup_verify):
        monkeypatch.setattr(module, "kafka_source", lambda _: (made.world.topics, made.missing))
    return made


def test_what_is_complete_is_called_so(commands):
    """By the line, by the JSON and by the exit code."""
    commands.put("a")
    commands.run("run")

    assert commands.verdict()["complete"]
    assert commands.run("verify").out.splitlines()[-1].startswith("complete: 1 records in 1 files read back; 1 distinct uids")


def test_events_of_a_topic_that_was_deleted_must_be_in_the_store(commands):
    """No job will ever read them again, so that they are not pending: everything was lost but the archive."""
    commands.put("a")
    commands.put("b", stored=False)
    commands.run("run")
    commands.world.topics.recreate("logs.http")
    commands.put("c")
    commands.run("run")

    found = commands.verdict(code=1)

    assert found["said"].startswith("NOT complete: 1 events are missing in the store")


def test_what_the_history_job_has_not_read_yet_is_pending(commands, monkeypatch):
    """Of a topic that is there it will read it; so it is no loss."""
    commands.put("a", stored=False)
    commands.run("run")
    monkeypatch.setattr(Committed, "far", 0)

    assert "1 pending" in commands.verdict()["said"]


def test_a_place_without_a_backup_is_not_complete(commands):
    """It may be the wrong folder: that nothing there is damaged proves nothing."""
    commands.put("a")

    for more in ((), ("--no-store",), ("--archive-only",)):
        assert commands.verdict(*more, code=1)["said"].startswith("NOT complete: no backup has finished here yet")


def test_a_backup_that_did_not_finish_is_not_complete(commands):
    """What it promised is whole; what it had not come to is not there, and is more than what came since."""
    commands.put("a")
    commands.run("run")
    for partition in (0, 1):
        commands.put(f"b{partition}", partition=partition)

    def away(place, offset):
        if place == ("logs.http", 1):
            raise TryAgain("away")

    commands.world.topics.during = away
    commands.run("run", "--parallel", "1", code=1)
    commands.world.topics.during = lambda *_: None

    assert "did not finish" in commands.verdict(code=1)["said"]
    commands.run("run")
    assert commands.verdict()["complete"]


def test_what_a_partition_lost_that_was_empty_at_first(commands):
    """From offset 0 on, and all the same between two backups: the first one was there before anything was."""
    commands.put("a")
    commands.run("run")
    for number in range(5):
        commands.put(f"b{number}", partition=1)
    commands.world.topics["logs.http", 1].delete_before(5)
    commands.run("run")

    assert "5 records at most were deleted by Kafka between two backups" in commands.verdict(code=1)["said"]


def test_the_line_says_what_can_not_be_known_any_more(commands):
    """What was pruned, and that a topic which is gone may have had more."""
    commands.put("a")
    commands.run("run")
    commands.world.topics.recreate("logs.http")
    commands.put("b", NOON + 30 * DAY)
    commands.world.now = NOON + 30 * DAY + HOUR
    commands.run("run")
    commands.run("prune", "--older", "7d", "--yes")

    said = commands.verdict()["said"]

    assert "1 records were pruned" in said
    assert "topics that Kafka has no more had after their last backup is not known (logs.http)" in said


def test_each_store_of_the_settings_must_have_the_events(commands, monkeypatch):
    """The one that queries do not ask is named as well."""
    second = MemoryStore()
    monkeypatch.setenv("LOGVERSE_STORE", "cassandra,mongodb")
    monkeypatch.setitem(stores.STORES, "mongodb", lambda _: second)
    commands.put("a")
    commands.run("run")

    assert "1 events are missing in mongodb" in commands.verdict(code=1)["said"]
    second.save_events(list(commands.store.events(Selection("http", "web", 0, 2 * NOON))))
    assert commands.verdict()["said"].endswith("the store has all 1 that it must, so has mongodb (1)")


def test_a_topic_that_does_not_exist_is_not_passed_over_in_silence(commands):
    """Nothing of it can be compared: that is said, as a backup says it."""
    commands.put("a")
    commands.missing.append("rules")

    assert "topic rules does not exist: nothing of it is backed up" in commands.run("run").err
    assert "topic rules does not exist: nothing of it is compared" in commands.run("verify").err


def test_pruning_knows_that_a_store_keeps_only_a_part(commands, monkeypatch):
    """What the store is not given by policy has its only copy in the archive."""
    commands.put("a")
    commands.run("run")
    commands.world.topics["logs.http", 0].delete_before(1)
    commands.world.now = NOON + 8 * DAY

    def only_copies():
        return json.loads(commands.run("prune", "--older", "7d", "-o", "json").out)["only_copy_records"]

    assert only_copies() == 0
    monkeypatch.setenv("LOGVERSE_STORE_HTTP", "errors+1%")
    assert only_copies() == 1


def test_pruning_leaves_what_was_promised_since_it_looked(commands):
    """A backup of another machine has adopted the file that was nobody's: it is an archive's now."""
    commands.put("a")
    commands.run("run")
    (file,) = commands.world.archive().files
    doomed = Pruning((), (), (file, "data/type=http/gone.parquet"))

    backup_prune.remove(settings.load({}), commands.world.archive(), commands.world.target, doomed)

    assert commands.world.names() == [file]


def test_a_manifest_that_leads_elsewhere_is_broken_and_no_stack_trace(commands):
    """Who can write to the target can write a manifest with right sums: no name in it leads out of the archive."""
    commands.put("a")
    commands.run("run")
    path = commands.world.target.root / "manifests" / "00000001.json"
    victim = commands.world.root / "precious.parquet"
    victim.write_bytes(b"x")
    (made,) = commands.world.archive().manifests
    path.write_bytes(replace(made, files=(replace(made.files[0], name="data/../../precious.parquet"),)).to_json())

    commands.world.now = NOON + 30 * DAY
    found = commands.verdict("--archive-only", code=1)
    commands.run("prune", "--older", "1d", "--yes")

    assert "no name for a file of a target: 'data/../../precious.parquet'" in found["problems"][0]
    assert victim.exists()


@pytest.mark.parametrize("verb", ["run", "schedule"])
def test_memory_is_bounded_whatever_is_asked_for(commands, verb):
    """Four partitions at a time were measured; more are refused by a message that says how many may be."""
    assert "'--parallel': 5 is not in the range 1<=x<=4" in commands.run(verb, "--parallel", "5", code=2).err
    with pytest.raises(SystemExit):
        main(["backup", verb, "--help"])
    assert "four stay below 500 MiB" in " ".join(commands.said().split())

"""`logverse restore` as a user types it: nothing of the user's is written over, and what cannot be read is said and not thrown."""

from __future__ import annotations

import json

import orjson
import pytest

from flink_jobs.judging import Judge
from logverse import instant
from logverse.cli import drill as drilling
from logverse.cli import restore_runs
from logverse.cli.main import main
from logverse.settings import Settings
from storage import stores
from storage.backup import restore_views
from storage.backup.columns import Records, table
from storage.backup.restore_reading import Archived
from storage.memory import MemoryStore
from storage.rows import RefusedRow
from tests.storage.backup_world import HOUR, NOON, World, event


class Refusing(MemoryStore):
    """Takes nothing."""

    def save_events(self, events, written=None):
        return [RefusedRow(place, "against a validator") for place in range(len(events))]


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Two services' events in an archive; the stores are in memory."""
    made = World(tmp_path, now=NOON + HOUR)
    for number in range(20):
        made.topics["logs.http", 0].put(event(f"u{number}", NOON + number, f"s{number % 2}"), NOON + number)
    made.backup().run()
    monkeypatch.setenv("LOGVERSE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(instant, "now", lambda: made.now)
    memory = MemoryStore()
    monkeypatch.setitem(stores.STORES, "cassandra", lambda _: memory)
    return made


@pytest.fixture
def run(world, capsys):
    def run(*arguments, code=0):
        with pytest.raises(SystemExit) as ended:
            main([*arguments])
        said = capsys.readouterr()
        assert ended.value.code == code, said
        return said

    return run


def into_files(world, out, service, *more):
    target = ("--target", str(world.target.root))
    return ("restore", "--since", "2d", "--service", service, "--into", "files", "--out", str(out), *target, "-o", "json", *more)


def uids(out):
    return {json.loads(line)["log.record.uid"] for path in out.rglob("*.jsonl") for line in path.open()}


def test_files_of_another_restore_are_not_written_over(world, run, tmp_path):
    """Both would have files of the same names; the same restore once more is asked to say so."""
    out = tmp_path / "out"
    run(*into_files(world, out, "s0"))

    said = run(*into_files(world, out, "s1"), code=2).err

    assert "is not empty, and not of this restore" in said
    assert uids(out) == {f"u{number}" for number in range(0, 20, 2)}
    run(*into_files(world, out, "s0"), code=2)
    assert json.loads(run(*into_files(world, out, "s0", "--again")).out)["counts"] == {"lines": 10}


def test_files_that_were_cut_short_at_once_are_gone_on_with(world, run, tmp_path, monkeypatch):
    """Killed before anything was done, the folder is its own all the same."""
    out = tmp_path / "out"
    from storage.backup import restore_files

    written, append = [], restore_files._append

    def killed(path, number, lines):
        append(path, number, lines)
        written.append(path)
        raise KeyboardInterrupt

    monkeypatch.setattr(restore_files, "_append", killed)
    run(*into_files(world, out, "s0"), code=130)
    monkeypatch.setattr(restore_files, "_append", append)

    assert written
    assert json.loads(run(*into_files(world, out, "s0")).out)["counts"] == {"lines": 10}
    assert len(uids(out)) == 10


def test_topics_in_use_want_to_be_told_what(world, run):
    """Everything at once would judge old lines again and tell old alerts again."""
    said = run("restore", "--since", "2d", "--into", "topic", "--live", "--yes", "--target", str(world.target.root), code=2).err

    assert "--live: wants to be told what comes back" in said
    assert "--type rules" in said


def test_what_a_further_store_refuses_is_told(world, run, monkeypatch):
    """Though the first one takes it."""
    monkeypatch.setenv("LOGVERSE_STORE", "cassandra,mongodb")
    monkeypatch.setitem(stores.STORES, "mongodb", lambda _: Refusing())

    found = json.loads(run("restore", "--since", "2d", "--into", "store", "--yes", "--target", str(world.target.root), "-o", "json").out)

    assert found["counts"] == {"events": 20, "refused": 20}
    assert found["refusals"][0] == "against a validator"


def test_progress_that_cannot_be_read_is_listed_and_taken_away(run, tmp_path):
    """After a full disk, say."""
    folder = tmp_path / "home" / "restores" / "half"
    folder.mkdir(parents=True)
    (folder / "progress.json").write_bytes(b'{"about": ')

    assert "cannot be read" in run("restore", "--list").out
    assert "a view or topics of this restore, if it made any, stay" in run("restore", "--drop", "half", "--yes").err
    assert not folder.exists()


def test_a_drill_that_was_killed_can_be_taken_away(world, run, monkeypatch):
    """Its view is listed like any other, and dropped."""
    dropped = []
    monkeypatch.setattr(restore_views, "make", lambda *_: None)
    monkeypatch.setattr(restore_views, "drop", lambda _, name: dropped.append(name))
    monkeypatch.setattr(drilling, "_forget", lambda *_: None)  # as if the process had ended before

    run("backup", "drill", "--target", str(world.target.root))
    dropped.clear()

    (listed,) = json.loads(run("restore", "--list", "-o", "json").out)
    assert (listed["into"], listed["name"].startswith("drill-")) == ("view", True)
    run("restore", "--drop", listed["name"], "--yes")
    assert dropped == [listed["name"]]
    assert not (restore_runs.folder(Settings(home=str(world.root / "home"))) / listed["name"]).exists()


def test_a_drill_of_what_nobody_understands_proves_nothing(world, run, monkeypatch):
    """It does not say that all is the same."""
    views = []
    monkeypatch.setattr(restore_views, "make", lambda *_: views.append(MemoryStore()))
    monkeypatch.setattr(restore_views, "drop", lambda *_: None)
    monkeypatch.setitem(stores.STORES, "cassandra", lambda _: views[-1])
    world.now = NOON + 3 * HOUR
    for _ in range(3):
        world.topics["logs.http", 0].put(b"no JSON", NOON + 2 * HOUR)
    world.backup().run()
    command = ("backup", "drill", "--target", str(world.target.root), "--hour")

    assert "the same in every field" in run(*command, instant.written(NOON)).out
    assert "nothing could be compared of 3 records" in run(*command, instant.written(NOON + 2 * HOUR), code=1).out


def test_an_event_into_a_topic_says_itself_what_its_place_said():
    """As whoever reads it there would otherwise know another uid and time; what says both is the same bytes."""
    texts = {
        "says both": {"log.record.uid": "u", "timestamp": "2023-11-15T00:00:00.005Z"},
        "the time that Kafka had it": {"log.record.uid": "u", "timestamp": "2023-11-15T00:00:00.000Z"},
        "no uid": {"timestamp": "2023-11-15T00:00:00.005Z"},
        "empty uid": {"log.record.uid": "", "timestamp": "2023-11-15T00:00:00.005Z"},
        "no time": {"log.record.uid": "u"},
        "no time either": {"log.record.uid": "u", "timestamp": "yesterday"},
        "malformed": {"log.record.uid": "u", "timestamp": "2023-11-15T00:00:00.005Z", "log.type": "none of ours"},
    }
    values = {name: orjson.dumps({"log.type": "http", "service.name": "web"} | more) for name, more in texts.items()}
    place = ("logs.http", "id", 1, 7, NOON, None)
    archive = table(Records("logs.http", 1, [*range(len(values))], [NOON] * len(values), [None] * 7, [*values.values()], [None] * 7))
    of_archive = archive.select(["timestamp", "uid"]).to_pylist()
    whole, made = restore_runs.Whole(), {}
    for (name, value), row in zip(values.items(), of_archive, strict=True):
        at = row["timestamp"] and int(row["timestamp"].timestamp() * 1000)
        made[name] = whole(Archived(*place, value, [], "http", at, row["uid"]))

    for name, value in made.items():
        if name == "malformed":
            assert value is None
            continue
        uid, at, *_ = (orjson.loads(value)[field] for field in ("log.record.uid", "timestamp"))
        row = Judge({"logs.http": "id"}).event("logs.http", 1, 7, NOON, values[name])
        assert (uid, instant.read(at)) == (row[3], row[2]), name
    assert made["says both"] is values["says both"]
    assert made["the time that Kafka had it"] == values["the time that Kafka had it"]

"""Kafka, store and archive against each other, with Cassandra alone and with MongoDB alone: complete in one line, or what is missing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from logverse.settings import Settings
from storage.cassandra.connection import connect
from storage.mongodb.connection import reach

from . import stand_in
from .conftest import Stack, TopicSet, topic_set, wait_until
from .kept import Kept
from .plain_reader import real_log

pytestmark = [pytest.mark.stack, pytest.mark.proof, pytest.mark.timeout(900)]

LINES, GARBAGE = 2_000, 7
EVER = ("--since", "2010-01-01")


@dataclass(frozen=True)
class Kind:
    """Topics with the history job on them and one store, and an archive. Nobody listens where the other store would be."""

    topics: TopicSet
    store: str
    environ: dict[str, str]
    archive: Path
    lines: list[bytes]

    @property
    def settings(self) -> Settings:
        hosts = {name.removeprefix("LOGVERSE_").lower(): value for name, value in self.environ.items()}
        return replace(self.topics.settings, **hosts)

    def logverse(self, *arguments: str, check: bool = True) -> str:
        return self.topics.logverse(*arguments, environ=self.environ, check=check).stdout

    def backup(self, *arguments: str, check: bool = True) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.logverse("backup", *arguments, "--target", str(self.archive), "-o", "json", check=check))
        return found

    def verdict(self) -> tuple[bool, str]:
        """Whether it is complete, and the one line."""
        found = self.backup("verify", check=False)
        return found["complete"], found["said"]

    def queried(self, *of: str) -> list[str]:
        """The sha256 of the body of each event that `logverse query` gives."""
        out = self.logverse("query", *of, "events", "--service", "web", *EVER, "--limit", "0", "-o", "json")
        return [sha256(json.loads(line)["body"].encode()).hexdigest() for line in out.splitlines()]

    def wanted(self) -> Counter[str]:
        return Counter(sha256(line).hexdigest() for line in self.lines)


@pytest.fixture(scope="module", params=["cassandra", "mongodb"])
def kind(request: pytest.FixtureRequest, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kind]:
    """Real lines and garbage, stored and archived."""
    folder, nobody = tmp_path_factory.mktemp("kind"), f"127.0.0.1:{stand_in.free_port()}"
    environ = {"LOGVERSE_STORE": request.param}
    if request.param == "mongodb":
        hosts = request.getfixturevalue("mongodb").mongodb_hosts
        environ |= {"LOGVERSE_MONGODB_HOSTS": hosts, "LOGVERSE_CASSANDRA_HOSTS": nobody}
    else:
        environ |= {"LOGVERSE_MONGODB_HOSTS": nobody}
    made = Kind(topic_set(stack), request.param, environ, folder / "archive", real_log("apache").splitlines()[:LINES])
    made.logverse("schema", "migrate")
    made.logverse("job", "submit", "history", "--parallelism", "1", "--checkpoint-interval", "1s")
    try:
        Kept(made.settings).put("logs.http", [b"garbage %d" % number for number in range(GARBAGE)])
        made.backup("run")
        log = folder / "access.log"
        log.write_bytes(b"\n".join(made.lines) + b"\n")
        made.logverse("produce", str(log), "--service", "web", "--no-follow", "--checkpoint", str(folder / "checkpoint.json"))
        wait_until(lambda: Kept(made.settings).behind() == 0, "all of it stored", timeout=240)
        made.backup("run")
        yield made
    finally:
        made.topics.logverse("job", "stop", "history", "--no-savepoint", check=False)


def test_what_was_sent_is_found(kind: Kind) -> None:
    """Every line once by `query` and by `account`, the garbage a dead letter."""
    account = json.loads(kind.logverse("account", "--since", "1h", "-o", "json"))

    assert Counter(kind.queried()) == kind.wanted()
    assert account["complete"]
    assert (account["totals"]["stored"], account["totals"]["missing"], account["totals"]["pending"]) == (LINES, 0, 0)
    assert len(Kept(kind.settings).letters()) == GARBAGE


def test_rows_that_the_store_lost_are_named_and_come_back(kind: Kind) -> None:
    """Complete at first; without five rows it is not, and says how many of which hours; restored, it is complete again."""
    complete = kind.verdict()
    lost = rows_of(kind)[10:15]
    delete(kind, lost)

    without = kind.verdict()
    kind.logverse("restore", *EVER, "--into", "store", "--yes", "--target", str(kind.archive))

    assert complete[0] and complete[1].startswith("complete: "), complete
    assert f"the store has all {LINES:,} that it must ({GARBAGE} dead letters)" in complete[1]
    assert not without[0]
    assert "5 events are missing in the store (logs.http " in without[1], without
    assert "in Kafka and not" not in without[1]
    assert kind.verdict() == complete
    assert Counter(kind.queried()) == kind.wanted()


def test_a_view_is_asked_like_the_history(kind: Kind) -> None:
    """The same events from a restore into a view, which is gone when it is dropped."""
    kind.logverse("restore", *EVER, "--service", "web", "--into", "view", "--name", "look", "--target", str(kind.archive))

    seen = kind.queried("--view", "look")
    kind.logverse("restore", "--drop", "look", "--yes")

    assert Counter(seen) == kind.wanted()
    gone = kind.topics.logverse("query", "--view", "look", "events", "--service", "web", *EVER, environ=kind.environ, check=False)
    assert gone.returncode != 0 and "Traceback" not in gone.stderr


def test_a_range_that_the_archive_lost_is_named(kind: Kind) -> None:
    """A file that is gone by its name, which says topic, partition and offsets; a manifest that is gone by its number and its ranges."""
    victim = max(kind.archive.rglob("*.parquet"), key=lambda path: path.stat().st_size)
    first = kind.archive / "manifests" / "00000001.json"

    with aside(victim):
        without_file = kind.verdict()
    with aside(first):
        without_manifest = kind.verdict()

    assert without_file == (False, f"NOT complete: {victim.relative_to(kind.archive).as_posix()} is not there")
    assert not without_manifest[0]
    assert "manifest 00000001 is missing: what it promised is not known; logs.http (" in without_manifest[1], without_manifest
    assert "no manifest speaks of offsets 0 to " in without_manifest[1]
    assert kind.verdict()[0]


@contextmanager
def aside(path: Path) -> Iterator[None]:
    """Without this file meanwhile."""
    path.rename(elsewhere := path.with_name("aside"))
    yield
    elsewhere.rename(path)


def rows_of(kind: Kind) -> list[str]:
    """The uids of what is stored, in an order of their own."""
    return sorted(uid for uid, _ in Kept(kind.settings).rows("web"))


def delete(kind: Kind, uids: list[str]) -> None:
    """These rows, behind everybody's back."""
    if kind.store == "mongodb":
        with reach(kind.settings) as database:
            assert database["events_http"].delete_many({"uid": {"$in": uids}}).deleted_count == len(uids)
        return
    with connect(kind.settings) as session:
        keys = [tuple(row) for row in session.execute("SELECT service, bucket, shard, ts, uid FROM events_http") if row.uid in uids]
        for key in keys:
            session.execute("DELETE FROM events_http WHERE service = %s AND bucket = %s AND shard = %s AND ts = %s AND uid = %s", key)
        assert len(keys) == len(uids)

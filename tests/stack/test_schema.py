"""The schema on a real Cassandra: made, made again, mended when it was interrupted, and never changed behind its back."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from logverse.errors import Refused, WrongSettings
from logverse.settings import Settings
from storage.cassandra.connection import Session, connect, keyspace, reach
from storage.schema.applying import Schema, Step
from storage.schema.lock import locked
from storage.schema.migrations import Migration, shipped

from .conftest import Stack

pytestmark = pytest.mark.stack

ONE = Migration(1, "first", ("CREATE TABLE IF NOT EXISTS a (b int PRIMARY KEY) WITH default_time_to_live = 60",))
TWO = Migration(
    2, "second", ("ALTER TABLE a ADD IF NOT EXISTS c int", "INSERT INTO a (b, c) VALUES (1, 2)", "UPDATE a SET c = 3 WHERE b = 1")
)
BROKEN = replace(TWO, statements=(*TWO.statements[:2], "UPDATE nowhere SET c = 3 WHERE b = 1"))


@pytest.fixture
def own(stack: Stack) -> Settings:
    """Settings with a keyspace that no test has used before."""
    return replace(stack.settings, cassandra_keyspace=f"t{uuid.uuid4().hex[:8]}")


@pytest.fixture
def session(own: Settings) -> Iterator[Session]:
    with reach(own) as made:
        yield made
        made.execute(f"DROP KEYSPACE IF EXISTS {keyspace(own)}", timeout_s=60)


def migrated(session: Session, own: Settings, wanted: Sequence[Migration], holder: str = "test") -> list[Step]:
    def sleep(seconds: float) -> None:
        threading.Event().wait(seconds)

    return Schema(session, keyspace(own), own, wanted).migrate("", holder, lambda _: None, sleep, lambda: 1_700_000_000_000)


def rows(session: Session) -> list[tuple[int, int]]:
    return [(row.b, row.c) for row in session.execute("SELECT b, c FROM a")]


def test_up_has_made_the_schema(stack: Stack) -> None:
    """`up` leaves nothing pending; verbs connect to it by themselves; migrating again says that all is well."""
    seen = json.loads(stack.logverse("schema", "status", "-o", "json").stdout)

    assert seen["pending"] == []
    assert [(one["number"], one["state"]) for one in seen["migrations"]] == [(one.number, "applied") for one in shipped()]
    assert "all is as it must be" in stack.logverse("schema", "migrate").stdout
    with connect(stack.settings) as session:
        assert session.keyspace == "logverse"


def test_a_prefix_has_a_keyspace_of_its_own(stack: Stack) -> None:
    """Status fails and says what is to be done, a dry run shows the statements and does nothing, migrate does it, settings follow."""
    prefix = ("--topic-prefix", f"r{uuid.uuid4().hex[:6]}", "schema")

    before = stack.logverse(*prefix, "status", check=False)
    shown = stack.logverse(*prefix, "migrate", "--dry-run").stdout
    still = stack.logverse(*prefix, "status", check=False)
    stack.logverse(*prefix, "migrate")

    assert (before.returncode, still.returncode) == (1, 1)
    assert "→ logverse schema migrate" in before.stdout
    assert "CREATE KEYSPACE IF NOT EXISTS logverse_r" in shown and "CREATE TABLE IF NOT EXISTS events_http" in shown
    assert stack.logverse(*prefix, "status").returncode == 0


def test_nobody_works_on_a_schema_that_is_not_there(own: Settings) -> None:
    """Connecting says which verb mends it, before and after the keyspace exists."""
    with pytest.raises(WrongSettings, match="no keyspace") as missing:
        connect(own)
    with reach(own) as session:
        session.execute(f"CREATE KEYSPACE {keyspace(own)} WITH replication = {{'class': 'SimpleStrategy', 'replication_factor': 1}}")
    with pytest.raises(WrongSettings, match="no schema yet"):
        connect(own)
    with reach(own) as session:
        migrated(session, own, shipped()[:1])
    with pytest.raises(WrongSettings, match="too old: it lacks 0002"):
        connect(own)
    with reach(own) as session:
        session.execute(f"DROP KEYSPACE {keyspace(own)}", timeout_s=60)

    assert missing.value.remedy == "logverse schema migrate"


def test_what_was_done_is_not_done_again(session: Session, own: Settings) -> None:
    """Once each, in order; a new file is all that a second run does."""
    first = migrated(session, own, [ONE])
    second = migrated(session, own, [ONE, TWO])
    third = migrated(session, own, [ONE, TWO])

    assert [step.about for step in first] == [f"keyspace {keyspace(own)}", "0001 first"]
    assert ([step.about for step in second], third) == (["0002 second"], [])
    assert rows(session) == [(1, 3)]


def test_a_migration_that_broke_off_is_mended_by_doing_it_again(session: Session, own: Settings) -> None:
    """Two of its three statements were done and it is not recorded: the next run does all of it."""
    with pytest.raises(Refused, match="nowhere"):
        migrated(session, own, [ONE, BROKEN])
    halfway = rows(session)

    steps = migrated(session, own, [ONE, TWO])

    assert halfway == [(1, 2)]
    assert [step.about for step in steps] == ["0002 second"]
    assert rows(session) == [(1, 3)]


def test_a_changed_file_is_refused(session: Session, own: Settings) -> None:
    """It is named, with what to do instead; nothing is done."""
    migrated(session, own, [ONE])

    with pytest.raises(Refused, match=r"0001 first was applied and is another file now\n  → put the file back"):
        migrated(session, own, [replace(ONE, statements=("CREATE TABLE IF NOT EXISTS z (b int PRIMARY KEY)",)), TWO])

    assert [one.state for one in Schema(session, keyspace(own), own, [ONE, TWO]).standings()] == ["applied", "pending"]


def test_a_setting_that_changed_changes_the_table(session: Session, own: Settings) -> None:
    """What is kept for how long follows the settings, and counts as pending until it does."""
    migrated(session, own, shipped())
    shorter = replace(own, keep_series_1s="2h")

    pending = Schema(session, keyspace(own), shorter).steps()
    migrated(session, shorter, shipped())

    assert [step.statements for step in pending] == [("ALTER TABLE series_1s WITH default_time_to_live = 7200",)]
    assert Schema(session, keyspace(own), shorter).steps() == []


def test_two_at_once_do_each_thing_once(own: Settings, session: Session) -> None:
    """The second waits for the first and finds nothing left to do."""
    done: dict[str, list[str]] = {}

    def run(holder: str) -> None:
        with reach(own) as mine:
            done[holder] = [step.about for step in migrated(mine, own, [ONE, TWO], holder) if step.migration]

    threads = [threading.Thread(target=run, args=(holder,)) for holder in ("left", "right")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert sorted(done["left"] + done["right"]) == ["0001 first", "0002 second"]
    session.use(keyspace(own))
    assert rows(session) == [(1, 3)]


def test_the_lock_is_one_holder_s_until_it_lets_go(own: Settings, session: Session) -> None:
    """Whoever comes second is told of the first, and gets it after."""
    migrated(session, own, [ONE])
    told: list[str] = []
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with reach(own) as mine:
            mine.use(keyspace(own))
            with locked(mine, "first", lambda _: None, lambda _: None) as renew:
                renew()
                held.set()
                let_go.wait(60)

    thread = threading.Thread(target=hold)

    def first_is_done(_: float) -> None:
        let_go.set()
        thread.join(60)

    thread.start()
    held.wait(60)
    with locked(session, "second", told.append, first_is_done) as renew:
        renew()

    assert told == ["waiting for another migration (first)"]

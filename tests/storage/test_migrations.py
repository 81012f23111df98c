"""Migrations: cut into statements as Cassandra would, safe to do again, and never changed behind a store's back."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from logverse.errors import Malformed, WrongSettings
from logverse.settings import Settings
from storage.schema import keeping, replication
from storage.schema.migrations import Migration, Recorded, repeatable, shipped, standings, statements_of

ONE = Migration(1, "first", ("CREATE TABLE IF NOT EXISTS a (b int PRIMARY KEY)",))
TWO = Migration(2, "second", ("ALTER TABLE a ADD IF NOT EXISTS c int",))


def recorded(one: Migration, sha256: str | None = None) -> Recorded:
    return Recorded(one.number, one.name, sha256 or one.sha256, 1_700_000_000_000)


def folder_of(path: Path, **files: str) -> Path:
    for name, text in files.items():
        (path / f"{name.removeprefix('m')}.cql").write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("", []),
        ("-- only; a comment", []),
        ("SELECT 1;; ;\nSELECT 2", ["SELECT 1", "SELECT 2"]),
        ("INSERT INTO a (b) VALUES ('it''s; -- not the end');", ["INSERT INTO a (b) VALUES ('it''s; -- not the end')"]),
        ("a /* ; */ b // ;\n c", ["a b c"]),
        ('SELECT "odd;name"  FROM\n t', ['SELECT "odd;name" FROM t']),
        ("INSERT INTO a (b) VALUES ($$;  '$$)", ["INSERT INTO a (b) VALUES ($$;  '$$)"]),
        ("INSERT INTO a (b) VALUES ('two  spaces')", ["INSERT INTO a (b) VALUES ('two  spaces')"]),
    ],
)
def test_a_text_is_cut_where_its_statements_end(text: str, statements: list[str]) -> None:
    """Not at a semicolon in quotes or comments; and what stands in quotes stays as it is."""
    assert statements_of(text) == statements


@pytest.mark.parametrize(
    ("statement", "again"),
    [
        ("CREATE TABLE a (b int)", "CREATE TABLE IF NOT EXISTS a (b int)"),
        ("CREATE TABLE IF NOT EXISTS a (b int)", "CREATE TABLE IF NOT EXISTS a (b int)"),
        ("CREATE CUSTOM INDEX i ON a (b)", "CREATE CUSTOM INDEX IF NOT EXISTS i ON a (b)"),
        ("DROP INDEX i", "DROP INDEX IF EXISTS i"),
        ("ALTER TABLE a ADD c int", "ALTER TABLE a ADD IF NOT EXISTS c int"),
        ("ALTER TABLE a DROP c", "ALTER TABLE a DROP IF EXISTS c"),
        ("ALTER TABLE a WITH gc_grace_seconds = 1", "ALTER TABLE a WITH gc_grace_seconds = 1"),
        ("INSERT INTO a (b) VALUES (1)", "INSERT INTO a (b) VALUES (1)"),
    ],
)
def test_a_statement_is_made_safe_to_do_again(statement: str, again: str) -> None:
    """A migration that was interrupted is mended by doing all of it once more."""
    assert repeatable(statement) == again


@pytest.mark.parametrize(
    "statement", ["TRUNCATE a", "ALTER TABLE a RENAME b TO c", "BEGIN BATCH INSERT INTO a (b) VALUES (1)", "CREATE ROLE r"]
)
def test_what_is_not_safe_to_do_again_is_no_migration(statement: str) -> None:
    """It is refused when it is read, not half-way through."""
    with pytest.raises(Malformed, match="cannot be done twice"):
        repeatable(statement)


def test_the_shipped_migrations_can_be_read() -> None:
    """They are numbered from 1 on, and every table that has a time to live has a setting for it, which says the same by default."""
    found = shipped()

    assert [one.number for one in found] == list(range(1, len(found) + 1))
    assert keeping.declared(found).keys() == keeping.KEPT.keys()
    assert keeping.changes(keeping.wanted(Settings()), keeping.declared(found)) == {}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"m0001_a": "", "m0003_c": ""}, "0003_c.cql: 0002 is due"),
        ({"m0001_a": "", "m0001_b": ""}, "0001_b.cql: 0002 is due"),
        ({"m1_a": ""}, "NNNN_what_it_does.cql"),
        ({"m0001_a": "TRUNCATE a;"}, "cannot be done twice"),
    ],
    ids=["one left out", "one twice", "a name", "a statement"],
)
def test_a_folder_that_cannot_be_is_refused(tmp_path: Path, files: dict[str, str], said: str) -> None:
    """The file is named."""
    with pytest.raises(Malformed, match=said):
        shipped(folder_of(tmp_path, **files))


def test_a_comment_may_be_mended_and_a_statement_may_not(tmp_path: Path) -> None:
    """What counts is what Cassandra was told."""
    (before,) = shipped(folder_of(tmp_path, m0001_a="-- frist\nCREATE TABLE a (b int PRIMARY KEY);"))
    (mended,) = shipped(folder_of(tmp_path, m0001_a="-- first\nCREATE TABLE  a\n  (b int PRIMARY KEY);"))
    (changed,) = shipped(folder_of(tmp_path, m0001_a="CREATE TABLE a (b text PRIMARY KEY);"))

    assert before.sha256 == mended.sha256
    assert before.sha256 != changed.sha256


def test_each_migration_stands_somewhere() -> None:
    """Applied, pending, changed since; or made by a later version, which is no reason to stop."""
    later = recorded(replace(TWO, number=3, name="third"))

    found = standings([ONE, TWO], {1: recorded(ONE, sha256="other"), 3: later})

    assert [(one.number, one.state) for one in found] == [(1, "changed"), (2, "pending"), (3, "unknown")]
    assert [one.state for one in standings([ONE, TWO], {1: recorded(ONE)})] == ["applied", "pending"]


def test_every_keep_setting_is_a_table_s_time_to_live() -> None:
    """None is forgotten, and what points to events of every type lives a week longer than the longest of them."""
    names = {name for names in keeping.KEPT.values() for name in names}

    found = keeping.wanted(Settings(keep_http="200d"))

    assert names == {item.name for item in fields(Settings) if item.name.startswith("keep_")}
    assert (found["events_http"], found["events_error"], found["buckets"]) == (17_280_000, 7_776_000, 17_280_000 + 7 * 86_400)


def test_only_what_differs_is_changed() -> None:
    """And only on tables that are there."""
    found = keeping.changes({"a": 60, "b": 60, "c": 60}, {"a": 60, "b": 90})

    assert found == {"b": "ALTER TABLE b WITH default_time_to_live = 60"}


@pytest.mark.parametrize(("text", "nodes"), [("", 3), ("3", 1), ("dc1=0", 1), ("dc1=1,dc1=2", 1), ("dc1='1'}", 1), ("dc1=1,", 1)])
def test_copies_that_cannot_be_are_refused(text: str, nodes: int) -> None:
    """Several nodes want to be told; the flag has one form."""
    with pytest.raises(WrongSettings, match="--replication"):
        replication.wanted(text, nodes)


def test_a_keyspace_that_is_copied_otherwise_is_left_alone() -> None:
    """The user is told what it has, and what to do; the same is no trouble."""
    there = {"class": "org.apache.cassandra.locator.NetworkTopologyStrategy", "dc1": "3"}

    replication.must_agree("k", there, replication.wanted("dc1=3", 3))
    with pytest.raises(WrongSettings, match=r"ALTER KEYSPACE k WITH replication = \{'class': 'NetworkTopologyStrategy', 'dc1': '2'\}"):
        replication.must_agree("k", there, replication.wanted("dc1=2", 3))

"""MongoDB without a server: settings that cannot be, its errors as ours, and rows that are refused without losing their neighbours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bson.errors import InvalidDocument
from hypothesis import given
from hypothesis import strategies as st
from pymongo import ReplaceOne, errors

from logverse.errors import Refused, TryAgain, WrongSettings
from logverse.settings import Settings
from storage.mongodb import connection, keys
from storage.mongodb.bulks import LARGEST_ROW, MOST_ROWS, Sender
from storage.mongodb.trouble import translating
from storage.schema.migrations import MONGODB, commands_of, shipped

AT = 1_790_000_000_000


class Collection:
    """Takes what it is sent; what it answers instead comes first from `answers`."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers, self.bulks = list(answers), list[list[str]]()

    def __getitem__(self, name: str) -> Collection:
        return self

    def bulk_write(self, requests: list[Any], ordered: bool) -> None:
        assert not ordered
        self.bulks.append([one._filter["_id"] for one in requests])
        answer = self.answers.pop(0) if self.answers else None
        if answer:
            raise answer


def upserts(*ids: str, size: int = 10) -> list[Any]:
    return [(ReplaceOne({"_id": one}, {"_id": one}, upsert=True), size) for one in ids]


def bulk_error(*codes: int, concern: bool = False) -> errors.BulkWriteError:
    found = [{"index": place, "code": code, "errmsg": f"no {code}"} for place, code in enumerate(codes) if code]
    return errors.BulkWriteError({"writeErrors": found, "writeConcernErrors": [{"errmsg": "late"}] if concern else []})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (Settings(), "logverse up --with mongodb"),
        (Settings(mongodb_hosts="a:1,b:99999"), "'b:99999' is no address"),
        (Settings(mongodb_hosts="mongodb://me:secret@a"), "mongodb_hosts"),
        (Settings(mongodb_hosts="a:1", mongodb_username="me"), "mongodb_password_file"),
        (Settings(mongodb_hosts="a:1", mongodb_username="me", mongodb_password_file="/nowhere/x"), "cannot be read"),
        (Settings(mongodb_hosts="a:1", mongodb_ca_file="/nowhere/x"), "mongodb_ca_file /nowhere/x: cannot be read"),
        (Settings(mongodb_hosts="a:1", mongodb_database="a/b"), "cannot be a database"),
    ],
)
def test_settings_that_cannot_be_say_what_to_do(settings: Settings, said: str) -> None:
    """Before anybody is called."""
    with pytest.raises(WrongSettings) as caught:
        connection.reach(settings)

    assert said in str(caught.value)


def test_a_password_that_is_no_text_is_not_shown(tmp_path: Path) -> None:
    """Its file is named, its bytes are not."""
    (tmp_path / "password").write_bytes(b"secret\xff")

    with pytest.raises(WrongSettings) as caught:
        connection.reach(Settings(mongodb_hosts="a:1", mongodb_username="me", mongodb_password_file=str(tmp_path / "password")))

    assert "not text" in str(caught.value) and "secret" not in str(caught.value)


def test_nobody_there_is_worth_another_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that nobody has: in one line, with the way out."""
    monkeypatch.setattr(connection, "SELECT_MS", 100)

    with pytest.raises(TryAgain, match=r"no MongoDB answers at 127.0.0.1:1: .*refused.*\n  → logverse status"):
        connection.reach(Settings(mongodb_hosts="127.0.0.1:1"))


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (errors.AutoReconnect("gone"), TryAgain),
        (errors.NetworkTimeout("slow"), TryAgain),
        (errors.ServerSelectionTimeoutError("nobody"), TryAgain),
        (errors.ServerSelectionTimeoutError("SSL handshake failed: a:1: [SSL: CERTIFICATE_VERIFY_FAILED]"), Refused),
        (errors.NotPrimaryError("moved"), TryAgain),
        (errors.WTimeoutError("majority", 64), TryAgain),
        (errors.ExecutionTimeout("too long", 50), TryAgain),
        (errors.CursorNotFound("gone", 43), TryAgain),
        (errors.DuplicateKeyError("two at once", 11000), TryAgain),
        (errors.OperationFailure("stepped down", 189), TryAgain),
        (errors.OperationFailure("odd", 1, {"errorLabels": ["RetryableWriteError"]}), TryAgain),
        (errors.OperationFailure("Authentication failed.", 18), Refused),
        (errors.OperationFailure("not authorized", 13), Refused),
        (errors.OperationFailure("no such command", 59), Refused),
        (errors.ConfigurationError("reports wire version 4"), Refused),
        (errors.InvalidOperation("Cannot use MongoClient after close"), TryAgain),
    ],
)
def test_its_errors_come_as_ours(error: Exception, ours: type[Exception]) -> None:
    """Waiting, or giving up; the server's copy of its whole answer is left out."""
    with pytest.raises(ours) as caught, translating():
        raise error

    assert "full error" not in str(caught.value)


def test_a_row_that_is_refused_is_named_and_the_others_are_written() -> None:
    """By its place, with the server's reason."""
    collection = Collection(bulk_error(0, 121, 0, 2))

    refused = Sender(collection).send("c", upserts("a", "b", "c", "d"))  # type: ignore[arg-type]

    assert [(one.place, one.reason) for one in refused] == [(1, "no 121"), (3, "no 2")]


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (bulk_error(11000, 121), TryAgain),
        (bulk_error(concern=True), TryAgain),
        (bulk_error(121, concern=True), TryAgain),
        (bulk_error(13), Refused),
        (bulk_error(4242), Refused),
    ],
)
def test_what_is_not_the_rows_fault_is_none_of_their_dead_letters(error: Exception, ours: type[Exception]) -> None:
    """Two that upsert one row, a majority that did not follow, no right to write, or what nobody knows."""
    with pytest.raises(ours):
        Sender(Collection(error)).send("c", upserts("a", "b"))  # type: ignore[arg-type]


def test_a_row_without_bytes_is_found_by_halving() -> None:
    """The driver cannot say which one it was."""
    bad = InvalidDocument("cannot encode object")
    collection = Collection(bad, None, bad, bad, None)

    refused = Sender(collection).send("c", upserts("a", "b", "c", "d"))  # type: ignore[arg-type]

    assert [one.place for one in refused] == [2]
    assert collection.bulks == [["a", "b", "c", "d"], ["a", "b"], ["c", "d"], ["c"], ["d"]]


def test_bulks_are_bounded_and_a_giant_is_refused_before_it_is_sent() -> None:
    """MongoDB would close the connection for it, again and again."""
    collection = Collection()
    many = upserts(*map(str, range(MOST_ROWS + 1)))

    refused = Sender(collection).send("c", [*many, *upserts("giant", size=LARGEST_ROW + 1)])  # type: ignore[arg-type]

    assert [one.place for one in refused] == [MOST_ROWS + 1]
    assert [len(one) for one in collection.bulks] == [MOST_ROWS, 1]


texts, times = st.text(max_size=4), st.integers(-62_135_596_800_000, 253_402_300_799_999)


@given(st.lists(st.tuples(texts, times, texts), max_size=20))
def test_keys_are_in_the_order_of_the_rows(rows: list[tuple[str, int, str]]) -> None:
    """Within a service newest first, then by uid; and no service's keys are among another's, whatever NULs are in its name."""
    made = {row: f"{keys.part(row[0])}{keys.newest_first(row[1])}{keys.clean(row[2])}" for row in rows}

    for service in {row[0] for row in rows}:
        of_service = sorted({row for row in rows if row[0] == service}, key=lambda row: (-row[1], row[2]))
        found = sorted(key for key in made.values() if key.startswith(keys.part(service)))
        assert found == [made[row] for row in of_service]


def test_its_migrations_can_be_done_twice() -> None:
    """Each file has commands, and every collection that keeps rows says for how long."""
    found = shipped(MONGODB)

    assert [one.number for one in found] == list(range(1, len(found) + 1))
    assert all(one.statements for one in found)
    with pytest.raises(ValueError, match="cannot be done twice without harm"):
        commands_of("- insert: a\n  documents: [{b: 1}]")

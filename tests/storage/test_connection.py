"""The way to Cassandra: settings that cannot be are refused with the way out, and its errors come as ours."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from cassandra import AuthenticationFailed, InvalidRequest, OperationTimedOut, Unavailable, WriteFailure, WriteTimeout
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionShutdown

from logverse.errors import Refused, TryAgain, WrongSettings
from logverse.settings import Settings
from storage.cassandra import connection
from storage.cassandra.trouble import translating

NOT_OURS = NoHostAvailable("Unable to connect to any servers", {"127.0.0.1:1": AuthenticationFailed("Bad credentials")})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (Settings(), "logverse up"),
        (Settings(cassandra_hosts="a:1,b:99999"), "'b:99999' is no address"),
        (Settings(cassandra_hosts="a b"), "cassandra_hosts"),
        (Settings(cassandra_hosts="a:1", cassandra_username="me"), "cassandra_password_file"),
        (Settings(cassandra_hosts="a:1", cassandra_username="me", cassandra_password_file="/nowhere/x"), "cannot be read"),
        (Settings(cassandra_hosts="a:1", cassandra_ca_file="/nowhere/x"), "cassandra_ca_file /nowhere/x: cannot be read"),
    ],
)
def test_settings_that_cannot_be_say_what_to_do(settings: Settings, said: str) -> None:
    """Before anybody is called."""
    with pytest.raises(WrongSettings) as caught:
        connection.reach(settings)

    assert said in str(caught.value)


def test_a_certificate_file_that_is_none_is_named(tmp_path: Path) -> None:
    """Its content is not shown."""
    (tmp_path / "ca.pem").write_text("secret")

    with pytest.raises(WrongSettings) as caught:
        connection.reach(Settings(cassandra_hosts="a:1", cassandra_ca_file=str(tmp_path / "ca.pem")))

    assert "cassandra_ca_file" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["Logverse", "1a", "a-b", "a" * 49, "a; DROP KEYSPACE b"])
def test_a_keyspace_is_a_plain_name(name: str) -> None:
    """It is written into statements, so nothing else may be."""
    with pytest.raises(WrongSettings, match="cannot be a keyspace"):
        connection.keyspace(Settings(cassandra_keyspace=name))


def test_nobody_there_is_worth_another_try() -> None:
    """A port that nobody has: in one line, with the way out."""
    with pytest.raises(TryAgain, match=r"no Cassandra answers at 127.0.0.1:1: Connection refused\n  → logverse status"):
        connection.reach(Settings(cassandra_hosts="127.0.0.1:1"))


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (OperationTimedOut({"127.0.0.1:1": "Client request timeout"}), TryAgain, "timeout"),
        (Unavailable("Cannot achieve", 1, 2, 1), TryAgain, "Cannot achieve"),
        (WriteTimeout("Operation timed out", 0), TryAgain, "timed out"),
        (WriteFailure("Replica failed", 0), TryAgain, "Replica failed"),
        (ConnectionShutdown("gone"), TryAgain, "gone"),
        (NoHostAvailable("Unable", {"127.0.0.1:1": ConnectionRefusedError(111, "Connection refused")}), TryAgain, "Connection refused"),
        (NOT_OURS, Refused, "does not let us in: Bad credentials\n  → check cassandra_username"),
        (
            InvalidRequest('Error from server: code=2200 [Invalid query] message="table x does not exist"'),
            Refused,
            "table x does not exist",
        ),
        (struct.error("'H' format requires 0 <= number <= 65535"), Refused, "65535"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_the_driver_s_errors_say_what_to_do_about_them(error: Exception, kind: type[Exception], said: str) -> None:
    """What passes is waited for; what will never be taken is refused with the store's own reason."""
    with pytest.raises(kind) as caught, translating("rows"):
        raise error

    assert said in str(caught.value)
    assert caught.value.__cause__ is error


def test_our_own_mistakes_stay_what_they_are() -> None:
    """A bug is not a row that the store refuses."""
    with pytest.raises(TypeError), translating():
        raise TypeError("unsupported operand")

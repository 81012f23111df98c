"""The embedded Cassandra: how it is configured, and how it is asked whether it is there."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from deploy.local import cql, ports
from deploy.local.home import Home
from deploy.local.servers.cassandra import CASSANDRA, prepare
from logverse.errors import Refused, TryAgain


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    made.make()
    ports.settle(made, CASSANDRA.ports)
    return made


def frame(opcode: int, body: bytes = b"") -> bytes:
    return struct.pack(">BBhBI", 0x84, 0, 0, opcode, len(body)) + body


@contextmanager
def answering(*answers: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """A server that gives these answers, one a request, and closes; its port, and what it was asked."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            line, _ = server.accept()
            with line:
                for answer in answers:
                    asked.append(line.recv(4096))
                    line.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], asked
        thread.join(5)


def test_everything_lies_in_the_home_and_listens_on_loopback(home: Home) -> None:
    """Its folders are the home's, its ports those that were kept, its addresses loopback; nothing runs code that a user sends."""
    prepare(home)

    found = yaml.safe_load((home / "conf" / "cassandra" / "cassandra.yaml").read_text())
    folders = [found[name] for name in ("commitlog_directory", "saved_caches_directory", "hints_directory")] + found[
        "data_file_directories"
    ]
    assert all(Path(folder).is_relative_to(home / "data" / "cassandra") for folder in folders)
    assert (found["listen_address"], found["rpc_address"]) == ("127.0.0.1", "127.0.0.1")
    assert [found["native_transport_port"], found["storage_port"]] == [home.port(name) for name in CASSANDRA.ports]
    assert found["user_defined_functions_enabled"] is False


def test_the_command_opens_no_way_to_manage_it_and_measures_its_memory(home: Home) -> None:
    """No JMX port, for whoever reaches one may run code; the agent is a jar of the lock."""
    said = CASSANDRA.command(home)

    assert not [part for part in said if "jmx.local.port" in part or "jmxremote" in part]
    assert any(part.startswith("-javaagent:") and part.endswith("cassandra/jamm-0.4.0.jar") for part in said)
    assert "-Xmx1g" in said
    assert said[-1] == "org.apache.cassandra.service.CassandraDaemon"


def test_it_is_ready_when_it_answers_a_query() -> None:
    """Asked as the protocol's version 4 has it: first to begin, then for its own row."""
    with answering(frame(cql.READY), frame(cql.RESULT, b"rows")) as (port, asked):
        cql.ask(port, timeout_s=5)

    assert asked[0] == b"\x04\x00\x00\x00\x01\x00\x00\x00\x16\x00\x01\x00\x0bCQL_VERSION\x00\x053.0.0"
    assert asked[1].endswith(b"SELECT key FROM system.local\x00\x01\x00")


@pytest.mark.parametrize(
    ("answers", "kind", "said"),
    [
        ([frame(cql.READY), frame(cql.ERROR, struct.pack(">IH", 0x1002, 13) + b"bootstrapping")], Refused, "Cassandra says: bootstrapping"),
        ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], Refused, "no Cassandra"),
        ([frame(cql.READY)], TryAgain, "nobody answers"),
        ([frame(0x03)], Refused, "0x03 where 0x02"),
    ],
    ids=["an error", "a stranger", "gone meanwhile", "wants a password"],
)
def test_what_does_not_answer_is_not_ready(answers: list[bytes], kind: type[Exception], said: str) -> None:
    """Whoever sits there instead is named, and nothing waits for ever."""
    with answering(*answers) as (port, _), pytest.raises(kind, match=said):
        cql.ask(port, timeout_s=5)


def test_nobody_there_is_worth_another_try() -> None:
    """A port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]

    with pytest.raises(TryAgain, match="nobody answers"):
        cql.ask(port, timeout_s=1)

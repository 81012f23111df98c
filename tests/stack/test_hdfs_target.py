"""The HDFS target on a real NameNode and DataNode, and what it says when one of them is away, a standby or full."""

from __future__ import annotations

import json
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import requests

from deploy.local.servers.hdfs import DATANODE, NAMENODE
from logverse.errors import Refused, TryAgain, WrongSettings
from logverse.settings import Settings
from storage.backup.targets import opened
from storage.backup.targets.target import Target
from tests.contracts.target_contract import TargetContract, content, local, put

from .conftest import wait_until
from .hadoop import Hadoop, running

pytestmark = pytest.mark.stack
UNWRITTEN = "File /a could only be written to 0 of the 1 minReplication nodes."


@pytest.fixture(scope="module")
def hadoop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hadoop]:
    with running(tmp_path_factory.mktemp("h")) as made:
        yield made


def nobody() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        return f"127.0.0.1:{gone.getsockname()[1]}"


@contextmanager
def answering(status: int, exception: str, message: str) -> Iterator[str]:
    """A NameNode that answers every request so."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = json.dumps({"RemoteException": {"exception": exception, "javaClassName": "x", "message": message}}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_DELETE = answer

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class TestHdfs(TargetContract):
    @pytest.fixture
    def target(self, hadoop: Hadoop) -> Iterator[Target]:
        """Behind a NameNode that is dead and one that is a standby."""
        with answering(403, "StandbyException", "Operation category READ is not supported in state standby") as standby:
            made = opened(Settings(hdfs_user="tester"), f"hdfs://{nobody()},{standby},{hadoop.address}/t-{uuid.uuid4().hex}/of/mine")
            yield made
            made.close()


def target_of(hadoop: Hadoop) -> Target:
    return opened(Settings(), f"hdfs://{hadoop.address}/t-{uuid.uuid4().hex}")


def test_only_the_owner_may_read_an_archive(hadoop: Hadoop, tmp_path: Path) -> None:
    """It holds what the logs hold."""
    target = target_of(hadoop)

    put(target, tmp_path, "a/b", b"1")

    base = f"http://{hadoop.address}/webhdfs/v1/{str(target).rpartition('/')[2]}"
    assert requests.get(f"{base}/a/b?op=GETFILESTATUS", timeout=10).json()["FileStatus"]["permission"] == "600"
    assert requests.get(f"{base}/a?op=GETFILESTATUS", timeout=10).json()["FileStatus"]["permission"] == "700"


@pytest.mark.parametrize(
    ("status", "exception", "message", "meant"),
    [
        (403, "StandbyException", "not supported in state standby", TryAgain),
        (403, "SafeModeException", "Cannot create file. Name node is in safe mode.", TryAgain),
        (403, "AccessControlException", "Permission denied: user=x", Refused),
        (403, "DSQuotaExceededException", "The DiskSpace quota is exceeded", Refused),
        (403, "IOException", f"{UNWRITTEN} There are 0 datanode(s) running and 0 node(s) are excluded", TryAgain),
        (403, "IOException", f"{UNWRITTEN} There are 1 datanode(s) running and 1 node(s) are excluded", TryAgain),
        (403, "IOException", f"{UNWRITTEN} There are 1 datanode(s) running and no node(s) are excluded", Refused),
    ],
)  # fmt: skip
def test_a_refusal_says_what_to_do_about_it(tmp_path: Path, status: int, exception: str, message: str, meant: type[Exception]) -> None:
    """What passes by itself is worth another try; what does not, is not; Hadoop's own words are in it."""
    with answering(status, exception, message) as address:
        target = opened(Settings(), f"hdfs://{address}/x")

        with pytest.raises(meant, match=message[:20]) as said:
            target.upload(local(tmp_path, b"1"), "a")

    assert type(said.value) is meant


def test_a_namenode_that_is_away_is_worth_another_try(tmp_path: Path) -> None:
    """Nobody listens at any of the addresses."""
    target = opened(Settings(), f"hdfs://{nobody()},{nobody()}/x")

    with pytest.raises(TryAgain, match="is away"):
        list(target.list())


@pytest.mark.parametrize("url", ["hdfs:///x", "hdfs://namenode/x", "hdfs://me:secret@namenode:9870/x"])
def test_an_address_without_a_port_is_named(url: str) -> None:
    """WebHDFS's port is the cluster's choice; a password does not belong there."""
    with pytest.raises(WrongSettings, match="HTTP-PORT"):
        opened(Settings(), url)


def test_a_stranger_is_told_apart(tmp_path: Path) -> None:
    """What answers without Hadoop's words is no NameNode."""

    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>hello</html>")

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    server = HTTPServer(("127.0.0.1", 0), Stranger)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    with pytest.raises(Refused, match="no WebHDFS"):
        list(opened(Settings(), f"hdfs://127.0.0.1:{server.server_port}/x").list())

    server.shutdown()
    server.server_close()


@pytest.mark.proof
def test_a_datanode_killed_while_it_is_written_to(hadoop: Hadoop, tmp_path: Path) -> None:
    """The upload is worth another try, half of it lies under the temporary name at most; with the DataNode back it is whole."""
    target = target_of(hadoop)
    big = tmp_path / "big"
    big.write_bytes(b"x" * 200_000_000)
    put(target, tmp_path, "before", b"1")
    data = hadoop.home / "data" / "hdfs" / "data"

    def kill_when_half_is_there() -> None:
        wait_until(lambda: any(path.stat().st_size > 20_000_000 for path in data.rglob("blk_*")), "some of it written")
        hadoop.kill(DATANODE)

    killer = threading.Thread(target=kill_when_half_is_there)
    killer.start()
    with pytest.raises(TryAgain):
        target.upload(big, "tmp/a")
    killer.join()
    with pytest.raises(TryAgain):
        target.upload(local(tmp_path, b"2"), "tmp/b")
    hadoop.start(DATANODE)
    target.upload(big, "tmp/a")
    target.publish("tmp/a", "a")

    assert [(one.name, one.bytes) for one in target.list() if not one.name.startswith("tmp/")] == [("a", 200_000_000), ("before", 1)]
    assert content(target, "before") == b"1"


@pytest.mark.proof
def test_a_namenode_that_comes_back_knows_what_was_published(hadoop: Hadoop, tmp_path: Path) -> None:
    """kill -9, away meanwhile, and afterwards every published byte is there."""
    target = target_of(hadoop)
    put(target, tmp_path, "a", b"kept")

    hadoop.kill(NAMENODE)
    with pytest.raises(TryAgain):
        target.publish("tmp/a", "b")
    hadoop.start(NAMENODE)
    wait_until(lambda: hadoop.is_ready(DATANODE), "the DataNode known again")

    assert content(target, "a") == b"kept"


def test_a_target_that_is_full_says_so(hadoop: Hadoop, tmp_path: Path) -> None:
    """A quota on its folder is used up: no other try is made, and what was there before is still whole."""
    target = target_of(hadoop)
    put(target, tmp_path, "a", b"kept")
    _command(hadoop, "-setSpaceQuota", "1m", f"/{str(target).rpartition('/')[2]}")

    with pytest.raises(Refused, match=r"is full|quota"):
        target.upload(local(tmp_path, b"x" * 2_000_000), "tmp/b")

    assert content(target, "a") == b"kept"


def _command(hadoop: Hadoop, *arguments: str) -> None:
    """`hdfs dfsadmin`, which WebHDFS has no words for."""
    import subprocess

    java = NAMENODE.command(hadoop.home)[:-1]
    done = subprocess.run([*java, "org.apache.hadoop.hdfs.tools.DFSAdmin", *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr

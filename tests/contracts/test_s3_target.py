"""The S3 target on a real endpoint of the protocol (moto), and what it says of a bucket that is not there."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from logverse.errors import Refused, TryAgain, WrongSettings
from logverse.settings import Settings
from storage.backup.targets import opened
from storage.backup.targets.target import Target
from tests.contracts.target_contract import TargetContract, local

KEY = "a secret key of nobody"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """An S3 in this process, on a port of its own."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def settings(endpoint: str, tmp_path: Path) -> Settings:
    (tmp_path / "access").write_text("somebody\n")
    (tmp_path / "secret").write_text(f"{KEY}\n")
    return Settings(s3_endpoint=endpoint, s3_access_key_file=str(tmp_path / "access"), s3_secret_key_file=str(tmp_path / "secret"))


@pytest.fixture
def bucket(endpoint: str) -> str:
    name = f"b-{uuid.uuid4().hex[:12]}"
    assert requests.put(f"{endpoint}/{name}", timeout=10).ok
    return name


class TestS3(TargetContract):
    @pytest.fixture(params=["", "/archives/of-mine"])
    def target(self, settings: Settings, bucket: str, request: pytest.FixtureRequest) -> Iterator[Target]:
        made = opened(settings, f"s3://{bucket}{request.param}")
        yield made
        made.close()


def test_a_bucket_that_is_not_there_is_refused(settings: Settings, tmp_path: Path) -> None:
    """It is not made: whoever pays for buckets makes them."""
    target = opened(settings, "s3://no-such-bucket/x")

    with pytest.raises(Refused, match="no-such-bucket"):
        target.upload(local(tmp_path, b"1"), "a")
    with pytest.raises(Refused, match="no-such-bucket"):
        list(target.list())


def test_an_endpoint_that_is_away_is_worth_another_try(settings: Settings, tmp_path: Path) -> None:
    """Nobody listens there; the error names the target and no key."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    target = opened(replace(settings, s3_endpoint=f"http://127.0.0.1:{port}"), "s3://bucket/x")

    with pytest.raises(TryAgain, match="s3://bucket/x") as away:
        target.upload(local(tmp_path, b"1"), "a")

    assert KEY not in f"{away.value}{target!r}"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"backup_target": "s3:///prefix"}, "no bucket"),
        ({"s3_endpoint": "obs.example.com"}, "s3_endpoint"),
        ({"s3_secret_key_file": ""}, "s3_secret_key_file"),
        ({"s3_secret_key_file": "none-such"}, "none-such cannot be read"),
    ],
)
def test_wrong_settings_are_named(settings: Settings, changes: dict[str, str], said: str) -> None:
    """Before anything is asked of the store."""
    with pytest.raises(WrongSettings, match=said):
        opened(
            replace(settings, backup_target="s3://bucket/x", **changes) if "backup_target" not in changes else replace(settings, **changes)
        )

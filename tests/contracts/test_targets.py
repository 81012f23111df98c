"""The targets of TARGETS that need no server, and that each one has its tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from logverse.errors import WrongSettings
from logverse.settings import Settings
from storage.backup.targets import TARGETS, opened
from storage.backup.targets.target import Target
from tests.contracts.target_contract import TargetContract

# Those that need a server take the same tests on it: S3 in test_s3_target.py, HDFS in tests/stack/test_hdfs_target.py.
ON_SERVERS = {"s3", "hdfs"}


class TestTargets(TargetContract):
    @pytest.fixture(params=sorted(TARGETS.keys() - ON_SERVERS))
    def target(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Target]:
        made = opened(Settings(), f"{request.param}://{tmp_path}/archives of mine")
        yield made
        made.close()


def test_a_path_alone_is_a_folder(tmp_path: Path) -> None:
    """The setting needs no scheme for a folder, and what it names may be there already."""
    (tmp_path / "before").write_bytes(b"1")

    target = opened(Settings(backup_target=str(tmp_path)))

    assert [one.name for one in target.list()] == ["before"]


@pytest.mark.parametrize("url", ["", "ftp://host/x", "file://host/x"])
def test_what_cannot_be_a_target(url: str) -> None:
    """Is refused before anything is written, with the setting's name and what it may be."""
    with pytest.raises(WrongSettings, match="backup_target"):
        opened(Settings(backup_target=url))

"""A home is what `up` has made one: nothing is started, swept or deleted in a folder that is somebody else's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from deploy.local import stack
from deploy.local.home import FOLDERS, MARKER, Home
from logverse.cli.main import logverse
from logverse.errors import WrongSettings


def run(home: Path, *arguments: str) -> Exception | None:
    done = CliRunner().invoke(logverse, ["--home", str(home), *arguments], standalone_mode=False)
    return done.exception if isinstance(done.exception, Exception) else None


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    """A project's folder whose own folders happen to have our names, with a file in each."""
    for name in ("data", "logs", "conf", "tmp", "run"):
        (tmp_path / "project" / name).mkdir(parents=True)
        (tmp_path / "project" / name / "precious").write_text("x")
    return tmp_path / "project"


@pytest.mark.parametrize("arguments", [("down", "--wipe", "--yes"), ("down", "--wipe"), ("up",)])
def test_a_folder_that_was_never_a_home_is_refused_untouched(precious: Path, arguments: tuple[str, ...]) -> None:
    """The message names the folder, what in it is not ours, and the way out; every file is still there."""
    before = sorted(precious.rglob("*"))

    error = run(precious, *arguments)

    assert isinstance(error, WrongSettings)
    assert str(precious) in str(error)
    assert "data/" in str(error) and "--home DIR" in error.remedy
    assert sorted(precious.rglob("*")) == before


def test_down_sweeps_nothing_in_a_folder_that_is_no_home(precious: Path) -> None:
    """Not its tmp/ either, and no lock is left in its run/."""
    before = sorted(precious.rglob("*"))

    assert run(precious, "down") is None

    assert sorted(precious.rglob("*")) == before


def test_what_was_made_can_be_made_again_and_wiped(tmp_path: Path) -> None:
    """The marker is the first thing there, so that an `up` that was cut off can be repeated, and the last that goes."""
    home = Home(tmp_path / "home")
    home.make()

    home.make()
    assert {path.name for path in home.path.iterdir()} == {*FOLDERS, MARKER}
    stack.wipe(home)
    stack.wipe(home)

    assert not home.path.exists()


def test_a_home_from_before_the_marker_is_one(tmp_path: Path) -> None:
    """Its ports are those of Kafka and Flink; another program's ports.json proves nothing."""
    (tmp_path / "data").mkdir()
    (tmp_path / "ports.json").write_text(json.dumps({"web": 80}))
    assert Home(tmp_path).foreign() == ["data"]

    (tmp_path / "ports.json").write_text(json.dumps({"kafka": 1, "kafka-controller": 2, "jobmanager": 3, "jobmanager-rpc": 4}))

    assert Home(tmp_path).foreign() == []


def test_a_producer_that_waits_for_the_first_up_does_not_hinder_it(tmp_path: Path) -> None:
    """`produce --detach` writes services/NAME.json before there is a home."""
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "produce-web.json").write_text(json.dumps({"name": "produce-web", "arguments": ["produce", "a.log"]}))

    Home(tmp_path).make()

    assert Home(tmp_path).is_ours


@pytest.mark.parametrize("verb", ["up", "down", "status", "doctor", "logs"])
def test_a_file_is_no_home(tmp_path: Path, verb: str) -> None:
    """One message that names it, no stack trace."""
    (tmp_path / "passwd").write_text("root")

    error = run(tmp_path / "passwd", verb)

    assert isinstance(error, WrongSettings)
    assert str(tmp_path / "passwd") in str(error)


def test_a_count_of_lines_is_at_least_one(tmp_path: Path) -> None:
    """`logs -n -5` is a user's mistake, told as one."""
    Home(tmp_path).make()
    (tmp_path / "logs" / "kafka.log").write_text("one\n")

    assert "x>=1" in str(run(tmp_path, "logs", "kafka", "-n", "-5"))


def test_wiping_itself_looks_before_it_deletes(precious: Path) -> None:
    """Whoever calls it, whatever was asked before."""
    with pytest.raises(WrongSettings, match="not LogVerse's"):
        stack.wipe(Home(precious))

    assert (precious / "data" / "precious").exists()

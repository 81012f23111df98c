"""Where the demo takes place: which homes and files it takes, and what is left of it."""

from __future__ import annotations

import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import pytest

from deploy.local.demo.screen import Screen
from deploy.local.demo.stage import MARKER, Stage, home_of_the_demo
from deploy.local.home import Home
from logverse.errors import Refused, TryAgain, WrongSettings


def screen() -> tuple[Screen, StringIO]:
    out = StringIO()
    return Screen(out, lambda: 0.0), out


def test_the_demo_never_takes_a_home_with_something_of_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a stack in it is refused; an empty one, or one that a demo has used, is taken; by default it has its own."""
    (tmp_path / "mine" / "data").mkdir(parents=True)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / MARKER).touch()

    monkeypatch.setenv("LOGVERSE_HOME", str(tmp_path / "mine"))
    with pytest.raises(WrongSettings, match=r"would be lost\n.*unset LOGVERSE_HOME"):
        home_of_the_demo()

    monkeypatch.setenv("LOGVERSE_HOME", str(tmp_path / "old"))
    assert home_of_the_demo() == Home(tmp_path / "old")
    monkeypatch.delenv("LOGVERSE_HOME")
    assert home_of_the_demo() == Home(Path("~/.logverse-demo").expanduser())


def test_two_demos_do_not_share_a_home(tmp_path: Path) -> None:
    """The second one is told how to have a home of its own, and leaves the first alone."""
    wall, out = screen()

    with (
        Stage(Home(tmp_path), wall).held(),
        pytest.raises(WrongSettings, match="a demo runs here already"),
        Stage(Home(tmp_path), wall).held(),
    ):
        pytest.fail("held twice")

    assert out.getvalue().count("stopping") == 1


def test_a_new_demo_clears_the_old_ones_data_and_keeps_the_configuration(tmp_path: Path) -> None:
    """What people have put there by hand, such as who is told, stays."""
    Home(tmp_path).make()
    for name in ("data/kafka", "demo/usual", "producers"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("alerting.yaml", MARKER, "demo/usual/access.log"):
        (tmp_path / name).touch()

    with Stage(Home(tmp_path), screen()[0]).held():
        left = sorted(path.name for path in tmp_path.iterdir() if not path.is_dir() or any(path.iterdir()))

    assert left == ["alerting.yaml", MARKER, "home.json"]


def test_what_runs_beside_the_demo_ends_with_it(tmp_path: Path) -> None:
    """Whatever happens inside, also an error, no process stays."""
    stage = Stage(Home(tmp_path), screen()[0])

    with pytest.raises(TryAgain), stage.held():
        started = stage.start("demo-usual", "simulate", str(stage.folder / "usual"), "--live")
        raise TryAgain("something else")

    assert started.process.returncode is not None


def test_a_verb_that_ends_badly_is_told_with_its_own_words(tmp_path: Path) -> None:
    """`done` is false while it runs and refuses with the last lines when it failed."""
    stage = Stage(Home(tmp_path), screen()[0])

    with stage.held():
        started = stage.start("demo-submit", "job", "submit", "detect")
        with pytest.raises(Refused, match=r"logverse job submit ended with exit code 2:\n.*no Kafka|no Flink"):
            while not stage.done(started):
                time.sleep(0.05)


@pytest.mark.parametrize("arguments", [["--logs=/none/access.log"], ["--logs"], ["--twice"]])
def test_a_mistake_ends_at_once_with_2_and_no_stack_trace(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is started, and no home is made."""
    monkeypatch.setenv("LOGVERSE_HOME", str(tmp_path / "home"))

    done = subprocess.run([sys.executable, "-m", "deploy.local.demo", *arguments], capture_output=True, text=True, timeout=60)

    assert done.returncode == 2
    assert "error" in done.stderr.lower()
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "home").exists()

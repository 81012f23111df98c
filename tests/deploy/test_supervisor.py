"""Nothing that goes wrong in one part of the supervisor's turn ends the supervisor, or keeps it from the other parts."""

from __future__ import annotations

import errno
import logging
import sys
from pathlib import Path

import pytest

from deploy.local import state, supervisor
from deploy.local.home import Home
from deploy.local.keeper import PROBE_STARTING_MS
from deploy.local.life import DELAYS_MS
from deploy.local.server import Server
from deploy.local.supervisor import Supervisor


class Clock:
    now = 0

    def __call__(self) -> int:
        return self.now


def broken(_: Home) -> list[str]:
    raise OSError(errno.ENOSPC, "No space left on device")


def sleeper(_: Home) -> list[str]:
    return [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.make()
    return made


def watching(home: Home, clock: Clock, monkeypatch: pytest.MonkeyPatch, **commands: object) -> Supervisor:
    """A supervisor of servers with these commands; no services beside them."""
    monkeypatch.setattr(supervisor, "SERVERS", {name: Server(name, command) for name, command in commands.items()})  # type: ignore[arg-type]
    monkeypatch.setattr(supervisor, "BUILT_IN", {})
    return Supervisor(home, 1, clock, clock)


def test_a_start_that_goes_wrong_is_a_death_of_that_server_only(
    home: Home, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is restarted like any other; its neighbour starts; the log says it once, however often it happens."""
    watched = watching(home, clock, monkeypatch, bad=broken, good=sleeper)

    with caplog.at_level(logging.ERROR):
        watched.turn()
        clock.now += DELAYS_MS[0]
        watched.turn()
    seen = state.read(home)
    watched.stop()

    bad, good = seen.process("bad"), seen.process("good")
    assert bad and good
    assert (bad.state, bad.restarts, bad.why) == ("restarting", 2, "OSError: [Errno 28] No space left on device")
    assert good.pid is not None
    errors = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]  # another test may have set our level
    assert errors == ["went wrong step=bad"]


def test_a_state_that_cannot_be_written_ends_nothing(home: Home, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk: the servers are looked after all the same, and the state is written as soon as it can be."""
    watched = watching(home, clock, monkeypatch, good=sleeper)
    with monkeypatch.context() as full:
        full.setattr(state, "write", lambda *_: broken(home))
        watched.turn()

    watched.turn()
    good = state.read(home).process("good")
    watched.stop()

    assert good and good.pid is not None


def test_a_service_file_that_cannot_be_read_keeps_nobody_from_the_servers(
    home: Home, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong before the servers' turn, they have it."""
    watched = watching(home, clock, monkeypatch, good=sleeper)
    monkeypatch.setattr(supervisor, "wanted_services", broken)

    watched.turn()
    good = state.read(home).process("good")
    watched.stop()

    assert good and good.pid is not None


def test_what_no_alert_needs_is_waited_for_by_nobody(home: Home, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that does not even start, and fails for good: the services are started all the same, and jobs may come back."""
    servers = {"good": Server("good", sleeper), "store": Server("store", broken, alert_path=False, gives_up=False)}
    monkeypatch.setattr(supervisor, "SERVERS", servers)
    monkeypatch.setattr(supervisor, "wanted_services", lambda _: {"sink": Server("sink", sleeper, kind="service", alert_path=False)})
    returned: list[bool] = []
    watched = Supervisor(home, 1, clock, clock)
    monkeypatch.setattr(watched._returning, "turn", lambda _, ready: returned.append(ready))

    for _ in range(8):
        watched.turn()
        clock.now += PROBE_STARTING_MS + max(DELAYS_MS)
    seen = state.read(home)
    watched.stop()

    store, sink = seen.process("store"), seen.process("sink")
    assert store and (store.state, store.restarts) == ("failed", 6)
    assert sink and sink.pid is not None
    assert (returned[0], returned[-1]) == (False, True)

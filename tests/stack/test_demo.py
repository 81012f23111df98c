"""The demo itself, as a new user has it: `make demo-once`, and the same on an old log of one's own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import process
from deploy.local.home import Home

DEMO_S = 800  # its own patience with a busy machine, and the way back


def demo(home: Path, *arguments: str) -> str:
    """What `python -m deploy.local.demo` printed; it must end with 0 and leave no process behind."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("LOGVERSE_") or name == "LOGVERSE_CACHE"}
    done = subprocess.run(
        [sys.executable, "-m", "deploy.local.demo", *arguments],
        capture_output=True, text=True, timeout=DEMO_S, env=environ | {"LOGVERSE_HOME": str(home)},
    )  # fmt: skip
    assert done.returncode == 0, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    assert [name for name, _ in process.marked(Home(home))] == []
    return done.stdout


@pytest.mark.proof
@pytest.mark.stack
@pytest.mark.timeout(DEMO_S + 60)
def test_the_demo_shows_an_explained_alert_and_its_end(tmp_path: Path) -> None:
    """From nothing to a critical alert that says how much, of what, since when and with which line, and to its end; no false alarm."""
    said = demo(tmp_path / "home", "--once")

    firing, resolved = said.index("FIRING critical · http-5xx-share · shop"), said.index("RESOLVED http-5xx-share · shop")
    told = said[firing:resolved]
    assert "5xx share of shop is" in told and "(limit 5 %) since" in told and "GET /cart" in told
    assert '"GET /cart HTTP/1.1" 50' in told
    assert "back to" in said[resolved:]
    lines = said[said.index("The lines behind it", resolved) :]
    assert re.search(r"ERROR +http:shop:\S+ +50\d GET /cart ", lines)
    assert "nothing is missing, nothing is doubled" in lines
    assert {line.rpartition("· ")[2] for line in said.splitlines() if line.startswith("FIRING")} == {"shop"}
    assert "\x1b" not in said


@pytest.mark.proof
@pytest.mark.stack
@pytest.mark.timeout(DEMO_S + 60)
def test_an_old_log_is_judged_in_its_own_time(tmp_path: Path) -> None:
    """A log of two years ago, with a fault and some garbage: the alert it would have raised, and a count of every line."""
    simulate = ["simulate", str(tmp_path / "old"), "--service", "shop", "--for", "5m", "--start", "2024-11-21T14:00:00Z",
                "--fault", "error-burst:shop@2m+40s=60%"]  # fmt: skip
    subprocess.run([sys.executable, "-m", "logverse.cli.main", *simulate], check=True, capture_output=True, timeout=120)
    log = tmp_path / "old" / "shop" / "access.log"
    events = log.read_bytes().count(b"\n")
    with log.open("a") as file:
        file.write("no request\n" * 7)

    said = demo(tmp_path / "home", "--once", f"--logs={log}")

    assert f"{events + 7:,} lines read: {events:,} events, 7 dead letters" in said
    assert f"events    {events:,} of {events:,}, 2024-11-21 14:00:0" in said
    assert "2024-11-21 14:02:0" in said[said.index("In the log's own time") :]
    assert "FIRING" not in said

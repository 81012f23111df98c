"""`logverse simulate`: what it understands, what it says when it does not, and what it leaves on disk."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from logverse.cli import simulate as command
from logverse.errors import WrongSettings
from producers.simulator.effects import EFFECTS
from producers.simulator.episodes import KINDS, Episode, read_episode

NOON = 1_795_262_400_000  # 2026-11-21T12:00:00Z
MINUTE = 60_000


@pytest.fixture(autouse=True)
def _signals_as_they_were() -> Iterator[None]:
    """The command takes Ctrl-C for itself; pytest wants it back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("error-burst", "not KIND:SERVICE"),
        ("eror-burst:web@0+45s", "no kind 'eror-burst'\n  → did you mean error-burst"),
        ("deploy:web@0+45s", "no kind 'deploy'\n  → deploy belongs to --benign"),
        ("silence:wep@0+45s", "no service 'wep'\n  → did you mean web"),
        ("silence:web/pai@0+45s", "no route '/pai'\n  → did you mean /pay"),
        ("silence:web@soon+45s", "start is 'soon'"),
        ("silence:web@0+45", "duration is '45'"),
        ("silence:web@0+0", "duration is nothing"),
        ("silence:web@0+45s=3x", "magnitude is '3x'\n  → silence takes a share: 0.4 or 40%"),
        ("silence:web@0+45s=140%", "magnitude '140%' is out of range"),
        ("latency-shift:web@0+45s=40%", "magnitude is '40%'\n  → latency-shift takes a factor"),
        ("latency-shift:web@0+45s=1", "magnitude '1' is out of range"),
    ],
)
def test_wrong_fault_is_told_with_the_way_out(text: str, complaint: str) -> None:
    """What cannot be read names the flag, the part of it, and what would work."""
    with pytest.raises(WrongSettings) as error:
        read_episode(text, "--fault", False, NOON, {"web": ["/", "/pay"]})

    assert str(error.value).startswith(f"--fault {text}: ")
    assert complaint in str(error.value)


def test_fault_is_read_as_written() -> None:
    """A fault's start counts from the simulation's, a percentage is a share."""
    episode = read_episode("error-burst:web/pay@2m+45s=40%", "--fault", False, NOON, {"web": ["/", "/pay"]})

    assert episode == Episode("error-burst", "web", NOON + 2 * MINUTE, NOON + 2 * MINUTE + 45_000, 0.4, "/pay")


def test_help_names_every_kind() -> None:
    """Whoever reads --help knows all kinds and their usual magnitude; every kind does something."""
    told = CliRunner().invoke(command.simulate, ["--help"]).output

    for kind, about in KINDS.items():
        usual = f"share, {about.usual:.0%}" if about.unit == "share" else f"factor, {about.usual:g}x"
        assert re.search(rf"^\s+{kind} .*{usual}$", told, re.MULTILINE), kind
    assert set(EFFECTS) < set(KINDS)


def test_command_writes_what_it_reports(tmp_path: Path) -> None:
    """`logverse simulate` makes one log a service, says how many lines, and can be scripted."""
    arguments = [str(tmp_path / "logs"), "--for", "1m", "--start", "2026-11-21T12:00:00Z", "--service", "web", "--service", "billing"]

    result = CliRunner().invoke(command.simulate, [*arguments, "--fault", "silence:billing@0+1m", "-o", "json"])

    answer = orjson.loads(result.stdout)
    assert answer["lines"] == len((tmp_path / "logs/web/access.log").read_text().splitlines()) > 1000
    assert (tmp_path / "logs/billing/access.log").read_text() == ""
    assert answer["labels"] == str(tmp_path / "logs/labels.json")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--for", "1m", "--fault", "silence:web@30s+45s"], "ends after the simulation"),
        (["--for", "0"], "nothing would be written"),
        (["--rate", "0"], "--rate 0: out of range"),
        (["--start", "yesterday"], "--start yesterday: not a time in UTC"),
        (["--service", "../etc"], "becomes a folder's name"),
        (["--fault", "silent-host:web@0+1m"], "there is but one host\n  → --hosts 3"),
        (["--fault", "brute-force:web/login@0+1m"], "brute-force is not of a route"),
    ],
)
def test_wrong_arguments_write_nothing(tmp_path: Path, arguments: list[str], complaint: str) -> None:
    """A mistake is named before a file is made."""
    result = CliRunner().invoke(command.simulate, [str(tmp_path / "logs"), *arguments])

    assert isinstance(result.exception, WrongSettings)
    assert complaint in str(result.exception)
    assert not (tmp_path / "logs").exists()

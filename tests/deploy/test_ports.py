"""Ports are chosen once, kept, and given up only to a stranger."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from deploy.local import ports
from deploy.local.home import Home, read_json
from logverse.errors import TryAgain


def test_kept_ports_stay() -> None:
    """What was chosen once is chosen again, so addresses outlive a crash and a reboot."""
    chosen, moved = ports.choose(["kafka", "jobmanager"], {"kafka": 1, "jobmanager": 2}, free=lambda port: True, draw=lambda: 9)

    assert (chosen, moved) == ({"kafka": 1, "jobmanager": 2}, [])


def test_a_port_a_stranger_took_is_chosen_anew_and_named() -> None:
    """Only the use whose port is taken moves; the new port is free and nobody else's."""
    drawn = iter([2, 5, 7])

    chosen, moved = ports.choose(
        ["kafka", "jobmanager"], {"kafka": 1, "jobmanager": 2}, free=lambda p: p not in (1, 5), draw=lambda: next(drawn)
    )

    assert (chosen, moved) == ({"kafka": 7, "jobmanager": 2}, ["kafka"])


def test_no_two_uses_get_the_same_port() -> None:
    """A draw that was given to one use is not given to the next."""
    drawn = iter([4, 4, 4, 6])

    chosen, moved = ports.choose(["kafka", "jobmanager"], {}, free=lambda port: True, draw=lambda: next(drawn))

    assert (chosen, moved) == ({"kafka": 4, "jobmanager": 6}, [])


def test_a_machine_without_a_free_port_says_so() -> None:
    """The search ends, with a reason."""
    with pytest.raises(TryAgain, match="no free port"):
        ports.choose(["kafka"], {}, free=lambda port: False)


def test_a_home_keeps_its_ports_and_names_the_stranger(tmp_path: Path) -> None:
    """On a real socket: the second look keeps the ports; while another program listens on one, that one moves."""
    home = Home(tmp_path)
    assert ports.settle(home, ["kafka", "jobmanager"]) == []
    first = read_json(home / "ports.json")
    assert ports.settle(home, ["kafka", "jobmanager"]) == []
    assert read_json(home / "ports.json") == first

    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", first["kafka"]))
        stranger.listen()
        said = ports.settle(home, ["kafka", "jobmanager"])

    now = read_json(home / "ports.json")
    assert now["kafka"] != first["kafka"]
    assert now["jobmanager"] == first["jobmanager"]
    assert said == [f"port {first['kafka']} (kafka) is taken by another program now; kafka moves to {now['kafka']}"]
